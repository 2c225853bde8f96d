"""Hidden rules of an invented user: what a reply has to look like in which situation, and how far a reply is from it.

A message has four features (topic, sender, place, hour). A reply has six aspects (folder, length, greeting, closing
line, case, distances); which feature an aspect may depend on is common knowledge, what it is in which situation is the
user's own. An aspect without a rule is plain.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable, Mapping
from random import Random

FEATURES: Mapping[str, tuple[str, ...]] = {
    "topic": ("invoices", "travel", "hiring", "outages", "contracts", "events"),
    "sender": ("customer", "colleague", "supplier", "neighbour", "journalist"),
    "place": ("Boston", "Lyon", "Osaka", "Leeds"),
    "hour": ("morning", "afternoon", "evening", "night"),
}
ASPECTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "folder": ("topic", ("red", "blue", "amber", "green", "violet", "silver")),
    "length": ("topic", ("6", "9")),
    "greeting": ("sender", ("Dear friend,", "Good day,", "Hey there,", "Honoured guest,", "Hello hello,")),
    "closing": ("sender", ("Cheers, M.", "Yours, M.", "Warmly, M.", "Over and out", "M.")),
    "case": ("hour", ("lower", "upper")),
    "distances": ("place", ("metric", "imperial")),
}
"""For each aspect the feature that it depends on, and what it may be; the empty text is plain."""

FEATURE_OF: Mapping[str, str] = {value: feature for feature, values in FEATURES.items() for value in values}
PLAIN_FOLDER = "general"
_LONG = 15
_DISTANCE = {"metric": "some twelve kilometres away", "imperial": "some eight miles away"}
_WORDS = (
    ("we", "they", "people", "all", "some", "many", "most", "others"),
    ("gladly", "kindly", "surely", "simply", "often", "mostly", "rarely", "now"),
    ("read", "note", "weigh", "check", "share", "answer", "file", "review"),
    ("every", "this", "that", "each", "another", "any", "one", "your"),
    ("point", "line", "remark", "page", "word", "request", "idea", "matter"),
)
_MESSAGE = re.compile(r"A (\w+) writes from (\w+) in the (\w+) about (\w+):")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """In a situation (a value of a feature) an aspect has a value; the empty value is plain."""

    situation: str
    aspect: str
    value: str

    @property
    def about(self) -> tuple[str, str]:
        """What it is about: of two rules about the same the later one holds."""
        return (self.situation, self.aspect)


Held = Mapping[tuple[str, str], str]
"""Rules in force: the value by situation and aspect."""


def in_force(rules: Iterable[Rule]) -> dict[tuple[str, str], str]:
    """What holds when the rules are read in their order; of two about the same the later one."""
    return {rule.about: rule.value for rule in rules}


def wanted(held: Held, situation: Mapping[str, str]) -> dict[str, str]:
    """What every aspect is in a situation under these rules."""
    return {aspect: held.get((situation[feature], aspect), "") for aspect, (feature, _) in ASPECTS.items()}


def agreement(first: Mapping[str, str], second: Mapping[str, str]) -> float:
    """The share of aspects that agree, of those that are not plain on both sides; 1 where all are plain."""
    special = [aspect for aspect in ASPECTS if first[aspect] or second[aspect]]
    return sum(first[aspect] == second[aspect] for aspect in special) / len(special) if special else 1.0


def written_message(situation: Mapping[str, str], number: int) -> str:
    """A message that shows its situation; the number keeps messages apart."""
    return "A {sender} writes from {place} in the {hour} about {topic}: ".format(**situation) + f"case {number}."


def situation_of(message: str) -> dict[str, str]:
    """The features of a message; empty where there is none in the text."""
    found = _MESSAGE.search(message)
    return dict(zip(("sender", "place", "hour", "topic"), found.groups(), strict=True)) if found else {}


def written_reply(aspects: Mapping[str, str], draw: Random) -> tuple[str, str]:
    """Folder and text of a reply with these aspects; the words that do not matter are drawn."""
    words = [draw.choice(_WORDS[place % len(_WORDS)]) for place in range(_LONG)]
    words = [*_DISTANCE.get(aspects["distances"], "").split(), *words][: int(aspects["length"] or _LONG)]
    body = " ".join(words).capitalize()
    body = {"lower": body.lower(), "upper": body.upper()}.get(aspects["case"], body)
    lines = [line for line in (aspects["greeting"], body, aspects["closing"]) if line]
    return aspects["folder"] or PLAIN_FOLDER, "\n".join(lines)


def read_reply(folder: str, reply: str) -> dict[str, str]:
    """The aspects of a reply as anybody can see them."""
    lines = [line.strip() for line in reply.strip().splitlines()]
    greeting = lines.pop(0) if lines and lines[0] in ASPECTS["greeting"][1] else ""
    closing = lines.pop() if lines and lines[-1] in ASPECTS["closing"][1] else ""
    body = " ".join(lines)
    case = "lower" if body.islower() else "upper" if body.isupper() else ""
    words = str(len(body.split()))
    said = body.lower()
    return {
        "folder": "" if folder.strip() == PLAIN_FOLDER else folder.strip(),
        "length": words if words in ASPECTS["length"][1] else "",
        "greeting": greeting,
        "closing": closing,
        "case": case,
        "distances": "metric" if "kilomet" in said else "imperial" if "miles" in said else "",
    }


@functools.cache
def situations() -> tuple[dict[str, str], ...]:
    """Every combination of features."""
    return tuple(dict(zip(FEATURES, values, strict=True)) for values in itertools.product(*FEATURES.values()))


def touched(held: Held, situation: Mapping[str, str]) -> list[tuple[str, str]]:
    """Which rules a situation calls for."""
    return [about for about in held if situation[FEATURE_OF[about[0]]] == about[0]]
