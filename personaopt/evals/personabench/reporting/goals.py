"""What our method is to reach, and whether it did: a point, an interval, and no more said than the interval allows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from personaopt.evals.personabench.reporting.comparing import AgainstGolden
from personaopt.evals.personabench.reporting.figures import Figures
from personaopt.evals.statistics import FEW_USERS, Interval

UNRESOLVED: Literal["unresolved"] = "unresolved"


@dataclasses.dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        name: In `summary.json`.
        said: What is to be reached, in words.
        target: The figure.
        at_least: Whether the figure is to be at least the target; at most otherwise.
        reached: The figure with its interval; None where it was not measured.
    """

    name: str
    said: str
    target: float
    at_least: bool
    reached: Interval | None

    @property
    def met(self) -> bool | Literal["unresolved"]:
        """Whether the whole interval lies on one side of the target; of few personas it is never resolved."""
        if self.reached is None or self.reached.n_users < FEW_USERS:
            return UNRESOLVED
        low, high = self.reached.low, self.reached.high
        if (low >= self.target) if self.at_least else (high <= self.target):
            return True
        if (high < self.target) if self.at_least else (low > self.target):
            return False
        return UNRESOLVED

    def to_dict(self) -> dict[str, Any]:
        """The goal as JSON values."""
        reached = self.reached
        return {
            "goal": self.said,
            "target": self.target,
            "point": reached.mean if reached else None,
            "ci": [reached.low, reached.high] if reached else None,
            "personas": reached.n_users if reached else 0,
            "met": self.met,
        }


def goals(cell: Figures, golden: AgainstGolden | None) -> Mapping[str, Goal]:
    """The goals of a method.

    Args:
        cell: Its figures.
        golden: It beside golden; None where golden did not run.
    """
    ratio, knowable = (golden.utterances, golden.knowable) if golden else (None, None)
    found = (
        Goal("field_f1", "field F1 after the last session at least .95", 0.95, True, cell.of["field_f1"]),
        Goal(
            "field_f1_after_change", "field F1 two sessions after a change, of what was said, at least .90", 0.9, True,
            cell.of["field_f1_after_change"],
        ),
        Goal(
            "field_f1_after_change_all", "field F1 two sessions after a change, of all fields, at least .90", 0.9, True,
            cell.of["field_f1_after_change_all"],
        ),
        Goal("staleness", "at most 2 % of first replies stale", 0.02, False, cell.of["staleness"]),
        Goal("utterances", "utterances at most 3 % more than golden's", 1.03, False, ratio),
        Goal(
            "utterances_knowable", "utterances at most 3 % more than golden's, knowable sessions",
            1.03, False, knowable,
        ),
    )  # fmt: skip
    return {goal.name: goal for goal in found}
