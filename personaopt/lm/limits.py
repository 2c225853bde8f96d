"""An LM within limits: so many calls at once and a minute, none that hangs, and failures that pass tried again.

DSPy tells passing failures from lasting ones and reads what the provider says about waiting; its own loop, which knows
of no other calls, is replaced by one that shares a `Limiter`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import dspy
from dspy.clients.base_lm import LM_CLASS_STATE_KEY
from dspy.clients.call_context import adapter_fallback_scope
from dspy.clients.execution import IGNORED_CACHE_KEYS, prepare
from dspy.utils.exceptions import LMRateLimitError, LMTimeoutError, is_retryable_lm_error

from personaopt.errors import ConfigurationError
from personaopt.lm.limiter import Limiter, Turn
from personaopt.persona import estimate_tokens

T = TypeVar("T")

LONGEST_WAIT = 300.0
"""Seconds; a provider that asks for more patience is not asked again."""
_TURN: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("personaopt_turn", default=None)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def limited(
    lm: dspy.LM,
    *,
    concurrent: int | None = None,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    timeout: float | None = None,
    limiter: Limiter | None = None,
) -> dspy.LM:
    """A copy of an LM that keeps to limits, however many threads and tasks ask it and its copies.

    Calls that would pass a limit wait, first come, first served. Rate limits (429), server errors (5xx), lost
    connections and timeouts are tried again as often as the LM's `num_retries` says: after as long as the provider asks
    for (`Retry-After` in seconds or as a date, or the time at which its limits are reset), during which no other call
    is made either; else after 1, 2, 4 ... seconds, less up to half by chance. Answers from DSPy's cache wait for
    nothing. The copy is a `dspy.LM` of the same engine, history apart; saved programs name the LM without its limits.

    Args:
        lm: The LM, of any engine.
        concurrent: Calls under way at once.
        requests_per_minute: Calls begun in any 60 seconds.
        tokens_per_minute: Tokens read and written by the calls begun in any 60 seconds. A call reserves an estimate of
            its prompt and its `max_tokens`; when it is answered the real figures take their place.
        timeout: Seconds that one attempt may take as a whole; then it fails and counts as a passing failure. A thread
            cannot be stopped: what it waits for is left to itself, and counted if it is still answered. A streamed
            answer of a synchronous program is not bounded.
        limiter: Shared by several LMs of one account; takes the place of the three limits.

    Raises:
        ConfigurationError: A limit is not above 0, the LM is no `dspy.LM`, or it is limited already.

    Example:
        >>> dspy.configure(lm=po.limited(dspy.LM("openai/gpt-4.1-mini"), concurrent=8, requests_per_minute=500))
    """
    if not isinstance(lm, dspy.LM) or isinstance(lm, _Limited):
        said = "it is limited already" if isinstance(lm, _Limited) else f"it is a {type(lm).__name__}"
        raise ConfigurationError(f"Only a plain dspy.LM can be limited; {said}.")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise ConfigurationError(f"A timeout is a number of seconds above 0 or None; it is {timeout!r}.")
    own = (concurrent, requests_per_minute, tokens_per_minute)
    if limiter is not None and any(limit is not None for limit in own):
        raise ConfigurationError("Give either a limiter or limits of its own, not both.")
    copy = lm.copy()
    copy.retries, copy.longest = lm.num_retries, timeout
    copy.limiter = limiter or Limiter(*own)
    copy.__class__ = _limited_class(type(lm))
    return copy


class _Limited(dspy.LM):
    """What `limited` puts in front of an LM's class."""

    retries: int
    longest: float | None
    limiter: Limiter
    unlimited: type[dspy.LM] = dspy.LM

    @property
    def num_retries(self) -> int:
        """None by DSPy itself: every attempt waits for its turn."""
        return 0

    @num_retries.setter
    def num_retries(self, retries: int) -> None:
        self.retries = retries

    def __call__(self, prompt: Any = None, *, messages: Any = None, **settings: Any) -> Any:
        """One call within the limits."""
        call = functools.partial(super().__call__, prompt, messages=messages, **settings)
        if _is_cached(self, prompt, messages, settings, awaited=False):
            return call()
        tokens = self._estimate(prompt, messages, settings)
        attempt = 0
        while True:
            with self.limiter.turn(tokens) as turn, adapter_fallback_scope() as shown:
                try:
                    return _within(self.longest, functools.partial(_marked, turn, call), self.model)
                except dspy.LMError as error:
                    delay = self._delay(error, attempt, shown.emitted)
            time.sleep(delay)
            attempt += 1

    async def acall(self, prompt: Any = None, *, messages: Any = None, **settings: Any) -> Any:
        """The same, awaited."""
        call = functools.partial(super().acall, prompt, messages=messages, **settings)
        if await asyncio.to_thread(_is_cached, self, prompt, messages, settings, awaited=True):
            return await call()
        tokens = self._estimate(prompt, messages, settings)
        attempt = 0
        while True:
            async with self.limiter.aturn(tokens) as turn:
                token = _TURN.set(turn)
                try:
                    with adapter_fallback_scope() as shown:
                        async with asyncio.timeout(self.longest):
                            return await call()
                except TimeoutError:
                    delay = self._delay(_too_long(self.model, self.longest), attempt, shown.emitted)
                except dspy.LMError as error:
                    delay = self._delay(error, attempt, shown.emitted)
                finally:
                    _TURN.reset(token)
            await asyncio.sleep(delay)
            attempt += 1

    def update_history(self, entry: dict[str, Any]) -> None:
        """Called by DSPy with the record of an answer: what it took is known."""
        turn, usage = _TURN.get(), entry.get("usage") or {}
        if turn is not None and usage.get("prompt_tokens") is not None:
            self.limiter.correct(turn, int(usage["prompt_tokens"]) + int(usage.get("completion_tokens") or 0))
        super().update_history(entry)

    def dump_state(self) -> dict[str, Any]:
        """The state of the LM without its limits."""
        path = f"{self.unlimited.__module__}.{self.unlimited.__qualname__}"
        return {**super().dump_state(), LM_CLASS_STATE_KEY: path, "num_retries": self.retries}

    def _delay(self, error: Exception, attempt: int, shown: bool) -> float:
        """Seconds until the next attempt.

        Args:
            error: What the last one failed with.
            attempt: Its number, from 0.
            shown: Whether a part of its answer was streamed to somebody already.

        Raises:
            LMError: There is none: the failure lasts, was repeated often enough, or the wait is too long.
        """
        asked = _asked_for(error)
        if shown or not is_retryable_lm_error(error) or attempt >= self.retries or (asked or 0.0) > LONGEST_WAIT:
            raise error
        if asked is None:
            return float(min(2**attempt, 60)) * random.uniform(0.5, 1.0)
        if isinstance(error, LMRateLimitError):
            self.limiter.pause(asked)
        return asked + random.uniform(0.0, 0.1 * asked)

    def _estimate(self, prompt: Any, messages: Any, settings: Mapping[str, Any]) -> int:
        """Tokens that a call may take, where they are limited."""
        if not self.limiter.tokens:
            return 0
        known = {**self.kwargs, **settings}
        config = getattr(prompt, "config", None)
        most = known.get("max_tokens") or known.get("max_completion_tokens") or getattr(config, "max_tokens", None) or 0
        return estimate_tokens(_text(prompt, messages)) + int(most)


