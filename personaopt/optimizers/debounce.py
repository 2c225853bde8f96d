"""Work for one user at a time and several users at once, begun when no more is asked for, on an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any

from personaopt.agent import PersonaAgent

LONGEST_WAIT = 10
"""Requests that keep coming put the work off by so many debounce times at most."""


@dataclasses.dataclass
class Wanted:
    """What was asked for and has not begun.

    Attributes:
        first: When it was asked for first, on the loop's clock.
        begin: When it begins.
        agent: The latest agent that was given with it.
        force: Whether it was asked for by hand.
        timer: What will begin it.
    """

    first: float
    begin: float
    agent: PersonaAgent | None
    force: bool
    timer: asyncio.TimerHandle | None = None


class Debounced:
    """Every method is called on the loop's own thread; so nothing here needs a lock.

    Args:
        loop: Where the work is done.
        serve: Does it, for a user id and what was wanted.
        failed: Called with a user id and what `serve` raised.
        seconds: Without another request before the work begins.
        at_once: How many users are served at once.
        context: In which context the work is done, whatever that of the request is.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        serve: Callable[[str, Wanted], Coroutine[Any, Any, None]],
        failed: Callable[[str, BaseException], None],
        *,
        seconds: float,
        at_once: int,
        context: contextvars.Context,
    ) -> None:
        self.loop, self.serve, self.failed = loop, serve, failed
        self.seconds, self.context = seconds, context
        self._free = asyncio.Semaphore(at_once)
        self._wanted: dict[str, Wanted] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def want(self, user_id: str, agent: PersonaAgent | None, force: bool) -> None:
        """Ask for a user's work; what was asked for before and has not begun is the same."""
        now = self.loop.time()
        before = self._wanted.get(user_id)
        first = before.first if before else now
        wanted = Wanted(first, min(now + self.seconds, first + LONGEST_WAIT * self.seconds), agent, force)
        if before:
            wanted.agent, wanted.force, wanted.timer = agent or before.agent, force or before.force, before.timer
        if wanted.force:
            wanted.begin = now
        self._wanted[user_id] = wanted
        self._schedule(user_id)

    async def drained(self) -> None:
        """Begin at once what waits, and come back when nothing is left."""
        while self._wanted or self._tasks:
            now = self.loop.time()
            for user_id, wanted in self._wanted.items():
                if wanted.begin > now:
                    wanted.begin = now
                    self._schedule(user_id)
            first = asyncio.FIRST_COMPLETED
            await (asyncio.wait(self._tasks.values(), return_when=first) if self._tasks else asyncio.sleep(0))

    async def cancelled(self) -> None:
        """Drop what waits and cancel what is under way."""
        for wanted in self._wanted.values():
            if wanted.timer:
                wanted.timer.cancel()
        self._wanted.clear()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _schedule(self, user_id: str) -> None:
        wanted = self._wanted[user_id]
        if wanted.timer:
            wanted.timer.cancel()
        if user_id not in self._tasks:  # else it is scheduled when that one has ended
            wanted.timer = self.loop.call_at(wanted.begin, self._begin, user_id)

    def _begin(self, user_id: str) -> None:
        task = self.loop.create_task(self._served(user_id), context=self.context.copy())
        self._tasks[user_id] = task
        task.add_done_callback(lambda _: self._ended(user_id, task))

    async def _served(self, user_id: str) -> None:
        async with self._free:
            await self.serve(user_id, self._wanted.pop(user_id))  # with what was added while others were served

    def _ended(self, user_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[user_id]
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failed(user_id, error)
        if user_id in self._wanted:
            self._schedule(user_id)
