"""What a sentence says of a field that only its neighbours are known to be about.

`The Ankara chapter is closed. I live in Split.`: the first sentence has no word of homes, and what it says is plain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from personaopt.evals.personabench.stand_in.mentions import mentions_in
from personaopt.evals.personabench.stand_in.mistakes import mistaken
from personaopt.evals.personabench.stand_in.parts import Part, weak_part
from personaopt.evals.personabench.stand_in.standing import is_over_soon

_SHORT = 9
"""Words of a sentence that gives nothing but the new value."""
_PAST = re.compile(
    r"\b(?:was|were|had|did|used to|always|lived|worked|ate|wanted|preferred|liked|loved|asked|bought|started|years?|"
    r"months?|until|before|once|then)\b"
)


def around(sentences: Sequence[tuple[int, str]], at: Mapping[int, list[Part]]) -> None:
    """Add to `at` what sentences say that speak of a field as their neighbours do.

    Args:
        sentences: Where they begin, and their text.
        at: By the sentence's place what it says.
    """
    known = {place: list(parts) for place, parts in at.items()}
    for place, (start, sentence) in enumerate(sentences):
        named = dict.fromkeys(mention.path for mention in mentions_in(sentence))
        for path in named:
            if any(part.path == path for part in known[place]):
                continue
            beside = [part for step in (1, -1) for part in known.get(place + step, []) if part.path == path]
            weak = weak_part(path, sentence, start) if beside else None
            if weak is not None and any(_fits(weak, part, sentence.lower()) for part in beside):
                at[place].append(weak)
    for place, (_, sentence) in enumerate(sentences):
        if not at[place]:
            for part in (*at.get(place - 1, ()), *at.get(place + 1, ())):
                part.lasting &= not is_over_soon(part.path, sentence.lower())
    for place, (_, sentence) in enumerate(sentences):
        if place and not at[place] and mistaken(sentence.lower()):
            _between(sentences, at, place)


def _fits(weak: Part, beside: Part, lowered: str) -> bool:
    """Whether a weak part belongs to a sure one beside it; what it says may be told by that one."""
    others = [value for value in weak.held if value not in beside.held]
    before = weak.start < beside.start
    if weak.ended and not weak.held:
        return bool(beside.held) and not set(weak.ended) & set(beside.held)
    if not others:
        return False
    if beside.ended and not beside.held:
        return len(lowered.split()) <= _SHORT
    over = beside.mistaken or (before and beside.news and bool(_PAST.search(lowered)))
    if over and beside.held and not beside.ended:
        weak.ended, weak.held, weak.mistaken = [*weak.ended, *others], [], beside.mistaken
        return True
    return False


def _between(sentences: Sequence[tuple[int, str]], at: Mapping[int, list[Part]], place: int) -> None:
    """A sentence said that something was wrong: what was named before it gives way to what is named behind it."""
    before, after = _named(sentences, at, place - 1), _named(sentences, at, place + 1)
    for path, old in before.items():
        new = after.get(path)
        if new is None or set(old.held) & set(new.held):
            continue
        for part, where in ((old, place - 1), (new, place + 1)):
            if part not in at[where]:
                at[where].append(part)


def _named(sentences: Sequence[tuple[int, str]], at: Mapping[int, list[Part]], place: int) -> dict[str, Part]:
    """What a sentence says, by field, as far as it may be said of the user."""
    if not 0 <= place < len(sentences):
        return {}
    start, sentence = sentences[place]
    found = {part.path: part for part in at[place]}
    for path in dict.fromkeys(mention.path for mention in mentions_in(sentence)):
        weak = weak_part(path, sentence, start) if path not in found else None
        if weak is not None:
            found[path] = weak
    return found
