"""Metrics of the benchmarks, as LaMP's official code has them: strip, exact match, anything else is wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from personaopt.errors import ConfigurationError, DataError

PROBABILITY_FLOOR = 1e-12


def classification(predictions: Sequence[str], golds: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Accuracy and macro-F1 as LaMP's evaluation has them (arXiv 2304.11406).

    Both sides are stripped, a prediction that is not exactly a label is wrong, and F1 is the mean over the whole label
    list: a label that neither side has scores 0.

    Args:
        predictions: What was answered, one for each question; empty where nothing was.
        golds: What the user chose, in the same order.
        labels: Every allowed answer.

    Returns:
        `accuracy` and `f1`.

    Raises:
        DataError: The two differ in length or are empty, or a gold answer is not one of the labels.
    """
    from sklearn.metrics import accuracy_score, f1_score

    _check(golds, predictions)
    position = {label: index for index, label in enumerate(labels)}
    unknown = sorted({gold for gold in golds if gold.strip() not in position})
    if unknown:
        raise DataError(f"The gold answer {unknown[0]!r} is not one of {', '.join(labels)}.")
    truth = [position[gold.strip()] for gold in golds]
    answers = [position.get(prediction.strip(), -1) for prediction in predictions]
    f1 = f1_score(truth, answers, labels=list(range(len(position))), average="macro", zero_division=0)
    return {"accuracy": float(accuracy_score(truth, answers)), "f1": float(f1)}


def rating(predictions: Sequence[str | float], golds: Sequence[str | float]) -> dict[str, float]:
    """Mean absolute error, and root of the mean squared error, of ratings from 1 to 5 (see `rating_error`).

    Args:
        predictions: What was answered, one for each question; empty where nothing was.
        golds: What the user gave, in the same order.

    Returns:
        `mae` and `rmse`.

    Raises:
        DataError: The two differ in length or are empty, or a gold answer is no number.
    """
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error

    _check(golds, predictions)
    truth = [_number(gold) for gold in golds]
    if None in truth:
        raise DataError(f"The gold rating {golds[truth.index(None)]!r} is not a number.")
    errors = [rating_error(prediction, gold) for prediction, gold in zip(predictions, golds, strict=True)]
    nothing = [0.0] * len(errors)
    return {
        "mae": float(mean_absolute_error(nothing, errors)),
        "rmse": float(root_mean_squared_error(nothing, errors)),
    }


def rating_error(prediction: str | float, gold: str | float) -> float:
    """The signed error of one rating: unclipped, and what is no number counts as the farther of 1 and 5, as in LaMP.

    Raises:
        DataError: The gold rating is no number.
    """
    truth, value = _number(gold), _number(prediction)
    if truth is None:
        raise DataError(f"The gold rating {gold!r} is not a number.")
    if value is None:
        value = 1.0 if abs(truth - 1.0) > abs(truth - 5.0) else 5.0
    return value - truth


def nll(gold: str, probabilities: Mapping[str, float]) -> float:
    """The negative natural logarithm of the gold answer's probability, which is floored at 1e-12 and 0 if missing."""
    probability = float(probabilities.get(gold, 0.0))
    if not 0.0 <= probability <= 1.0 + 1e-6:
        raise DataError(f"The probability of {gold!r} must lie in [0, 1]; it is {probability}.")
    return -math.log(min(max(probability, PROBABILITY_FLOOR), 1.0))


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


def rouge(predictions: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
    """Mean ROUGE-1 and ROUGE-L: F1 of each stripped text, no stemming, as in LaMP.

    LaMP's code prints the middle of a bootstrap of this mean, which is drawn anew each time; this is the mean itself.

    Args:
        predictions: What was written, one for each question; empty where nothing was.
        golds: What the user really wrote, in the same order.

    Returns:
        `rouge_1` and `rouge_l`.

    Raises:
        DataError: The two differ in length or are empty.
    """
    from rouge_score.rouge_scorer import RougeScorer

    _check(golds, predictions)
    scorer = RougeScorer(["rouge1", "rougeL"], use_stemmer=False)
    scores = [scorer.score(gold.strip(), text.strip()) for text, gold in zip(predictions, golds, strict=True)]
    return {
        "rouge_1": math.fsum(score["rouge1"].fmeasure for score in scores) / len(scores),
        "rouge_l": math.fsum(score["rougeL"].fmeasure for score in scores) / len(scores),
    }


def _check(golds: Sequence[object], predictions: Sequence[object]) -> None:
    if len(golds) != len(predictions) or not golds:
        raise DataError(
            f"A metric needs one prediction for each gold answer; it got {len(predictions)} for {len(golds)}."
        )


def _number(value: str | float) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
