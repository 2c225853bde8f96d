"""Whose turn it is: one limiter for everything that asks the same LM, from threads and from tasks.

Waiting is first come, first served. Requests and tokens are counted over a sliding window, so that no minute, wherever
it begins, holds more than its limit. Tokens are reserved by estimate and corrected by what an answer really took.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from personaopt.errors import ConfigurationError


@dataclasses.dataclass(eq=False)
class Turn:
    """One call that waits, runs, or ran within the window.

    Attributes:
        tokens: What it takes, by estimate or by what was reported.
        ring: Wakes its caller.
        running: Whether it was admitted.
        at: When.
    """

    tokens: int
    ring: Callable[[], None]
    running: bool = False
    at: float = 0.0


class Limiter:
    """Admits calls, so many at once and so many in each window of time.

    Args:
        concurrent: Calls under way at once; None for any number.
        requests: Calls begun in any window.
        tokens: Tokens read and written by the calls begun in any window. A call that needs more than this alone is
            admitted when the window is empty.
        window: Seconds.

    Raises:
        ConfigurationError: A limit is not above 0.
    """

    def __init__(
        self,
        concurrent: int | None = None,
        requests: int | None = None,
        tokens: int | None = None,
        window: float = 60.0,
    ) -> None:
        for name, limit in {"concurrent": concurrent, "requests": requests, "tokens": tokens}.items():
            if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
                raise ConfigurationError(f"A limit of {name} is a whole number above 0 or None; it is {limit!r}.")
        if isinstance(window, bool) or not isinstance(window, int | float) or not window > 0:
            raise ConfigurationError(f"A window is a number of seconds above 0; it is {window!r}.")
        self.concurrent, self.requests, self.tokens, self.window = concurrent, requests, tokens, window
        self._lock = threading.Lock()
        self._waiting: deque[Turn] = deque()
        self._begun: deque[Turn] = deque()
        self._running = 0
        self._taken = 0
        self._closed_until = 0.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Limiter:
        return self  # programs are copied often; what limits their LM exists once

    def __reduce__(self) -> tuple[Any, ...]:
        return (Limiter, (self.concurrent, self.requests, self.tokens, self.window))

    @contextlib.contextmanager
    def turn(self, tokens: int = 0) -> Iterator[Turn]:
        """Wait for a turn, and have it while the block runs.

        Args:
            tokens: What the call will take, by estimate.
        """
        bell = threading.Event()
        turn = Turn(tokens, bell.set)
        try:
            self._queue(turn)
            while (delay := self._delay(turn, bell.clear)) is not True:
                bell.wait(delay)
            yield turn
        finally:
            self._leave(turn)

    @contextlib.asynccontextmanager
    async def aturn(self, tokens: int = 0) -> AsyncIterator[Turn]:
        """The same, awaited; who is cancelled leaves the queue."""
        bell, loop = asyncio.Event(), asyncio.get_running_loop()
        turn = Turn(tokens, lambda: _call_soon(loop, bell.set))
        try:
            self._queue(turn)
            while (delay := self._delay(turn, bell.clear)) is not True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), delay)
            yield turn
        finally:
            self._leave(turn)

    def correct(self, turn: Turn, tokens: int) -> None:
        """Say what a call really took."""
        with self._lock:
            if turn in self._begun:
                self._taken += tokens - turn.tokens
            turn.tokens = tokens
            self._wake()

    def pause(self, seconds: float) -> None:
        """Admit nothing for a while: the provider asked for it."""
        with self._lock:
            self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def _queue(self, turn: Turn) -> None:
        with self._lock:
            self._waiting.append(turn)

    def _leave(self, turn: Turn) -> None:
        with self._lock:
            if turn.running:
                self._running -= 1
            elif turn in self._waiting:
                self._waiting.remove(turn)
            self._wake()

    def _wake(self) -> None:
        """Whoever is first in the queue looks again."""
        if self._waiting:
            self._waiting[0].ring()

    def _delay(self, turn: Turn, clear: Callable[[], None]) -> float | bool | None:
        """True where a turn may begin now; else the seconds after which it may look again, None until it is woken."""
        with self._lock:
            clear()
            if self._waiting[0] is not turn:
                return None  # whoever is in front wakes the next
            now = time.monotonic()
            wait = self._wait(turn, now)
            if wait is None or wait > 0:
                return wait
            self._waiting.popleft()
            turn.running, turn.at = True, now
            self._running += 1
            if self.requests or self.tokens:
                self._begun.append(turn)
                self._taken += turn.tokens
            self._wake()
            return True

    def _wait(self, turn: Turn, now: float) -> float | None:
        if self.concurrent and self._running >= self.concurrent:
            return None
        while self._begun and self._begun[0].at <= now - self.window:
            self._taken -= self._begun.popleft().tokens
        frees = self._closed_until
        if self.requests and len(self._begun) >= self.requests:
            frees = max(frees, self._begun[len(self._begun) - self.requests].at + self.window)
        if self.tokens:
            room, needed = self.tokens - self._taken, min(turn.tokens, self.tokens)
            for earlier in self._begun:
                if room >= needed:
                    break
                room += earlier.tokens
                frees = max(frees, earlier.at + self.window)
        return max(frees - now, 0.0)


def _call_soon(loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited on it
        loop.call_soon_threadsafe(ring)
