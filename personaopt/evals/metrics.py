"""Metrics of the benchmarks, as LaMP's official code has them: strip, exact match, anything else is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from personaopt.errors import ConfigurationError, DataError

PROBABILITY_FLOOR = 1e-12


def accuracy(golds: Sequence[str], predictions: Sequence[str]) -> float:
    """The share of predictions that equal their gold answer after stripping."""
    _check(golds, predictions)
    return sum(gold.strip() == prediction.strip() for gold, prediction in zip(golds, predictions, strict=True)) / len(
        golds
    )


def macro_f1(golds: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> float:
    """The mean F1 over the whole label list; a label that neither side has scores 0, as in LaMP."""
    from sklearn.metrics import f1_score

    _check(golds, predictions)
    position = {label: index for index, label in enumerate(labels)}
    unknown = sorted({gold for gold in golds if gold.strip() not in position})
    if unknown:
        raise DataError(f"The gold answer {unknown[0]!r} is not one of {', '.join(labels)}.")
    truth = [position[gold.strip()] for gold in golds]
    answers = [position.get(prediction.strip(), -1) for prediction in predictions]
    return float(f1_score(truth, answers, labels=list(range(len(labels))), average="macro", zero_division=0))


def rating_error(gold: str | float, prediction: str | float) -> float:
    """The signed error of one rating: unclipped, and what is no number counts as the farther of 1 and 5."""
    truth = float(gold)
    try:
        value = float(prediction)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        value = 1.0 if abs(truth - 1.0) > abs(truth - 5.0) else 5.0
    return value - truth


def mae(golds: Sequence[str | float], predictions: Sequence[str | float]) -> float:
    """Mean absolute error of ratings (see `rating_error`)."""
    from sklearn.metrics import mean_absolute_error

    truth, values = _ratings(golds, predictions)
    return float(mean_absolute_error(truth, values))


def rmse(golds: Sequence[str | float], predictions: Sequence[str | float]) -> float:
    """Root of the mean squared error of ratings (see `rating_error`)."""
    from sklearn.metrics import root_mean_squared_error

    truth, values = _ratings(golds, predictions)
    return float(root_mean_squared_error(truth, values))


def nll(gold: str, probabilities: Mapping[str, float]) -> float:
    """The negative natural logarithm of the gold answer's probability, which is floored at 1e-12 and 0 if missing."""
    probability = float(probabilities.get(gold, 0.0))
    if not 0.0 <= probability <= 1.0 + 1e-6:
        raise DataError(f"The probability of {gold!r} must lie in [0, 1]; it is {probability}.")
    return -math.log(min(max(probability, PROBABILITY_FLOOR), 1.0))


def mean_nll(golds: Sequence[str], probabilities: Sequence[Mapping[str, float]]) -> float:
    """The mean of `nll`."""
    _check(golds, probabilities)
    return math.fsum(nll(gold, each) for gold, each in zip(golds, probabilities, strict=True)) / len(golds)


def expected_calibration_error(
    golds: Sequence[str], probabilities: Sequence[Mapping[str, float]], bins: int = 10
) -> float:
    """How far the probability of the most probable answer is from how often it is right.

    Predictions are put into bins of equal width by that probability; the gaps between a bin's mean probability and
    its accuracy are averaged, weighted by the bins' sizes.
    """
    _check(golds, probabilities)
    if bins < 1:
        raise ConfigurationError(f"The number of bins is at least 1; it is {bins}.")
    if not all(probabilities):
        raise DataError("A prediction has no probabilities.")
    chosen = [max(each, key=each.__getitem__) for each in probabilities]
    confidence = np.array([each[label] for each, label in zip(probabilities, chosen, strict=True)], dtype=float)
    right = np.array([gold == label for gold, label in zip(golds, chosen, strict=True)], dtype=float)
    # Bins are open on the left: a probability of exactly 0.5 belongs to (0.4, 0.5].
    position = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(position, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(golds))


def rouge(gold: str, prediction: str) -> dict[str, float]:
    """ROUGE-1 and ROUGE-L (F1, no stemming, as in LaMP) of one text, under `rouge_1` and `rouge_l`."""
    from rouge_score.rouge_scorer import RougeScorer

    scores = RougeScorer(["rouge1", "rougeL"], use_stemmer=False).score(gold.strip(), prediction.strip())
    return {"rouge_1": float(scores["rouge1"].fmeasure), "rouge_l": float(scores["rougeL"].fmeasure)}


def rouge_1(golds: Sequence[str], predictions: Sequence[str]) -> float:
    """The mean ROUGE-1."""
    _check(golds, predictions)
    return math.fsum(rouge(gold, text)["rouge_1"] for gold, text in zip(golds, predictions, strict=True)) / len(golds)


def rouge_l(golds: Sequence[str], predictions: Sequence[str]) -> float:
    """The mean ROUGE-L."""
    _check(golds, predictions)
    return math.fsum(rouge(gold, text)["rouge_l"] for gold, text in zip(golds, predictions, strict=True)) / len(golds)


def _check(golds: Sequence[object], predictions: Sequence[object]) -> None:
    if len(golds) != len(predictions) or not golds:
        raise DataError(
            f"A metric needs one prediction for each gold answer; it got {len(predictions)} for {len(golds)}."
        )


def _ratings(golds: Sequence[str | float], predictions: Sequence[str | float]) -> tuple[list[float], list[float]]:
    _check(golds, predictions)
    truth = [float(gold) for gold in golds]
    return truth, [
        value + rating_error(value, prediction) for value, prediction in zip(truth, predictions, strict=True)
    ]
