"""The stand-in as the editor of a persona's fields: it reads the sessions and names what they change.

It misses and makes up as much as it is told to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from personaopt.evals.personabench.stand_in.asked_about import stated
from personaopt.evals.personabench.stand_in.noise import Luck
from personaopt.evals.personabench.stand_in.reading import Said, read
from personaopt.evals.personabench.stand_in.world import MANY, NAME, REPLACED, VALUES
from personaopt.evals.testbed import prompts

_MESSAGE = re.compile(r"^(\d+)\. User: (.*)$", re.DOTALL)
_SENTENCE = re.compile(r"^(\d+)\. (.*)$", re.DOTALL)
_MADE_UP = ("As I said before, it is {}.", "I have told you that it is {}.", "{} is what I want from now on.")


def changes(given: Mapping[str, str], luck: Luck) -> list[dict[str, Any]]:
    """The changed fields, as `ChangeFields` asks for them."""
    known = _known(given.get("persona", "{}"))
    paths = [line.partition(":")[0] for line in prompts.listed(given.get("slots", "[]"))]
    messages = [
        (int(shown[1]), shown[2])
        for line in prompts.listed(given.get("sessions", "[]"))
        if (shown := _MESSAGE.match(line))
    ]
    said = [
        (number, each)
        for number, text in messages
        for each in read(text)
        if each.path in paths and not luck.misses(f"{each.path}|{each.value or each.old}|{each.quote}")
    ]
    said += [
        (number, each)
        for number, each in _asked_about(given, known)
        if each.path in paths and not luck.misses(f"{each.path}|{each.value}|{each.quote}")
    ]
    said.sort(key=lambda one: one[0])
    found: list[dict[str, Any]] = []
    for path in dict.fromkeys(each.path for _, each in said):
        found += _of_field(path, [one for one in said if one[1].path == path], list(known.get(path, ())))
    found.sort(key=lambda change: change["message"])
    if messages and paths and luck.invents():
        found.append(_invented(messages, paths, luck.draw("what is invented")))
    return found


def _asked_about(given: Mapping[str, str], known: Mapping[str, list[str]]) -> Iterator[tuple[int, Said]]:
    """What is stated in the sentences that an earlier reading passed over."""
    for line in prompts.listed(given.get("passed_over", "[]")):
        if shown := _SENTENCE.match(line):
            yield from ((int(shown[1]), each) for each in stated(shown[2], known))


def _of_field(path: str, said: list[tuple[int, Said]], held: list[str]) -> list[dict[str, Any]]:
    """What one field's statements change, of what it holds: nothing twice, and nothing that came to be untrue."""
    said = _without_taken_back(said)
    if path not in MANY:
        lasting = [place for place, (_, each) in enumerate(said) if each.lasting]
        now = [place for place in lasting if held and said[place][1].value == held[-1] and not said[place][1].old]
        if lasting and now and now[-1] == lasting[-1]:  # it is known how it ended
            said = [one for place, one in enumerate(said) if place not in lasting]
    found = []
    moods = {each.value for _, each in said if not each.lasting}
    for number, each in said:
        passing = not each.lasting or (path == "pattern.emotion" and each.value in moods)
        change = _change(number, each, held, passing)
        if change is None:
            continue
        found.append(change)
        if passing:
            continue
        gone = (change["instead_of"], each.old, *(held if path not in MANY else ()))
        held = [value for value in held if value not in gone]
        held += [each.value] if each.value else []
    return found


def _change(number: int, each: Said, held: list[str], passing: bool) -> dict[str, Any] | None:
    """One change; None where the field is like that already."""
    change: dict[str, Any] = {"field": each.path, "action": each.action, "value": each.value or None,
                              "instead_of": each.old or None, "quote": each.quote, "message": number,
                              "lasting": not passing}  # fmt: skip
    if passing and held and _plain(held[-1]) == _plain(each.value):
        return None
    if passing:
        return change | {"action": "set", "instead_of": None} if each.value else None
    same = [value for value in held if _plain(value) == _plain(each.value)]
    gone = [value for value in held if each.old and _plain(value) == _plain(each.old)]
    if each.action == "end":
        return change | {"value": gone[0], "instead_of": None} if gone else None
    if same and not gone:
        return None
    if each.action == "take_back":
        if gone:
            return change | {"instead_of": gone[0]}
        if not each.value:
            return None
        wrong = held[-1] if held and not each.old and (each.path not in MANY or len(held) == 1) else None
        return change | ({"instead_of": wrong} if wrong else {"action": "set", "instead_of": None})
    if each.path in MANY and not gone:
        replaces = each.path in REPLACED and not each.also and len(held) == 1
        return change | {"instead_of": held[0] if replaces else None}
    return change


def _without_taken_back(said: list[tuple[int, Said]]) -> list[tuple[int, Said]]:
    """What was said without what the user took back later in the same sessions."""
    wrong = [(place, each.old) for place, (_, each) in enumerate(said) if each.action == "take_back" and each.old]
    kept = []
    for place, (number, each) in enumerate(said):
        taken = any(place < later and each.value == old and each.action == "set" for later, old in wrong)
        if not taken:
            kept.append((number, each))
    return kept


def _invented(messages: list[tuple[int, str]], paths: list[str], draw: Random) -> dict[str, Any]:
    """A change that nobody spoke of: a plausible value, with words that say something else or were never said."""
    path = draw.choice([path for path in paths if path in VALUES and path != NAME] or paths)
    value = draw.choice(VALUES.get(path, ("something else",)))
    number, text = draw.choice(messages)
    sentences = [each for each in re.split(r"(?<=[.!?])\s+", text) if each]
    quote = draw.choice(sentences) if draw.random() < 0.5 and sentences else draw.choice(_MADE_UP).format(value)
    return {"field": path, "action": "set", "value": value, "instead_of": None, "quote": quote, "message": number,
            "lasting": True}  # fmt: skip


def _known(text: str) -> dict[str, list[str]]:
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(values, dict):
        return {}
    return {
        path: [str(each) for each in value] if isinstance(value, list) else [str(value)]
        for path, value in values.items()
        if value not in (None, "", [])
    }


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
