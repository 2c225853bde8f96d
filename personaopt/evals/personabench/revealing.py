"""The rule by which a query gives a persona away: it has a word of a value that the persona has, ever."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from personaopt.evals.personabench.records import Profile

_WORD = re.compile(r"\w+")
SHORTEST = 3
"""Letters of a word that can give anybody away; single letters of the MBTI and small numbers cannot."""


def words_of(values: Iterable[str], stop: Collection[str] = ()) -> frozenset[str]:
    """The words of values that say something, as `plain` writes them.

    Args:
        values: Values of fields.
        stop: Words that give nobody away.
    """
    words = (word for value in values for word in _WORD.findall(value.casefold()))
    return frozenset(plain(word) for word in words if word not in stop and (len(word) >= SHORTEST or word.isdigit()))


def words_of_personas(profiles: Iterable[Profile], stop: Collection[str] = ()) -> frozenset[str]:
    """The words of everything that personas are, were or will be, and of what they state wrongly."""
    values = [held.value for profile in profiles for held in profile.held]
    values += [event.new for profile in profiles for event in profile.events]
    return words_of(values, stop)


def revealed(query: str, giveaways: Collection[str]) -> list[str]:
    """The words of a query that give a persona away, in their order."""
    found = (word for word in _WORD.findall(query) if plain(word.casefold()) in giveaways)
    return list(dict.fromkeys(found))


def plain(word: str) -> str:
    """A word without the commonest endings of English, so that `nurses` meets `nurse` and `buying` meets `buys`."""
    for ending in ("ing", "es", "s", "e"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST and not word.endswith("ss"):
            return stem
    return word
