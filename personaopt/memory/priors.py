"""What a user's history alone says about the next label: pure functions on plain values.

An agent mixes these with what the language model measures, and a benchmark reports them as baselines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from personaopt.errors import ConfigurationError, DataError


def label_frequencies(history: Sequence[str], labels: Sequence[str], add: float = 0.3) -> dict[str, float]:
    """How often the user chose each label, smoothed.

    Args:
        history: The labels the user chose.
        labels: Every label there is; the result has them in this order and sums to 1.
        add: Pseudo-count of every label, above 0, so that no label is impossible.

    Raises:
        DataError: The history holds a label that is not in `labels`.
        ConfigurationError: `labels` is empty or repeats one, or `add` is not above 0.
    """
    return _shares(((label, 1.0) for label in history), labels, add)


def recent_label_frequencies(
    history: Sequence[str], labels: Sequence[str], half_life: float, add: float = 0.3
) -> dict[str, float]:
    """Label frequencies in which a label counts half as much for every `half_life` choices made since.

    Args:
        history: The labels the user chose, oldest first.
        labels: As for `label_frequencies`.
        half_life: In choices, above 0; infinity gives `label_frequencies`.
        add: As for `label_frequencies`; the choices count as many votes as there are effective ones (see
            `neighbour_vote`).

    Raises:
        DataError: The history holds a label that is not in `labels`.
        ConfigurationError: An argument is outside its range.
    """
    if not half_life > 0:
        raise ConfigurationError(f"A half life is above 0 choices; it is {half_life}.")
    weights = [0.5 ** (age / half_life) for age in range(len(history) - 1, -1, -1)]
    return _shares(zip(history, _votes(weights), strict=True), labels, add)


def neighbour_vote(
    similarities: Sequence[float],
    neighbour_labels: Sequence[str],
    labels: Sequence[str],
    sharpness: float = 12.0,
    add: float = 1.0,
    backing: float = 2.0,
) -> dict[str, float]:
    """The labels of earlier items, each counting by how similar its item is to the new one.

    Weights are exp(sharpness * cosine), scaled so that all together count as many votes as there are effective
    neighbours (Kish: the squared sum over the sum of squares). Few effective neighbours back off to how often the user
    chose each label: `backing` further votes are cast by those frequencies. The defaults are the best of those tried on
    tuning users of three tasks.

    Args:
        similarities: Cosine similarity of each neighbour to the new item.
        neighbour_labels: The label the user gave each of them.
        labels: As for `label_frequencies`.
        sharpness: 0 lets all neighbours count alike; larger values favour the most similar.
        add: Pseudo-count of every label in the frequencies that back the vote.
        backing: How many votes those frequencies cast, above 0.

    Raises:
        DataError: The two sequences differ in length, a similarity is not finite, or a label is not in `labels`.
        ConfigurationError: An argument is outside its range.
    """
    if len(similarities) != len(neighbour_labels):
        raise DataError(
            f"There are {len(similarities)} similarities for {len(neighbour_labels)} labels; give one each."
        )
    if not all(math.isfinite(value) for value in similarities):
        raise DataError("A similarity is not a finite number.")
    if not (math.isfinite(sharpness) and sharpness >= 0 and math.isfinite(backing) and backing > 0):
        raise ConfigurationError(
            f"A sharpness is finite and at least 0, a backing finite and above 0; they are {sharpness} and {backing}."
        )
    shares = label_frequencies(neighbour_labels, labels, add)
    nearest = max(similarities, default=0.0)
    weights = [math.exp(sharpness * (float(value) - nearest)) for value in similarities]
    votes = {label: backing * share for label, share in shares.items()}
    for label, vote in zip(neighbour_labels, _votes(weights), strict=True):
        votes[label] += vote
    total = math.fsum(votes.values())
    return {label: vote / total for label, vote in votes.items()}


def _votes(weights: Sequence[float]) -> list[float]:
    """The weights scaled so that they sum to the number of effective choices behind them."""
    if not weights:
        return []
    scale = math.fsum(weights) / math.fsum(weight**2 for weight in weights)
    return [weight * scale for weight in weights]


def _shares(votes: Iterable[tuple[str, float]], labels: Sequence[str], add: float) -> dict[str, float]:
    counts = dict.fromkeys(labels, float(add))
    if not counts or len(counts) != len(labels):
        raise ConfigurationError("The list of labels must hold at least one label, and each only once.")
    if not (math.isfinite(add) and add > 0):
        raise ConfigurationError(f"The pseudo-count of a label is a finite number above 0; it is {add}.")
    for label, weight in votes:
        if label not in counts:
            raise DataError(f"The label {label!r} of the history is not one of {', '.join(labels)}.")
        counts[label] += weight
    total = math.fsum(counts.values())
    return {label: count / total for label, count in counts.items()}
