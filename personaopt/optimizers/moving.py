"""From one window to the next: what one window does not show, or what noise hid in it, another one may show.

Feedback of earlier steps stays before the editor's eyes, as momentum: what two windows agree on is seldom an error of a
critic.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from personaopt.interaction import Interaction
from personaopt.optimizers.critics import Gradient
from personaopt.optimizers.windows import Window, latest_with_slice

REMEMBERED = 32
"""Pieces of feedback that are kept from earlier steps."""


class Moves:
    """The windows of one alignment after the first.

    Args:
        left: How many further ones may be drawn; with none nothing is remembered either.

    Attributes:
        made: How many were drawn.
    """

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.made = 0
        self._remembers = left > 0
        self._earlier: list[Gradient] = []

    def next(self, history: Sequence[Interaction], window: Window, seed: int) -> Window:
        """A window of the same size, drawn evenly over the whole history.

        Args:
            history: Interactions with a ground truth, oldest first.
            window: The one before it.
            seed: For what is drawn.
        """
        self.left -= 1
        self.made += 1
        draw = random.Random(seed + self.made)
        n, h = len(window.learn), len(window.hold_out)
        edges = [round(run * len(history) / (n + h)) for run in range(n + h + 1)]
        chosen = [history[draw.randrange(start, end)] for start, end in itertools.pairwise(edges)]
        return latest_with_slice(chosen, n, h, seed + self.made)

    def feedback(self, gradients: Sequence[Gradient], window: Window) -> list[Gradient]:
        """What the editor is shown: feedback of earlier steps, none of it on what is held out now, then the new."""
        if not self._remembers:
            return list(gradients)
        held = {item.id for item in window.hold_out}
        new = set(map(id, gradients))
        kept = [gradient for gradient in self._earlier if id(gradient) not in new]
        self._earlier = [*kept, *gradients][-REMEMBERED:]
        return [*(gradient for gradient in kept if gradient.outcome.interaction.id not in held), *gradients]
