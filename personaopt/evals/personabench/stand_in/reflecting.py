"""The stand-in as critic and as editor of free lines: it concludes from what suited a user what the user is like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from personaopt.evals.personabench.checks import FORMS
from personaopt.evals.personabench.stand_in.knowledge import as_said, in_persona
from personaopt.evals.personabench.stand_in.noise import Luck
from personaopt.evals.personabench.stand_in.reading import read
from personaopt.evals.personabench.stand_in.scenes import Scene, options_in, scene_of
from personaopt.evals.personabench.stand_in.world import MANY, NAME, VALUES
from personaopt.evals.testbed import prompts

NOTHING = "Nothing has to change."
MOST_EDITS = 5
LINES: Mapping[str, str] = {
    NAME: "The user's name is {}.",
    "demographics.gender": "The user is a {}.",
    "personality.extraversion": "Between E and I the user is {}.",
    "personality.sensing": "Between S and N the user is {}.",
    "personality.thinking": "Between T and F the user is {}.",
    "personality.judging": "Between J and P the user is {}.",
    "personality.values": "What counts for the user is {}.",
    "personality.interests": "The user is interested in {}.",
    "pattern.engagement": "In conversations the user is one who {}.",
    "pattern.emotion": "The user mostly feels {}.",
    "pattern.purchase": "When buying, the user is one who {}.",
    "preference.styles": "The user likes answers {}.",
    "preference.formats": "The user likes answers as {}.",
    "preference.workflows": "The user works best with {}.",
    "life.diet": "The user's diet is {}.",
}
"""How a conclusion is put, by the field that it is about."""
_NUMBER = re.compile(r"^\d+[.:] ")


def critique(given: Mapping[str, str], luck: Luck) -> str:
    """What the persona should say, so that the answer would have been the expected one."""
    scene = scene_of(given.get("question", ""))
    if scene is None or scene.topic.field not in LINES:
        return NOTHING
    path = scene.topic.field
    right, said = (_values_shown(scene, given.get(name, "")) for name in ("expected", "answer"))
    line = NOTHING
    if right and not set(right) & set(said) and not luck.misses(f"{path}|{right[0]}"):
        line = LINES[path].format(right[0])
    if luck.invents():
        draw = luck.draw("what is invented")
        other = draw.choice(sorted(LINES))
        line = LINES[other].format(draw.choice(VALUES[other]))
    return line if line == NOTHING else f"The persona should say this: {line}"


def edits(given: Mapping[str, str], luck: Luck) -> list[dict[str, Any]]:
    """What the feedback asks for, what more of it asks for first; a free line on the same matter gives way."""
    texts = [_NUMBER.sub("", text) for text in prompts.listed(given.get("persona", "[]"))]
    held: dict[str, tuple[int, str, bool]] = {}
    for number, text in enumerate(texts, 1):
        for each in in_persona(text):
            held[each.path] = (number, each.value, not text.strip("- ").startswith("The user"))
    asked: dict[tuple[str, str], list[int]] = {}
    for number, text in enumerate(prompts.listed(given.get("feedback", "[]")), 1):
        told = text.rpartition("this: ")[2] if "this: " in text else _NUMBER.sub("", text)
        for said in read(as_said(told)):
            if said.value and said.path in LINES and not luck.misses(f"{said.path}|{said.value}|{number}"):
                asked.setdefault((said.path, said.value), []).append(number)
    refused = given.get("refused", "")
    alone = "leave single complaints aside" in given.get("focus", "")
    found: list[dict[str, Any]] = []
    for (path, value), numbers in sorted(asked.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        line = LINES[path].format(value)
        number, known, by_title = held.get(path, (0, "", False))
        if line in refused or (known and (known == value or by_title)) or (alone and len(numbers) < 2):
            continue
        edit: dict[str, Any] = {"action": "add", "text": line, "feedback": numbers}
        found.append(edit | ({"action": "replace", "statement": number} if number and path not in MANY else {}))
        held[path] = (number, value, by_title)
    return found[:MOST_EDITS]


def _values_shown(scene: Scene, text: str) -> list[str]:
    """The values of the scene's field that a reply speaks for."""
    topic = scene.topic
    if topic.shape == "choose":
        keys = dict(scene.options)
        named = [option for option in options_in(text) if option in keys]
        return [keys[named[0]]] if named else []
    if topic.shape == "form":
        return [value for value, forms in topic.options.items() if any(FORMS[form](text) for form in forms)][:1]
    if topic.shape == "name":
        last = (text.strip().splitlines() or [""])[-1].strip(" .")
        return [last] if re.fullmatch(r"[A-Z][\w'-]+", last) else []
    return []
