"""Which rows of a run belong together: a task on its data, a method's cell of a table, a curve of a study."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.lamp.measures import Measure, measure_for
from personaopt.evals.lamp.rows import Point, Row
from personaopt.evals.tasks.task import Task

OURS = "personaopt"
BASELINES = ("majority", "knn", "prompt", "icl", "rag", "pag", "react", "membank", "personaagent")
ABLATIONS = ("no-alignment", "no-persona", "no-memory", "no-action")
METHOD_ORDER = (*BASELINES, OURS, *ABLATIONS)

DIMENSIONS: Mapping[str, str] = {"latest": "n", "epochs": "E", "retrieve": "K", "history": "history"}
"""A point's fields and how the paper calls them."""

_USUAL = (Point(), Point(online=True))
_STUDIES = ("main", "ablation", "personas", "scaling", "coldstart")

Asked = tuple[str, str, int]
"""What is answered once in a cell: user, question and seed."""

Cell = Mapping[Asked, Row]
"""The rows of one method at one point, in the order of their keys."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """One method at several values of one setting, all else the same, on the questions that all of them answered.

    Attributes:
        dimension: `n`, `E`, `K`, `history` or `lm`.
        method: Whose.
        lm: With which language model; empty where the language models are the dimension.
        fixed: The other settings.
        points: Value and cell, in ascending order; the value None is the uncut history, and comes last.
    """

    dimension: str
    method: str
    lm: str
    fixed: Point
    points: tuple[tuple[Any, Cell], ...]


@dataclasses.dataclass(frozen=True)
class Section:
    """A task on one data set: what one table is about.

    Attributes:
        task: As LaMP calls it.
        data: The name of the folder or data set.
        measure: How its answers are measured.
        rows: Of this task and data, each piece of work once.
    """

    task: str
    data: str
    measure: Measure
    rows: tuple[Row, ...] = dataclasses.field(repr=False)

    @property
    def title(self) -> str:
        """What the results are called: only those on LaMP's own data bear its name alone."""
        data = self.data.replace("_", "-")
        if data.lower().endswith("-like"):
            return f"{self.task}-like"
        return self.task if data in ("", self.task) else f"{self.task} ({self.data})"

    @functools.cached_property
    def lms(self) -> tuple[str, ...]:
        """The language models, the first of the file first."""
        return tuple(dict.fromkeys(row.lm for row in self.rows))

    def methods(self, lm: str | None = None) -> list[str]:
        """The methods that have a cell, in the order of the tables."""
        lm = self.lms[0] if lm is None else lm
        return in_order(method for method in {row.method for row in self.rows} if self.cell(method, lm))

    def cell(self, method: str, lm: str | None = None, *, studies: Sequence[str] = _STUDIES) -> Cell:
        """A method's rows at its default point; empty where it did not run.

        Rows of one study only: the first of `studies` that has any. Where a study ran everything at another point than
        the default, such as with online learning, that point is the method's own.
        """
        lm = self.lms[0] if lm is None else lm
        for study in studies:
            rows = self._by_place.get((study, method, lm), [])
            points = dict.fromkeys(row.point for row in rows)
            usual = [point for point in _USUAL if point in points]
            if not usual and study == "main":
                usual = list(points)[:1]
            if usual:
                return cell_of(row for row in rows if row.point == usual[0])
        return {}

    def curves(self) -> list[Curve]:
        """Every curve with at least two points, in the order n, E, K, history, lm and then of the methods."""
        found = [curve for field in DIMENSIONS for curve in self._curves(field)]
        if len(self.lms) > 1:
            for method in in_order({row.method for row in self.rows}):
                cells = [(lm, cell) for lm in self.lms if (cell := self.cell(method, lm))]
                found += _curve("lm", method, "", Point(), cells)
        return found

    @functools.cached_property
    def _by_place(self) -> Mapping[tuple[str, str, str], list[Row]]:
        places: dict[tuple[str, str, str], list[Row]] = {}
        for row in self.rows:
            places.setdefault((row.study, row.method, row.lm), []).append(row)
        return places

    def _curves(self, field: str) -> list[Curve]:
        groups: dict[tuple[str, str, Point], dict[Any, list[Row]]] = {}
        for row in self.rows:
            value = getattr(row.point, field)
            if value is not None:
                key = (row.method, row.lm, Point(**{**dataclasses.asdict(row.point), field: None}))
                groups.setdefault(key, {}).setdefault(value, []).append(row)
        curves = []
        for (method, lm, fixed), values in groups.items():
            cells: list[tuple[Any, Cell]] = [(value, cell_of(values[value])) for value in sorted(values)]
            whole = self.cell(method, lm) if field == "history" else {}
            if any(row.point == fixed for row in whole.values()):  # the same method, its history not cut
                cells.append((None, whole))
            curves += _curve(DIMENSIONS[field], method, lm, fixed, cells)
        return sorted(curves, key=lambda curve: (self.lms.index(curve.lm), _rank(curve.method)))


def sections(rows: Iterable[Row], tasks: Sequence[Task] = ()) -> list[Section]:
    """The tasks and data sets of a run; a piece of work that stands there twice counts as it was done last.

    Args:
        rows: Of the run.
        tasks: Those that are not the benchmark's own.
    """
    once = {row.key: row for row in rows}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in once.values():
        groups.setdefault((row.task, row.data), []).append(row)
    found = [Section(task, data, measure_for(task, own, tasks), tuple(own)) for (task, data), own in groups.items()]
    return sorted(found, key=lambda section: section.task)  # stable: of one task the first data set stays first


def cell_of(rows: Iterable[Row]) -> Cell:
    """Rows by what they answer, in the order of users, places and seeds."""
    ordered = sorted(rows, key=lambda row: (row.user, row.place, row.question, row.seed))
    return {(row.user, row.question, row.seed): row for row in ordered}


def common(cells: Sequence[Cell]) -> list[Cell]:
    """The same cells on the questions that all of them answered."""
    if not cells:
        return []
    shared = set(cells[0]).intersection(*cells[1:])
    return [{asked: row for asked, row in cell.items() if asked in shared} for cell in cells]


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the tables; those with other names come last."""
    return sorted(methods, key=_rank)


def _rank(method: str) -> tuple[int, str]:
    return (METHOD_ORDER.index(method) if method in METHOD_ORDER else len(METHOD_ORDER), method)


def _curve(dimension: str, method: str, lm: str, fixed: Point, cells: Sequence[tuple[Any, Cell]]) -> list[Curve]:
    """The curve, if there is one: two points at least, with questions in common."""
    shared = common([cell for _, cell in cells])
    if len(shared) < 2 or not shared[0]:
        return []
    points = tuple((value, cell) for (value, _), cell in zip(cells, shared, strict=True))
    return [Curve(dimension, method, lm, fixed, points)]
