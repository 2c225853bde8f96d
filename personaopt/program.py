"""Compiled programs as files: an agent with its persona and memories, checked when it is read and never executed.

A program is a JSON document with a schema version and a checksum. The LM is named, not stored; neither are keys or
addresses. Other formats are for use without personaopt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import dspy

from personaopt import __version__
from personaopt.actions.tools import made
from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, PersonaOptError, ProgramError
from personaopt.interaction import Interaction
from personaopt.lm.calibration import Calibration
from personaopt.lm.decisions import decision_state
from personaopt.lm.local import local_lm
from personaopt.memory import open_store
from personaopt.memory.embedding import local_embedder
from personaopt.persona import Persona
from personaopt.program_file import checked, document, write
from personaopt.program_file import refuse_place as refuse_place
from personaopt.signatures import as_text
from personaopt.signatures.portable import signature_from_dict, signature_to_dict

if TYPE_CHECKING:
    from personaopt.memory import Store, User

Format = Literal["program", "prompt", "messages", "markdown"]

AUTHOR = "export"
MOST_VERSIONS = 100_000


def export(
    agent: PersonaAgent, path: str | os.PathLike[str], *, format: Format = "program", memories: bool = True
) -> Path:
    """Write an agent to a file; a file that is there is replaced in one step.

    Args:
        agent: The agent, such as the one that `PersonaAligner.compile` returns.
        path: The file; its folder must exist.
        format: `program` for `load`; for use without personaopt `prompt` (text), `messages` (chat messages as JSON)
            or `markdown` (for people, with the evidence of each line).
        memories: Whether a program holds the user's interactions, from which the agent recalls. Without them it
            answers by the persona alone.

    Returns:
        The path.

    Raises:
        ConfigurationError: The format is unknown.
        ProgramError: The agent has a part that a file cannot hold, or the file cannot be written.
    """
    if not isinstance(agent, PersonaAgent):
        raise ProgramError(f"A PersonaAgent can be exported, not {type(agent).__name__}.")
    if format not in get_args(Format):
        raise ConfigurationError(f"A program is exported as one of {', '.join(get_args(Format))}, not {format!r}.")
    if format == "program":
        content = _content(agent, memories)
        text = document(content)
    elif format == "messages":
        text = json.dumps(as_text.messages(_task(agent), agent.persona), ensure_ascii=False, indent=1)
    elif format == "prompt":
        text = as_text.prompt(_task(agent), agent.persona)
    else:
        text = as_text.markdown(_task(agent), agent.persona, f"{agent.user.id}, version {agent.persona_version}")
    return write(Path(path), f"{text}\n")


def load(
    path: str | os.PathLike[str],
    *,
    store: Store | None = None,
    lm: Any = None,
    tools: Iterable[dspy.Tool | Callable[..., Any]] = (),
    allow_tools_for_all: Iterable[str] = (),
) -> PersonaAgent:
    """Read a program that `export` wrote. Nothing in the file is ever executed.

    Args:
        path: The file.
        store: Where the user's memories are recorded; a store in memory when None.
        lm: The LM that answers. When None the configured one; where none is configured and the program was made
            with the local model, that.
        tools: The tools that the file names; it holds no code. Which of them a user may call is not part of it either.
        allow_tools_for_all: As of a new agent.

    Raises:
        ProgramError: The file is missing, damaged, not a program, or of a newer version; or the user has another
            persona in the given store; or a tool is missing that it names.
    """
    content = checked(Path(path))
    try:
        agent = _agent(content, store, tools, allow_tools_for_all)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProgramError(f"The program {path} lacks a part or has a wrong one: {error!r}.") from error
    except PersonaOptError as error:
        raise ProgramError(f"The program {path} cannot be used: {error}") from error
    if lm is None and dspy.settings.lm is None and str(content["lm"]).startswith("local/"):
        lm = local_lm()
    agent.predict.lm = lm
    return agent


def _agent(
    content: Mapping[str, Any],
    store: Store | None,
    tools: Iterable[dspy.Tool | Callable[..., Any]],
    allow_tools_for_all: Iterable[str],
) -> PersonaAgent:
    given = {tool.name: tool.tool for tool in made(tools).values()}
    if missing := [name for name in content.get("tools", []) if name not in given]:
        raise ProgramError(f"it calls the tool {missing[0]!r}; give it with load(path, tools=[...]).")
    task = signature_from_dict(content["task"])
    persona = Persona.from_dict(content["persona"])
    version = _version(content["persona_version"])
    memories = [Interaction.from_dict(values) for values in content["memories"] or []]
    calibration = _calibration_from(content["calibration"])
    if store is None:
        _refuse_embedder(content["embedder"])
    user = (store or open_store(":memory:")).user(content["user_id"])
    user.record(memories)
    version = _remember(user, persona, version, private=store is None)
    agent = PersonaAgent(
        task,
        user=user,
        tools=given.values(),
        max_actions=content.get("max_actions", 0),
        allow_tools_for_all=allow_tools_for_all,
        tool_timeout=content.get("tool_timeout", {}),
        not_simulated=content.get("not_simulated", []),
        memory_tools=content.get("memory_tools", True),
        retrieve=content["retrieve"],
        persona=persona,
        calibration=calibration,
    )
    agent.persona_version = version
    agent.predict.config = dict(content["settings"])
    agent.predict.demos = [dspy.Example(**demo) for demo in content["demos"]]
    agent.predict.fields = dict(content.get("fields", {}))
    decision_state(agent.predict)  # refuses parameters that do not fit the task
    return agent


def _content(agent: PersonaAgent, memories: bool) -> dict[str, Any]:
    try:
        settings, demos = _plain(agent.predict.config), [_plain(dict(demo)) for demo in agent.predict.demos]
    except (TypeError, ValueError) as error:
        raise ProgramError(f"The predictor's settings or examples cannot be written as JSON: {error}.") from error
    return {
        "personaopt": __version__,
        "task": signature_to_dict(_task(agent)),
        "user_id": agent.user.id,
        "persona": agent.persona.to_dict(),
        "persona_version": agent.persona_version,
        "retrieve": agent.retrieve,
        "max_actions": agent.max_actions,
        "tools": list(agent.actions.tools),
        "memory_tools": bool(agent.actions.own),
        "tool_timeout": dict(agent.actions.seconds),
        "not_simulated": list(agent.actions.not_simulated),
        "calibration": _calibration_to(agent),
        "lm": getattr(agent.lm, "model", None),
        "embedder": agent.user.store.embedder.name,
        "settings": settings,
        "demos": demos,
        "fields": _plain(agent.predict.fields),
        "memories": [item.to_dict() for item in agent.user.history()] if memories else None,
    }


def _task(agent: PersonaAgent) -> type[dspy.Signature]:
    """The task with the predictor's descriptions; what another optimizer wrote into the instructions is persona."""
    asked = agent.predict.signature
    fields = {name: (asked.fields[name].annotation, asked.fields[name]) for name in agent.task.fields}
    return dspy.Signature(fields, agent.task.instructions, signature_name=agent.task.__name__)


