"""What language model calls cost, counted where every call passes: threads and tasks lose nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from typing import Any

import dspy
from dspy.utils.usage_tracker import UsageTracker


@dataclasses.dataclass(frozen=True)
class Usage:
    """Calls, tokens and time spent.

    Attributes:
        calls: Answers paid for; an answer from DSPy's cache costs nothing and is not counted.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        seconds: Wall time.
        cached_tokens: Those of the tokens read that the provider had in its own cache.
        usd: Dollars; None where the price of one of the calls is not known.
        repeats: Attempts made because the one before gave nothing usable; those that were answered are among the calls.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cached_tokens: int = 0
    usd: float | None = None
    repeats: int = 0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens


class Meter(UsageTracker):
    """Counts the LM calls made while it runs, in this context and in the threads and tasks that inherit it.

    It takes the place of DSPy's usage tracker and hands everything to the one that was there when it ends.

    Example:
        >>> with Meter().running() as meter:
        ...     program(question="...")
        >>> meter.usage.calls
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._repeats = 0

    def repeat(self) -> None:
        """Say that the next attempt repeats one that gave nothing usable."""
        with self._lock:
            self._repeats += 1

    def __deepcopy__(self, memo: dict[int, Any]) -> Meter:
        return self  # dspy.Parallel copies the tracker for every thread, and would lose what the copies count

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        with self._lock:
            entries = [entry for entries in list(self.usage_data.values()) for entry in list(entries)]
            repeats = self._repeats
        return Usage(
            calls=len(entries),
            input_tokens=sum(int(entry.get("prompt_tokens") or 0) for entry in entries),
            output_tokens=sum(int(entry.get("completion_tokens") or 0) for entry in entries),
            seconds=time.monotonic() - self._since,
            repeats=repeats,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Meter]:
        """Count what happens inside the block."""
        outer = dspy.settings.usage_tracker
        handed = {lm: len(entries) for lm, entries in self.usage_data.items()}
        self._since = time.monotonic()
        try:
            with dspy.context(usage_tracker=self):
                yield self
        finally:
            if outer is not None:
                for lm, entries in self.usage_data.items():
                    outer.usage_data[lm].extend(entries[handed.get(lm, 0) :])

    def add_usage(self, lm: str, usage_entry: dict[str, Any]) -> None:
        """Called by DSPy for every answer that an LM gave; one that reports no tokens counts as a call all the same."""
        with self._lock:
            self.usage_data[lm].append(self._flatten_usage_entry(usage_entry))
