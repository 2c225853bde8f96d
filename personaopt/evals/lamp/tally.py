"""How far a run has come and what it has spent."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from personaopt.evals.lamp.rows import Row
from personaopt.lm.metering import Usage


@dataclasses.dataclass
class Tally:
    """How a run is getting on.

    Attributes:
        questions: How many there are.
        done: How many have an answer, those of earlier runs among them.
        before: How many of these had one when the run began.
        errors: Answers of this run that are none.
        last_error: What the last of them says.
        usage: What this run has spent; its seconds are those of questions and preparations, one after the other.
        began: When the run began, by the monotonic clock.
    """

    questions: int = 0
    done: int = 0
    before: int = 0
    errors: int = 0
    last_error: str = ""
    usage: Usage = dataclasses.field(default_factory=lambda: Usage(usd=0.0))
    began: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at the pace so far; None before the first answer."""
        answered = self.done - self.before
        elapsed = time.monotonic() - self.began
        return (self.questions - self.done) * elapsed / answered if answered else None

    @property
    def all_failed(self) -> bool:
        """Whether questions were asked, and none of them has ever been answered."""
        return not self.before and 0 < self.done == self.errors

    def count(self, row: Row) -> None:
        """A question was answered."""
        self.done += 1
        self.errors += bool(row.error)
        self.last_error = row.error or self.last_error
        for cost in (vars(row), row.preparation or {}):
            self.usage += Usage(
                calls=cost.get("calls", 0),
                input_tokens=cost.get("input_tokens", 0),
                output_tokens=cost.get("output_tokens", 0),
                cached_tokens=cost.get("cached_tokens", 0),
                seconds=cost.get("seconds", 0.0),
                usd=cost.get("usd", 0.0),
            )


Listener = Callable[[Row, Tally], None]
"""Told of every row, in the thread that wrote it, one at a time."""
