"""All that a report says of one language model, computed once: tables, plots and `summary.json` read from here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.personabench.reporting.comparing import AgainstGolden, against_golden, corrected, versus
from personaopt.evals.personabench.reporting.curves import Curve, curves
from personaopt.evals.personabench.reporting.figures import Figures, figures
from personaopt.evals.personabench.reporting.goals import Goal, goals
from personaopt.evals.personabench.reporting.missing import missing
from personaopt.evals.personabench.reporting.selection import OURS, Plan, Section, sections
from personaopt.evals.personabench.rows import Row
from personaopt.evals.statistics import Comparison

TASK = "personabench"
"""What `summary.json` calls the benchmark, as it calls LaMP's tasks by their names."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """One language model's part of a run.

    Attributes:
        section: Its rows.
        cells: The figures of each method that has rows.
        golden: Each method beside golden; empty where golden did not run.
        versus: Ours less each other method, by measure and method; empty where ours did not run.
        curves: By measure.
        goals: Of ours; empty where it did not run.
        missing: What is not there, in sentences.
    """

    section: Section
    cells: Mapping[str, Figures]
    golden: Mapping[str, AgainstGolden]
    versus: Mapping[str, Mapping[str, Comparison]]
    curves: Mapping[str, Sequence[Curve]]
    goals: Mapping[str, Goal]
    missing: Sequence[str]

    def method_to_dict(self, method: str) -> dict[str, Any]:
        """One method's part of `summary.json`."""
        values: dict[str, Any] = self.cells[method].to_dict() | {"lm": self.section.lm}
        if method in self.golden:
            beside = self.golden[method].to_dict()
            values["ci"] |= beside.pop("ci")
            values |= beside
        values["curves"] = {
            name: curve.to_dict() for name, found in self.curves.items() for curve in found if curve.method == method
        }
        if method == OURS:
            values["goals"] = {name: goal.to_dict() for name, goal in self.goals.items()}
            values["versus"] = _versus_to_dict(self.versus)
        return values


def summaries(rows: Iterable[Row], plan: Plan = Plan()) -> list[Summary]:  # noqa: B008 - a value
    """A summary for each language model that has rows.

    Args:
        rows: Of the run.
        plan: What the run was to have.
    """
    return [_summary(section, plan) for section in sections(rows, plan)]


def to_dict(found: Sequence[Summary]) -> dict[str, Any]:
    """`summary.json`: `{"personabench": {method: figures}}`; other language models' stand inside under `other_lms`."""
    methods: dict[str, dict[str, Any]] = {}
    for summary in found:
        for method in summary.cells:
            values = summary.method_to_dict(method)
            if summary is found[0]:
                methods[method] = values
            else:
                methods.setdefault(method, {}).setdefault("other_lms", {})[summary.section.lm] = values
    return {TASK: methods}


def _summary(section: Section, plan: Plan) -> Summary:
    cells = {method: figures(section, method) for method in section.cells}
    golden = against_golden(section)
    return Summary(
        section=section,
        cells=cells,
        golden=golden,
        versus=versus(section, OURS),
        curves=curves(section),
        goals=goals(cells[OURS], golden.get(OURS)) if OURS in cells else {},
        missing=missing(section, cells, plan),
    )


def _versus_to_dict(found: Mapping[str, Mapping[str, Comparison]]) -> dict[str, Any]:
    """By method and measure, as in the other benchmark's summary."""
    values: dict[str, Any] = {}
    for name, by_method in found.items():
        p_values = corrected(by_method)
        for other, comparison in by_method.items():
            values.setdefault(other, {})[name] = comparison.to_dict(p_values[other])
    return values
