"""Plots of a run, one message each: methods, curves, changes, golden, goals and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals import canvas
from personaopt.evals.personabench.reporting.curves import SINCE_CHANGE, Curve
from personaopt.evals.personabench.reporting.goals import UNRESOLVED, Goal
from personaopt.evals.personabench.reporting.measures import NAMED
from personaopt.evals.personabench.reporting.selection import GOLDEN, OURS, ordered
from personaopt.evals.personabench.reporting.summary import Summary
from personaopt.evals.statistics import FEW_USERS, Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = ("helpfulness", "personalization", "similarity", "field_f1", "utterances", "staleness")
_DOTTED = {"color": canvas.INK, "linestyle": ":", "marker": ""}
_WINS = (("win", "wins", canvas.PALETTE[0]), ("tie", "ties", canvas.FAINT), ("loss", "losses", canvas.PALETTE[5]))


def draw(summary: Summary, folder: Path, suffix: str = "") -> list[Path]:
    """Draw all that a run has rows for.

    Args:
        summary: One language model's part.
        folder: Where the files go, as PNG and SVG.
        suffix: Of the files' names, where there are several language models.

    Returns:
        The PNGs.
    """
    if not any(cell.sessions for cell in summary.cells.values()):
        return []
    drawn: list[tuple[str, Figure]] = [("methods", methods(summary))]
    for name, found in summary.curves.items():
        shown = [curve for curve in found if len(curve.points) > 1]
        if shown and name != SINCE_CHANGE:
            drawn.append((f"sessions-{name}", over_sessions(summary, name, shown)))
        elif shown := [curve for curve in shown if curve.method != GOLDEN]:
            drawn.append(("since-change", since_change(summary, shown)))
    if summary.golden:
        drawn.append(("utterances-golden", utterances_beside_golden(summary)))
    if any(each.win for each in summary.golden.values()):
        drawn.append(("wins-golden", wins(summary)))
    if any(goal.reached for goal in summary.goals.values()):
        drawn.append(("goals", goals(summary, summary.goals)))
    drawn.append(("cost", cost(summary)))
    return [canvas.save(made, folder, canvas.file_name(name, suffix)) for name, made in drawn]


def methods(summary: Summary) -> Figure:
    """Every method as a bar with its interval, a panel a measure."""
    panels = [name for name in _BARS if any(cell.of[name] for cell in summary.cells.values())]
    names = list(summary.cells)
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    shown = [cell.of[name] for cell in summary.cells.values() for name in panels]
    made = _figure(summary, 3.4 * columns + 1.2, rows * (0.3 * len(names) + 1.0) + 0.4, "Methods", shown)
    for axes, name in zip(canvas.grid(made, len(panels), columns, sharey=True), panels, strict=True):
        for place, method in enumerate(names):
            if (interval := summary.cells[method].of[name]) is not None:
                canvas.bar(axes, place, interval, _colour(method))
        _lines_of(axes, names)
        axes.set_xlabel(f"{NAMED[name].called} ({NAMED[name].better})", fontsize=10)
        axes.margins(x=0.22)
        axes.set_xlim(left=0)
        if (highest := NAMED[name].highest) is not None:
            axes.set_xticks([tick for tick in axes.get_xticks() if tick <= highest])
        canvas.quiet(axes, along="x")
    return made


def over_sessions(summary: Summary, name: str, found: Sequence[Curve]) -> Figure:
    """One measure from session to session, a line a method."""
    measure = NAMED[name]
    called = measure.called[0].upper() + measure.called[1:]
    made = _figure(summary, 7.2, 3.9, f"{called} over sessions ({measure.better})", _points(found))
    axes = made.subplots()
    _curves(axes, summary, found, first=1)
    axes.set_xlabel("session", fontsize=10)
    axes.set_ylabel(measure.called, fontsize=10)
    if measure.sign < 0 and name != "utterances":
        axes.set_ylim(bottom=0)
    canvas.quiet(axes)
    canvas.legend(made)
    return made


def since_change(summary: Summary, found: Sequence[Curve]) -> Figure:
    """How soon a change is learnt: field F1 by how many sessions ago the user said it."""
    made = _figure(summary, 7.2, 3.9, "How soon a change is learnt", _points(found))
    axes = made.subplots()
    _curves(axes, summary, found, first=0)
    axes.set_xlabel("sessions since a lasting change was said", fontsize=10)
    axes.set_ylabel("field F1 against what was said", fontsize=10)
    canvas.quiet(axes)
    canvas.legend(made)
    return made


def utterances_beside_golden(summary: Summary) -> Figure:
    """How many more messages a method takes than one that is told who the user is."""
    return _forest(
        summary,
        "Messages until satisfied, as a multiple of golden's (lower is better)",
        {
            "all sessions": {name: each.utterances for name, each in summary.golden.items()},
            "knowable sessions": {name: each.knowable for name, each in summary.golden.items() if each.knowable},
        },
    )


def wins(summary: Summary) -> Figure:
    """How often the first reply is judged better than golden's, the same, or worse."""
    judged = {name: each for name, each in summary.golden.items() if each.win}
    title = f"First replies judged beside {GOLDEN}'s"
    made = _figure(summary, 7.2, 0.36 * len(judged) + 1.0, title)
    axes = made.subplots()
    for place, each in enumerate(judged.values()):
        left = 0.0
        for part, label, colour in _WINS:
            width = getattr(each, part).mean
            axes.barh(place, width, left=left, height=0.68, color=colour, label=label if place == 0 else None)
            if width >= 0.06:
                ink = canvas.INK if part == "tie" else "white"
                axes.text(left + width / 2, place, f"{width:.0%}", ha="center", va="center", fontsize=9, color=ink)
            left += width
    _lines_of(axes, list(judged))
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    canvas.quiet(axes, along="x")
    canvas.legend(made)
    return made


