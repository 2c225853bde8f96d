"""An alignment that can be killed: what its finished calls gave is kept until it is over, and taken instead of asking.

The loop is a generator without chance in it, so that going on means running it again from the beginning: results that
are kept are handed to it at once, and the first call that has none is where it was interrupted. Each result is kept
with a digest of what was asked. Where that differs (memory was recorded meanwhile with an older time, say) the call is
made anew.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic
from dspy.signatures import SignatureMeta

from personaopt.errors import PersonaOptError
from personaopt.lm.asks import Ask, Failure
from personaopt.lm.metering import Usage
from personaopt.memory import User

SHARE = 5
"""Writing may take one part in so many of the time: results that come faster are written together."""
TOGETHER = 0.02
"""Seconds that a result waits for others; the end of a level waits for nothing."""


class Checkpoint:
    """What the calls of one alignment gave, in the user's store.

    Nothing is written before the first call came back. A store that cannot be written does not end the alignment; it
    can then not be gone on with, and `trouble` says why.

    Args:
        user: Whose alignment it is.
        run: Its id.
        fingerprint: What it was begun with.
        recorded: What was kept when it was interrupted, by key.

    Attributes:
        fingerprint: What it was begun with.
        spent: What it had cost by then.
        results: How many results it had by then.
        as_of: What `Store.last_forgetting` said before the history was read; where something was forgotten since,
            nothing is kept.
        trouble: Why nothing could be kept any more; empty where it could.
    """

    def __init__(
        self, user: User, run: str, fingerprint: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._user, self._run = user, run
        self.as_of: float | None = None
        self.fingerprint = fingerprint
        self._kept: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
        for key, value in sorted(recorded.items()):
            for place, result in value.get("results", {}).items():
                self._kept.setdefault((int(key.partition(".")[0]), int(place)), []).append(result)
        self.spent = _most_spent(recorded.values())
        self.results = len(self._kept)
        self.trouble = ""
        self._begun = bool(recorded)
        self._written = len(recorded)
        self._level = 0
        self._waiting: dict[str, Any] = {}
        self._off = False
        self._lock = threading.Lock()
        self._free_at = 0.0

    def begin(self, asks: Sequence[Ask[Any]]) -> dict[int, Any]:
        """The next level begins: the results that are known, by place."""
        self._level += 1
        known = {}
        for place, ask in enumerate(asks):
            for kept in self._kept.pop((self._level, place), []):
                if ask.codec is not None and kept.get("asked") == digest(ask):
                    try:
                        known[place] = Failure(kept["failed"]) if "failed" in kept else ask.codec.read(kept["gave"])
                    except (PersonaOptError, KeyError, TypeError, ValueError):
                        continue  # kept by hand or by another version: it is asked for again
        return known

    def add(self, place: int, ask: Ask[Any], result: Any) -> None:
        """A call of the level came back. An LM that could not be reached is not kept: it may be there next time."""
        if self._off or not (ask.calls or ask.codec):
            return
        kept = None  # but what it cost is
        if isinstance(result, Failure):
            if not result.unreachable:
                kept = {"asked": digest(ask), "failed": result.reason}
        elif ask.codec is not None:
            kept = {"asked": digest(ask), "gave": ask.codec.write(result)}
        if not self._waiting:
            self._free_at = max(self._free_at, time.monotonic() + TOGETHER)
        self._waiting[str(place)] = kept

    def due(self) -> float | None:
        """Seconds until `flush` wants to be called."""
        return max(self._free_at - time.monotonic(), 0.0) if self._waiting else None

    def flush(self, usage: Usage) -> None:
        """Write what came back since the last time; on disk when this returns.

        Args:
            usage: What the alignment has cost so far.
        """
        with self._lock:  # of a task that is cancelled the thread that writes goes on
            waiting, self._waiting = self._waiting, {}
            if waiting and not self._off:
                self._write(waiting, usage)

    def _write(self, waiting: Mapping[str, Any], usage: Usage) -> None:
        began = time.monotonic()
        store, user = self._user.store, self._user.id
        self._written += 1  # no key twice: an ask that is made again must not replace what came back beside it
        key = f"{self._level:04}.{min(map(int, waiting)):05}.{self._written:05}"
        results = {place: kept for place, kept in waiting.items() if kept is not None}
        try:
            if not self._begun:
                store.start_run(user, self._run, self.fingerprint, as_of=self.as_of)
                self._begun = True
            value = {"results": results, "usage": dataclasses.asdict(usage)}
            self._off = not store.record_call(
                user, self._run, key, value
            )  # it may have had to make room for newer ones
        except PersonaOptError as error:
            self._off = True
            self.trouble = f"what its calls gave could not be kept ({type(error).__name__})"
        now = time.monotonic()
        self._free_at = now + SHARE * (now - began)

    def discard(self, older: Iterable[str] = ()) -> None:
        """Nothing is to be gone on with any more.

        Args:
            older: Ids of unfinished alignments that this one has replaced.
        """
        for run in (*([self._run] if self._begun else []), *older):
            self._user.store.finish_run(self._user.id, run)
        self._begun = False


def digest(ask: Ask[Any]) -> str:
    """What an ask says, as 16 hexadecimal digits."""
    text = json.dumps(ask.asked, default=_plain, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, SignatureMeta):
        return [value.instructions, {name: str(field.annotation) for name, field in value.fields.items()}]
    if isinstance(value, type):
        return value.__qualname__
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    return type(value).__qualname__


def _most_spent(values: Iterable[Mapping[str, Any]]) -> Usage:
    """The newest of several records of what was spent: nothing of it ever gets less."""
    spent = Usage()
    for value in values:
        known = {field.name for field in dataclasses.fields(Usage)} & set(value.get("usage", {}))
        usage = Usage(**{name: value["usage"][name] for name in known})
        if (usage.calls, usage.seconds) > (spent.calls, spent.seconds):
            spent = usage
    return spent
