"""How often the likeliest answer is right, by how likely it is said to be."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from personaopt.evals.lamp.selection import Cell
from personaopt.evals.statistics import Interval, bootstrap_mean

BINS = 10
_RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Bin:
    """Questions whose likeliest answer has about the same probability.

    Attributes:
        said: Mean of that probability.
        right: How often it is the truth, with its interval over users.
    """

    said: float
    right: Interval


def reliability(cell: Cell) -> tuple[list[Bin], list[Bin]]:
    """The bins of the calibrated and of the measured probabilities that hold anything."""
    calibrated = [(row.user, row.gold, row.probabilities) for row in cell.values() if row.probabilities]
    measured = [(row.user, row.gold, row.measured) for row in cell.values() if row.measured]
    return _bins(calibrated), _bins(measured)


def _bins(answers: list[tuple[str, str, Mapping[str, float]]]) -> list[Bin]:
    held: dict[int, list[tuple[str, float, float]]] = {}
    for user, gold, probabilities in answers:
        likeliest = max(probabilities, key=lambda answer: probabilities[answer])
        said = float(probabilities[likeliest])
        # As in the calibration error: bins are open on the left.
        place = min(max(math.ceil(said * BINS) - 1, 0), BINS - 1)
        held.setdefault(place, []).append((user, said, float(likeliest.strip() == gold.strip())))
    found = []
    for place in sorted(held):
        by_user: dict[str, list[float]] = {}
        for user, _, right in held[place]:
            by_user.setdefault(user, []).append(right)
        said = math.fsum(said for _, said, _ in held[place]) / len(held[place])
        found.append(Bin(said, bootstrap_mean(by_user, resamples=_RESAMPLES)))
    return found
