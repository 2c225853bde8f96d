"""How far a run has come and what it has spent."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable

from personaopt.lm.metering import Usage


@dataclasses.dataclass
class Tally:
    """How a run is getting on.

    Attributes:
        whole: How many rows there are to be.
        done: How many are there, those of earlier runs among them.
        before: How many of these were there when the run began.
        errors: Rows of this run that hold an error.
        last_error: What the last of them says.
        usage: What this run has spent; its seconds are those of all work, one after the other.
        began: When the run began, by the monotonic clock.
    """

    whole: int = 0
    done: int = 0
    before: int = 0
    errors: int = 0
    last_error: str = ""
    usage: Usage = dataclasses.field(default_factory=lambda: Usage(usd=0.0))
    began: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at the pace so far; None before the first row."""
        fresh = self.done - self.before
        elapsed = time.monotonic() - self.began
        return (self.whole - self.done) * elapsed / fresh if fresh else None

    @property
    def all_failed(self) -> bool:
        """Whether there was work to do, and none of it has ever gone well."""
        return not self.before and 0 < self.done == self.errors

    def count(self, error: str, spent: Iterable[Usage]) -> None:
        """A row is there.

        Args:
            error: What went wrong; empty where nothing did.
            spent: What it cost.
        """
        self.done += 1
        self.errors += bool(error)
        self.last_error = error or self.last_error
        self.usage = sum(spent, self.usage)