def goals(summary: Summary, found: Mapping[str, Goal]) -> Figure:
    """What was reached and what was to be reached, a panel a goal."""
    known = [goal for goal in found.values() if goal.reached]
    shown = [goal.reached for goal in known]
    made = _figure(summary, 8.4, 0.8 * len(known) + 0.6, f"Goals of {OURS}", shown, "line: what was to be reached")
    for axes, goal in zip(canvas.grid(made, len(known), 1), known, strict=True):
        _goal(axes, goal)
    return made


def cost(summary: Summary) -> Figure:
    """LM calls and tokens of a session: of answering, and of learning from it."""
    names = list(summary.cells)
    made = _figure(summary, 8.6, 0.32 * len(names) + 1.2, "What a session costs")
    grid = canvas.grid(made, 2, 2, sharey=True)
    for axes, what in zip(grid, ("calls", "tokens"), strict=True):
        left = [0.0] * len(names)
        for role, colour in (("answering", canvas.STRONG), ("learning", canvas.PALETTE[1])):
            widths = [getattr(summary.cells[name].costs[role], what) for name in names]
            axes.barh(range(len(names)), widths, left=left, height=0.68, color=colour, label=role)
            left = [so_far + width for so_far, width in zip(left, widths, strict=True)]
        for place, whole in enumerate(left):
            text = f"{whole:.1f}" if what == "calls" else f"{whole:,.0f}"
            canvas.label(axes, text, (whole, place))
        _lines_of(axes, names)
        axes.set_xlabel("LM calls" if what == "calls" else "tokens read and written", fontsize=10)
        axes.margins(x=0.15)
        axes.set_xlim(left=0)
        canvas.quiet(axes, along="x")
    canvas.legend(made)
    return made


def _figure(
    summary: Summary, width: float, height: float, title: str, shown: Iterable[Interval | None] = (), more: str = ""
) -> Figure:
    """A figure of one language model; its note tells of the intervals that it shows."""
    notes = [*filter(None, [more]), *_of_intervals([each.n_users for each in shown if each is not None])]
    return canvas.figure(width, height, f"{title}, {summary.section.lm}", "; ".join(notes))


