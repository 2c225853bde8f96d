"""Several algorithms at once: the next level of all of them is one level, so that none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from personaopt.errors import ModelError
from personaopt.lm.asks import Ask, Failure, Level, Steps

T = TypeVar("T")

MakeLevel = Callable[[list[Ask[Any]]], Steps[list[Any]]]
"""Makes independent calls, such as `Levels.ask` with a name: within a budget, told to listeners, kept."""


def as_level(asks: list[Ask[Any]]) -> Steps[list[Any]]:
    """The calls as a level of the caller's own, and nothing else."""
    results: list[Any] = yield asks
    return results


def side_by_side(many: Sequence[Steps[T]], make: MakeLevel = as_level) -> Steps[list[T | Failure]]:
    """Advance algorithms in lockstep until all are over.

    Levels are as many as the longest one has. What one of them cannot do without an LM's answer is its own failure,
    and does not end the others.

    Args:
        many: The algorithms, not begun.
        make: Makes a level's calls.

    Returns:
        What each of them returned, in their order; a `Failure` in the place of one that raised `ModelError`.
    """
    results: dict[int, T | Failure] = {}
    waiting: dict[int, Level] = {}

    def advance(place: int, send: Callable[[Generator[Level, list[Any], T]], Level]) -> None:
        try:
            waiting[place] = send(many[place])
        except StopIteration as end:
            results[place] = end.value
        except ModelError as error:
            results[place] = Failure(str(error))

    for place in range(len(many)):
        advance(place, next)
    while waiting:
        level, waiting = dict(waiting), {}
        answers = iter((yield from make([ask for asks in level.values() for ask in asks])))
        for place, asks in level.items():
            given = [next(answers) for _ in asks]
            advance(place, lambda steps, given=given: steps.send(given))  # type: ignore[misc]
    return [results[place] for place in range(len(many))]
