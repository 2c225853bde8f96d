"""LM calls as values, run level by level: everything in a level is independent and runs at once.

An optimizer is a generator that yields levels and receives their results. It knows nothing of threads or event loops,
so that `compile` and `acompile` are the same algorithm.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import dataclasses
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import dspy
from dspy.utils.exceptions import AdapterParseError, LMError

from personaopt.errors import ConfigurationError, PersonaOptError
from personaopt.lm.adapter import LocalAdapter

T = TypeVar("T")
ATTEMPTS = 3
REDRAWN = 1_000_000
"""Rollout ids of repeated attempts, out of the way of those that optimizers draw with."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """An ask that gave nothing usable, after all attempts; a record, not an error."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Ask(Generic[T]):
    """One LM call to be made, and what becomes of its answer.

    Attributes:
        call: Makes the call; its argument is the number of the attempt, from 0.
        acall: Makes the same call, awaited.
        finish: Turns the answer into the result; may raise `PersonaOptError` for an answer that is of no use.
        calls: LM calls that one attempt makes.
    """

    call: Callable[[int], Any]
    acall: Callable[[int], Awaitable[Any]]
    finish: Callable[[Any], T]
    calls: int = 1

    @classmethod
    def done(cls, value: T) -> Ask[T]:
        """An ask that needs no LM: its result is known."""

        async def wait(attempt: int) -> T:
            return value

        return cls(lambda attempt: value, wait, lambda answer: answer, calls=0)

    @classmethod
    def predict(cls, predictor: Any, finish: Callable[[Any], T], *, reflect: bool = False, **inputs: Any) -> Ask[T]:
        """An ask of a DSPy predictor; a repeated attempt is drawn anew instead of taken from a cache.

        Args:
            predictor: What is asked.
            finish: Turns the prediction into the result.
            reflect: Whether the LM is told at length what to think about. `LocalAdapter`, through which the task itself
                may be answered, has no place for that; DSPy's chat form then takes its place.
            inputs: What the predictor is called with.
        """

        def keywords(attempt: int) -> dict[str, Any]:
            redrawn = {**inputs.get("config", {}), "temperature": 1.0, "rollout_id": REDRAWN + attempt}
            return {**inputs, "config": redrawn} if attempt else inputs

        def call(attempt: int) -> Any:
            with _form(attempt, reflect):
                return predictor(**keywords(attempt))

        async def acall(attempt: int) -> Any:
            with _form(attempt, reflect):
                return await predictor.acall(**keywords(attempt))

        return cls(call, acall, finish)

    def now(self, may_repeat: MayRepeat) -> T | Failure:
        """Make the call."""
        attempt = 0
        while True:
            try:
                return self.finish(self.call(attempt))
            except (AdapterParseError, LMError, PersonaOptError) as error:
                attempt += 1
                if not self._worth_repeating(error, attempt, may_repeat):
                    return Failure(_reason(error))

    async def soon(self, may_repeat: MayRepeat) -> T | Failure:
        """Make the call without blocking the event loop."""
        attempt = 0
        while True:
            try:
                return self.finish(await self.acall(attempt))
            except (AdapterParseError, LMError, PersonaOptError) as error:
                attempt += 1
                if not self._worth_repeating(error, attempt, may_repeat):
                    return Failure(_reason(error))

    def _worth_repeating(self, error: Exception, attempt: int, may_repeat: MayRepeat) -> bool:
        """Whether another attempt may go better: a reply that was of no use, not an LM that cannot be reached.

        Raises:
            ConfigurationError: The error is the caller's mistake, which no LM can mend.
        """
        if isinstance(error, ConfigurationError):
            raise error
        # DSPy has tried again already what may pass when an LM fails.
        return not isinstance(error, LMError) and attempt < ATTEMPTS and may_repeat(self.calls)


MayRepeat = Callable[[int], bool]
"""Whether there is room for another attempt, which makes this many LM calls."""

Level = Sequence[Ask[Any]]
Steps = Generator[Level, list[Any], T]
"""An algorithm as a generator: it yields levels, receives each level's results in order, and returns its result."""


def always(calls: int) -> bool:
    """There is room for any attempt."""
    return True


def drive(steps: Steps[T], *, threads: int, may_repeat: MayRepeat = always) -> T:
    """Run an algorithm with threads that carry DSPy's context."""
    results: list[Any] | None = None
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="personaopt") as pool:
        while True:
            try:
                level = steps.send(results) if results is not None else next(steps)
            except StopIteration as end:
                value: T = end.value
                return value
            waiting = [pool.submit(contextvars.copy_context().run, ask.now, may_repeat) for ask in level]
            results = [future.result() for future in waiting]


async def adrive(steps: Steps[T], *, threads: int, may_repeat: MayRepeat = always) -> T:
    """Run an algorithm on the event loop, with at most `threads` calls under way."""
    free = asyncio.Semaphore(threads)

    async def one(ask: Ask[Any]) -> Any:
        async with free:
            return await ask.soon(may_repeat)

    results: list[Any] | None = None
    while True:
        try:
            level = steps.send(results) if results is not None else next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        results = await asyncio.gather(*(one(ask) for ask in level))


def one_call_an_attempt() -> Any:
    """A context in which DSPy's chat adapter does not ask a second time by itself when it cannot read a reply.

    The second call would pass by the budget; `Ask.predict` makes it instead, where the budget has room.
    """
    adapter = dspy.settings.adapter or dspy.ChatAdapter()
    if not getattr(adapter, "use_json_adapter_fallback", False):
        return contextlib.nullcontext()
    plain = copy.copy(adapter)
    plain.use_json_adapter_fallback = False
    return dspy.context(adapter=plain)


def _form(attempt: int, reflect: bool) -> Any:
    """The adapter of an attempt, as a context.

    The second attempt asks for JSON where the first one asked in DSPy's chat form, as DSPy itself would.
    """
    adapter = dspy.settings.adapter or dspy.ChatAdapter()
    if reflect and isinstance(adapter, LocalAdapter):
        adapter = dspy.ChatAdapter(use_json_adapter_fallback=False)
    if attempt == 1 and type(adapter) is dspy.ChatAdapter:
        adapter = dspy.JSONAdapter()
    return dspy.context(adapter=adapter)


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
