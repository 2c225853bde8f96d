"""How plots look, and how they are saved: figures of their own, without pyplot and its global state."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D00", "#000000")
"""Okabe and Ito's colours, which people with any kind of colour vision can tell apart; their yellow, which is hard to
see on white, is darkened."""

STRONG, PLAIN, FAINT, INK = PALETTE[0], "#9A9A9A", "#DDDDDD", "#333333"
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def figure(width: float, height: float, title: str, note: str = "") -> Figure:
    """An empty figure whose parts find their places by themselves.

    Args:
        width: In inches; more where the title would not fit.
        height: In inches, without the note.
        title: Above it.
        note: A line under the title.
    """
    from matplotlib.figure import Figure

    lines = [title, note] if note else [title]
    width = max(width, 0.085 * max(map(len, lines)))
    made = Figure(figsize=(width, height + 0.2 * (len(lines) - 1)), layout="constrained")
    made.suptitle("\n".join(lines), fontsize=11, color=INK, x=0.01, ha="left")
    return made


def grid(made: Figure, count: int, columns: int, **options: Any) -> list[Any]:
    """Axes in rows, as many as asked for; what is left of the last row stays empty."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    found = made.subplots(rows, columns, squeeze=False, **options).ravel().tolist()
    for place, unused in enumerate(found[count:], count):
        unused.set_axis_off()
        found[place - columns].tick_params(labelbottom=True)  # what it shares, nothing else shows now
    return found[:count]


def quiet(axes: Any, *, along: str = "both") -> None:
    """Take away the frame where it says nothing, and put a faint grid behind the marks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(True, axis=along, color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9, colors=INK)


def bar(axes: Any, place: int, interval: Interval, colour: str) -> None:
    """A lying bar with its interval and its figure."""
    axes.barh(place, interval.mean, height=0.68, color=colour)
    axes.errorbar(interval.mean, place, xerr=reach([interval]), color=INK, capsize=2.5, linewidth=1.1)
    label(axes, f"{interval.mean:.3f}", (interval.high, place))


def reach(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far error bars reach below and above their means; never negative, as rounding might have it."""
    below = [max(0.0, interval.mean - interval.low) for interval in intervals]
    return [below, [max(0.0, interval.high - interval.mean) for interval in intervals]]


def marks(
    axes: Any, places: Sequence[float], intervals: Sequence[Interval], *, lying: bool = False, **style: Any
) -> None:
    """Means with their intervals as bars, upright or lying."""
    means = [interval.mean for interval in intervals]
    if lying:
        axes.errorbar(means, places, xerr=reach(intervals), markersize=5, capsize=2.5, elinewidth=1.2, **style)
    else:
        axes.errorbar(places, means, yerr=reach(intervals), markersize=5, capsize=2.5, elinewidth=1.2, **style)


def label(axes: Any, text: str, end: tuple[float, float]) -> None:
    """A small figure to the right of where a bar or its interval ends."""
    axes.annotate(text, end, xytext=(4, 0), textcoords="offset points", va="center", fontsize=8, color=INK)


def legend(made: Figure, heading: str = "") -> None:
    """One legend for all axes, beside them."""
    handles = {
        label: handle for axes in made.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if handles:
        made.legend(
            handles.values(), handles.keys(), loc="outside right center", fontsize=9, frameon=False,
            title=heading or None, title_fontsize=9, alignment="left",
        )  # fmt: skip


def save(made: Figure, folder: Path, name: str) -> Path:
    """Write a figure as PNG and as SVG and return the path of the PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(made)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    made.savefig(path, dpi=150)
    made.set_layout_engine("none")  # everything has its place: finding it again would cost as much as drawing
    made.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    return path


def file_name(*parts: str) -> str:
    """Names joined to one that any file system takes."""
    return "-".join(slug for part in parts if (slug := re.sub(r"[^\w.]+", "-", part).strip("-.")))


def styles(names: Sequence[str], first: str) -> dict[str, dict[str, Any]]:
    """A colour, a marker and a dash for every name; the one called `first` gets the strongest."""
    ordered = [first, *(name for name in names if name != first)]
    return {
        name: {
            "color": PALETTE[place % len(PALETTE)],
            "marker": MARKERS[place % len(MARKERS)],
            "linestyle": DASHES[place // len(PALETTE) % len(DASHES)],
            "linewidth": 2.2 if name == first else 1.3,
            "zorder": 4 if name == first else 3,
        }
        for place, name in enumerate(ordered)
    }