def _limited_class(kind: type[dspy.LM]) -> type[dspy.LM]:
    if kind is dspy.LM:
        return _Limited
    return type(f"Limited{kind.__name__}", (_Limited, kind), {"unlimited": kind, "__module__": __name__})


def _marked(turn: Turn, call: Callable[[], T]) -> T:
    """Make a call by whose record a turn is corrected."""
    token = _TURN.set(turn)
    try:
        return call()
    finally:
        _TURN.reset(token)


def _within(seconds: float | None, call: Callable[[], T], model: str) -> T:
    """Make a call in a thread of its own that is left alone when it takes too long.

    Raises:
        LMTimeoutError: It does.
    """
    if seconds is None or dspy.settings.send_stream is not None:  # a stream is tied to its thread
        return call()
    answer: concurrent.futures.Future[T] = concurrent.futures.Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answer.set_result(context.run(call))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, whatever it is
            answer.set_exception(error)

    threading.Thread(target=work, name="personaopt-call", daemon=True).start()
    if not concurrent.futures.wait([answer], seconds).done:
        raise _too_long(model, seconds)
    return answer.result()


def _too_long(model: str, seconds: float | None) -> LMTimeoutError:
    return LMTimeoutError(f"No answer within {seconds:g} seconds.", model=model)


def _is_cached(lm: dspy.LM, prompt: Any, messages: Any, settings: Mapping[str, Any], *, awaited: bool) -> bool:
    """Whether DSPy's cache has the answer, which then needs no turn."""
    if not settings.get("cache", lm.cache):
        return False
    call = prepare(lm, prompt, messages, dict(settings), asynchronous=awaited)
    return bool(call.cache and dspy.cache.get(call.key(lm, awaited), IGNORED_CACHE_KEYS) is not None)


def _text(prompt: Any, messages: Any) -> str:
    """What an LM is asked, as text."""
    if isinstance(prompt, str):
        return prompt
    parts = [
        part.text for message in getattr(prompt, "messages", ()) for part in message.parts if hasattr(part, "text")
    ]
    contents = [str(message.get("content")) for message in messages or ()]
    return "\n".join([str(getattr(prompt, "system", None) or ""), *parts, *contents])


def _asked_for(error: Exception) -> float | None:
    """The seconds that a provider asks to wait: its `Retry-After`, else until the limits that are used up are reset."""
    asked = getattr(error, "retry_after", None)
    if asked is not None or not isinstance(error, LMRateLimitError):
        return asked
    headers: Mapping[str, Sequence[str]] = getattr(error, "rate_limit_headers", None) or {}
    waits = [
        _seconds(headers[name][0])
        for name in headers
        if "reset" in name and headers.get(name.replace("reset", "remaining"), ("0",))[0] == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(text: str) -> float | None:
    """Seconds from `6m0s`, `250ms`, `12` or a time of day in ISO form; None for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"(\d+(\.\d+)?(ms|[smhd]))+", text):
        return sum(float(amount) * _UNITS[unit] for amount, unit in re.findall(r"([\d.]+)(ms|[smhd])", text))
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None
