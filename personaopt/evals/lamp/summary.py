"""All that a report says of one task, computed once: its tables, plots and `summary.json` read from here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.lamp.comparing import Scaled, Versus, best_of, scaled, versus
from personaopt.evals.lamp.figures import Figures, figures
from personaopt.evals.lamp.personas import STUDIED, Studied, learnt, studied
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import ABLATIONS, BASELINES, OURS, Section, sections
from personaopt.evals.tasks.task import Task

_ABLATION_STUDIES = ("ablation", "main")


@dataclasses.dataclass(frozen=True)
class Standing:
    """Methods with one language model, and our method against each of them.

    Attributes:
        lm: The language model.
        cells: The figures of each method that ran.
        versus: Ours less each other one; empty where ours did not run.
        best_baseline: Which baseline comes nearest to ours or is farthest ahead; empty where none was compared.
    """

    lm: str
    cells: Mapping[str, Figures]
    versus: Mapping[str, Versus]
    best_baseline: str = ""


@dataclasses.dataclass(frozen=True)
class TaskSummary:
    """What a report says of one task on one data set.

    Attributes:
        section: Its rows.
        main: All methods, a standing for each language model, the first of the file first.
        ablations: Our method and it without a part, a standing for each language model that has any.
        curves: Of the scaling studies and of the cold start.
        personas: In figures, of each method that aligns one, with the first language model.
    """

    section: Section
    main: tuple[Standing, ...]
    ablations: tuple[Standing, ...]
    curves: tuple[Scaled, ...]
    personas: Mapping[str, Studied]

    def method_to_dict(self, method: str) -> dict[str, Any]:
        """One method's part of `summary.json`: the first language model's cell, and all else that is known of it."""
        first, *others = self.main
        measure = self.section.measure
        values: dict[str, Any] = first.cells[method].to_dict() if method in first.cells else {}
        values |= {"data": self.section.data, "called": self.section.title, "lm": first.lm}
        if method == OURS:
            values["versus"] = {name: each.to_dict(measure.first) for name, each in first.versus.items()}
            values["best_baseline"] = first.best_baseline or None
            values["without"] = {
                name: each.to_dict(measure.first)
                for standing in self.ablations
                if standing.lm == first.lm
                for name, each in standing.versus.items()
            }
        if method in self.personas:
            values["personas"] = self.personas[method].to_dict()
        if further := {each.lm: each.cells[method].to_dict() for each in others if method in each.cells}:
            values["other_lms"] = further
        if curves := [_curve_to_dict(each) for each in self.curves if each.curve.method == method]:
            values["curves"] = curves
        return values

    @property
    def methods(self) -> list[str]:
        """Every method that has a figure anywhere, in the order of the tables."""
        named = [name for standing in self.main for name in standing.cells]
        return list(dict.fromkeys([*named, *(each.curve.method for each in self.curves)]))


def summaries(rows: Iterable[Row], tasks: Sequence[Task] = ()) -> list[TaskSummary]:
    """The summary of every task and data set that has rows.

    Args:
        rows: Of the run.
        tasks: Those that are not the benchmark's own.
    """
    return [_summary(section) for section in sections(rows, tasks)]


def to_dict(found: Sequence[TaskSummary]) -> dict[str, Any]:
    """`summary.json`: by task and method. Of several data sets of one task the first is the task's own.

    The other ones stand inside its methods, under `other_data`.
    """
    tasks: dict[str, Any] = {}
    for summary in found:
        methods = {method: summary.method_to_dict(method) for method in summary.methods}
        if summary.section.task not in tasks:
            tasks[summary.section.task] = methods
            continue
        for method, values in methods.items():
            own = tasks[summary.section.task].setdefault(method, {})
            own.setdefault("other_data", {})[summary.section.data] = values
    return tasks


def _summary(section: Section) -> TaskSummary:
    main = tuple(_standing(section, lm) for lm in section.lms)
    ablations = tuple(each for lm in section.lms if (each := _ablation(section, lm)) is not None)
    curves = tuple(scaled(curve, section.measure) for curve in section.curves())
    personas = {method: studied(found) for method in STUDIED if (found := learnt(section, method))}
    return TaskSummary(section, main, ablations, curves, personas)


def _standing(section: Section, lm: str) -> Standing:
    cells = {method: section.cell(method, lm) for method in section.methods(lm)}
    found = {method: figures(cell, section.measure) for method, cell in cells.items()}
    others = {method: cell for method, cell in cells.items() if method not in (OURS, *ABLATIONS)}
    compared = versus(section, cells[OURS], others) if OURS in cells else {}
    return Standing(lm, found, compared, best_of(compared, BASELINES, section.measure))


def _ablation(section: Section, lm: str) -> Standing | None:
    cells = {
        method: cell for method in (OURS, *ABLATIONS) if (cell := section.cell(method, lm, studies=_ABLATION_STUDIES))
    }
    if not set(cells) & set(ABLATIONS):
        return None
    found = {method: figures(cell, section.measure) for method, cell in cells.items()}
    others = {method: cell for method, cell in cells.items() if method != OURS}
    return Standing(lm, found, versus(section, cells[OURS], others) if OURS in cells else {})


def _curve_to_dict(each: Scaled) -> dict[str, Any]:
    fixed = {name: value for name, value in dataclasses.asdict(each.curve.fixed).items() if value}
    return {"dimension": each.curve.dimension, "lm": each.curve.lm or None, "fixed": fixed, **each.to_dict()}
