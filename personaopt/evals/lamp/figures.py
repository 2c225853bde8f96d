"""The figures of one cell: what a method's answers were worth, how sure that is, and what they cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.lamp.measures import Measure
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import Cell
from personaopt.evals.metrics import expected_calibration_error, nll
from personaopt.evals.statistics import ByUser, Interval, bootstrap_mean


@dataclasses.dataclass(frozen=True)
class Cost:
    """What was spent, on average of one question or of one user's preparation.

    Attributes:
        n: Over how many it is the mean.
        calls: LM calls.
        tokens: Read and written.
        seconds: Of waiting.
        usd: Their price; None where it is not known of all.
    """

    n: int
    calls: float
    tokens: float
    seconds: float
    usd: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Figures:
    """One cell of a table.

    Attributes:
        first: The figure that methods are compared by, with its interval over users.
        all: The task's figures, by name.
        nll: Negative log-likelihood of the truth, calibrated; None where no probabilities were measured.
        nll_raw: The same as the LM measured it.
        ece: Calibration error of the calibrated probabilities.
        ece_raw: Of the measured ones.
        measured: How many questions have probabilities.
        failed: How many questions have no answer; they count as wrong.
        seeds: Of how many runs.
        cost: Of a question.
        preparation: Of a user; None where nothing was prepared.
    """

    first: Interval
    all: Mapping[str, float]
    nll: Interval | None
    nll_raw: float | None
    ece: float | None
    ece_raw: float | None
    measured: int
    failed: int
    seeds: int
    cost: Cost
    preparation: Cost | None

    def to_dict(self) -> dict[str, Any]:
        """The cell as JSON values; what was not measured is null."""
        return {
            "n": self.first.n,
            "users": self.first.n_users,
            **self.all,
            "ci": [self.first.low, self.first.high],
            "nll": self.nll.mean if self.nll else None,
            "calls": self.cost.calls,
            "tokens": self.cost.tokens,
            "seconds": self.cost.seconds,
            "usd": self.cost.usd,
            "nll_ci": [self.nll.low, self.nll.high] if self.nll else None,
            "nll_raw": self.nll_raw,
            "ece": self.ece,
            "ece_raw": self.ece_raw,
            "measured": self.measured,
            "failed": self.failed,
            "seeds": self.seeds,
            "preparation": self.preparation.to_dict() if self.preparation else None,
        }


def figures(cell: Cell, measure: Measure) -> Figures:
    """The figures of a cell that has rows.

    Args:
        cell: The rows.
        measure: How the task is measured.
    """
    rows = list(cell.values())
    calibrated = [(row.gold.strip(), row.probabilities) for row in rows if row.probabilities]
    likely = {asked: row for asked, row in cell.items() if row.probabilities}
    raw = [(row.gold.strip(), row.measured) for row in rows if row.measured]
    return Figures(
        first=bootstrap_mean(by_user(cell, measure.value)),
        all=measure.all(rows),
        nll=bootstrap_mean(by_user(likely, truth_nll)) if likely else None,
        nll_raw=_mean(nll(gold, each) for gold, each in raw),
        ece=_calibration_error(calibrated),
        ece_raw=_calibration_error(raw),
        measured=len(calibrated),
        failed=sum(bool(row.error) for row in rows),
        seeds=len({row.seed for row in rows}),
        cost=_cost([_spent(row) for row in rows], len(rows)),
        preparation=_preparation(rows),
    )


def by_user(cell: Cell, value: Callable[[Row], float]) -> ByUser:
    """A cell's values by user, in the order of the cell."""
    values: dict[str, list[float]] = {}
    for row in cell.values():
        values.setdefault(row.user, []).append(value(row))
    return values


def truth_nll(row: Row) -> float:
    """The negative log-likelihood of a row's truth, which must have probabilities."""
    return nll(row.gold.strip(), row.probabilities or {})


def _spent(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("calls", "input_tokens", "output_tokens", "seconds", "usd")}


def _preparation(rows: Iterable[Row]) -> Cost | None:
    """What a user's preparations cost together, on average; None where there was nothing to prepare."""
    spent = [row.preparation for row in rows if row.preparation]
    if not any(each.get("calls") or each.get("personas") for each in spent):
        return None
    users = len({(row.user, row.seed) for row in rows if row.preparation})
    return _cost(spent, users)


def _cost(spent: Sequence[Mapping[str, Any]], n: int) -> Cost:
    prices = [each.get("usd") for each in spent]
    return Cost(
        n=n,
        calls=sum(each.get("calls", 0) for each in spent) / n,
        tokens=sum(each.get("input_tokens", 0) + each.get("output_tokens", 0) for each in spent) / n,
        seconds=math.fsum(each.get("seconds", 0.0) for each in spent) / n,
        usd=None if None in prices else math.fsum(price for price in prices if price is not None) / n,
    )


def _calibration_error(pairs: Sequence[tuple[str, Mapping[str, float]]]) -> float | None:
    if not pairs:
        return None
    return expected_calibration_error([gold for gold, _ in pairs], [probabilities for _, probabilities in pairs])


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return math.fsum(known) / len(known) if known else None
