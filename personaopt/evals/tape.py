"""LM calls of unfinished work, kept in a file: work that was cut short is done anew and asks for nothing it has heard.

A run of many dependent steps has state in many places (a store, an optimizer, a simulated world). Doing it anew from
the first step with the answers of the first time rebuilds all of it, whatever it is, and pays for none of it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dspy
from dspy.lm15 import Request, Response

from personaopt.errors import StoreError

_TAPE = "personaopt_tape"


class Tape:
    """What LM calls gave, by what was asked; equal ones in their order.

    Args:
        file: Where it is kept. It is made with the first call; a last line that was cut short is dropped.

    Raises:
        StoreError: It cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._kept: defaultdict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self._opened: int | None = None
        self._lock = threading.Lock()
        try:
            self._read()
        except FileNotFoundError:
            pass  # the first call makes it
        except OSError as error:
            raise StoreError(f"{file} cannot be read: {error.strerror}.") from error

    def take(self, asked: str) -> dict[str, Any] | None:
        """What was given the first time; each is taken once."""
        with self._lock:
            kept = self._kept.get(asked)
            return kept.popleft() if kept else None

    def keep(self, entry: dict[str, Any]) -> None:
        """Write down what was given.

        Raises:
            StoreError: It cannot be written.
        """
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode()
        with self._lock:
            try:
                if self._opened is None:
                    self.file.parent.mkdir(parents=True, exist_ok=True)
                    self._opened = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                os.write(self._opened, line)
            except OSError as error:
                raise StoreError(f"{self.file} cannot be written: {error.strerror}.") from error

    def _read(self) -> None:
        whole = 0
        for line in self.file.read_bytes().splitlines(keepends=True):
            try:
                entry = json.loads(line if line.endswith(b"\n") else b"")
                self._kept[entry["asked"]].append(entry)
            except (ValueError, KeyError, TypeError):
                break  # cut short, or damaged: what comes after it is asked again
            whole += len(line)
        os.truncate(self.file, whole)

    @contextlib.contextmanager
    def running(self) -> Iterator[Tape]:
        """A context in which calls of a `TapedLM` are taken from here, or made and kept; threads inherit it."""
        try:
            with dspy.context(**{_TAPE: self}):
                yield self
        finally:
            if self._opened is not None:
                os.close(self._opened)
                self._opened = None

    def remove(self) -> None:
        """The work is done: nobody will ask for it again."""
        self.file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others are still in it
            self.file.parent.rmdir()


class TapedLM(dspy.LM):
    """A language model whose calls can be kept on a `Tape`; without one it is what it was made from.

    What is taken from a tape is counted as it was when it was paid for.
    """

    @classmethod
    def of(cls, lm: dspy.LM) -> TapedLM:
        """The same model with the same settings."""
        taped = object.__new__(cls)
        taped.__dict__.update(lm.copy().__dict__)
        return taped

    def __call__(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """As for any `dspy.LM`."""
        tape = dspy.settings.get(_TAPE)
        if tape is None:
            return super().__call__(prompt, messages=messages, **kwargs)
        asked = _digest(self, prompt, messages, kwargs)
        if entry := tape.take(asked):
            return self._again(entry, prompt, messages)
        with _heard(tape, asked) as heard:
            gave = super().__call__(prompt, messages=messages, **kwargs)
        heard.keep(gave)
        return gave

    async def acall(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        """The same, awaited."""
        tape = dspy.settings.get(_TAPE)
        if tape is None:
            return await super().acall(prompt, messages=messages, **kwargs)
        asked = _digest(self, prompt, messages, kwargs)
        if entry := tape.take(asked):
            return self._again(entry, prompt, messages)
        with _heard(tape, asked) as heard:
            gave = await super().acall(prompt, messages=messages, **kwargs)
        heard.keep(gave)
        return gave

    def _again(self, entry: dict[str, Any], prompt: Any, messages: Any) -> Any:
        """What was given, counted and recorded as if it were given now."""
        usage = entry["usage"]
        if dspy.settings.usage_tracker:
            dspy.settings.usage_tracker.add_usage(self.model, dict(usage))
        if not dspy.settings.disable_history:
            known = {"prompt": None if isinstance(prompt, Request) else prompt, "messages": messages}
            self.update_history({**known, "kwargs": {}, "usage": usage, "cost": entry["cost"], "model": self.model})
        if entry["typed"]:
            from dspy._vendor.lm15.serde import response_from_dict

            return response_from_dict(entry["gave"])
        return [_attributes(each) for each in entry["gave"]]


class _Heard:
    """Takes a module's place among those that are calling, and keeps what a call gave as soon as DSPy has it.

    Who hears of the call next may end the work there and then, and the call is paid for.

    Args:
        tape: Where it is kept.
        asked: What was asked.
    """

    def __init__(self, tape: Tape, asked: str) -> None:
        self._tape = tape
        self._entry: dict[str, Any] = {"asked": asked, "usage": {}, "cost": None}
        self._kept = False

    @property
    def history(self) -> _Heard:
        """Where DSPy appends."""
        return self

    def __len__(self) -> int:
        return 0  # nothing stays here, so that nothing has to make room

    def append(self, record: dict[str, Any]) -> None:
        """Called by DSPy after every answer."""
        self._entry |= {"usage": dict(record.get("usage") or {}), "cost": record.get("cost")}
        gave = record.get("response" if record.get("request") else "outputs")
        if isinstance(gave, Response | list):
            self.keep(gave)

    def keep(self, gave: Any) -> None:
        """Keep what the call gave, once."""
        if self._kept:
            return
        self._kept = True
        typed = isinstance(gave, Response)
        if typed:
            from dspy._vendor.lm15.serde import response_to_dict

            gave = response_to_dict(gave)
        self._tape.keep({**self._entry, "typed": typed, "gave": gave})


@contextlib.contextmanager
def _heard(tape: Tape, asked: str) -> Iterator[_Heard]:
    heard = _Heard(tape, asked)
    # In front, because the last of them is taken for the module that called.
    with dspy.context(caller_modules=[heard, *(dspy.settings.caller_modules or [])]):
        yield heard


def _digest(lm: dspy.LM, prompt: Any, messages: Any, kwargs: dict[str, Any]) -> str:
    """Of everything that makes two calls the same."""
    asked = [lm.model, lm.kwargs, prompt, messages, kwargs]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Request):
        from dspy._vendor.lm15.serde import request_to_dict

        return request_to_dict(value)
    schema = getattr(value, "model_json_schema", None)
    return schema() if callable(schema) else repr(value)


class _Attributes(dict[str, Any]):
    """What DSPy reads of an output by key and by attribute, such as calls of tools."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _attributes(value: Any) -> Any:
    if isinstance(value, dict):
        return _Attributes({key: _attributes(each) for key, each in value.items()})
    return [_attributes(each) for each in value] if isinstance(value, list) else value
