"""What one answer cost and which prompt it came from, taken where every LM call passes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import dspy
from dspy.utils.callback import BaseCallback
from dspy.utils.exceptions import LMError

from personaopt.lm.metering import Meter, Usage


class Stopped(BaseException):
    """The run is to end now. No `Exception`, so that no method takes it for an answer that went wrong."""


class Stop:
    """Whether a run is to end, and why; asked between questions and after every LM call.

    Args:
        seconds: After how long it is to end by itself; never when None.

    Attributes:
        reason: Why, in words; empty while it goes on.
        failed: Whether something is wrong that running on would not mend.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.reason = ""
        self.failed = False
        self._end = None if seconds is None else time.monotonic() + seconds
        self._lock = threading.Lock()

    def now(self, reason: str, *, failed: bool = False) -> None:
        """End the run; the first reason counts."""
        with self._lock:
            if not self.reason:
                self.reason, self.failed = reason, failed

    @property
    def over(self) -> bool:
        """Whether it is to end now."""
        if not self.reason and self._end is not None and time.monotonic() >= self._end:
            self.now("the time is over")
        return bool(self.reason)

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Stopped: The run is to end.
        """
        if self.over:
            raise Stopped


class Calls:
    """Counts the LM calls of a block, keeps the hash of the last prompt, and ends the block where the run is to end.

    DSPy hands the record of every call to the modules that are calling; this object takes a module's place among them
    and keeps nothing of what is said but its hash.

    Args:
        stop: Asked after every call.
    """

    def __init__(self, stop: Stop) -> None:
        self.prompt_hash = ""
        self._stop = stop
        self._meter = Meter()

    @property
    def usage(self) -> Usage:
        """What was spent in the block so far."""
        return self._meter.usage

    @contextlib.contextmanager
    def counted(self) -> Iterator[Calls]:
        """While the block runs, also in threads and tasks that inherit its context."""
        with (
            self._meter.running(),
            # In front, because the last of them is taken for the module that called.
            dspy.context(caller_modules=[self, *(dspy.settings.caller_modules or [])]),
        ):
            yield self

    @property
    def history(self) -> Calls:
        """Where DSPy appends."""
        return self

    def __len__(self) -> int:
        return 0  # nothing is kept, so that nothing has to make room

    def append(self, record: dict[str, Any]) -> None:
        """Called by DSPy after every answer, in the thread that asked.

        Raises:
            Stopped: The run is to end.
        """
        said = json.dumps([record.get("messages"), record.get("prompt")], ensure_ascii=False, default=str)
        self.prompt_hash = hashlib.sha256(said.encode()).hexdigest()[:16]
        self._stop.check()


class Failures(BaseCallback):
    """Hears of LM calls that failed, after DSPy's own attempts, also where who called made the best of it.

    Attributes:
        first: What the first of them said; None where none failed.
    """

    def __init__(self) -> None:
        self.first: LMError | None = None

    @contextlib.contextmanager
    def heard(self) -> Iterator[Failures]:
        """While the block runs, also in threads and tasks that inherit its context."""
        with dspy.context(callbacks=[*dspy.settings.callbacks, self]):
            yield self

    def on_lm_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
        """Called by DSPy after every call."""
        if isinstance(exception, LMError) and self.first is None:
            self.first = exception
