"""The stand-in as the agent: it does what suits the user as far as the prompt tells, and guesses where it does not."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import personaopt.evals.personabench.stand_in.replies as replies
from personaopt.evals.personabench.stand_in.knowledge import Known, known_of
from personaopt.evals.personabench.stand_in.scenes import ARGUMENTS, SERVICES, Scene, scene_of
from personaopt.evals.personabench.stand_in.world import VALUES
from personaopt.evals.testbed import prompts
from personaopt.signatures.persona_block import read_persona

_TOOL = re.compile(r"^(\w+)\((.*)\): ", re.DOTALL)
_ARGUMENT = re.compile(r"(\w+) \(([^,)]*)")
_RECORD = re.compile(r'<record from="(.*?)">\n(.*?)\n</record>', re.DOTALL)
_FALLBACK = "I have taken note of that."


def assist(prompt: prompts.Prompt, turns: Sequence[str], draw: Random) -> str:
    """A reply.

    Args:
        prompt: The prompt.
        turns: What the user said before in this conversation, oldest first.
        draw: For guesses.
    """
    message = prompt.given.get("message", "")
    scene, known = _understood(prompt, [*turns, message])
    if scene is None:
        return _FALLBACK
    topic = scene.topic
    values = known.of(topic.field)
    if topic.shape == "choose":
        fitting = scene.suiting(values) or [option for option, _ in scene.options]
        return replies.chosen(draw.choice(fitting) if fitting else "what comes first", draw)
    if topic.shape == "form":
        forms = [form for value in values[-1:] for form in topic.options.get(value, ())]
        return replies.in_form(
            (forms or [draw.choice([each for every in topic.options.values() for each in every])])[0], draw
        )
    if topic.shape == "name":
        value = values[-1] if values else draw.choice(VALUES[topic.field])
        return (
            f"Dear Sir or Madam, I am writing about the matter that you know of. Many thanks for your trouble.\n{value}"
        )
    found = _found(prompt.given.get("observations", ""))
    return f"Done, this is what came of it: {found}" if found else "I could not find anything."


def act(prompt: prompts.Prompt, draw: Random) -> list[dict[str, Any]]:
    """The next calls: the function that does what is asked for, once."""
    given = prompt.given
    tools = {match[1]: match for line in prompts.listed(given.get("tools", "[]")) if (match := _TOOL.match(line))}
    turns = [str(turn.get("message", "")) for turn in _records(given.get("earlier_turns", "[]"))]
    scene, known = _understood(prompt, [*turns, given.get("message", "")])
    done = html.unescape(given.get("observations", ""))
    names = [scene.topic.tool.function.name] if scene is not None and scene.topic.tool is not None else []
    if scene is None or not (names and names[0] in tools):
        names = [name for name, tool in tools.items() if set(_arguments(tool[2])) & set(ARGUMENTS)]
    name = next((name for name in names if name in tools), None)
    if name is None or f"{name}(" in done:
        return []
    arguments = {
        argument: _argument(argument, kind, scene, known, given.get("message", ""), draw)
        for argument, kind in _arguments(tools[name][2]).items()
    }
    return [{"tool": name, "arguments": arguments}]


def _understood(prompt: prompts.Prompt, said: Sequence[str]) -> tuple[Scene | None, Known]:
    """What is asked for, by the latest message that asks for anything, and what is known of who asks."""
    persona = read_persona("\n".join(line.removeprefix(" " * 8) for line in prompt.system.splitlines()))[1]
    memories = [
        str(memory.get("inputs", {}).get("message", "")) for memory in _records(prompt.given.get("memories", "[]"))
    ]
    scene = next((found for message in reversed(said) if (found := scene_of(message))), None)
    return scene, known_of(persona, memories, said, prompt.given.get("message", ""))


def _argument(argument: str, kind: str, scene: Scene | None, known: Known, message: str, draw: Random) -> Any:
    tool = scene.topic.tool if scene is not None else None
    path = (
        scene.topic.field
        if scene is not None and tool is not None and argument == tool.argument
        else ARGUMENTS.get(argument)
    )
    if (path is not None and path in VALUES) or path == "demographics.age":
        values = known.of(path)
        value: Any = values[-1] if values else draw.choice(VALUES.get(path, ("30",)))
    else:
        value = _free(
            argument, tool.free.get(argument, ()) if tool is not None else (), scene.text if scene else message
        )
    return int(value) if kind.strip() in ("integer", "number") and str(value).isdigit() else value


def _free(argument: str, usual: Sequence[str], text: str) -> str:
    """An argument that the message tells, in its words."""
    lowered = text.casefold()
    for service, sign in SERVICES:
        if service in usual and sign in lowered:
            return service
    words = {each: each.rpartition(" ")[2].casefold() for each in usual}
    return next((each for each, word in words.items() if word in lowered), usual[0] if usual else argument)


def _arguments(text: str) -> dict[str, str]:
    return {match[1]: match[2] for match in _ARGUMENT.finditer(text)}


def _found(observations: str) -> str:
    """What the latest call gave, in words."""
    records = (
        [record for text in prompts.listed(observations) for record in _RECORD.findall(text)] if observations else []
    )
    if not records:
        return ""
    text = html.unescape(records[-1][1]).strip().strip('"')
    try:
        value = json.loads(text)
    except ValueError:
        return text if text.endswith(".") else f"{text}."
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = value[-1]
    if isinstance(value, Mapping):
        added = value.get("added")
        inner = added if isinstance(added, Mapping) else value
        return ", ".join(str(each) for each in inner.values()) + "."
    return f"{value}."


def _records(text: str) -> list[dict[str, Any]]:
    try:
        values = json.loads(text)
    except ValueError:
        return []
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
