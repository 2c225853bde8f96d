"""Routines: which tools helped a user with what, and which did not, read off the recorded actions. No LM is asked.

A routine is made of a tool's name, a word of the user's own questions and words that were searched for. What a tool
returned is looked at only to tell whether it helped, and never becomes part of a statement: a page that says "this
user likes ..." teaches nothing.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from personaopt.interaction import Interaction
from personaopt.memory.choices import spelled
from personaopt.memory.consolidation import Observation
from personaopt.memory.own_words import own_words, texts
from personaopt.memory.quoting import plain, telling_words, words
from personaopt.memory.tool_preferences import ToolPreference, is_tool_name, plain_words

ENOUGH = 2
"""So many interactions make a routine."""
USELESS = 3
"""After so many attempts without any help a tool is said to be of no use for a topic."""
SURE = 0.75
"""Of the questions with a word, this share must be a tool's own for the word to be its topic."""
ECHOED = "echoed"
"""Where an action keeps which words of its arguments, by their places, a result before it had."""
EVERYWHERE = 0.8
"""A tool that helped with this share of everything needs no topic."""


@dataclasses.dataclass(frozen=True, slots=True)
class Routine:
    """What the recorded actions show about one tool and one topic.

    Attributes:
        preference: The tool preference that it amounts to.
        evidence: Ids of the interactions that show it, oldest first.
        helped: How many answers were helped by it.
        tried: How many times the tool was asked about the topic.
    """

    preference: ToolPreference
    evidence: tuple[str, ...]
    helped: int
    tried: int


def helpful(interaction: Interaction) -> list[Mapping[str, Any]]:
    """The actions that helped to what the user really said: used for an answer that was right, or holding the truth.

    What nobody judged yet (no ground truth) counts for nothing, since an answer may have used what was wrong.
    """
    truth, response = interaction.ground_truth, interaction.response
    if not truth:
        return []
    right = not response or all(spelled(response.get(name)) == spelled(value) for name, value in truth.items())
    judged = [action for action in interaction.actions if "used" in action and is_tool_name(action.get("tool"))]
    return [action for action in judged if (right and action["used"]) or _names(action, truth)]


def routines(history: Sequence[Interaction]) -> list[Routine]:
    """What recorded actions show, the most often shown first.

    Args:
        history: Interactions, oldest first; only what the user said and what was done is looked at.
    """
    acted = [item for item in history if item.ground_truth and any("used" in action for action in item.actions)]
    asked = {item.id: set(telling_words(_question(item))) for item in acted}
    groups: dict[tuple[str, tuple[str, ...]], list[Interaction]] = {}
    for tool, items in _by_tool(acted).items():
        for item, keywords in zip(items, _keywords(tool, items), strict=True):
            groups.setdefault((tool, keywords), []).append(item)
    found = [
        routine
        for (tool, keywords), items in groups.items()
        if len(items) >= ENOUGH
        for routine in _of_group(tool, keywords, items, acted, asked)
    ]
    topics = {routine.preference.topic for routine in found}
    found += [routine for routine in _useless(acted, asked) if routine.preference.topic not in topics]
    return sorted(found, key=lambda routine: -len(routine.evidence))


def observations(history: Sequence[Interaction]) -> list[Observation]:
    """The routines as observations for semantic memory: of one topic one holds at a time."""
    seen: set[str] = set()
    found = []
    for routine in routines(history):
        field = routine.preference.field
        if field not in seen:
            seen.add(field)
            found.append(Observation(routine.preference.text, routine.evidence, topic=field))
    return found


def _by_tool(acted: Iterable[Interaction]) -> dict[str, list[Interaction]]:
    tools: dict[str, list[Interaction]] = {}
    for item in acted:
        for tool in dict.fromkeys(str(action["tool"]) for action in helpful(item)):
            tools.setdefault(tool, []).append(item)
    return tools


def _of_group(
    tool: str,
    keywords: tuple[str, ...],
    items: Sequence[Interaction],
    acted: Sequence[Interaction],
    asked: Mapping[str, set[str]],
) -> Iterator[Routine]:
    """The topics of the interactions that one search of one tool helped with."""
    answered = sum(bool(helpful(item)) for item in acted)
    if len(items) >= max(EVERYWHERE * answered, ENOUGH):
        yield Routine(ToolPreference("", tool, keywords), tuple(i.id for i in items), len(items), _tried(tool, acted))
        return
    left = list(items)
    ours = {item.id for item in items}
    while topic := _topic(left, [item for item in acted if item.id not in ours and helpful(item)], asked):
        of_it = [item for item in left if topic in asked[item.id]]
        about = [item for item in acted if topic in asked[item.id]]
        preference = ToolPreference(topic, tool, keywords)
        yield Routine(preference, tuple(item.id for item in of_it), len(of_it), _tried(tool, about))
        left = [item for item in left if topic not in asked[item.id]]


