"""Statements about how a user writes, read off the user's own texts: typical ones, repeated runs of words, plain facts.

Quotes do most for a small model; figures about style do little. No LM is asked.
"""

from __future__ import annotations

import hashlib
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from personaopt.interaction import Interaction
from personaopt.persona import Statement

MOST_EVIDENCE = 20
QUOTED_TEXTS = 6
QUOTED_WORDS = 16
LONGEST_RUN = 4
SHARED_BY = 0.08
"""A run of words is a habit when at least this share of the texts, and at least two, has it."""

Embed = Callable[[Sequence[str]], np.ndarray]


def text_statements(name: str, history: Sequence[Interaction], embed: Embed) -> Iterator[tuple[Statement, ...]]:
    """Statements to be tried together, the most promising first.

    Args:
        name: The output field.
        history: Interactions with a ground truth for it, oldest first.
        embed: Unit vectors of texts.
    """
    texts = [one_line(str(item.ground_truth[name])) for item in history]
    shown = [history[place] for place in typical(embed(texts), QUOTED_TEXTS)]
    yield tuple(_quotes(name, shown))
    habits = []
    for words, side in (("begins with", slice(None, LONGEST_RUN)), ("ends with", slice(-LONGEST_RUN, None))):
        runs = shared_runs([text.split()[side] for text in texts], from_start=side.start is None)
        if runs:
            evidence = _newest(history, {place for places in runs.values() for place in places})
            said = ", ".join(f'"{run}"' for run in runs)
            habits.append(Statement(f"Often {words} {said}.", id=f"{name}:{words.split()[0]}", evidence=evidence))
    if habits:
        yield tuple(habits)
    yield (Statement(style(texts), id=f"{name}:style", evidence=_newest(history, range(len(history)))),)


def typical(vectors: np.ndarray, count: int) -> list[int]:
    """Places of texts that stand for all, oldest first: each next one adds most to how near every text is to one shown.

    Args:
        vectors: Unit vectors, shape (texts, dimensions).
        count: How many.
    """
    alike = np.round(vectors @ vectors.T, 6)  # rounded, so that ties are ties on every machine
    covered = np.full(len(vectors), -1.0)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        gains = np.maximum(alike, covered).sum(axis=1)
        gains[chosen] = -np.inf
        best = len(gains) - 1 - int(np.argmax(gains[::-1]))  # the newest of equals
        covered = np.maximum(covered, alike[best])
        chosen.append(best)
    return sorted(chosen)


def shared_runs(sides: Sequence[Sequence[str]], *, from_start: bool, most: int = 3) -> Mapping[str, list[int]]:
    """Runs of words at one end that several texts share, with the places of those texts; none that another one holds.

    Args:
        sides: The words at that end of each text.
        from_start: Whether it is the beginning.
        most: How many runs.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(sides):
        for size in range(1, len(words) + 1):
            places[" ".join(words[:size] if from_start else words[-size:])].append(place)
    least = max(2, math.ceil(SHARED_BY * len(sides)))
    common = [run for run in places if len(places[run]) >= least]
    common.sort(key=lambda run: (-len(places[run]) * len(run.split()) ** 0.7, run))
    chosen: list[str] = []
    for run in common:
        if len(chosen) < most and not any(run in other or other in run for other in chosen):
            chosen.append(run)
    return {run: places[run] for run in chosen}


def style(texts: Sequence[str]) -> str:
    """Plain facts about texts in one sentence: length, case and marks."""
    lengths = sorted(len(text.split()) for text in texts)
    quartiles = statistics.quantiles(lengths, n=4) if len(lengths) > 1 else [lengths[0]] * 3
    facts = [f"Usually writes {round(quartiles[0])} to {round(quartiles[2])} words"]

    def mostly(found: Callable[[str], object], share: float) -> bool:
        return sum(bool(found(text)) for text in texts) >= share * len(texts)

    if mostly(lambda text: text == text.lower(), 0.6):
        facts.append("all in lower case")
    for mark, words in (("?", "asks questions"), ("!", "uses exclamation marks")):
        if mostly(lambda text, mark=mark: mark in text, 0.5):  # type: ignore[misc]
            facts.append(words)
    if mostly(lambda text: re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", text), 0.3):
        facts.append("uses emoji")
    return ", ".join(facts) + "."


def one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())


def quoted(text: str, words: int = QUOTED_WORDS) -> str:
    """A text cut to a number of words; of a longer one the beginning and the end, since style shows at both."""
    parts = text.split()
    if len(parts) <= words:
        return " ".join(parts)
    end = words // 3
    return f"{' '.join(parts[: words - end])} … {' '.join(parts[-end:])}"


def _quotes(name: str, shown: Sequence[Interaction]) -> Iterator[Statement]:
    known = set()
    for item in shown:
        text = quoted(one_line(str(item.ground_truth[name])))
        key = hashlib.sha256(text.encode()).hexdigest()[:8]
        if key not in known:
            known.add(key)
            yield Statement(f'Writes like this: "{text}"', id=f"{name}:example:{key}", evidence=(item.id,))


def _newest(history: Sequence[Interaction], places: set[int] | range) -> tuple[str, ...]:
    return tuple(history[place].id for place in sorted(places, reverse=True)[:MOST_EVIDENCE])
