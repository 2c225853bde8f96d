"""How a run was made, as its `config.json` says: who played which role, on which bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from personaopt.evals.table import Table

_ROLES = ("editor", "user", "satisfaction", "judge")
_BENCH = ("backend", "language", "wording", "personas", "sessions", "seed")
_SETTINGS = ("turns", "retrieve", "sessions")
_NOTES = {
    "scripted": "`scripted` is a program that stands in for a language model: it reads nothing but the prompt's text.",
    "rules": "`rules` are the bench's own rules: they see what they were written for and nothing else.",
}


def run_table(config: Mapping[str, Any], lms: list[str]) -> Table | None:
    """Who played which role, and on which bench; None where nothing is known.

    Args:
        config: What `config.json` holds.
        lms: The agents' language models, as the rows name them.
    """
    settings, lm_settings = _mapping(config, "settings"), _mapping(config, "lms")
    made = _mapping(_mapping(config, "bench"), "made")
    roles = {"agent": ", ".join(lms), **{role: str(settings[role]) for role in _ROLES if settings.get(role)}}
    if not settings:
        return None
    rows = [(f"{role}", name) for role, name in roles.items()]
    rows += [(f"{name}: settings", _named(values)) for name, values in lm_settings.items() if values]
    rows += [("bench", _named({name: made[name] for name in _BENCH if name in made}))] if made else []
    rows.append(("run", _named({name: settings[name] for name in _SETTINGS if settings.get(name) is not None})))
    said = {name.strip() for each in roles.values() for name in each.split(",")}
    return Table("How it was run", ("", ""), tuple(rows), tuple(note for name, note in _NOTES.items() if name in said))


def _mapping(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def _named(values: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) if isinstance(values, Mapping) else ""
