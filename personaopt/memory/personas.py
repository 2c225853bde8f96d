"""The persona versions of a user in a store's tables: compare-and-swap, so that no change is lost to another."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

from personaopt.errors import DataError, PersonaError, PersonaOptError, StoreError, VersionConflict
from personaopt.memory.checks import name_of, text_of, whole
from personaopt.memory.connection import Connection
from personaopt.memory.store import PersonaVersion
from personaopt.persona import Edit, Persona

_COLUMNS = "version, parent, persona, created, author, reason, edits, run, redacted"
ADD_USER = "INSERT INTO users (user_id, created) VALUES (?, ?) ON CONFLICT DO NOTHING"


def checked(
    persona: Persona, *, parent: int, author: str, reason: str, edits: Iterable[Edit], run: str = ""
) -> PersonaVersion:
    """The version that would follow `parent`, if all of it is valid.

    Raises:
        PersonaError: Not a persona, or not edits.
        DataError: The parent, author, reason or run is not valid.
    """
    if not isinstance(persona, Persona):
        raise PersonaError(f"A Persona can be saved, not {type(persona).__name__}.")
    edits = tuple([edits] if isinstance(edits, Edit) else edits)
    if not all(isinstance(edit, Edit) for edit in edits):
        raise PersonaError("The edits of a persona version must be Edit values.")
    parent = whole(parent, "parent")
    if reason != "":
        text_of(reason, "The reason of a persona version")
    text_of(author, "The author of a persona version")
    if run != "":
        name_of(run, "The run of a persona version")
    return PersonaVersion(parent + 1, parent or None, persona, time.time(), author, reason, edits, run)


def save(connection: Connection, user_id: str, new: PersonaVersion) -> PersonaVersion:
    """Store a version, within a transaction, if the current one is its parent.

    Raises:
        VersionConflict: It is not.
        PersonaError: The persona or its edits cannot be written as JSON.
    """
    persona, edits = _json(new.persona.to_dict()), _json([edit.to_dict() for edit in new.edits])
    current = connection.execute("SELECT max(version) FROM personas WHERE user_id = ?", (user_id,))[0][0] or 0
    if (new.parent or 0) != current:
        raise VersionConflict(
            f"The persona of user {user_id!r} is at version {current}, not at {new.parent or 0}; "
            "read it again and redo the change."
        )
    row = (new.version, new.parent, persona, new.created, new.author, new.reason, edits, new.run, int(new.redacted))
    connection.execute(ADD_USER, (user_id, new.created))
    connection.execute(
        f"INSERT INTO personas (user_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (user_id, *row)
    )
    return new


def rewrite(connection: Connection, user_id: str, version: PersonaVersion) -> None:
    """Put a redacted version in the place of the one that quoted what was forgotten."""
    persona, edits = _json(version.persona.to_dict()), _json([edit.to_dict() for edit in version.edits])
    connection.execute(
        "UPDATE personas SET persona = ?, edits = ?, reason = ?, redacted = ? WHERE user_id = ? AND version = ?",
        (persona, edits, version.reason, int(version.redacted), user_id, version.version),
    )


def standing(connection: Connection, user_id: str, number: int) -> tuple[float, bool] | None:
    """When a version was made and whether it was redacted; None where there is none."""
    rows = connection.execute(
        "SELECT created, redacted FROM personas WHERE user_id = ? AND version = ?", (user_id, number)
    )
    return (float(rows[0][0]), bool(rows[0][1])) if rows else None


def rollback(connection: Connection, user_id: str, number: int) -> PersonaVersion:
    """Store the persona of an earlier version as a new one, within a transaction; 0 is the empty persona.

    Raises:
        DataError: There is no such version.
    """
    current = version(connection, user_id)
    target = version(connection, user_id, number) if number else None
    newest = current.version if current else 0
    if current is None or (number and target is None):
        raise DataError(f"User {user_id!r} has no persona version {number} to go back to; the newest is {newest}.")
    persona = target.persona if target else dataclasses.replace(current.persona, statements=())
    reason = f"Back to version {number}."
    edits = current.persona.diff(persona)
    return save(
        connection, user_id, checked(persona, parent=current.version, author="rollback", reason=reason, edits=edits)
    )


def version(connection: Connection, user_id: str, number: int | None = None) -> PersonaVersion | None:
    """One version of a user's persona, the current one when no number is given; None when there is none."""
    wanted, values = ("", (user_id,)) if number is None else ("AND version = ?", (user_id, whole(number, "version")))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM personas WHERE user_id = ? {wanted} ORDER BY version DESC LIMIT 1", values
    )
    return _read(rows[0]) if rows else None


def versions(connection: Connection, user_id: str) -> list[PersonaVersion]:
    """All versions of a user's persona, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM personas WHERE user_id = ? ORDER BY version", (user_id,))
    return [_read(row) for row in rows]


def _json(values: Any) -> str:
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise PersonaError(f"The persona cannot be written as JSON: {error}.") from error
    return text


def _read(row: Sequence[Any]) -> PersonaVersion:
    number, parent, persona, created, author, reason, edits, run, redacted = row
    try:
        value = Persona.from_dict(json.loads(persona))
        changes = tuple(Edit.from_dict(edit) for edit in json.loads(edits))
    except (ValueError, TypeError, KeyError, PersonaOptError) as error:
        raise StoreError(f"Persona version {number} in the store is damaged: {error}") from error
    return PersonaVersion(number, parent, value, created, author, reason, changes, run, bool(redacted))
