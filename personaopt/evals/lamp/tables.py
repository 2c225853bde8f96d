"""The tables of a report as values, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence

from personaopt.evals.lamp import paper
from personaopt.evals.lamp.comparing import Scaled, Versus
from personaopt.evals.lamp.figures import Cost, Figures
from personaopt.evals.lamp.measures import Measure, shown
from personaopt.evals.lamp.selection import ABLATIONS, OURS
from personaopt.evals.lamp.summary import Standing, TaskSummary
from personaopt.evals.statistics import FEW_USERS, Comparison
from personaopt.evals.table import Table, number, p_value, signed

_LIKELY = ("NLL [95 %]", "NLL raw", "ECE", "ECE raw")
_HOW = "Paired bootstrap over users; p values are Holm-corrected in each column."
_TOO_FEW = f"Of fewer than {FEW_USERS} users, intervals are too narrow; p values would be too small and are left out."
_PREPARATION = "preparation: calls / tokens / seconds"
_DIMENSIONS = {
    "n": "Batch size n: interactions that an alignment learns from",
    "E": "Iterations E: epochs of the alignment",
    "K": "Retrieved memories K",
    "lm": "Language model",
}


def main_table(summary: TaskSummary, standing: Standing) -> Table:
    """All methods of one task with one language model."""
    section, measure = summary.section, summary.section.measure
    theirs = paper.RESULTS.get(section.task, {})
    cost = ("calls", "tokens", "seconds", _PREPARATION)
    head: tuple[str, ...] = ("method", "users / questions", *_heads(measure), *_LIKELY, *cost, "failed")
    rows: list[tuple[str, ...]] = [
        (method, *_figures(cell, measure), *_cost(cell.cost), _preparation(cell.preparation), _count(cell.failed))
        for method, cell in standing.cells.items()
    ]
    theirs = {method: pair for method, pair in theirs.items() if method not in ABLATIONS}
    if any(method in theirs for method in standing.cells):
        head += (f"{paper.CALLED}: {_names(measure)}",)
        rows = [(*row, _pair(theirs.get(row[0]))) for row in rows]
    notes = ["Calls, tokens and seconds are of a question, those of the preparation of a user."]
    if len({(cell.first.n, cell.first.n_users) for cell in standing.cells.values()}) > 1:
        notes.append("Not all methods answered the same questions: rows of different n are compared below, not here.")
    if any(cell.failed for cell in standing.cells.values()):
        notes.append("Questions that failed are counted as wrong.")
    partly = [
        f"{method} {cell.measured} of {cell.first.n}"
        for method, cell in standing.cells.items()
        if 0 < cell.measured < cell.first.n
    ]
    if partly:
        notes.append(f"NLL and ECE are of the questions with probabilities alone: {', '.join(partly)}.")
    return Table(f"{section.title}: methods, {standing.lm}", head, tuple(rows), tuple(notes))


def difference_table(summary: TaskSummary, standing: Standing) -> Table:
    """Our method less each other one."""
    notes = [_direction(summary.section.measure)]
    if standing.best_baseline:
        best = standing.versus[standing.best_baseline]
        notes.append(f"The best baseline is {standing.best_baseline}: {_sentence(best.first, best.p_holm)}")
    title = f"{summary.section.title}: {OURS} less each method, {standing.lm}"
    return _versus_table(title, standing, summary.section.measure, notes)


def ablation_table(summary: TaskSummary, standing: Standing) -> list[Table]:
    """Our method and it without a part, and what each part is worth."""
    section, measure = summary.section, summary.section.measure
    theirs = paper.RESULTS.get(section.task, {})
    head: tuple[str, ...] = ("method", "users / questions", *_heads(measure), *_LIKELY, "failed")
    rows: list[tuple[str, ...]] = [
        (method, *_figures(cell, measure), _count(cell.failed)) for method, cell in standing.cells.items()
    ]
    notes = []
    if any(method in theirs for method in standing.cells):
        head += (f"{paper.CALLED}, PersonaAgent's parts: {_names(measure)}",)
        rows = [(*row, _pair(theirs.get(row[0]))) for row in rows]
        notes.append(f"The whole PersonaAgent has {_pair(theirs['personaagent'])} in the paper.")
    tables = [Table(f"{section.title}: without a part, {standing.lm}", head, tuple(rows), tuple(notes))]
    if standing.versus:
        title = f"{section.title}: what each part is worth ({OURS} less it without the part), {standing.lm}"
        tables.append(_versus_table(title, standing, measure, [_direction(measure)]))
    return tables


def curve_table(summary: TaskSummary, each: Scaled) -> Table:
    """One curve of a scaling study, and where it saturates."""
    measure, curve = summary.section.measure, each.curve
    cost = ("calls", "tokens", "seconds", _PREPARATION)
    head = (curve.dimension, "users / questions", *_heads(measure), *_LIKELY, *cost)
    values = [str(value) for value, _ in curve.points]
    rows = tuple(
        (value, *_figures(cell, measure), *_cost(cell.cost), _preparation(cell.preparation))
        for value, cell in zip(values, each.figures, strict=True)
    )
    notes = (_saturation(each, measure, values),) if curve.dimension != "lm" else ()
    where = f", {curve.lm}" if curve.lm else ""
    return Table(f"{summary.section.title}: {_DIMENSIONS[curve.dimension]}, {curve.method}{where}", head, rows, notes)


def cold_table(summary: TaskSummary, curves: Sequence[Scaled]) -> Table:
    """Methods by how many interactions are known; all of one language model."""
    measure, section = summary.section.measure, summary.section
    theirs = paper.COLD_START.get(section.task, {})
    known = sorted({value for each in curves for value, _ in each.curve.points if value is not None})
    whole = any(value is None for each in curves for value, _ in each.curve.points)
    values = [*known, *([None] if whole else [])]
    head: tuple[str, ...] = (
        "method",
        "users / questions",
        *("all" if value is None else f"at most {value} known" for value in values),
    )
    rows: list[tuple[str, ...]] = []
    for each in curves:
        cells = {value: cell for (value, _), cell in zip(each.curve.points, each.figures, strict=True)}
        rows.append((each.curve.method, _n(each.figures[0]), *(_first_and_nll(cells.get(value)) for value in values)))
    notes = [f"{shown(measure.first)} [95 %], and the NLL where it is measured."]
    if theirs:
        head += (f"{paper.CALLED}: PersonaAgent, 10 known",)
        rows = [(*row, f"{theirs[10]:.3f}" if row[0] == "personaagent" else "") for row in rows]
    title = f"{section.title}: cold start, {curves[0].curve.lm}"
    return Table(title, head, tuple(rows), tuple(notes))


def persona_table(summary: TaskSummary) -> Table:
    """The personas themselves: how alike between users, how long, and how far from where they began."""
    head = ("method", "users", "Jaccard between users: before", "aligned", "tokens: before", "aligned", "words changed",
            "edits kept", "edits refused")  # fmt: skip
    rows = tuple(
        (
            method, str(each.users), number(each.likeness_before), number(each.likeness),
            *(f"{value:.1f}" for value in (each.tokens_before, each.tokens, each.changed, each.accepted, each.refused)),
        )
        for method, each in summary.personas.items()
    )  # fmt: skip
    return Table(f"{summary.section.title}: personas, {summary.section.lms[0]}", head, rows, ("Means over users.",))


def tables(summary: TaskSummary) -> list[Table]:
    """Every table of a task, in the order of a report."""
    found: list[Table] = []
    for standing in summary.main:
        if standing.cells:
            found.append(main_table(summary, standing))
        if standing.versus:
            found.append(difference_table(summary, standing))
    for standing in summary.ablations:
        found += ablation_table(summary, standing)
    found += [curve_table(summary, each) for each in summary.curves if each.curve.dimension != "history"]
    for lm in summary.section.lms:
        if cold := [each for each in summary.curves if (each.curve.dimension, each.curve.lm) == ("history", lm)]:
            found.append(cold_table(summary, cold))
    if summary.personas:
        found.append(persona_table(summary))
    return found


def _versus_table(title: str, standing: Standing, measure: Measure, notes: Sequence[str]) -> Table:
    first = shown(measure.first)
    head = ("less", "users / questions", f"{first} [95 %]", "p, Holm", "NLL [95 %]", "p of NLL, Holm")
    rows = tuple((name, *_difference(each)) for name, each in standing.versus.items())
    few = min(each.first.difference.n_users for each in standing.versus.values()) < FEW_USERS
    return Table(title, head, rows, (*notes, _HOW, *([_TOO_FEW] if few else [])))


def _difference(each: Versus) -> tuple[str, ...]:
    interval = each.first.difference
    nll = ("", "") if each.nll is None else (signed(each.nll), p_value(each.nll, each.nll_p_holm))
    return (f"{interval.n_users} / {interval.n}", signed(each.first), p_value(each.first, each.p_holm), *nll)


def _figures(cell: Figures, measure: Measure) -> tuple[str, ...]:
    likely = (number(value) for value in (cell.nll_raw, cell.ece, cell.ece_raw))
    nll = "" if cell.nll is None else str(cell.nll)
    return (_n(cell), str(cell.first), *(number(cell.all[name]) for name in measure.others), nll, *likely)


def _heads(measure: Measure) -> tuple[str, ...]:
    return (f"{shown(measure.first)} [95 %]", *map(shown, measure.others))


def _names(measure: Measure) -> str:
    return " / ".join(map(shown, (measure.first, *measure.others)))


def _n(cell: Figures) -> str:
    return f"{cell.first.n_users} / {cell.first.n}"


def _cost(cost: Cost) -> tuple[str, ...]:
    return f"{cost.calls:.1f}", f"{cost.tokens:.0f}", f"{cost.seconds:.2f}"


def _preparation(cost: Cost | None) -> str:
    return "" if cost is None else f"{cost.calls:.1f} / {cost.tokens:.0f} / {cost.seconds:.1f}"


def _first_and_nll(cell: Figures | None) -> str:
    if cell is None:
        return ""
    return f"{cell.first}" + ("" if cell.nll is None else f"; NLL {cell.nll.mean:.3f}")


def _saturation(each: Scaled, measure: Measure, values: Sequence[str]) -> str:
    first = shown(measure.first)
    name = each.curve.dimension
    text = f"{first} is best at {name} = {values[each.best]} and saturates at {name} = {values[each.saturates]}"
    if each.best_nll is not None and each.saturates_nll is not None:
        text += (
            f"; the NLL is lowest at {name} = {values[each.best_nll]} and saturates at {name} = "
            f"{values[each.saturates_nll]}"
        )
    return f"{text} (the first point whose paired difference to the best one has an interval that contains zero)."


def _direction(measure: Measure) -> str:
    if measure.sign < 0:
        return f"A negative difference is in favour of {OURS}, in both columns."
    return f"A positive difference of {shown(measure.first)} and a negative one of the NLL favour {OURS}."


def _sentence(comparison: Comparison, corrected: float) -> str:
    resolved = "resolved" if comparison.difference.excludes_zero else "not resolved"
    p = f"corrected p {written}, " if (written := p_value(comparison, corrected)) else ""
    return f"difference {signed(comparison)}, {p}{resolved}."


def _pair(values: tuple[float, float] | None) -> str:
    return "" if values is None else f"{values[0]:.3f} / {values[1]:.3f}"


def _count(value: int) -> str:
    return str(value) if value else ""
