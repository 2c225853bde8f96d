"""LM calls that carry a user's texts: kept out of DSPy's cache, and marked in its history so that they can be emptied.

DSPy's cache is on disk by default, shared by all users and programs, and finds an answer by a hash of its question:
what belongs to a user cannot be found in it again and so not be deleted. Its history holds the last 10,000 calls of
the process in full.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import dspy

_OWNER = "personaopt_user"
_GONE = "[forgotten]"


@contextlib.contextmanager
def private_calls(owner: str, *, cached: bool = False) -> Iterator[None]:
    """A context for the calls of one user, also of the threads and tasks that inherit it.

    Args:
        owner: Whose texts they carry, as `forget_calls` names it.
        cached: Whether DSPy's cache may be used all the same.
    """
    if not cached:
        _divert()
    # In front, because the last of them is taken for the module that called.
    with dspy.context(caller_modules=[_Private(owner, cached), *(dspy.settings.caller_modules or [])]):
        yield


@contextlib.contextmanager
def unremembered_calls(owner: str, lm: Any) -> Iterator[None]:
    """A context for calls of one user of which this process remembers nothing: no cache, no history, no trace.

    DSPy callbacks that were configured, such as those of a tracing service, are told of them all the same.

    Args:
        owner: Whose texts they carry.
        lm: Who answers; a local model lets go of the states of its prompts afterwards.
    """
    try:
        with private_calls(owner), dspy.context(disable_history=True, trace=None):
            yield
    finally:
        _let_go(lm)
        dspy.Image.format.cache_clear()


def remembered() -> bool:
    """Whether what is done in this context may be remembered; not for a conversation that leaves nothing behind."""
    return not dspy.settings.disable_history


def forget_calls(owner: str, texts: Collection[str]) -> None:
    """Empty what this process remembers of a user's calls: DSPy's histories and trace, and states of local models.

    Args:
        owner: Whose; all marked calls of this user are emptied.
        texts: Calls that hold one of these are emptied too, whoever made them.
    """
    if "dspy" not in sys.modules:
        return
    holders = _holders()
    entries: dict[int, dict[str, Any]] = {}
    from dspy.clients.base_lm import GLOBAL_HISTORY

    for history in (GLOBAL_HISTORY, *(held for holder in holders if isinstance(held := _history(holder), list))):
        entries.update((id(entry), entry) for entry in list(history) if isinstance(entry, dict))
    for entry in entries.values():
        if entry.get(_OWNER) == owner or (_OWNER not in entry and _holds(entry, texts)):
            _empty(entry)
    if isinstance(dspy.settings.trace, list):  # what predictors were asked, which DSPy keeps for its optimizers
        dspy.settings.trace[:] = [step for step in dspy.settings.trace if not _traces(step, owner, texts)]
    for holder in holders:
        _let_go(holder)


def _let_go(holder: Any) -> None:
    engine: Any = getattr(holder, "engine", None)
    if type(engine).__name__ == "LocalEngine":
        engine.close()  # lets go of the states of prompts; the engine can still be used


class _Private:
    """Takes a module's place among those that are calling, so that it is carried wherever the calls are made.

    DSPy hands every record to it; it writes the user into the record, which all histories share, and keeps nothing.
    """

    def __init__(self, owner: str, cached: bool) -> None:
        self.owner = owner
        self.cached = cached

    @property
    def history(self) -> _Private:
        """Where DSPy appends."""
        return self

    def __len__(self) -> int:
        return 0  # nothing is kept, so that nothing has to make room

    def append(self, record: dict[str, Any]) -> None:
        """Called by DSPy after every answer."""
        record[_OWNER] = self.owner


class _Diverted:
    """In the place of DSPy's cache: the same one, but for private calls there is none.

    Args:
        cache: DSPy's; None where none was made yet, as DSPy makes it when it is first needed.
    """

    def __init__(self, cache: Any) -> None:
        object.__setattr__(self, "_cache", cache)

    @property
    def own(self) -> Any:
        """DSPy's cache."""
        if self._cache is None:
            object.__setattr__(self, "_cache", dspy.clients._get_dspy_cache())
        return self._cache

    def get(self, *arguments: Any, **options: Any) -> Any:
        """What is cached for a request; nothing for a private one."""
        return None if _is_private() else self.own.get(*arguments, **options)

    def put(self, *arguments: Any, **options: Any) -> None:
        """Keep an answer, unless it is private."""
        if not _is_private():
            self.own.put(*arguments, **options)

    def __contains__(self, key: str) -> bool:
        return key in self.own

    def __getattr__(self, name: str) -> Any:
        if name == "_cache":  # not there yet: a copy is being made
            raise AttributeError(name)
        return getattr(self.own, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.own, name, value)


def _divert() -> None:
    """See to it that private calls find no cache, whatever was configured since the last time."""
    current = vars(dspy).get("cache")
    if not isinstance(current, _Diverted):
        dspy.cache = _Diverted(current)


def _is_private() -> bool:
    return any(isinstance(each, _Private) and not each.cached for each in dspy.settings.caller_modules or [])


def _holders() -> list[Any]:
    """Every LM and module of the process: an LM's own history may be longer than what DSPy's global one still has."""
    from dspy.clients.base_lm import BaseLM

    kinds = {BaseLM, dspy.Module}
    return [each for each in gc.get_objects() if not kinds.isdisjoint(type(each).__mro__)]


def _history(holder: Any) -> Any:
    return vars(holder).get("history")


def _holds(entry: dict[str, Any], texts: Iterable[str]) -> bool:
    said = repr([entry.get(name) for name in ("prompt", "messages", "outputs")])
    return any(repr(text)[1:-1] in said or text in said for text in texts)


def _traces(step: Sequence[Any], owner: str, texts: Iterable[str]) -> bool:
    predictor, *said = step
    user_id = getattr(predictor, "user_id", None)
    if isinstance(user_id, str):
        return hashlib.sha256(user_id.encode()).hexdigest() == owner
    return any(repr(text)[1:-1] in repr(said) for text in texts)


def _empty(entry: dict[str, Any]) -> None:
    """Leave what says nothing of the user: when, which model, how much."""
    for name in ("response", "request", "kwargs"):
        if name in entry:
            entry[name] = None
    entry.update(prompt=None, messages=[{"role": "user", "content": _GONE}], outputs=[_GONE])
