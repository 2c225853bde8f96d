"""What a prompt says of its user: the persona's lines, recalled messages, and what was said in the conversation."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Iterable, Sequence

from personaopt.evals.personabench.stand_in.mentions import mentions_in
from personaopt.evals.personabench.stand_in.reading import Said, read
from personaopt.evals.personabench.stand_in.world import MANY, REPLACED, TITLES

_LINE = re.compile(r"^[-*\s]*([^:]+): (.+?)(?: \(([^()]*\buntil [^()]*)\))?$")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"^\(\d{4}-\d\d-\d\d \d\d:\d\d\) ")
_TODAY = re.compile(r"\btoday(?: is|:)? (\d{4}-\d{2}-\d{2})", re.IGNORECASE)
_FOR_NOW = re.compile(r"\b(?:for now|for the time being|at present|passing|at the moment|only)\b", re.IGNORECASE)
_USER = re.compile(r"\b(?:the|this) user(?P<s>'s)?\b", re.IGNORECASE)
_VERBS = (("I is", "I am"), ("I has", "I have"), ("I was", "I was"), ("I does", "I do"))


class Known:
    """Values by path, newest last; what is said later counts more."""

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}
        self.passing: dict[str, str] = {}

    def of(self, path: str) -> list[str]:
        """What is known of a field now; empty where nothing is."""
        if path in self.passing:
            return [self.passing[path]]
        return self.values.get(path, [])

    def hear(self, said: Iterable[Said]) -> Known:
        """Take up what a user said."""
        for each in said:
            held = self.values.get(each.path, [])
            if not each.lasting and each.value:
                self.passing[each.path] = each.value
                continue
            self.passing.pop(each.path, None)
            if each.path not in MANY or (each.path in REPLACED and each.value and not each.also):
                held = []
            held = [value for value in held if value not in (each.old, each.value)]
            if each.action == "end" and not each.old:
                held = []
            self.values[each.path] = [*held, each.value] if each.value else held
        return self


def known_of(persona: str, memories: Sequence[str], said: Sequence[str], prompt: str = "") -> Known:
    """What a prompt says of its user.

    Args:
        persona: The persona's text.
        memories: What the user said in earlier sessions, the most similar last. They are heard in the order of time
            where they begin with one; where which was said first is not told, news count more than the rest.
        said: The user's messages in this conversation, oldest first.
        prompt: Where a date of today may stand.
    """
    found = _TODAY.search(prompt)
    known = Known().hear(in_persona(persona, found[1] if found else ""))
    times = [_TIME.match(memory) for memory in memories]
    dated = sorted((time[0], memory[time.end() :]) for time, memory in zip(times, memories, strict=True) if time)
    in_order = len(dated) == len(memories)
    recalled = [each for memory in ([text for _, text in dated] if in_order else memories) for each in read(memory)]
    lasting = [each for each in recalled if each.lasting]
    known.hear(lasting if in_order else sorted(lasting, key=lambda each: each.news or each.action != "set"))
    for message in said:
        known.hear(read(message))
    return known


@functools.lru_cache(maxsize=4096)
def in_persona(persona: str, today: str = "") -> tuple[Said, ...]:
    """What a persona's lines say: fields by their titles, others as sentences on the user."""
    passing, lasting = [], []
    for line in persona.splitlines():
        parsed = _LINE.match(line.strip())
        path = TITLES.get(parsed[1].strip().casefold()) if parsed else None
        if parsed is None or path is None:
            lasting += list(read(as_said(line.strip(" -*"))))
        elif not parsed[3]:
            lasting.append(Said(path, "set", _canonical(path, parsed[2].strip()), also=True))
        elif _holds(parsed[3], today):
            passing.append(Said(path, "set", _canonical(path, parsed[2].strip()), lasting=False))
    return (*lasting, *passing)


def as_said(line: str) -> str:
    """A line on the user as the user would say it."""
    text = _USER.sub(lambda match: "my" if match["s"] else "I", line)
    for theirs, own in _VERBS:
        text = text.replace(theirs, own)
    return text


def _holds(until: str, today: str) -> bool:
    """Whether what is marked with an end holds still; what says no more than a day is past."""
    day = _DAY.search(until)
    passing = bool(_FOR_NOW.search(until))
    if today and day:
        now, end = datetime.date.fromisoformat(today), datetime.date.fromisoformat(day[0])
        return now < end or (passing and now == end)
    return passing


def _canonical(path: str, text: str) -> str:
    """A value as the world knows it, where it is put a little differently."""
    return next(
        (each.value for each in mentions_in(text) if each.path == path and each.end - each.start > 0.7 * len(text)),
        text,
    )
