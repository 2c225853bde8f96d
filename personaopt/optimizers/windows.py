"""Which interactions an alignment learns from, and which it is judged by."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Sequence

from personaopt.interaction import Interaction

FEWEST = 3
"""Below this many interactions nothing is learnt: there would be nothing to judge an edit by."""


@dataclasses.dataclass(frozen=True)
class Window:
    """The interactions of one alignment.

    Attributes:
        learn: The window: feedback is derived from these, oldest first.
        hold_out: The held-out slice: edits are judged by these too, and nothing is derived from them.
        note: What was shrunk and why; empty when nothing was.
    """

    learn: tuple[Interaction, ...]
    hold_out: tuple[Interaction, ...]
    note: str = ""

    @property
    def all(self) -> tuple[Interaction, ...]:
        """Both, the window first."""
        return self.learn + self.hold_out


def latest_with_slice(history: Sequence[Interaction], n: int, h: int, seed: int = 0) -> Window:
    """The latest interactions, every third or so of them held out (the paper's window, with a slice to judge by).

    The slice is interleaved, so that it sees the same recent habits as the window: the latest interactions are cut into
    h runs, and one of each is held out. A history that is shorter than n + h shrinks both; at least a third is kept for
    judging.

    Args:
        history: Interactions with a ground truth, oldest first.
        n: Size of the window.
        h: Size of the slice; 0 for none.
        seed: Decides which interaction of each run is held out.
    """
    recent = list(history[-(n + h) :]) if n + h else []
    held = h
    note = ""
    if len(recent) < n + h and h:
        held = min(h, math.ceil(len(recent) / 3)) if len(recent) >= FEWEST else 0
        note = f"the history has {len(recent)} interactions: {len(recent) - held} to learn from, {held} held out"
    if not held:
        return Window(tuple(recent), (), note)
    edges = [round(run * len(recent) / held) for run in range(held + 1)]
    draw = random.Random(seed)
    places = {draw.randrange(start, end) for start, end in itertools.pairwise(edges)}
    return Window(
        tuple(item for place, item in enumerate(recent) if place not in places),
        tuple(item for place, item in enumerate(recent) if place in places),
        note,
    )
