"""Changes to a persona by hand: each is a new version, like those of an optimizer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from personaopt.errors import DataError, VersionConflict
from personaopt.memory.checks import whole
from personaopt.persona import Edit, Persona

if TYPE_CHECKING:
    from personaopt.memory.store import PersonaVersion, Store

HAND = "hand"
"""The author of a version that a person wrote and gave no name to."""


def write(store: Store, user_id: str, text: str, *, parent: int | None, author: str, reason: str) -> PersonaVersion:
    """Save a text as the persona; see `User.write_persona`."""
    if not isinstance(text, str):
        raise DataError(f"A persona is written as a text, not {type(text).__name__}.")
    version, persona = _current(store, user_id)
    if parent is not None and whole(parent, "parent") != version:
        raise VersionConflict(
            f"The persona of user {user_id!r} is at version {version}, not at {parent}; read it again and redo the "
            "change."
        )
    known = {statement.text: statement for statement in persona.statements}
    written = Persona.from_text(text, token_limit=persona.token_limit)
    # A line that stood there already is the statement it was: with its evidence, and pinned if it was.
    kept = tuple(known.get(statement.text, statement) for statement in written.statements)
    new = dataclasses.replace(written, statements=kept)
    edits = persona.diff(new)
    return store.save_persona(user_id, new, parent=version, author=author, reason=reason, edits=edits)


def pin(store: Store, user_id: str, statement_id: str, *, pinned: bool, author: str) -> PersonaVersion:
    """Save the persona with one statement pinned, or no longer; see `User.pin`."""
    version, persona = _current(store, user_id)
    statement = dataclasses.replace(persona.statement(statement_id), pinned=pinned)
    edit = Edit("replace", statement, statement_id, reason="pinned" if pinned else "no longer pinned")
    return store.save_persona(
        user_id, persona.apply(edit), parent=version, author=author, reason=f"Statement {edit.reason}.", edits=[edit]
    )


def difference(store: Store, user_id: str, first: int, second: int | None) -> tuple[Edit, ...]:
    """The edits that lead from one version to another; see `User.diff`."""
    return _version(store, user_id, first).diff(_version(store, user_id, second))


def _current(store: Store, user_id: str) -> tuple[int, Persona]:
    current = store.persona(user_id)
    return (current.version, current.persona) if current else (0, Persona())


def _version(store: Store, user_id: str, number: int | None) -> Persona:
    if number is None or whole(number, "version") == 0:
        return _current(store, user_id)[1] if number is None else Persona()
    found = store.persona(user_id, number)
    if found is None:
        raise DataError(f"User {user_id!r} has no persona version {number}.")
    return found.persona
