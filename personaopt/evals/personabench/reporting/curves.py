"""Figures over the sessions of a persona, and over the sessions since a lasting change was said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from personaopt.evals.personabench.reporting.figures import interval
from personaopt.evals.personabench.reporting.measures import NAMED, Measure
from personaopt.evals.personabench.reporting.selection import Section
from personaopt.evals.personabench.rows import Row
from personaopt.evals.statistics import Interval

OVER_SESSIONS = ("field_f1", "field_f1_said", "similarity", "utterances")
"""The measures that are followed from session to session."""
_RARE, _STRETCHES = "staleness", 5  # of single sessions it would be noise: followed over so many stretches of them

SINCE_CHANGE = "since_change"
_RESAMPLES = 2000  # a curve has a hundred points or so


@dataclasses.dataclass(frozen=True)
class Curve:
    """How a method's figure goes on.

    Attributes:
        method: Whose.
        points: The place, from 0, and the mean over the personas that have a value there.
        stretch: How many places a point is of, from its own on; figures of rare things are taken of several.
    """

    method: str
    points: tuple[tuple[int, Interval], ...]
    stretch: int = 1

    def to_dict(self) -> list[dict[str, Any]]:
        """The curve as JSON values."""
        return [
            {
                "at": at,
                "to": at + self.stretch - 1,
                "mean": each.mean,
                "ci": [each.low, each.high],
                "personas": each.n_users,
            }
            for at, each in self.points
        ]


def curves(section: Section) -> dict[str, list[Curve]]:
    """Every curve that has points, by measure; `since_change` is field F1 against what was said, by sessions since."""
    found = {name: _curves(section, NAMED[name], lambda row: row.number) for name in OVER_SESSIONS}
    stretch = -(-section.longest // _STRETCHES)
    found[_RARE] = _curves(section, NAMED[_RARE], lambda row: row.number // stretch * stretch, stretch)
    found[SINCE_CHANGE] = _curves(section, NAMED["field_f1_said"], lambda row: row.since_change)
    return {name: each for name, each in found.items() if each}


def _curves(section: Section, measure: Measure, place: Callable[[Row], int | None], stretch: int = 1) -> list[Curve]:
    found = []
    for method, cell in section.cells.items():
        rows: dict[int, list[Row]] = {}
        for row in cell:
            if (at := place(row)) is not None:
                rows.setdefault(at, []).append(row)
        known = ((at, interval(rows[at], measure, _RESAMPLES)) for at in sorted(rows))
        if points := tuple((at, each) for at, each in known if each is not None):
            found.append(Curve(method, points, stretch))
    return found
