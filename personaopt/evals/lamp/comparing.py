"""Methods compared question by question, and where a curve stops getting better."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from personaopt.evals.lamp.figures import Figures, by_user, figures, truth_nll
from personaopt.evals.lamp.measures import Measure
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import Asked, Cell, Curve, Section, common
from personaopt.evals.statistics import Comparison, compare, holm


@dataclasses.dataclass(frozen=True)
class Versus:
    """One method less another one, on the questions that both answered.

    Attributes:
        first: In the figure that methods are compared by.
        nll: In the NLL, on the questions where both have probabilities; None where there are none.
        p_holm: The first one's p value, corrected for all comparisons of its table.
        nll_p_holm: The same of the NLL's.
    """

    first: Comparison
    nll: Comparison | None
    p_holm: float = 1.0
    nll_p_holm: float | None = None

    def to_dict(self, name: str) -> dict[str, Any]:
        """The comparison as JSON values, without p values of few users; `name` is that of the first figure."""
        values = {name: self.first.to_dict(self.p_holm)}
        if self.nll is not None and self.nll_p_holm is not None:
            values["nll"] = self.nll.to_dict(self.nll_p_holm)
        return values


@dataclasses.dataclass(frozen=True)
class Scaled:
    """A curve with its figures.

    Attributes:
        curve: Which one.
        figures: Of each point, all on the same questions.
        best: The place of the best point in the first figure.
        saturates: The place of the first point whose difference to the best is not resolved: the interval of the
            paired difference contains zero.
        best_nll: The same in the NLL; None without probabilities.
        saturates_nll: The same in the NLL.
    """

    curve: Curve
    figures: tuple[Figures, ...]
    best: int
    saturates: int
    best_nll: int | None = None
    saturates_nll: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The curve as JSON values."""
        values = [value for value, _ in self.curve.points]

        def at(place: int | None) -> Any:
            return None if place is None else values[place]

        return {
            "points": [
                {"value": value, **each.to_dict()} for value, each in zip(values, self.figures, strict=True)
            ],
            "best": at(self.best),
            "saturates": at(self.saturates),
            "best_nll": at(self.best_nll),
            "saturates_nll": at(self.saturates_nll),
        }  # fmt: skip


def versus(section: Section, ours: Cell, others: dict[str, Cell]) -> dict[str, Versus]:
    """One method against each of several, with p values that are corrected for being several.

    Args:
        section: The task.
        ours: The method's rows.
        others: The others' rows by name; one without a question in common is left out.
    """
    found: dict[str, Versus] = {}
    for name, cell in others.items():
        mine, its = common([ours, cell])
        if not mine:
            continue
        first = _compared(mine, its, section.measure.value)
        both = [asked for asked in mine if mine[asked].probabilities and its[asked].probabilities]
        found[name] = Versus(first, _compared(_of(mine, both), _of(its, both), truth_nll) if both else None)
    p_values = holm([each.first.p for each in found.values()])
    nll_p = iter(holm([each.nll.p for each in found.values() if each.nll]))
    return {
        name: dataclasses.replace(each, p_holm=p, nll_p_holm=next(nll_p) if each.nll else None)
        for (name, each), p in zip(found.items(), p_values, strict=True)
    }


def best_of(compared: dict[str, Versus], names: Sequence[str], measure: Measure) -> str:
    """Which of the named methods comes nearest to ours, or is farthest ahead of it; empty where none was compared.

    Where all answered the same questions it is the one with the best figure.
    """
    known = [name for name in names if name in compared]
    return min(known, key=lambda name: measure.sign * compared[name].first.difference.mean, default="")


def scaled(curve: Curve, measure: Measure) -> Scaled:
    """A curve's figures, and where it saturates."""
    cells = [cell for _, cell in curve.points]
    all_figures = tuple(figures(cell, measure) for cell in cells)
    best = max(range(len(cells)), key=lambda place: measure.sign * all_figures[place].first.mean)
    found = Scaled(curve, all_figures, best, _saturation(cells, best, measure.value))
    shared = [asked for asked in cells[0] if all(cell[asked].probabilities for cell in cells)]
    if not shared:
        return found
    likely = [_of(cell, shared) for cell in cells]
    means = [sum(map(truth_nll, cell.values())) for cell in likely]
    lowest = means.index(min(means))
    return dataclasses.replace(found, best_nll=lowest, saturates_nll=_saturation(likely, lowest, truth_nll))


def _saturation(cells: Sequence[Cell], best: int, value: Callable[[Row], float]) -> int:
    for place, cell in enumerate(cells):
        if place == best or not _compared(cell, cells[best], value).difference.excludes_zero:
            return place
    return best


def _of(cell: Cell, asked: Sequence[Asked]) -> Cell:
    return {key: cell[key] for key in asked}


def _compared(a: Cell, b: Cell, value: Callable[[Row], float]) -> Comparison:
    return compare(by_user(a, value), by_user(b, value))
