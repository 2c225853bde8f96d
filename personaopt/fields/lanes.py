"""Where the bars of a timeline lie: in lanes, so that none covers another one or its text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from personaopt.fields.spans import Span

GAP = 0.06
"""Between what lies beside each other in a lane; lengths are in inches."""
SHORTEST = 0.1
"""Of a bar, so that it is seen."""
PADDING = 0.07
"""Between a bar's edges and the text in it."""
_ORDER = ("lasting", "passing", "taken back", "rolled back", "dropped")


@dataclasses.dataclass(frozen=True)
class Bar:
    """A value as it is drawn.

    Attributes:
        span: The value.
        lane: From 0, within its field.
        left: Where it begins.
        right: Where it ends; an open one at the edge.
        open: Whether it goes on beyond the edge.
        text: The value, shortened where it has no place.
        inside: Whether the text stands in the bar; else it follows it.
    """

    span: Span
    lane: int
    left: float
    right: float
    open: bool
    text: str
    inside: bool


@dataclasses.dataclass(frozen=True)
class Scale:
    """From times to lengths.

    Attributes:
        first: The time at the left edge.
        last: The time at the right edge.
        width: Between them.
    """

    first: float
    last: float
    width: float

    def place(self, time: float) -> float:
        """Where a time is."""
        return self.width * (time - self.first) / (self.last - self.first)


def bars_of(spans: Iterable[Span], scale: Scale, length: Callable[[str], float]) -> list[Bar]:
    """The bars of one field; what lasts lies in the upper lanes.

    Args:
        spans: Its values.
        scale: How long a time is.
        length: How long a text is.
    """
    ordered = sorted(spans, key=lambda span: (_ORDER.index(span.kind), span.begin is not None, span.begin or 0.0))
    ends: list[float] = []
    made: list[Bar] = []
    for span in ordered:
        bar = _bar(span, scale, length)
        left = bar.left if bar.inside else min(bar.left, _text_left(bar, scale, length(bar.text)))
        right = bar.right if bar.inside else max(bar.right, _text_left(bar, scale, length(bar.text)) + length(bar.text))
        free = next((lane for lane, end in enumerate(ends) if end <= left + 1e-6), len(ends))
        ends[free : free + 1] = [right + (0.0 if bar.inside else GAP)]
        made.append(dataclasses.replace(bar, lane=free))
    return made


def text_left(bar: Bar, scale: Scale, length: float) -> float:
    """Where a bar's text begins: in it, after it, or before it where it would pass the edge."""
    return bar.left + PADDING if bar.inside else _text_left(bar, scale, length)


def _text_left(bar: Bar, scale: Scale, length: float) -> float:
    after = bar.right + 2 * GAP
    return after if after + length <= scale.width else bar.left - GAP - length


def _bar(span: Span, scale: Scale, length: Callable[[str], float]) -> Bar:
    left = 0.0 if span.begin is None else scale.place(min(max(span.begin, scale.first), scale.last))
    is_open = span.end is None or span.end > scale.last
    right = scale.width if is_open else scale.place(max(span.end or 0.0, scale.first))
    right = max(right, left + SHORTEST)
    room = right - left - 2 * PADDING
    if length(span.value) <= room:
        return Bar(span, 0, left, right, is_open, span.value, inside=True)
    text = shortened(span.value, max(room, scale.width / 3), length)
    return Bar(span, 0, left, right, is_open, text, inside=length(text) <= room)


def shortened(text: str, room: float, length: Callable[[str], float]) -> str:
    """A text that has place, with three dots where something is left out."""
    if length(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if length(f"{text[:middle].rstrip()}…") <= room:
            low = middle
        else:
            high = middle - 1
    return f"{text[:low].rstrip()}…"
