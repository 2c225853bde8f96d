"""What can be answered without a language model, from a user's history alone.

The probabilities are those an agent's calibration uses too; they live in `personaopt.memory.priors`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from personaopt.errors import ConfigurationError, DataError
from personaopt.memory.priors import label_frequencies, neighbour_vote, recent_label_frequencies

__all__ = ["label_frequencies", "most_frequent", "nearest_response", "neighbour_vote", "recent_label_frequencies"]


def most_frequent(history: Sequence[str], k: int = 1) -> list[str]:
    """The k labels the user chose most, the most frequent first; of equally frequent ones the more recent first.

    Raises:
        ConfigurationError: `k` is negative.
    """
    if k < 0:
        raise ConfigurationError(f"The number of labels cannot be negative; it is {k}.")
    counts = Counter(history)
    last = {label: position for position, label in enumerate(history)}
    return sorted(counts, key=lambda label: (-counts[label], -last[label]))[:k]


def nearest_response(similarities: Sequence[float], responses: Sequence[str]) -> str:
    """What the user said to the most similar earlier item; of equally similar ones the last.

    Args:
        similarities: Of each earlier item to the new one, oldest first.
        responses: What the user said to each of them.

    Raises:
        DataError: The two differ in length or are empty.
    """
    if len(similarities) != len(responses) or not responses:
        raise DataError(f"There are {len(similarities)} similarities for {len(responses)} responses; give one each.")
    return responses[max(range(len(responses)), key=lambda position: (similarities[position], position))]
