"""Plots of a task's results: methods, curves, cold start, and how far probabilities can be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals import canvas
from personaopt.evals.lamp.comparing import Scaled
from personaopt.evals.lamp.figures import Figures
from personaopt.evals.lamp.measures import shown
from personaopt.evals.lamp.reliability import Bin, reliability
from personaopt.evals.lamp.selection import ABLATIONS, OURS
from personaopt.evals.lamp.summary import Standing, TaskSummary
from personaopt.evals.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_AXES = {
    "n": "n, interactions learnt from",
    "E": "E, epochs",
    "K": "K, retrieved memories",
    "lm": "language model",
    "history": "interactions known before the first question",
}
_HOW = "95 % intervals over users"
_Reading = Callable[[Figures], Interval | None]


def draw(summary: TaskSummary, folder: Path) -> list[Path]:
    """Draw all that a task has rows for.

    Args:
        summary: The task.
        folder: Where the files go, as PNG and SVG.

    Returns:
        The PNGs.
    """
    title = summary.section.title
    drawn: list[tuple[str, Figure]] = []
    for standing in summary.main:
        lm = standing.lm if len(summary.main) > 1 else ""
        if standing.cells:
            drawn.append((canvas.file_name(title, "methods", lm), methods(summary, standing)))
        bins = {method: reliability(summary.section.cell(method, standing.lm)) for method in standing.cells}
        if any(calibrated for calibrated, _ in bins.values()):
            drawn.append((canvas.file_name(title, "reliability", lm), reliabilities(title, standing.lm, bins)))
    if scaling := [each for each in summary.curves if each.curve.dimension != "history"]:
        drawn.append((canvas.file_name(title, "scaling"), curves(summary, scaling, "scaling")))
    if cold := [each for each in summary.curves if each.curve.dimension == "history"]:
        drawn.append((canvas.file_name(title, "coldstart"), curves(summary, cold, "cold start")))
    return [canvas.save(made, folder, name) for name, made in drawn]


def methods(summary: TaskSummary, standing: Standing) -> Figure:
    """Every method as a bar with its interval: the first figure, and the NLL where it is measured."""
    panels = _panels(summary, standing.cells.values())
    names = list(standing.cells)
    made = canvas.figure(
        4.2 * len(panels) + 1.4,
        0.34 * len(names) + 1.5,
        f"{summary.section.title}, {standing.lm}: methods",
        _HOW,
    )
    for axes, (label, read) in zip(canvas.grid(made, len(panels), 2, sharey=True), panels, strict=True):
        for place, name in enumerate(names):
            interval = read(standing.cells[name])
            if interval is not None:
                canvas.bar(axes, place, interval, _colour(name))
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel(label, fontsize=10)
        axes.margins(x=0.1)
        axes.set_xlim(left=0)
        canvas.quiet(axes, along="x")
    return made


def curves(summary: TaskSummary, scaled: Sequence[Scaled], kind: str) -> Figure:
    """Curves with bands of their intervals: a column a dimension, a row a figure; rings where they saturate."""
    dimensions = list(dict.fromkeys(each.curve.dimension for each in scaled))
    panels = _panels(summary, [cell for each in scaled for cell in each.figures])
    names = list(dict.fromkeys(_line_name(each, scaled) for each in scaled))
    style = canvas.styles(names, next((name for name in names if name.startswith(OURS)), names[0]))
    width = 3.4 * len(dimensions) + 2.0 + (1.0 if kind == "cold start" else 0.0)
    rings = "; rings: where it saturates" if kind == "scaling" else ""
    made = canvas.figure(width, 2.7 * len(panels) + 0.9, f"{summary.section.title}: {kind}", _HOW + rings)
    grid = canvas.grid(made, len(panels) * len(dimensions), len(dimensions), sharey="row")
    for row, (label, read) in enumerate(panels):
        for column, dimension in enumerate(dimensions):
            axes = grid[row * len(dimensions) + column]
            own = [each for each in scaled if each.curve.dimension == dimension]
            for place, each in enumerate(own):
                name = _line_name(each, scaled)
                _curve(axes, each, read, style[name] | {"label": name}, (place - (len(own) - 1) / 2), row == 0)
            axes.set_xlabel(_AXES[dimension], fontsize=10)
            axes.set_ylabel(label if column == 0 else "", fontsize=10)
            canvas.quiet(axes)
    canvas.legend(made)
    return made


def reliabilities(title: str, lm: str, bins: Mapping[str, tuple[Sequence[Bin], Sequence[Bin]]]) -> Figure:
    """How often the likeliest answer was right against how likely it was said to be, calibrated and raw."""
    known = {method: each for method, each in bins.items() if each[0]}
    columns = min(4, len(known))
    rows = -(-len(known) // columns)
    made = canvas.figure(2.3 * columns + 0.6, 2.15 * rows + 1.0, f"{title}, {lm}: reliability of probabilities", _HOW)
    for axes, (method, both) in zip(
        canvas.grid(made, len(known), columns, sharex=True, sharey=True), known.items(), strict=True
    ):
        axes.plot([0, 1], [0, 1], color=canvas.PLAIN, linewidth=1, linestyle=":")
        for each, colour, label in zip(
            both, (canvas.STRONG, canvas.PALETTE[5]), ("calibrated", "as measured"), strict=True
        ):
            _reliability(axes, each, colour, label, bars=label == "calibrated")
        axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), aspect="equal")
        axes.set_title(method, fontsize=10, color=canvas.INK)
        canvas.quiet(axes)
    canvas.legend(made)
    made.supxlabel("probability of the likeliest answer", fontsize=10)
    made.supylabel("how often it was right", fontsize=10)
    return made


def _panels(summary: TaskSummary, cells: Any) -> list[tuple[str, _Reading]]:
    measure = summary.section.measure
    better = "higher" if measure.sign > 0 else "lower"
    panels: list[tuple[str, _Reading]] = [(f"{shown(measure.first)} ({better} is better)", lambda cell: cell.first)]
    if any(cell.nll is not None for cell in cells):
        panels.append(("NLL (lower is better)", lambda cell: cell.nll))
    return panels


def _colour(method: str) -> str:
    if method == OURS:
        return canvas.STRONG
    return canvas.PALETTE[4] if method in ABLATIONS else canvas.PLAIN


def _line_name(each: Scaled, among: Sequence[Scaled]) -> str:
    lms = {other.curve.lm for other in among if other.curve.lm}
    return each.curve.method + (f", {each.curve.lm}" if len(lms) > 1 and each.curve.lm else "")


def _curve(axes: Any, each: Scaled, read: _Reading, style: dict[str, Any], shift: float, first: bool) -> None:
    """A line with its intervals: as a band where there are few lines, as bars where bands would hide each other."""
    intervals = [read(cell) for cell in each.figures]
    known = [(place, interval) for place, interval in enumerate(intervals) if interval is not None]
    places = [place + 0.04 * shift for place, _ in known]
    means = [interval.mean for _, interval in known]
    discrete = each.curve.dimension == "lm"
    line = "none" if discrete else style["linestyle"]
    axes.plot(places, means, markersize=5, **(style | {"linestyle": line}))
    low, high = [interval.low for _, interval in known], [interval.high for _, interval in known]
    if discrete or each.curve.dimension == "history":
        reach = canvas.reach([interval for _, interval in known])
        axes.errorbar(
            places, means, yerr=reach, fmt="none", ecolor=style["color"], elinewidth=0.9, capsize=2, alpha=0.8
        )
    else:
        axes.fill_between(places, low, high, color=style["color"], alpha=0.15, linewidth=0)
        end = each.saturates if first else each.saturates_nll
        if end is not None and known and end < len(means):
            axes.plot(
                places[end], means[end], "o", markersize=12, markerfacecolor="none", markeredgecolor=style["color"]
            )
    values = [value for value, _ in each.curve.points]
    names = ["all" if value is None else str(value).replace("/", "/\n") for value in values]
    axes.set_xticks(range(len(values)), names)
    if discrete:
        axes.set_xlim(-0.5, len(values) - 0.5)


def _reliability(axes: Any, bins: Sequence[Bin], colour: str, label: str, *, bars: bool) -> None:
    if not bins:
        return
    said, right = [each.said for each in bins], [each.right.mean for each in bins]
    total = sum(each.right.n for each in bins)
    sizes = [12 + 150 * each.right.n / total for each in bins]
    axes.plot(said, right, color=colour, linewidth=1.1, alpha=0.8)
    axes.scatter(said, right, s=sizes, color=colour, alpha=0.75, linewidths=0, clip_on=False)
    axes.plot([], [], "o", color=colour, markersize=6, label=label)  # the legend's mark: dots differ in size
    if bars:
        reach = canvas.reach([each.right for each in bins])
        axes.errorbar(said, right, yerr=reach, fmt="none", ecolor=colour, elinewidth=0.8, alpha=0.7)
