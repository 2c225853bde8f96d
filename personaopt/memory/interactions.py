"""The interactions of a user in a store's tables: appended, read in order; later signals may be added to one."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from typing import Any

import personaopt.memory.forgotten as forgotten
from personaopt.errors import DataError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of, text_of, whole
from personaopt.memory.connection import Connection
from personaopt.memory.personas import ADD_USER
from personaopt.memory.store import EVERYTHING, Before, Place, Scope

COLUMNS = "number, interaction_id, time, session, task, content"
LONGEST_CONTENT = 1_000_000
"""Characters of an interaction as JSON; about 200,000 tokens."""

AT_ONCE = 500
"""Interactions that one statement stores."""

_CONTENT = ("inputs", "response", "ground_truth", "metadata", "actions", "signals", "source")
_END = Place(math.inf, 0)
_MOST = 2**63 - 1
_AGES = 1e300  # seconds; NaN and the infinities are no times


def checked(interactions: Sequence[Interaction]) -> list[tuple[Interaction, str]]:
    """Interactions that may be stored, each with its content as JSON.

    Raises:
        DataError: One is not an interaction, or holds what cannot be stored.
    """
    return [(item, _checked(item)) for item in interactions]


def _checked(item: Interaction) -> str:
    if not isinstance(item, Interaction):
        raise DataError(f"Only an Interaction can be recorded, not {type(item).__name__}.")
    name_of(item.id, "An interaction's id")
    for name in ("session", "task"):
        if getattr(item, name) is not None:
            name_of(getattr(item, name), f"The {name} of interaction {item.id!r}")
    if item.source is not None:
        text_of(item.source, f"The source of interaction {item.id!r}")
    values = item.to_dict()
    content = json.dumps({name: values[name] for name in _CONTENT if name in values}, ensure_ascii=False)
    if len(content) > LONGEST_CONTENT:
        raise DataError(
            f"Interaction {item.id!r} has {len(content):,} characters and may have {LONGEST_CONTENT:,}; "
            "record a shorter text."
        )
    return content


def record(connection: Connection, user_id: str, items: Sequence[tuple[Interaction, str]]) -> list[Interaction]:
    """Store what `checked` gave; what is stored already stays as it is.

    What has no time gets that of the clock, but never one before the newest of the user: a clock may go backwards, and
    what is recorded last stays the latest all the same.

    Raises:
        DataError: An id is taken by an interaction of other content.
    """
    now = time.time()
    connection.execute(ADD_USER, (user_id, now))
    if any(item.time is None for item, _ in items):
        newest = connection.execute("SELECT max(time) FROM interactions WHERE user_id = ?", (user_id,))[0][0]
        now = now if newest is None else max(now, newest)
    stored: list[Interaction] = []
    for start in range(0, len(items), AT_ONCE):
        stored += _record(connection, user_id, items[start : start + AT_ONCE], now)
    return stored


def _record(
    connection: Connection, user_id: str, items: Sequence[tuple[Interaction, str]], now: float
) -> list[Interaction]:
    timed = [item if item.time is not None else dataclasses.replace(item, time=now) for item, _ in items]
    rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(items))
    values = [
        value
        for item, (_, content) in zip(timed, items, strict=True)
        for value in (user_id, item.id, item.time, item.session, item.task, content, item.content_hash())
    ]
    added = connection.execute(
        "INSERT INTO interactions (user_id, interaction_id, time, session, task, content, content_hash) "
        f"VALUES {rows} ON CONFLICT (user_id, interaction_id) DO NOTHING RETURNING interaction_id",
        values,
    )
    new = {row[0] for row in added}
    stored = []
    for item, (given, _) in zip(timed, items, strict=True):
        stored.append(item if item.id in new else _again(connection, user_id, given))
        new.discard(item.id)  # a batch may hold the same interaction twice
    return stored


def _again(connection: Connection, user_id: str, item: Interaction) -> Interaction:
    """What is stored already under an interaction's id, if it is that interaction."""
    ((said, moment, *row),) = connection.execute(
        f"SELECT content_hash, time, {COLUMNS} FROM interactions WHERE user_id = ? AND interaction_id = ?",
        (user_id, item.id),
    )
    stored, hashed = parsed(row)[1], item.content_hash()
    # The hash that is kept is of what was recorded; signals may have been added to it since.
    if hashed not in (said, stored.content_hash()) or item.time not in (None, moment):
        raise DataError(
            f"User {user_id!r} has another interaction {item.id!r} already; interactions are never changed, "
            "give the new one its own id."
        )
    return stored