def _plain(values: Any) -> Any:
    def plain(value: Any) -> Any:
        if hasattr(value, "model_dump"):
            return value.model_dump()
        raise TypeError(f"{type(value).__name__} is not a JSON value")

    return json.loads(json.dumps(values, default=plain, allow_nan=False))


def _calibration_to(agent: PersonaAgent) -> dict[str, Any] | None:
    """The weights themselves: those that are shipped may change with the next version, the program's answers not."""
    calibration = agent.calibration
    if calibration == "shipped":
        return {**Calibration.shipped().to_dict(), "shipped": True}
    return calibration.to_dict() if calibration is not None else None


def _calibration_from(values: Any) -> Calibration | Literal["shipped"] | None:
    if values is None:
        return None
    calibration = Calibration.from_dict(values)
    if values.get("shipped") and calibration == Calibration.shipped():
        return "shipped"  # which also knows that it is for the small local model only
    return calibration


def _version(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_VERSIONS:
        raise ProgramError(f"its persona version is {value!r}.")
    return value


def _refuse_embedder(name: Any) -> None:
    if name != local_embedder().name:
        raise ProgramError(
            f"its memories are searched with the embedder {name!r}; pass a store that has it, such as "
            "store=personaopt.open_store(':memory:', embedder=...)."
        )


def _remember(user: User, persona: Persona, version: int, *, private: bool) -> int:
    """Give the user the program's persona; returns the number it has in this store."""
    known = {stored.persona.render(): stored.version for stored in user.personas()}
    if not version and not persona:
        return user.version
    if not known:
        # In a store of its own the program keeps its version's number; the versions before it were not exported.
        earlier = range(max(version, 1) - 1) if private else range(0)
        for parent in earlier:
            user.save_persona(Persona(), parent=parent, author=AUTHOR, reason="Not part of the exported program.")
        return user.save_persona(persona, parent=len(earlier), author=AUTHOR, reason="From a program file.").version
    if persona.render() not in known:
        raise ProgramError(
            f"user {user.id!r} has another persona in this store (version {user.version}); load it without the store."
        )
    return known[persona.render()]
