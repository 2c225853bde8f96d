"""Users who look for the code of an appointment: which tool holds it, and under which words, is their own habit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import dspy

from personaopt.actions.outcomes import recorded
from personaopt.interaction import Interaction

TOPICS_OF = {
    "calendar": ("dentist", "gym", "choir"),
    "mail": ("parcel", "visa", "school"),
    "notes": ("recipe", "garden", "gift"),
    "ledger": ("invoice", "rent", "tax"),
}
"""Where most people would look for what: so it stands in the tools' descriptions."""
TOOLS = tuple(TOPICS_OF)
TOPICS = tuple(topic for topics in TOPICS_OF.values() for topic in topics)

_WORDINGS = (
    "Which code do I need for the {} on day {}?",
    "The {} is on day {}. What is the code?",
    "Code for the {}, day {}, please.",
    "I am asked for a code at the {} on day {}; which one is it?",
)
_COLOURS = ("amber", "blue", "crimson", "green", "ivory", "purple", "silver", "yellow")
_THINGS = ("binder", "folder", "notebook", "drawer", "lantern", "basket", "ladder", "harbour")
TOPICS_EACH = 3
KEYED = 0.4
"""Share of topics that are kept under words of the user's own."""
USUAL = 0.25
"""Share of topics that a user keeps where most people would look."""
UNRECORDED = 0.1
"""Share of interactions of which it was not recorded what helped."""


class FindCode(dspy.Signature):
    """Answer with the code for this appointment; look it up, and answer "unknown" where it was not found."""

    question: str = dspy.InputField()
    code: str = dspy.OutputField()


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a user keeps what belongs to a topic: the right first action for every question about it.

    Attributes:
        tool: The tool to ask first.
        keywords: Words to search for beside the topic; empty where the topic is enough.
    """

    tool: str
    keywords: tuple[str, ...] = ()

    def is_first(self, actions: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the first of some actions looks there."""
        if not actions or actions[0].get("tool") != self.tool:
            return False
        said = {word for value in actions[0].get("arguments", {}).values() for word in words(str(value))}
        return said.issuperset(self.keywords)


@dataclasses.dataclass(frozen=True)
class Errand:
    """One question of a user, with its answer."""

    topic: str
    day: int
    question: str
    code: str


@dataclasses.dataclass(frozen=True)
class Seeker:
    """An invented user.

    Attributes:
        user_id: The user id.
        places: Where the user keeps what, by topic.
        history: What is known of the user, oldest first.
        later: Errands after it, to test on.
        errands: All of them, those of the history too.
    """

    user_id: str
    places: Mapping[str, Place]
    history: tuple[Interaction, ...]
    later: tuple[Errand, ...]
    errands: tuple[Errand, ...]

    def tools(self) -> list[Callable[[str], str]]:
        """The user's tools; each finds what is kept in it by the words that it is kept under."""
        return [_tool(name, self.places, self.errands) for name in TOOLS]


def seekers(count: int, *, seed: int, interactions: int = 24, later: int = 9) -> list[Seeker]:
    """Invented users.

    Args:
        count: How many.
        seed: The same seed gives the same users; others are other users.
        interactions: How long each history is.
        later: How many errands there are to test on.
    """
    return [_seeker(number, seed, interactions, later) for number in range(count)]


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return re.findall(r"\w+", text.casefold())


def usual_place(topic: str) -> str:
    """The tool in which most people would look for a topic."""
    return next((tool for tool, topics in TOPICS_OF.items() if topic in topics), TOOLS[0])


def _seeker(number: int, seed: int, interactions: int, later: int) -> Seeker:
    draw = Random(f"seeker {seed} {number}")
    topics = draw.sample(TOPICS, TOPICS_EACH)
    places = {topic: _place(topic, draw) for topic in topics}
    rounds = [topics[place % len(topics)] for place in range(interactions + later)]
    for start in range(0, len(rounds), len(topics)):
        rounds[start : start + len(topics)] = draw.sample(topics, len(topics))[: len(rounds) - start]
    errands = tuple(_errand(topic, day, draw) for day, topic in enumerate(rounds, 1))
    tools = {name: _tool(name, places, errands) for name in TOOLS}
    history = tuple(
        _interaction(f"{number}-{errand.day}", errand, places[errand.topic], tools, draw)
        for errand in errands[:interactions]
    )
    return Seeker(f"seeker-{seed}-{number}", places, history, errands[interactions:], errands)


def _place(topic: str, draw: Random) -> Place:
    if draw.random() < USUAL:
        return Place(usual_place(topic))
    keywords = (draw.choice(_COLOURS), draw.choice(_THINGS)) if draw.random() < KEYED else ()
    elsewhere = [tool for tool in TOOLS if tool != usual_place(topic)]
    return Place(draw.choice(elsewhere), keywords)


def _errand(topic: str, day: int, draw: Random) -> Errand:
    code = "".join(draw.choice("BCDFGHKLMNPRSTVWXZ") for _ in range(4)) + f"{draw.randrange(100, 1000)}"
    return Errand(topic, day, draw.choice(_WORDINGS).format(topic, day), code)


def _interaction(
    identifier: str, errand: Errand, place: Place, tools: Mapping[str, Callable[[str], str]], draw: Random
) -> Interaction:
    """An errand as it was recorded: what was tried in vain, where the user found it, and the code."""
    said = {"code": errand.code}
    tried = [(usual_place(errand.topic), errand.topic), (place.tool, " ".join([*place.keywords, errand.topic]))]
    actions = [
        {"tool": tool, "arguments": {"query": query}, "result": tools[tool](query), "error": ""}
        for tool, query in dict.fromkeys(tried)
    ]
    kept = recorded(actions, said) if draw.random() >= UNRECORDED else []
    return Interaction(
        {"question": errand.question}, ground_truth=said, actions=kept, time=float(errand.day), id=identifier
    )


def _tool(name: str, places: Mapping[str, Place], errands: Sequence[Errand]) -> Callable[[str], str]:
    def search(query: str) -> str:
        asked = set(words(query))
        found = [
            f"{errand.topic}, day {errand.day}: code {errand.code}"
            for errand in errands
            if places[errand.topic].tool == name
            and errand.topic in asked
            and asked.issuperset(places[errand.topic].keywords)
        ]
        return "\n".join(found) or f"Nothing in the {name} fits {query!r:.80}."

    topics = ", ".join(TOPICS_OF[name])
    search.__name__ = name
    search.__doc__ = f"Search the {name} by words. Most people keep there: {topics}."
    return search