def amend(connection: Connection, user_id: str, item: Interaction) -> None:
    """Replace the content of a recorded interaction by one with more signals; its hash stays that of the record.

    Raises:
        DataError: It is too long.
    """
    connection.execute(
        "UPDATE interactions SET content = ? WHERE user_id = ? AND interaction_id = ?",
        (_checked(item), user_id, item.id),
    )


def read(
    connection: Connection, user_id: str, scope: Scope = EVERYTHING, *, latest: int | None = None
) -> list[Interaction]:
    """A user's interactions, oldest first; see `User.latest` and `User.history`."""
    count = _MOST if latest is None else max(whole(latest, "latest"), 0)
    conditions, values = _within(connection, user_id, scope)
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM interactions WHERE {conditions} ORDER BY time DESC, number DESC LIMIT ?",
        (*values, count),
    )
    return [parsed(row)[1] for row in reversed(rows)]


def numbers(connection: Connection, user_id: str, scope: Scope) -> list[int]:
    """The numbers of a user's interactions, in no order."""
    conditions, values = _within(connection, user_id, scope)
    return [row[0] for row in connection.execute(f"SELECT number FROM interactions WHERE {conditions}", values)]


def _within(connection: Connection, user_id: str, scope: Scope) -> tuple[str, list[Any]]:
    conditions = ["user_id = ?"]
    values: list[Any] = [user_id]
    if scope.before is not None:
        conditions.append("(time, number) < (?, ?)")
        values += place(connection, user_id, scope.before)
    if scope.since is not None:
        conditions.append("time >= ?")
        values.append(_moment(scope.since, "since must be"))
    for column in ("session", "task"):
        wanted = getattr(scope, column)
        if wanted is not None:
            conditions.append(f"{column} = ?")
            values.append(text_of(wanted, f"A {column}"))
    return " AND ".join(conditions), values


def one(connection: Connection, user_id: str, interaction_id: str) -> Interaction:
    """One interaction by its id; see `User.interaction`."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM interactions WHERE user_id = ? AND interaction_id = ?",
        (user_id, text_of(interaction_id, "An interaction's id")),
    )
    if not rows and forgotten.among(connection, user_id, [interaction_id]):
        raise DataError(f"Interaction {interaction_id!r} of user {user_id!r} was forgotten.")
    if not rows:
        raise DataError(f"User {user_id!r} has no interaction {interaction_id!r}.")
    return parsed(rows[0])[1]


def count(connection: Connection, user_id: str) -> int:
    """How many interactions a user has."""
    return int(connection.execute("SELECT count(*) FROM interactions WHERE user_id = ?", (user_id,))[0][0])


def place(connection: Connection, user_id: str, before: Before) -> Place:
    """The place in a user's history that `before` stands for; nothing at or after it is to be read."""
    if before is None:
        return _END
    if isinstance(before, Interaction):
        rows = connection.execute(
            "SELECT time, number FROM interactions WHERE user_id = ? AND interaction_id = ?",
            (user_id, text_of(before.id, "An interaction's id")),
        )
        if not rows:
            raise DataError(f"User {user_id!r} has no interaction {before.id!r}; record it, or give a time.")
        return Place(*rows[0])
    # Numbers begin at 1, so nothing of that very time is before it.
    return Place(_moment(before, "before must be a recorded interaction or"), 0)


def _moment(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_AGES < value < _AGES:
        raise DataError(f"{what} a time in seconds, not {value!r}.")
    return float(value)


def changed(connection: Connection, user_id: str) -> tuple[float, int]:
    """A mark of a user's interactions: another one after any came or went; its second number is 0 before the first."""
    rows = connection.execute("SELECT created, changed FROM users WHERE user_id = ?", (user_id,))
    return (rows[0][0], rows[0][1]) if rows else (0.0, 0)


def at_numbers(connection: Connection, user_id: str, numbers: Sequence[int]) -> dict[int, Interaction]:
    """A user's interactions by number, oldest first; those of others and forgotten ones are left out."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM interactions WHERE user_id = ? AND number IN ({connection.listed}) "
        "ORDER BY time, number",
        (user_id, json.dumps(list(numbers))),
    )
    return dict(parsed(row) for row in rows)


def parsed(row: Sequence[Any]) -> tuple[int, Interaction]:
    """The number and the interaction of a row of `COLUMNS`.

    Raises:
        StoreError: The row is damaged.
    """
    number, identifier, moment, session, task, content = row
    try:
        values = json.loads(content)
        return number, Interaction(**values, time=moment, session=session, task=task, id=identifier)
    except (ValueError, TypeError, DataError) as error:
        raise StoreError(f"Interaction {identifier!r} in the store is damaged: {error}") from error
