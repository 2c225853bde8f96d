"""Going on with an alignment that was interrupted: only with the same settings, on the same data."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import dspy

import personaopt
from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.optimizers.checkpoint import Checkpoint
from personaopt.optimizers.windows import Window

NOT_PART_OF_IT = ("listeners", "checkpoint", "threads")
"""Settings that change nothing about the result."""


def begun(agent: PersonaAgent, fingerprint: Mapping[str, Any], *, resume: bool) -> tuple[str, Checkpoint, str]:
    """The checkpoint of an alignment that begins, or goes on.

    Args:
        agent: Who is aligned.
        fingerprint: What it is done with.
        resume: Whether to go on with the newest one that was interrupted on this task.

    Returns:
        The id of the alignment, its checkpoint, and a note where there was nothing to go on with.

    Raises:
        ConfigurationError: It was begun with something else.
    """
    user, note = agent.user, ""
    if resume:
        unfinished = [run for run in user.store.unfinished_runs(user.id) if same_task(run.fingerprint, fingerprint)]
        for run in unfinished:
            if not differences(run.fingerprint, fingerprint):
                recorded = user.store.recorded_calls(user.id, run.run_id)
                return run.run_id, Checkpoint(user, run.run_id, fingerprint, recorded), ""
        if unfinished:
            raise ConfigurationError(
                f"The unfinished alignment of user {user.id!r} was begun with something else: "
                f"{'; '.join(differences(unfinished[0].fingerprint, fingerprint))}; go on with what it was begun with, "
                "or leave resume=True out to begin anew."
            )
        note = "there was no unfinished alignment to go on with"
    name = uuid.uuid4().hex
    return name, Checkpoint(user, name, fingerprint, {}), note


def replaced(agent: PersonaAgent, run: str, fingerprint: Mapping[str, Any]) -> list[str]:
    """Ids of the user's unfinished alignments on the same task that a finished one has replaced."""
    unfinished = agent.user.store.unfinished_runs(agent.user.id)
    return [old.run_id for old in unfinished if old.run_id != run and same_task(old.fingerprint, fingerprint)]


def fingerprint_of(
    agent: PersonaAgent, settings: Mapping[str, Any], history: Sequence[Interaction], window: Window
) -> dict[str, Any]:
    """What an alignment is done with, as JSON values: of interactions ids and hashes, of the LM its name.

    Args:
        agent: Who is aligned.
        settings: The aligner's, by name.
        history: Everything with a ground truth, oldest first.
        window: What is learnt from and judged by.
    """
    lm = agent.lm
    return {
        "personaopt": personaopt.__version__,
        "settings": {name: value for name, value in settings.items() if name not in NOT_PART_OF_IT},
        "task": {
            "instructions": _hash(agent.task.instructions),
            "fields": {name: str(field.annotation) for name, field in agent.task.fields.items()},
        },
        "lm": {
            "LM": getattr(lm, "model", ""),
            "temperature": getattr(lm, "kwargs", {}).get("temperature"),
            "adapter": type(dspy.settings.adapter).__qualname__ if dspy.settings.adapter else "",
        },
        "memories": agent.retrieve,
        **({"actions": [agent.max_actions, *agent.available_tools()]} if agent.max_actions else {}),
        "version": agent.persona_version,
        "persona": _hash(json.dumps(agent.persona.to_dict(), sort_keys=True)),
        "history": [[item.id, _hash(f"{item.time} {item.content_hash()}")] for item in history],
        "window": [item.id for item in window.all],
    }


def same_task(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Whether two alignments are about the same task; a user may have agents for several."""
    return bool(there.get("task") == here.get("task"))


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs between an alignment as it was begun (there) and as it is to go on (here), in words."""
    found = []
    for name in ("settings", "lm"):
        before, now = there.get(name, {}), here[name]
        found += [
            f"{key} {_word(before.get(key))} there, {_word(now.get(key))} here"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
    for name, word in (("personaopt", "personaopt"), ("memories", "memories"), ("version", "persona version")):
        if there.get(name) != here[name]:
            found.append(f"{word} {there.get(name)} there, {here[name]} here")
    if there.get("actions") != here.get("actions"):
        found.append(f"actions {_acting(there.get('actions'))} there, {_acting(here.get('actions'))} here")
    if there.get("version") == here["version"] and there.get("persona") != here["persona"]:
        found.append("another persona")
    return found + _changed(there, here)


def _changed(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs in the interactions."""
    before, now = dict(there.get("history", [])), dict(here["history"])
    window = {*there.get("window", []), *here["window"]}
    parts = {
        "changed": [key for key in before if key in now and before[key] != now[key]],
        "are gone": [key for key in before if key not in now],
        "are new": [key for key in now if key not in before],
    }
    found = []
    for what, keys in parts.items():
        inside = sum(key in window for key in keys)
        found += [f"{inside} interactions of the window {what}"] if inside else []
        found += [f"{len(keys) - inside} other interactions {what}"] if len(keys) > inside else []
    if not found and (list(before) != list(now) or there.get("window") != here["window"]):
        found.append("the interactions come in another order")
    return found


def described(strategy: Any) -> Any:
    """A setting as JSON values: a strategy by its name, its figures and the LM it asks; no text, which may be a key."""
    if strategy is None or isinstance(strategy, bool | int | float):
        return strategy
    values = getattr(strategy, "__dict__", {})
    figures = {name: value for name, value in values.items() if isinstance(value, bool | int | float)}
    models = [getattr(value.lm, "model", "") for value in values.values() if isinstance(value, dspy.Predict)]
    name = getattr(strategy, "__qualname__", type(strategy).__qualname__)
    return {"": name, **figures, **({"lm": models} if any(models) else {})}


def _acting(actions: Any) -> str:
    return f"{actions[0]} with {', '.join(actions[1:]) or 'no tools'}" if actions else "none"


def _word(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{name}={item}" for name, item in value.items() if name)
        return f"{value.get('', '')}({inner})" if inner or not value.get("") else str(value[""])
    return "not set" if value is None else str(value)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