def _topic(items: Sequence[Interaction], others: Sequence[Interaction], asked: Mapping[str, set[str]]) -> str:
    """The word that most of some questions share and others do not; empty where there is none.

    Of words that are as common the one that comes first in a question, since what it is about is mostly named early.
    """
    inside = Counter(word for item in items for word in asked[item.id])
    outside = Counter(word for item in others for word in asked[item.id])
    places: dict[str, int] = {}
    for item in items:
        for place, word in enumerate(words(_question(item))):
            places[word] = min(place, places.get(word, place))
    sure = [
        word
        for word, count in inside.items()
        if count >= ENOUGH and count / (count + outside[word]) >= SURE and plain_words([word]) and not word.isdigit()
    ]
    return min(sure, key=lambda word: (outside[word] - inside[word], places.get(word, 0), word), default="")


def matches(interaction: Interaction, helped: Mapping[str, Any], action: Mapping[str, Any]) -> bool:
    """Whether an action looks where one that helped did: with the same tool, and for what the question did not say.

    Args:
        interaction: The one that the action helped with.
        helped: The action that helped.
        action: Another one, on the same question.
    """
    if action.get("tool") != helped.get("tool"):
        return False
    wanted = searched_for(interaction, helped)
    said = set(words(" ".join(texts(action.get("arguments") or {}))))
    return 2 * sum(word in said for word in wanted) >= len(wanted)


def _keywords(tool: str, items: Sequence[Interaction]) -> list[tuple[str, ...]]:
    """For each interaction, what was searched for beside the question's own words, where several searched for it."""
    searched = [_searched(tool, item) for item in items]
    often = Counter(word for found in searched for word in found)
    return [plain_words([word for word in found if often[word] >= ENOUGH]) for found in searched]


def _searched(tool: str, item: Interaction) -> list[str]:
    return next((searched_for(item, action) for action in helpful(item) if action.get("tool") == tool), [])


def searched_for(item: Interaction, helped: Mapping[str, Any]) -> list[str]:
    """The words of a search that helped which the user did not say; none that another tool had returned before it."""
    own = set(words(" ".join(texts([own_words(item)]))))
    said = words_searched(helped)
    places = helped.get(ECHOED)
    returned = {said[place] for place in places if place in range(len(said))} if isinstance(places, list) else set()
    for action in item.actions:
        if action is helped:
            break
        returned |= set(words(str(action.get("result") or "")))
    telling = set(telling_words(" ".join(said)))
    return [word for word in dict.fromkeys(said) if word in telling and word not in own | returned]


def words_searched(action: Mapping[str, Any]) -> list[str]:
    """The words of an action's arguments, in their order."""
    return words(" ".join(texts(action.get("arguments") or {})))


def _useless(acted: Sequence[Interaction], asked: Mapping[str, set[str]]) -> Iterator[Routine]:
    """Tools that were asked about a topic several times where nothing helped; what to avoid, told from what helped."""
    tools = dict.fromkeys(
        str(action["tool"]) for item in acted for action in item.actions if is_tool_name(action.get("tool"))
    )
    for tool in tools:
        in_vain = [item for item in acted if _used(tool, item) and not helpful(item)]
        others = [item for item in acted if helpful(item)]
        topic = _topic(in_vain, others, asked) if len(in_vain) >= USELESS and others else ""
        of_it = [item.id for item in in_vain if topic in asked[item.id]]
        if topic and len(of_it) >= USELESS:
            yield Routine(ToolPreference(topic, tool, avoid=True), tuple(of_it), 0, len(of_it))


def _used(tool: str, item: Interaction) -> bool:
    return any(action.get("tool") == tool for action in item.actions)


def _tried(tool: str, items: Iterable[Interaction]) -> int:
    return sum(_used(tool, item) for item in items)


def _question(item: Interaction) -> str:
    return " ".join(texts(own_words(item)["said"]))


def _names(action: Mapping[str, Any], truth: Mapping[str, Any]) -> bool:
    """Whether what is kept of a result holds the truth, word for word; a bare number or a yes is in many texts."""
    result = f" {' '.join(words(str(action.get('result') or '')))} "
    said = [words(plain(spelled(value))) for value in truth.values()]
    telling = [each for each in said if len(each) > 1 or (each and telling_words(each[0]) and not each[0].isdigit())]
    return bool(telling) and all(f" {' '.join(each)} " in result for each in telling)
