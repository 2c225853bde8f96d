"""A timeline as a picture: a row a field, a bar an interval, a dot each message that shows it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from personaopt.errors import ConfigurationError, PersonaError
from personaopt.fields.lanes import Bar, Scale, bars_of, shortened, text_left
from personaopt.fields.spans import Span
from personaopt.fields.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANE, BAR, ARROW, ROW_GAP, GROUP_GAP = 0.30, 0.22, 0.09, 0.10, 0.20
"""Heights of a lane, its bar, the length of an arrow, and what lies between rows and groups, in inches."""
TITLES = 2.2
"""The widest that the fields' titles may be."""
DAY = 86_400.0
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#8C6D00", "#CC79A7", "#56B4E9")
"""Of Okabe and Ito, which people with any kind of colour vision can tell apart: one a group."""
INK, PALE_INK, FAINT, WRONG = "#222222", "#6B6B6B", "#E4E4E4", "#A33B2A"
FONT = 8.5
_MEANING = {"lasting": "holds", "over": "held", "passing": "a mood, or for one occasion", "taken back": "taken back",
            "rolled back": "rolled back", "dropped": "no longer kept"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Row:
    """A field as it is drawn: its bars, and where its lanes begin, in inches from the top."""

    path: str
    title: str
    top: float
    bars: list[Bar]
    heading: str

    @property
    def height(self) -> float:
        return LANE * (1 + max(bar.lane for bar in self.bars))


def drawn(timeline: Timeline, title: str = "", *, width: float = 9.0, until: float | None = None) -> Figure:
    """The picture; see `Timeline.figure`.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ConfigurationError("A timeline is drawn with matplotlib: pip install 'personaopt[evals]'.") from error
    made = Figure(figsize=(width, 1.0))
    measure = FigureCanvasAgg(made).get_renderer()
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=FONT)

    def length(text: str) -> float:
        return float(measure.get_text_width_height_descent(text, font, False)[0]) / made.dpi

    with _any_script():
        left = 0.15 + min(TITLES, max((length(span.title) for span in timeline.spans), default=0.5)) + 0.14
        scale = Scale(*_edges(timeline, until), max(width - left - 0.25, 1.0))
        rows = list(_rows(timeline.spans, scale, length))
        height = (rows[-1].top + rows[-1].height if rows else LANE) + ROW_GAP
        above, below = (0.36 if title else 0.08) + (0.18 if timeline.sessions else 0.0), 0.68
        whole = above + height + below
        made.set_size_inches(width, whole)
        axes = made.add_axes((left / width, below / whole, scale.width / width, height / whole))
        axes.set(xlim=(0, scale.width), ylim=(height, 0))
        colours = _colours(timeline.spans)
        _frame(axes, scale, timeline.sessions, length)
        for row in rows:
            _row(axes, row, scale, colours[row.path.partition(".")[0]], length, left)
        _legend(made, timeline.spans, whole, length)
        if title:
            made.text(0.15 / width, 1 - 0.09 / whole, title, size=11, color=INK, va="top", weight="bold",
                      parse_math=False)  # fmt: skip
    return made


def saved(figure: Figure, path: str | Path) -> None:
    """Write a picture into a file whose ending says what kind it is.

    Raises:
        ConfigurationError: There is no such kind.
        PersonaError: The file cannot be written.
    """
    kind = Path(path).suffix[1:].lower()
    if kind not in ("png", "svg", "pdf"):
        raise ConfigurationError(f"A timeline is drawn as .png, .svg or .pdf; {path} ends otherwise.")
    try:
        with Path(path).open("wb") as file:
            write(figure, file, kind, dpi=160)
    except OSError as error:
        raise PersonaError(f"{path} cannot be written: {error.strerror}.") from error


def write(figure: Figure, file: IO[bytes], kind: str, *, dpi: float) -> None:
    """Write a picture, the same bytes for the same one."""
    with _any_script():
        figure.savefig(
            file, format=kind, dpi=dpi, metadata={"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        )


def _edges(timeline: Timeline, until: float | None) -> tuple[float, float]:
    first, last = timeline.first, timeline.last
    if first is None or last is None:
        first = last = 0.0 if until is None else until
    last = max(last, first + DAY)
    margin = 0.02 * (last - first)
    return first - margin, last + 4 * margin if until is None else max(until, first + DAY)


def _colours(spans: Sequence[Span]) -> dict[str, str]:
    groups = dict.fromkeys(span.field.partition(".")[0] for span in spans)
    return dict(zip(groups, itertools.cycle(COLOURS), strict=False))


def _rows(spans: Sequence[Span], scale: Scale, length: Any) -> Iterator[_Row]:
    top, before = 0.0, ""
    for path, mine in itertools.groupby(spans, key=lambda span: span.field):
        found = [span for span in mine if span.begin is None or span.begin <= scale.last]
        if not found:
            continue
        group = path.partition(".")[0]
        heading = group if group != before else ""
        top += GROUP_GAP if heading else ROW_GAP
        before = group
        row = _Row(path, found[0].title, top, bars_of(found, scale, length), heading)
        yield row
        top += row.height


def _frame(axes: Any, scale: Scale, sessions: Mapping[str, float], length: Any) -> None:
    """Dates below, sessions above, and nothing else around it."""
    times = _dates(scale)
    axes.set_xticks([scale.place(time) for time in times], _date_names(times))
    axes.set_yticks([])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(PALE_INK)
    axes.tick_params(labelsize=FONT, colors=INK, color=PALE_INK, length=3)
    free = -1.0
    for name, time in sorted(sessions.items(), key=lambda pair: pair[1]):
        place = scale.place(time)
        if not 0 <= place <= scale.width:
            continue
        axes.axvline(place, color=FAINT, linewidth=0.8, zorder=0)
        text = shortened(name, 1.2, length)
        if place - length(text) / 2 > free:
            axes.text(place, -0.04, text, size=FONT - 1.5, color=PALE_INK, ha="center", va="bottom", parse_math=False)
            free = place + length(text) / 2


def _dates(scale: Scale) -> list[float]:
    """Times for the axis: beginnings of days, months or years, a handful."""
    from matplotlib.dates import AutoDateLocator

    locator = AutoDateLocator(minticks=4, maxticks=9, tz=UTC)
    first, last = (datetime.fromtimestamp(time, UTC) for time in (scale.first, scale.last))
    times = [float(number) * DAY for number in locator.tick_values(first, last)]
    return [time for time in times if scale.first <= time <= scale.last]


def _date_names(times: Sequence[float]) -> list[str]:
    """What stands at them: the hour where they are that close, the day or the month, and each year once."""
    dates = [datetime.fromtimestamp(round(time), UTC) for time in times]
    names: list[str] = []
    year = 0
    for date in dates:
        if any(each.hour or each.minute for each in dates):
            name = f"{date:%H:%M}\n{date.day} {date:%b}" if not names or date.hour == 0 else f"{date:%H:%M}"
        else:
            name = f"{date.day} {date:%b}" if any(each.day > 1 for each in dates) else f"{date:%b}"
        names.append(f"{name}\n{date.year}" if date.year != year else name)
        year = date.year
    return names


def _row(axes: Any, row: _Row, scale: Scale, colour: str, length: Any, left: float) -> None:
    if row.heading:
        axes.text(
            -left + 0.15, row.top - 0.02, row.heading.replace("_", " ").upper(), size=FONT - 2.5, color=colour,
            va="bottom", weight="bold", parse_math=False,
        )  # fmt: skip
    axes.text(
        -0.12, row.top + LANE / 2, shortened(row.title, TITLES, length), size=FONT, color=INK, ha="right", va="center",
        parse_math=False,
    )  # fmt: skip
    for bar in row.bars:
        _bar(axes, bar, row.top + LANE * bar.lane + LANE / 2, scale, colour, length)


def _bar(axes: Any, bar: Bar, middle: float, scale: Scale, colour: str, length: Any) -> None:
    from matplotlib import patheffects

    axes.add_patch(_shape(bar.left, bar.right, middle, is_open=bar.open, look=_look(bar.span, colour)))
    ink = WRONG if bar.span.kind == "taken back" else INK if _is_current(bar.span) else PALE_INK
    start = text_left(bar, scale, length(bar.text))
    halo = [patheffects.withStroke(linewidth=2.5, foreground="white")] if bar.span.kind == "passing" else []
    axes.text(start, middle - 0.005, bar.text, size=FONT, color=ink, va="center", parse_math=False, zorder=5,
              path_effects=halo)  # fmt: skip
    if not bar.span.true:
        axes.plot([start, start + length(bar.text)], [middle] * 2, color=ink, linewidth=0.8, zorder=6)
    if bar.span.kind == "taken back":
        axes.plot(bar.right, middle, marker="X", markersize=7, color=WRONG, markeredgecolor="white", zorder=7)
    for time in bar.span.said:
        if 0 <= (place := scale.place(time)) <= scale.width:
            axes.plot(
                place, middle + BAR / 2, marker="o", markersize=4.2, color="white",
                markeredgecolor=WRONG if bar.span.kind == "taken back" else colour, markeredgewidth=1.1, zorder=8,
                clip_on=False,
            )  # fmt: skip


def _shape(left: float, right: float, middle: float, *, is_open: bool, look: Mapping[str, Any]) -> Any:
    """A bar; one that goes on is an arrow."""
    from matplotlib.patches import Polygon

    top, bottom = middle - BAR / 2, middle + BAR / 2
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    if is_open:
        corners.insert(2, (right + ARROW, middle))
    return Polygon(corners, closed=True, clip_on=False, zorder=3, **look)


def _is_current(span: Span) -> bool:
    return span.kind == "lasting" and span.end is None


def _look(span: Span, colour: str) -> dict[str, Any]:
    if span.kind == "lasting":
        return {"facecolor": _tint(colour, 0.38 if span.end is None else 0.12), "edgecolor": _tint(colour, 0.9 if
                span.end is None else 0.45), "linewidth": 1.0}  # fmt: skip
    if span.kind == "passing":
        return {"facecolor": "white", "edgecolor": _tint(colour, 0.6), "hatch": "/////", "linewidth": 0.9}
    if span.kind == "taken back":
        return {"facecolor": "white", "edgecolor": WRONG, "linestyle": (0, (4, 2.5)), "linewidth": 1.0}
    return {"facecolor": "white", "edgecolor": PALE_INK, "linestyle": ":", "linewidth": 1.1}


def _tint(colour: str, share: float) -> tuple[float, float, float]:
    """A colour mixed with white."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (1 - share * (1 - part) for part in parts)
    return red, green, blue


def _legend(made: Figure, spans: Sequence[Span], whole: float, length: Any) -> None:
    """What the looks mean; only those that are there."""
    shown: dict[str, Span] = {}
    for span in spans:
        shown.setdefault("over" if span.kind == "lasting" and span.end is not None else span.kind, span)
    width = made.get_figwidth() - 0.15
    axes = made.add_axes((0.15 / made.get_figwidth(), 0.05 / whole, width / made.get_figwidth(), 0.2 / whole))
    axes.set(xlim=(0, width), ylim=(0.2, 0))
    axes.set_axis_off()
    place = 0.0
    for name in (name for name in _MEANING if name in shown):
        axes.add_patch(_shape(place, place + 0.22, 0.1, is_open=name == "lasting", look=_look(shown[name], "#555555")))
        place += 0.29 + (ARROW if name == "lasting" else 0.0)
        axes.text(place, 0.1, _MEANING[name], size=FONT - 1, color=PALE_INK, va="center")
        place += length(_MEANING[name]) * (FONT - 1) / FONT + 0.2
    if any(span.said for span in spans):
        axes.plot(place, 0.1, marker="o", markersize=4.2, color="white", markeredgecolor="#555555", clip_on=False)
        axes.text(place + 0.1, 0.1, "a message that shows it", size=FONT - 1, color=PALE_INK, va="center")


@contextlib.contextmanager
def _any_script() -> Iterator[None]:
    """What users write may be of a script that the font has not: it is drawn as boxes and is no reason to warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
