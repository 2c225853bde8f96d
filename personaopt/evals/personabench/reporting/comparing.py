"""Methods compared on the sessions that both held: with golden, and ours with each other one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from personaopt.evals.personabench.reporting.figures import mean, rows_of
from personaopt.evals.personabench.reporting.measures import NAMED, Measure
from personaopt.evals.personabench.reporting.selection import GOLDEN, Cell, Section, by_persona, common
from personaopt.evals.personabench.rows import Row
from personaopt.evals.statistics import Comparison, Interval, bootstrap_mean, bootstrap_ratio, compare, holm, with_width

COMPARED = ("helpfulness", "personalization", "similarity", "field_f1", "utterances", "staleness")
"""The measures in which ours is compared with each other method."""


@dataclasses.dataclass(frozen=True)
class AgainstGolden:
    """A method beside one that is told who the user is.

    Attributes:
        utterances: Its mean divided by golden's, over all sessions that both held.
        knowable: The same over sessions whose answer had been knowable; None without any.
        win: Part of the first replies judged better than golden's, helpfulness and personalization taken together; None
            where none was judged.
        tie: Part of those judged the same.
        loss: Part of those judged worse.
    """

    utterances: Interval
    knowable: Interval | None
    win: Interval | None = None
    tie: Interval | None = None
    loss: Interval | None = None

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON values; what was not measured is null."""
        names = {"utterances": "utterances_ratio", "knowable": "utterances_ratio_knowable"}
        known = {names.get(field.name, field.name): getattr(self, field.name) for field in dataclasses.fields(self)}
        values: dict[str, Any] = {name: each.mean if each else None for name, each in known.items()}
        values["ci"] = {name: [each.low, each.high] if each else None for name, each in known.items()}
        return values | {"shared_with_golden": self.utterances.n, "judged_with_golden": self.win.n if self.win else 0}


def against_golden(section: Section) -> dict[str, AgainstGolden]:
    """Every method that shares sessions with golden, compared with it; empty where golden did not run."""
    found = {}
    for method, cell in section.cells.items():
        if method == GOLDEN or GOLDEN not in section.cells:
            continue
        mine, theirs = common(cell, section.cells[GOLDEN])
        if (all_sessions := _ratio(mine, theirs, NAMED["utterances"])) is not None:
            knowable = _ratio(mine, theirs, NAMED["utterances_knowable"])
            found[method] = AgainstGolden(all_sessions, knowable, *_wins(mine, theirs))
    return found


def versus(section: Section, ours: str) -> dict[str, dict[str, Comparison]]:
    """Ours less each other method, by measure and method, persona by persona; empty where ours did not run."""
    found: dict[str, dict[str, Comparison]] = {}
    for name in COMPARED if ours in section.cells else ():
        for other in section.cells:
            if other != ours and (compared := _compared(section, ours, other, NAMED[name])) is not None:
                found.setdefault(name, {})[other] = compared
    return found


def corrected(found: Mapping[str, Comparison]) -> dict[str, float]:
    """The p values of one measure's comparisons after Holm's correction."""
    return dict(zip(found, holm([each.p for each in found.values()]), strict=True))


def _compared(section: Section, ours: str, other: str, measure: Measure) -> Comparison | None:
    mine, theirs = common(rows_of(section, ours, measure), rows_of(section, other, measure))
    pairs = [
        (row, a - b)
        for row, its in zip(mine, theirs, strict=True)
        if (a := measure.value(row)) is not None and (b := measure.value(its)) is not None
    ]
    differences: dict[str, list[float]] = {}
    for row, difference in pairs:
        differences.setdefault(row.persona, []).append(difference)
    if not differences:
        return None
    found = compare({persona: [mean(values)] for persona, values in differences.items()})
    return dataclasses.replace(found, difference=dataclasses.replace(found.difference, n=len(pairs)))


def _ratio(mine: Cell, theirs: Cell, measure: Measure) -> Interval | None:
    above, below = by_persona(mine, measure.value), by_persona(theirs, measure.value)
    if not above:
        return None
    found = bootstrap_ratio(
        {persona: mean(values) for persona, values in above.items()},
        {persona: mean(values) for persona, values in below.items()},
    )
    return dataclasses.replace(found, n=sum(map(len, above.values())))


def _wins(mine: Cell, theirs: Cell) -> tuple[Interval | None, Interval | None, Interval | None]:
    """How often a first reply was judged better than golden's, the same, and worse."""
    leads: dict[str, list[float]] = {}
    for row, its in zip(mine, theirs, strict=True):
        scores = (_judged(row), _judged(its))
        if None not in scores:
            leads.setdefault(row.persona, []).append((scores[0] or 0.0) - (scores[1] or 0.0))
    if not leads:
        return None, None, None
    n = sum(map(len, leads.values()))

    def part(of: Any) -> Interval:
        parts = {persona: [mean([float(of(lead)) for lead in values])] for persona, values in leads.items()}
        return with_width(dataclasses.replace(bootstrap_mean(parts), n=n))

    return part(lambda lead: lead > 0), part(lambda lead: lead == 0), part(lambda lead: lead < 0)


def _judged(row: Row) -> float | None:
    if row.helpfulness is None or row.personalization is None:
        return None
    return row.helpfulness + row.personalization
