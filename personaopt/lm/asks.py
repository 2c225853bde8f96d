"""LM calls as values; `driving` runs them level by level.

An optimizer is a generator that yields levels and receives their results. It knows nothing of threads or event loops,
so that `compile` and `acompile` are the same algorithm.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import dspy
from dspy.utils.exceptions import AdapterParseError, LMError

from personaopt.errors import ConfigurationError, ModelError, PersonaOptError
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.codec import Codec

T = TypeVar("T")
ATTEMPTS = 3
REDRAWN = 1_000_000
"""Rollout ids of repeated attempts, out of the way of those that optimizers draw with."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """An ask that gave nothing usable, after all attempts; a record, not an error.

    Attributes:
        reason: Why, in one sentence.
        unreachable: The LM itself failed, so that the same ask may go well another time.
    """

    reason: str
    unreachable: bool = False


class Unreachable(ModelError):
    """An LM that is asked on the way to a result failed itself, so that the same ask may go well another time."""


@dataclasses.dataclass(frozen=True)
class Ask(Generic[T]):
    """One LM call to be made, and what becomes of its answer.

    Attributes:
        call: Makes the call; its argument is the number of the attempt, from 0.
        acall: Makes the same call, awaited.
        finish: Turns the answer into the result; may raise `PersonaOptError` for an answer that is of no use.
        calls: LM calls that one attempt makes.
        codec: How the result is kept. Without one an alignment that was interrupted and goes on asks again.
        asked: What is asked, by name; two asks that say the same here are taken for the same.
        afinish: What `finish` does, awaited, where it waits for something.
    """

    call: Callable[[int], Any]
    acall: Callable[[int], Awaitable[Any]]
    finish: Callable[[Any], T]
    calls: int = 1
    codec: Codec[T] | None = None
    asked: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    afinish: Callable[[Any], Awaitable[T]] | None = None

    @classmethod
    def done(cls, value: T) -> Ask[T]:
        """An ask that needs no LM: its result is known."""

        async def wait(attempt: int) -> T:
            return value

        return cls(lambda attempt: value, wait, lambda answer: answer, calls=0)

    @classmethod
    def predict(
        cls,
        predictor: Any,
        finish: Callable[[Any], T],
        *,
        reflect: bool = False,
        codec: Codec[T] | None = None,
        calls: int = 1,
        **inputs: Any,
    ) -> Ask[T]:
        """An ask of a DSPy predictor; a repeated attempt is drawn anew instead of taken from a cache.

        Args:
            predictor: What is asked.
            finish: Turns the prediction into the result.
            reflect: Whether the LM is told at length what to think about. `LocalAdapter`, through which the task itself
                may be answered, has no place for that; DSPy's chat form then takes its place.
            codec: How the result is kept.
            calls: LM calls that one attempt makes, those of `finish` among them.
            inputs: What the predictor is called with.
        """

        def keywords(attempt: int) -> dict[str, Any]:
            redrawn = {**inputs.get("config", {}), "temperature": 1.0, "rollout_id": REDRAWN + attempt}
            return {**inputs, "config": redrawn} if attempt else inputs

        def call(attempt: int) -> Any:
            with _form(attempt, reflect), _parsed():
                return predictor(**keywords(attempt))

        async def acall(attempt: int) -> Any:
            with _form(attempt, reflect), _parsed():
                return await predictor.acall(**keywords(attempt))

        asked = {"signature": predictor.signature, **{name: value for name, value in inputs.items() if name != "lm"}}
        return cls(call, acall, finish, calls, codec, asked)

    def again(self, time: int) -> Ask[T]:
        """The same ask, drawn anew; `time` counts from 1 and makes it another one than before."""
        shift = ATTEMPTS * time
        return dataclasses.replace(
            self,
            call=lambda attempt: self.call(attempt + shift),
            acall=lambda attempt: self.acall(attempt + shift),
            asked={**self.asked, "again": time},
        )

    def now(self, may_repeat: MayRepeat) -> T | Failure:
        """Make the call."""
        attempt = 0
        while True:
            try:
                return self.finish(self.call(attempt))
            except (AdapterParseError, LMError, PersonaOptError) as error:
                attempt += 1
                if not self._worth_repeating(error, attempt, may_repeat):
                    return Failure(_reason(error), isinstance(error, LMError | Unreachable))

    async def soon(self, may_repeat: MayRepeat) -> T | Failure:
        """Make the call without blocking the event loop."""
        attempt = 0
        while True:
            try:
                answer = await self.acall(attempt)
                return await self.afinish(answer) if self.afinish else self.finish(answer)
            except (AdapterParseError, LMError, PersonaOptError) as error:
                attempt += 1
                if not self._worth_repeating(error, attempt, may_repeat):
                    return Failure(_reason(error), isinstance(error, LMError | Unreachable))

    def _worth_repeating(self, error: Exception, attempt: int, may_repeat: MayRepeat) -> bool:
        """Whether another attempt may go better: a reply that was of no use, not an LM that cannot be reached.

        Raises:
            ConfigurationError: The error is the caller's mistake, which no LM can mend.
        """
        if isinstance(error, ConfigurationError):
            raise error
        # DSPy has tried again already what may pass when an LM fails.
        return not isinstance(error, LMError | Unreachable) and attempt < ATTEMPTS and may_repeat(self.calls)


MayRepeat = Callable[[int], bool]
"""Whether there is room for another attempt, which makes this many LM calls."""

Level = Sequence[Ask[Any]]
Steps = Generator[Level, list[Any], T]
"""An algorithm as a generator: it yields levels, receives each level's results in order, and returns its result."""


def always(calls: int) -> bool:
    """There is room for any attempt."""
    return True


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
    if attempt % ATTEMPTS == 1 and type(adapter) is dspy.ChatAdapter:
        adapter = dspy.JSONAdapter()
    return dspy.context(adapter=adapter)


@contextlib.contextmanager
def _parsed() -> Iterator[None]:
    """A context in which brackets upon brackets are a reply that cannot be read, like others.

    Raises:
        ModelError: A parser gave up.
    """
    try:
        yield
    except (RecursionError, ValueError) as error:
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            raise ModelError("The LM's reply is nested too deeply to be read.") from error
        raise


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
