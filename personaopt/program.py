"""Compiled programs as files: an agent with its persona and memories, checked when it is read and never executed.

A program is a JSON document with a schema version and a checksum. The LM is named, not stored; neither are keys or
addresses. Other formats are for use without personaopt.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import dspy

from personaopt import __version__
from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, PersonaOptError, ProgramError
from personaopt.interaction import Interaction
from personaopt.lm.calibration import Calibration
from personaopt.lm.decisions import decision_state
from personaopt.lm.local import local_lm
from personaopt.memory import open_store
from personaopt.memory.embedding import local_embedder
from personaopt.persona import Persona
from personaopt.signatures import as_text
from personaopt.signatures.portable import signature_from_dict, signature_to_dict

if TYPE_CHECKING:
    from personaopt.memory import Store, User

Format = Literal["program", "prompt", "messages", "markdown"]

KIND = "personaopt program"
SCHEMA = 1
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
        document = {"kind": KIND, "schema": SCHEMA, "checksum": _checksum(content), "content": content}
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    elif format == "messages":
        text = json.dumps(as_text.messages(_task(agent), agent.persona), ensure_ascii=False, indent=1)
    elif format == "prompt":
        text = as_text.prompt(_task(agent), agent.persona)
    else:
        text = as_text.markdown(_task(agent), agent.persona, f"{agent.user.id}, version {agent.persona_version}")
    return _write(Path(path), f"{text}\n")


def load(path: str | os.PathLike[str], *, store: Store | None = None, lm: Any = None) -> PersonaAgent:
    """Read a program that `export` wrote. Nothing in the file is ever executed.

    Args:
        path: The file.
        store: Where the user's memories are recorded; a store in memory when None.
        lm: The LM that answers. When None the configured one; where none is configured and the program was made
            with the local model, that.

    Raises:
        ProgramError: The file is missing, damaged, not a program, or of a newer version; or the user has another
            persona in the given store.
    """
    content = _checked(Path(path))
    try:
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
        agent = PersonaAgent(task, user=user, retrieve=content["retrieve"], persona=persona, calibration=calibration)
        agent.persona_version = version
        agent.predict.config = dict(content["settings"])
        agent.predict.demos = [dspy.Example(**demo) for demo in content["demos"]]
        agent.predict.fields = dict(content.get("fields", {}))
        decision_state(agent.predict)  # refuses parameters that do not fit the task
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProgramError(f"The program {path} lacks a part or has a wrong one: {error!r}.") from error
    except PersonaOptError as error:
        raise ProgramError(f"The program {path} cannot be used: {error}") from error
    if lm is None and dspy.settings.lm is None and str(content["lm"]).startswith("local/"):
        lm = local_lm()
    agent.predict.lm = lm
    return agent


def refuse_place(path: str | os.PathLike[str]) -> None:
    """Say now that a file could not be written later.

    Raises:
        ProgramError: It could not.
    """
    file = Path(path)
    if file.is_dir():
        raise ProgramError(f"{file} is a folder; give the path of a file.")
    if not file.parent.is_dir():
        raise ProgramError(f"{file} cannot be written, because the folder {file.parent} does not exist.")
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ProgramError(f"{file} cannot be written: no permission.")


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


def _checked(path: Path) -> dict[str, Any]:
    """The content of a program file whose checksum is right.

    Raises:
        ProgramError: It is not one.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ProgramError(f"The program {path} cannot be read: {error.strerror or error}.") from error
    if raw[:1] == b"\x80" or raw[:2] == b"PK":
        raise ProgramError(f"{path} is a pickle or an archive; only JSON that personaopt exported is read.")
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"{path} is not JSON, or is damaged ({type(error).__name__}); export it again.") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ProgramError(f"{path} is JSON, but not a program that personaopt exported.")
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ProgramError(f"The program {path} has the unknown schema {schema!r}; export it again.")
    if schema > SCHEMA:
        raise ProgramError(
            f"The program {path} has schema {schema} and this version of personaopt knows {SCHEMA} at most; upgrade it."
        )
    content = document.get("content")
    if not isinstance(content, dict) or document.get("checksum") != _checksum(content):
        raise ProgramError(f"The program {path} was changed or damaged since it was exported: its checksum is wrong.")
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _write(path: Path, text: str) -> Path:
    """Write a file so that it is there as a whole or not at all."""
    refuse_place(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o600)  # it holds what a user said
        os.replace(temporary, path)
        temporary = None
    except (OSError, UnicodeEncodeError) as error:
        raise ProgramError(f"{path} cannot be written: {error}.") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return path
