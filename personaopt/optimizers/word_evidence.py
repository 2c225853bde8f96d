"""Which words of a question go with which answer of this user: what the user means by a label, in the user's words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from personaopt.interaction import Interaction
from personaopt.optimizers.text_evidence import MOST_EVIDENCE
from personaopt.persona import Statement

ANSWERS = 6
WORDS = 5
FEWEST_WORDS = 2
CHANCE = 0.01
"""A word tells an answer apart if by chance alone its cases would have it as often in less than this share of draws."""
_WORD = re.compile(r"[^\W\d_][\w'’-]{2,}")
_SAID_EVERYWHERE = """
    about after again all also and any are because been before being but can could did does each even for from get got
    had has have her here him his how into its just like made make more most much not now off one only other our out
    over own really said same she should some such than that the their them then there these they this those through too
    under until upon very was way well were what when where which while who whom whose why will with without would you
    your yours
    """


def word_statements(
    name: str, chosen: Sequence[tuple[str, Interaction]], ranked: Sequence[str]
) -> tuple[Statement, ...]:
    """A line for each common answer: the words by which its cases differ from all others.

    Args:
        name: The output field.
        chosen: What the user answered, with the interaction, oldest first.
        ranked: The answers, the most common first.
    """
    if len(ranked) < 2:
        return ()
    cases = [(answer, item, _words(item)) for answer, item in chosen]
    everywhere = Counter(word for _, _, words in cases for word in words)
    found = []
    for answer in ranked[:ANSWERS]:
        own = Counter(word for said, _, words in cases if said == answer for word in words)
        count = sum(said == answer for said, _, _ in cases)
        telling = _telling(own, everywhere, count, len(cases))
        if len(telling) >= FEWEST_WORDS:
            shown = [item.id for said, item, words in reversed(cases) if said == answer and words & set(telling)]
            text = f"{answer}: {', '.join(telling)}."
            found.append(Statement(text, id=f"{name}:words:{answer}", evidence=tuple(shown[:MOST_EVIDENCE])))
    return tuple(found)


def _words(item: Interaction) -> frozenset[str]:
    text = " ".join(str(value) for value in item.inputs.values()).casefold()
    return frozenset(_WORD.findall(text)) - frozenset(_SAID_EVERYWHERE.split())


def _telling(own: Counter[str], everywhere: Counter[str], count: int, total: int) -> list[str]:
    """The words that an answer's cases have more often than chance would give them, the least likely first."""
    chances = {word: _chance(times, everywhere[word], count, total) for word, times in own.items()}
    best = sorted((word for word, chance in chances.items() if chance < CHANCE), key=lambda word: (chances[word], word))
    return best[:WORDS]


def _chance(times: int, everywhere: int, count: int, total: int) -> float:
    """Fisher's exact test, one-sided: at least so many of a word's cases among an answer's, drawn blindly."""
    ways = sum(
        math.comb(count, k) * math.comb(total - count, everywhere - k) for k in range(times, min(everywhere, count) + 1)
    )
    return ways / math.comb(total, everywhere)
