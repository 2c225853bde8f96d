"""What was forgotten, as hashes: so that an old export does not bring it back unnoticed.

A hash tells nobody what was forgotten. Who has an id already can find out that it was forgotten here.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterable

from personaopt.errors import ForgottenError
from personaopt.memory.connection import Connection

_EVERYTHING = ""


def user_hash(user_id: str) -> str:
    """SHA-256 of a user id: the same as PostgreSQL's row-level security makes."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def note(connection: Connection, user_id: str, interaction_ids: Iterable[str]) -> None:
    """Keep in mind that interactions were forgotten."""
    now, owner = _now(connection, user_id), user_hash(user_id)
    _insert(connection, ((owner, _item_hash(user_id, each), now) for each in interaction_ids))


def note_user(connection: Connection, user_id: str) -> None:
    """Keep in mind that a user was forgotten, in place of what was forgotten of that user before."""
    owner, now = user_hash(user_id), _now(connection, user_id)
    connection.execute("DELETE FROM forgotten WHERE user_hash = ?", (owner,))
    _insert(connection, [(owner, _EVERYTHING, now)])


def lift(connection: Connection, user_id: str, interaction_ids: Iterable[str]) -> None:
    """What is recorded again on purpose is no longer forgotten."""
    hashes = json.dumps([_item_hash(user_id, each) for each in interaction_ids])
    connection.execute(
        f"DELETE FROM forgotten WHERE user_hash = ? AND item_hash IN ({connection.listed_texts})",
        (user_hash(user_id), hashes),
    )


def lift_user(connection: Connection, user_id: str) -> None:
    """A user who was brought back on purpose is no longer forgotten."""
    connection.execute("DELETE FROM forgotten WHERE user_hash = ? AND item_hash = ?", (user_hash(user_id), _EVERYTHING))


def among(connection: Connection, user_id: str, interaction_ids: Collection[str]) -> set[str]:
    """Those of a user's interaction ids that were forgotten."""
    if not interaction_ids:
        return set()
    hashes = {_item_hash(user_id, each): each for each in interaction_ids}
    rows = connection.execute(
        f"SELECT item_hash FROM forgotten WHERE user_hash = ? AND item_hash IN ({connection.listed_texts})",
        (user_hash(user_id), json.dumps(list(hashes))),
    )
    return {hashes[row[0]] for row in rows}


def last(connection: Connection, user_id: str) -> float:
    """When something of a user was last forgotten, 0 where nothing ever was; later with every forgetting."""
    rows = connection.execute("SELECT max(time) FROM forgotten WHERE user_hash = ?", (user_hash(user_id),))
    return float(rows[0][0] or 0.0)


def when_user(connection: Connection, user_id: str) -> float | None:
    """When a user was forgotten as a whole; None where that was never so."""
    rows = connection.execute(
        "SELECT time FROM forgotten WHERE user_hash = ? AND item_hash = ?", (user_hash(user_id), _EVERYTHING)
    )
    return float(rows[0][0]) if rows else None


def refuse_gone(connection: Connection, user_id: str, evidence: Collection[str], as_of: float | None = None) -> None:
    """Refuse to store what was derived from an interaction that was forgotten while it was derived.

    Args:
        connection: Of the user.
        user_id: Whose.
        evidence: Ids of the interactions that it names.
        as_of: What `Store.last_forgetting` said before they were read; None where that is not known.

    Raises:
        ForgottenError: It was.
    """
    newest = last(connection, user_id)
    if newest and (among(connection, user_id, set(evidence)) or (as_of is not None and newest > as_of)):
        raise ForgottenError(
            f"Something of user {user_id!r} was forgotten while a persona was learnt from it; nothing was stored, "
            "align again."
        )


def _now(connection: Connection, user_id: str) -> float:
    """The time, but always after the last forgetting: a clock may go backwards."""
    return max(time.time(), last(connection, user_id) + 1e-3)


def _insert(connection: Connection, rows: Iterable[tuple[str, str, float]]) -> None:
    connection.executemany(
        "INSERT INTO forgotten (user_hash, item_hash, time) VALUES (?, ?, ?) "
        "ON CONFLICT (user_hash, item_hash) DO UPDATE SET time = excluded.time",
        rows,
    )


def _item_hash(user_id: str, interaction_id: str) -> str:
    return hashlib.sha256(f"{user_id}\0{interaction_id}".encode()).hexdigest()
