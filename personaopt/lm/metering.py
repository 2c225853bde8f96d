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
        usd: Dollars, by DSPy's price data; None where the price of one of the calls is not known.
        repeats: Attempts made because the one before gave nothing usable; those that were answered are among the calls.
        usd_known: The part of the dollars that is known, a lower bound where `usd` is None.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cached_tokens: int = 0
    usd: float | None = None
    repeats: int = 0
    usd_known: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        added = {name: value + getattr(other, name) for name, value in vars(self).items() if name != "usd"}
        return Usage(**added, usd=None if self.usd is None or other.usd is None else self.usd + other.usd)


class _Bill:
    """Adds up what DSPy's own records say that calls cost.

    A usage tracker hears of tokens only. The price stands in the record that DSPy hands to every module that is
    calling, in the same context; this object takes a module's place among them, and keeps nothing of the record but
    the price.
    """

    def __init__(self) -> None:
        self.usd = 0.0
        self.priced = 0
        self.unpriced = 0
        self._lock = threading.Lock()

    @property
    def history(self) -> _Bill:
        """Where DSPy appends."""
        return self

    def __len__(self) -> int:
        return 0  # nothing is kept, so that nothing has to make room

    def append(self, record: dict[str, Any]) -> None:
        """Called by DSPy after every answer; one from its cache carries an old price and no usage."""
        if not record.get("usage"):
            return
        cost = record.get("cost")
        with self._lock:
            if cost is None:
                self.unpriced += 1
            else:
                self.priced += 1
                self.usd += float(cost)


class Meter(UsageTracker):
    """Counts the LM calls made while it runs, in this context and in the threads and tasks that inherit it.

    It takes the place of DSPy's usage tracker and hands everything to the one that was there when it ends. Prices are
    those in DSPy's records: where its history is switched off they are unknown.

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
        self._bill = _Bill()

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
        # A call that failed after it was answered is counted and has no record: its price is not known.
        known = not self._bill.unpriced and self._bill.priced >= len(entries)
        return Usage(
            calls=len(entries),
            input_tokens=sum(int(entry.get("prompt_tokens") or 0) for entry in entries),
            output_tokens=sum(int(entry.get("completion_tokens") or 0) for entry in entries),
            seconds=time.monotonic() - self._since,
            cached_tokens=sum(map(_cached_tokens, entries)),
            usd=self._bill.usd if known else None,
            repeats=repeats,
            usd_known=self._bill.usd,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Meter]:
        """Count what happens inside the block."""
        outer = dspy.settings.usage_tracker
        handed = {lm: len(entries) for lm, entries in self.usage_data.items()}
        self._since = time.monotonic()
        try:
            # In front, because the last of them is taken for the module that called.
            with dspy.context(usage_tracker=self, caller_modules=[self._bill, *(dspy.settings.caller_modules or [])]):
                yield self
        finally:
            if outer is not None:
                for lm, entries in self.usage_data.items():
                    outer.usage_data[lm].extend(entries[handed.get(lm, 0) :])

    def add_usage(self, lm: str, usage_entry: dict[str, Any]) -> None:
        """Called by DSPy for every answer that an LM gave; one that reports no tokens counts as a call all the same."""
        with self._lock:
            self.usage_data[lm].append(self._flatten_usage_entry(usage_entry))


def _cached_tokens(entry: dict[str, Any]) -> int:
    details = entry.get("prompt_tokens_details")
    return int((details or {}).get("cached_tokens") or 0) if isinstance(details, dict | None) else 0