def _of_intervals(personas: Sequence[int]) -> list[str]:
    if not personas:
        return []
    least, most = min(personas), max(personas)
    notes = [f"95 % bootstrap intervals over {f'{least} to ' if least < most else ''}{most} personas"]
    return [*notes, f"of fewer than {FEW_USERS} too narrow"] if least < FEW_USERS else notes


def _points(found: Iterable[Curve]) -> list[Interval]:
    return [interval for curve in found for _, interval in curve.points]


def _lines_of(axes: Any, names: Sequence[str]) -> None:
    """A line a name, from the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _curves(axes: Any, summary: Summary, found: Sequence[Curve], first: int) -> None:
    """Lines with bands; `first` is what the first place is called."""
    style = canvas.styles(ordered(summary.cells), OURS if OURS in summary.cells else next(iter(summary.cells)))
    for number, curve in enumerate(found):
        if curve.stretch > 1:
            _stretches(axes, curve, style[curve.method], number - (len(found) - 1) / 2)
            continue
        places = [at + first for at, _ in curve.points]
        own = style[curve.method] | (_DOTTED if curve.method == GOLDEN else {})
        means = [interval.mean for _, interval in curve.points]
        axes.plot(places, means, label=curve.method, markersize=4, **own)
        low, high = [interval.low for _, interval in curve.points], [interval.high for _, interval in curve.points]
        axes.fill_between(places, low, high, color=own["color"], alpha=0.12, linewidth=0)
    if found[0].stretch > 1:
        starts = sorted({at for curve in found for at, _ in curve.points})
        axes.set_xticks(starts, [f"{at + first}\u2013{at + first + found[0].stretch - 1}" for at in starts])
    else:
        axes.xaxis.get_major_locator().set_params(integer=True)


def _stretches(axes: Any, curve: Curve, style: Mapping[str, Any], shift: float) -> None:
    """Points with bars beside each other: bands of rare things would hide each other."""
    places = [at + shift * curve.stretch / 12 for at, _ in curve.points]
    colour = canvas.INK if curve.method == GOLDEN else style["color"]
    intervals = [interval for _, interval in curve.points]
    canvas.marks(axes, places, intervals, fmt=style["marker"], color=colour, label=curve.method)


def _forest(summary: Summary, title: str, series: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Points with intervals, a line a method, beside a line at 1."""
    names = list(summary.golden)
    made = _figure(
        summary, 7.2, 0.42 * len(names) + 1.0, title, [each for found in series.values() for each in found.values()]
    )
    axes = made.subplots()
    axes.axvline(1.0, color=canvas.INK, linewidth=1, linestyle=":")
    axes.axvspan(0.97, 1.03, color=canvas.FAINT, alpha=0.6, linewidth=0, label="within 3 %")
    for number, (label, found) in enumerate(series.items()):
        places = [names.index(name) + 0.24 * (number - (len(series) - 1) / 2) for name in found]
        style = {"fmt": canvas.MARKERS[number], "color": canvas.PALETTE[number], "label": label}
        canvas.marks(axes, places, list(found.values()), lying=True, **style)
    _lines_of(axes, names)
    canvas.quiet(axes, along="x")
    canvas.legend(made)
    return made


def _goal(axes: Any, goal: Goal) -> None:
    if goal.reached is None:
        return
    colour = canvas.PLAIN if goal.met == UNRESOLVED else canvas.PALETTE[2] if goal.met else canvas.PALETTE[5]
    axes.axvline(goal.target, color=canvas.INK, linewidth=1.2)
    canvas.marks(axes, [0], [goal.reached], lying=True, fmt="o", color=colour)
    met = goal.met if goal.met == UNRESOLVED else "met" if goal.met else "not met"
    axes.set_title(f"{goal.said}: {goal.reached} ({met})", fontsize=9, color=canvas.INK, loc="left")
    axes.set_yticks([])
    axes.margins(x=0.3)
    axes.spines["left"].set_visible(False)
    canvas.quiet(axes, along="x")


def _colour(method: str) -> str:
    return {OURS: canvas.STRONG, GOLDEN: canvas.INK}.get(method, canvas.PLAIN)
