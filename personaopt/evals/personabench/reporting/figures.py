"""The figures of one method: what it was worth, how sure that is, and what it cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.personabench.reporting.measures import MEASURES, Measure
from personaopt.evals.personabench.reporting.selection import Cell, Section, by_persona
from personaopt.evals.personabench.rows import ROLES, Row
from personaopt.evals.statistics import Interval, bootstrap_mean, with_width


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the LM calls of one role cost, on average of a session.

    Attributes:
        calls: LM calls.
        input_tokens: Read.
        output_tokens: Written.
        seconds: Of waiting.
        usd: Their price; None where it is not known of all.
    """

    calls: float
    input_tokens: float
    output_tokens: float
    seconds: float
    usd: float | None

    @property
    def tokens(self) -> float:
        """Read and written."""
        return self.input_tokens + self.output_tokens

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return dataclasses.asdict(self) | {"tokens": self.tokens}


@dataclasses.dataclass(frozen=True)
class Figures:
    """One method with one language model.

    Attributes:
        of: Every measure with its interval over personas; None where nothing is known of it. `n` is of sessions.
        personas: How many have a session that did not fail.
        sessions: How many did not fail.
        failed: How many failed; they are left out of all figures.
        ends: How many sittings have come to their last session, those that figures after it are taken from.
        sittings: How many have been begun.
        seeds: Of how many runs.
        unread: Replies of the judge that could not be read; what they were to judge is left out.
        refused: Calls of functions that were refused, on average of a session.
        costs: Of each role.
        seconds: Of a session, the judge's time left out.
    """

    of: Mapping[str, Interval | None]
    personas: int
    sessions: int
    failed: int
    ends: int
    sittings: int
    seeds: int
    unread: int
    refused: float
    costs: Mapping[str, Cost]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The method's figures as JSON values; what was not measured is null."""
        answering, learning = self.costs["answering"], self.costs["learning"]
        return {
            **{name: interval.mean if interval else None for name, interval in self.of.items()},
            "n": self.sessions,
            "personas": self.personas,
            "ci": {name: [each.low, each.high] if each else None for name, each in self.of.items()},
            "counted": {name: {"personas": each.n_users, "sessions": each.n} for name, each in self.of.items() if each},
            "calls": answering.calls + learning.calls,
            "tokens": answering.tokens + learning.tokens,
            "seconds": self.seconds,
            **{role: cost.to_dict() for role, cost in self.costs.items()},
            "calls_refused": self.refused,
            "failed": self.failed,
            "ends": self.ends,
            "sittings": self.sittings,
            "seeds": self.seeds,
            "unread": self.unread,
        }


def figures(section: Section, method: str) -> Figures:
    """The figures of a method that has rows."""
    cell = section.cells[method]
    held = [row for row in cell if not row.error]
    return Figures(
        of={measure.name: interval(rows_of(section, method, measure), measure) for measure in MEASURES},
        personas=len({row.persona for row in held}),
        sessions=len(held),
        failed=len(cell) - len(held),
        ends=len(section.ended[method]),
        sittings=len({(row.persona, row.seed) for row in cell}),
        seeds=len({row.seed for row in cell}),
        unread=sum(row.unread for row in cell),
        refused=_mean(held, lambda row: row.calls_refused),
        costs={role: _cost(held, role) for role in ROLES},
        seconds=_mean(held, lambda row: row.seconds),
    )


def rows_of(section: Section, method: str, measure: Measure) -> Cell:
    """The rows of a method that a measure is taken from."""
    return section.ended[method] if measure.at_end else section.cells[method]


def interval(rows: Iterable[Row], measure: Measure, resamples: int = 10_000) -> Interval | None:
    """The mean over personas of their own means, with its interval over personas; None where nothing is known."""
    known = by_persona(rows, measure.value)
    if not known:
        return None
    found = bootstrap_mean({persona: [mean(values)] for persona, values in known.items()}, resamples=resamples)
    found = dataclasses.replace(found, n=sum(map(len, known.values())))
    return with_width(found) if measure.counted else found


def mean(values: Sequence[float]) -> float:
    """Of at least one value."""
    return math.fsum(values) / len(values)


def _cost(rows: Sequence[Row], role: str) -> Cost:
    spent = [getattr(row, role) for row in rows]
    named = {
        name: _mean(spent, lambda each, name=name: getattr(each, name))  # type: ignore[misc]
        for name in ("calls", "input_tokens", "output_tokens", "seconds")
    }
    prices = [each.usd for each in spent]
    usd = None if None in prices else _mean(prices, lambda price: price or 0.0)
    return Cost(**named, usd=usd)


def _mean(of: Sequence[Any], value: Callable[[Any], float]) -> float:
    return mean([value(each) for each in of]) if of else 0.0
