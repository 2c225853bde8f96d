"""What a message asks for: its topic, the options on offer, and which of them suit whom.

This is what the stand-in knows of the world beside people: that the lentil stew is vegan, that a sourdough class is for
those who bake, and that a weather report needs a city.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence

from personaopt.evals.personabench.english.choices import CHOICES
from personaopt.evals.personabench.english.tasks import TASKS
from personaopt.evals.personabench.vocabulary import Topic

TOPICS: Mapping[str, Topic] = {topic.name: topic for topic in (*CHOICES, *TASKS)}
_HOLES = re.compile(r"\{\w+\}")
_ARTICLE = re.compile(r"^(?:the|an?) ")
_SHORTEST = 12
"""Characters of a piece of a sentence that says what a situation is about."""
ARGUMENTS: Mapping[str, str] = {
    "city": "life.home", "place": "life.home", "location": "life.home", "town": "life.home",
    "max_price": "life.budget", "price": "life.budget", "budget": "life.budget", "limit": "life.budget",
    "profession": "demographics.career", "job": "demographics.career", "career": "demographics.career",
    "occupation": "demographics.career", "language": "demographics.languages",
    "nationality": "demographics.nationality", "passport": "demographics.nationality",
    "part_of_day": "pattern.usage", "time_of_day": "pattern.usage",
    "diet": "life.diet", "age": "demographics.age", "name": "demographics.name", "gender": "demographics.gender",
}  # fmt: skip
"""Which field an argument of a function is about, by the argument's name."""
SERVICES = (
    ("locksmith", "lock"), ("cobbler", "heel"), ("bicycle repair", "tyre"), ("post office", "parcel"),
    ("pharmacy", "prescription"), ("computer repair", "laptop"),
)  # fmt: skip
"""Who helps with what."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a message is about.

    Attributes:
        topic: The topic.
        options: What is on offer, in the message's order, each with the value that it suits.
        text: The message.
    """

    topic: Topic
    options: tuple[tuple[str, str], ...]
    text: str

    def suiting(self, values: Sequence[str]) -> list[str]:
        """The options that suit one of some values."""
        keys = {key for value in values for key in (key_of(self.topic, value), *self.topic.accepts.get(value, ()))}
        return [option for option, key in self.options if key in keys]


@functools.lru_cache(maxsize=16_384)
def scene_of(message: str) -> Scene | None:
    """The scene of a message; None where it asks for nothing that is known."""
    text = " ".join(message.split()).casefold()
    best, most = None, 0
    for name, (pieces, options) in _pieces().items():
        found = sum(4 for piece in pieces if piece in text) + 3 * sum(option in text for option, _, _ in options)
        if found > most:
            best, most = name, found
    if best is None:
        return None
    shown = [
        (place, option, key) for bare, option, key in _pieces()[best][1] if (place := _place(bare, text)) is not None
    ]
    return Scene(TOPICS[best], tuple((option, key) for _, option, key in sorted(shown)), message)


@functools.lru_cache(maxsize=16_384)
def options_in(text: str) -> list[str]:
    """All options of any topic that a text names, in its order; of two that begin together the longer one."""
    lowered = " ".join(text.split()).casefold()
    found: dict[int, tuple[int, str]] = {}
    for _, options in _pieces().values():
        for bare, option, _ in options:
            place = _place(bare, lowered)
            if place is not None and found.get(place, (0, ""))[0] < len(bare):
                found[place] = (len(bare), option)
    return [option for _, (_, option) in sorted(found.items())]


def key_of(topic: Topic, value: str) -> str:
    """Under what a value's options stand: the value itself, or the span of numbers it lies in."""
    if value in topic.options or not value.isdigit():
        return value
    for key in topic.options:
        low, _, high = key.partition("-")
        if low.isdigit() and high.isdigit() and int(low) <= int(value) <= int(high):
            return key
    return value


@functools.cache
def _pieces() -> Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]]:
    """By topic the pieces of sentences that go with it, and its options: bare, as offered, and for which value."""
    found = {}
    for name, topic in TOPICS.items():
        pieces = [piece for sentence in (*topic.contexts, *topic.asks) for piece in _HOLES.split(sentence)]
        options = [
            (_ARTICLE.sub("", option.casefold()), option, key)
            for key, texts in topic.options.items()
            for option in texts
            if topic.shape == "choose"
        ]
        trimmed = (piece.strip(" .").casefold() for piece in pieces)
        found[name] = (tuple(piece for piece in trimmed if len(piece) >= _SHORTEST), tuple(options))
    return found


def _place(bare: str, text: str) -> int | None:
    start = text.find(bare)
    while start >= 0:
        end = start + len(bare)
        if not (start and text[start - 1].isalnum()) and not (end < len(text) and text[end].isalnum()):
            return start
        start = text.find(bare, start + 1)
    return None
