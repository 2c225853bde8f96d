"""A stand-in for a capable LM that looks things up: it reads nothing but its prompt, and errs as often as it is told.

Without a word in the persona it looks where the tools' descriptions say that most people would, then everywhere else.
It knows the topics there are as words of its language, and of a user what stands in the prompt.
"""

from __future__ import annotations

import html
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, TextPart, Usage

from personaopt.evals.errands.world import TOPICS, words
from personaopt.evals.testbed import prompts
from personaopt.memory.tool_preferences import ToolPreference, preference_in

MODEL = "errands/stand-in"
NOTHING = "Nothing has to change."
_PERSONA = re.compile(r"<persona>\n(.*?)\n?\s*</persona>", re.DOTALL)
_CALL = re.compile(r'(\w+)\(\{"\w+": "([^"]*)"')
_FEEDBACK = (
    "For questions about the {topic} the persona should say: look in {tool} first{search}.",
    "The assistant went astray. When asked about {topic}, this user's codes are in {tool}: look there first{search}.",
    "Anything about the {topic} is kept in {tool}; start with {tool}{search}.",
)


class LookingStandIn:
    """The engine: requests and responses of `dspy.lm15`, nothing else.

    Args:
        slips: How often it passes over what the persona says; for each choice of actions.
        missed: How often a critic forgets the words to search for; for each critique.
        seed: For what is drawn, together with the prompt.

    Attributes:
        calls: How many requests were answered, by kind.
    """

    def __init__(self, slips: float = 0.0, missed: float = 0.0, seed: int = 0) -> None:
        self.slips, self.missed, self.seed = slips, missed, seed
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Response:
        """Answer a request."""
        system = request.system if isinstance(request.system, str) else ""
        user = "\n".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart))
        prompt = prompts.read(system, user)
        kind = "act" if "calls" in prompt.outputs else "answer" if "code" in prompt.outputs else prompt.kind
        with self._lock:
            self.calls[kind] += 1
        draw = Random(f"{self.seed} {request.config.temperature} {system} {user}")
        reply = prompt.form(self._fields(kind, prompt, user, draw))
        usage = Usage(input_tokens=len(system.split()) + len(user.split()), output_tokens=len(reply.split()))
        return Response(None, MODEL, Message.assistant([TextPart(reply)]), "stop", usage)

    def _fields(self, kind: str, prompt: prompts.Prompt, user: str, draw: Random) -> dict[str, Any]:
        given = prompt.given
        if kind == "act":
            return {"calls": self._choice(prompt.system, given, draw)}
        if kind == "answer":
            return {"code": _code(given)}
        if kind == "critique":
            return {prompt.outputs[0]: self._critique(given, draw)}
        if kind == "relay":
            return {prompt.outputs[0]: given["said"]}
        if kind == "edit":
            return {"edits": _edits(given)}
        return {name: ["Asks for codes of appointments."] for name in prompt.outputs}

    def _choice(self, system: str, given: Mapping[str, str], draw: Random) -> list[dict[str, Any]]:
        """The next search: where the persona says, else where the tools' descriptions do, then everywhere else."""
        topic = _topic(given["question"])
        lines = prompts.listed(given["tools"])
        tools = {line.partition("(")[0]: line for line in lines if "(query" in line.replace(" ", "")}
        observed = given.get("observations", "")
        if not topic or _code(given) != "unknown":
            return []
        persona = _PERSONA.search(system)
        obeyed = persona is not None and draw.random() >= self.slips
        told = _told(html.unescape(persona[1]) if persona and obeyed else "", topic, list(tools))
        usual = next((name for name, line in tools.items() if topic in words(line)), next(iter(tools)))
        order = [*([told.tool] if told and told.tool else []), usual, *tools]
        tried = {name for name in tools if f"{name}(" in html.unescape(observed)}
        left = [name for name in dict.fromkeys(order) if name not in tried]
        if not left:
            return []
        query = " ".join([*(told.keywords if told else ()), topic])
        return [{"tool": left[0], "arguments": {"query": query}}]

    def _critique(self, given: Mapping[str, str], draw: Random) -> str:
        """Where the first search should have been, if the prompt shows it."""
        helped = [_CALL.search(line) for line in prompts.listed(given.get("helped", "[]"))]
        looked = [_CALL.search(line) for line in prompts.listed(given.get("looked_up", "[]"))]
        topic = _topic(given["question"])
        if not topic or not helped or helped[0] is None:
            return NOTHING
        tool, query = helped[0].groups()
        extra = [word for word in words(query) if word != topic]
        first = looked[0] if looked else None
        if first and first[1] == tool and set(extra) <= set(words(first[2])):
            return NOTHING
        search = f' and search for "{" ".join(extra)}"' if extra and draw.random() >= self.missed else ""
        return draw.choice(_FEEDBACK).format(topic=topic, tool=tool, search=search)


class AsyncLookingStandIn:
    """The same engine, awaited."""

    def __init__(self, engine: LookingStandIn) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer a request."""
        return self.engine.complete(request)


def looking_lm(slips: float = 0.0, missed: float = 0.0, seed: int = 0) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `LookingStandIn` with these dials; nothing is cached."""
    engine = LookingStandIn(slips, missed, seed)
    return dspy.LM(
        MODEL, engine=engine, async_engine=AsyncLookingStandIn(engine), cache=False, num_retries=0, max_tokens=400
    )


def _topic(question: str) -> str:
    return next((word for word in words(question) if word in TOPICS), "")


def _code(given: Mapping[str, str]) -> str:
    """The code of the day that was asked for, if it stands among what was looked up."""
    day = re.search(r"day (\d+)", given.get("question", ""))
    observed = html.unescape(given.get("observations", ""))
    topic = _topic(given.get("question", ""))
    found = re.search(rf"{topic}, day {day[1]}: code (\w+)", observed) if day and topic else None
    return found[1] if found else "unknown"


def _told(persona: str, topic: str, tools: Sequence[str]) -> ToolPreference | None:
    """What the persona says about a topic, the latest line of several."""
    said = [found for line in persona.splitlines() if (found := preference_in(line, tools)) and not found.avoid]
    return next((each for each in reversed(said) if each.topic == topic), next((s for s in said if not s.topic), None))


def _edits(given: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the feedback asks for, the most supported first; a line of the persona on the same topic gives way."""
    tools = prompts.listed(given.get("tools", "[]"))
    refused = given.get("refused", "")
    lines = {
        found.field: (number, found)
        for number, text in enumerate(json.loads(given["persona"]), 1)
        if (found := preference_in(text, tools))
    }
    asked: dict[ToolPreference, list[int]] = {}
    for number, text in enumerate(json.loads(given["feedback"]), 1):
        if found := preference_in(text, tools):
            asked.setdefault(found, []).append(number)
    best: dict[str, tuple[ToolPreference, list[int]]] = {}
    for preference, numbers in sorted(asked.items(), key=lambda entry: (-len(entry[1]), -len(entry[0].keywords))):
        if preference.text not in refused:
            best.setdefault(preference.field, (preference, numbers))
    edits: list[dict[str, Any]] = []
    for field, (preference, numbers) in best.items():
        line, known = lines.get(field, (0, None))
        if preference == known:
            continue
        edit: dict[str, Any] = {"action": "add", "text": preference.text, "feedback": numbers}
        edits.append(edit | ({"action": "replace", "statement": line} if line else {}))
    return edits[:5]
