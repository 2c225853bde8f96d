"""What a user says of themselves in a session: the offline generator's remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from personaopt.evals.personabench.records import Profile, Remark, RemarkKind
from personaopt.evals.personabench.vocabulary import Vocabulary

ASIDE = 0.2
"""Share of remarks that have an aside, where the vocabulary has any."""
JOINED = 0.5
"""Share of neighbouring facts that are said in one sentence, where the vocabulary has joins."""


def remarks_of(words: Vocabulary, profile: Profile, number: int, draw: Random) -> list[Remark]:
    """What is so from the start, what has changed, and what was a mistake.

    Two facts that are said in one sentence are two remarks with the same text, which is said once.

    Args:
        words: How it is said.
        profile: Who speaks.
        number: Of the session.
        draw: For what is drawn.
    """
    found = [*_news(words, profile, number, draw), *_joined(words, _facts(words, profile, number, draw), draw)]
    if not words.asides:
        return found
    texts = {text: _with_aside(words, text, draw) for text in dict.fromkeys(remark.text for remark in found)}
    return [remark.model_copy(update={"text": texts[remark.text]}) for remark in found]


def sentence(text: str) -> str:
    """The first letter large, and `an` before a vowel."""
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO])", r"\1n ", text)
    return text[0].upper() + text[1:]


def _news(words: Vocabulary, profile: Profile, number: int, draw: Random) -> Iterator[Remark]:
    """What happened since the last session, and what the user takes back."""
    for event in profile.events:
        if event.session == number:
            kinds: dict[str, tuple[RemarkKind, tuple[str, ...]]] = {
                "change": ("change", words.changes.get(event.field, ())),
                "return": ("return", words.returns.get(event.field, ())),
                "mood": ("mood", words.moods),
                "false": ("false", words.falsehoods.get(event.field, ())),
            }
            kind, ways = kinds[event.kind]
            text = draw.choice(ways or words.facts[event.field]).format(old=event.old, new=event.new, value=event.new)
            yield Remark(kind=kind, field=event.field, value=event.new, text=sentence(text))
        if event.kind == "false" and event.ends_session == number:
            text = draw.choice(words.retractions[event.field]).format(old=event.new, new=event.old)
            yield Remark(kind="retraction", field=event.field, value=event.old, text=sentence(text))


def _facts(words: Vocabulary, profile: Profile, number: int, draw: Random) -> Iterator[Remark]:
    changed = {(event.field, event.time) for event in profile.events}
    for held in profile.held:
        if held.said == number and (held.field, held.valid_from) not in changed:
            text = draw.choice(words.facts[held.field]).format(value=held.value)
            yield Remark(kind="fact", field=held.field, value=held.value, text=sentence(text))


def _joined(words: Vocabulary, facts: Iterator[Remark], draw: Random) -> Iterator[Remark]:
    """The facts, some of them two in a sentence."""
    waiting: Remark | None = None
    for fact in facts:
        if waiting is None:
            waiting = fact
        elif _can_join(words, waiting, fact) and draw.random() < JOINED:
            first, second = (
                draw.choice(words.clauses[each.field]).format(value=each.value) for each in (waiting, fact)
            )
            text = sentence(draw.choice(words.joins).format(first=first, second=second))
            yield from (each.model_copy(update={"text": text}) for each in (waiting, fact))
            waiting = None
        else:
            yield waiting
            waiting = fact
    if waiting is not None:
        yield waiting


def _can_join(words: Vocabulary, first: Remark, second: Remark) -> bool:
    return bool(words.joins) and first.field != second.field and {first.field, second.field} <= words.clauses.keys()


def _with_aside(words: Vocabulary, text: str, draw: Random) -> str:
    if draw.random() >= ASIDE:
        return text
    aside = draw.choice(words.asides)
    return f"{aside} {text}" if draw.random() < 0.5 else f"{text} {aside}"
