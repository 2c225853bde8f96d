"""The semantic memory of a user in a store's tables: statements, when they were seen, and what took their place."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from personaopt.errors import DataError, PersonaOptError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory.connection import Connection
from personaopt.memory.interactions import COLUMNS, parsed
from personaopt.memory.personas import ADD_USER
from personaopt.persona import Statement

ENOUGH = 2
"""So many interactions must show something before it is believed, unless the user said it."""
_SEEN = ""  # the row that tells up to which interaction the history was summarised; no fact has an empty id


@dataclasses.dataclass(frozen=True, slots=True)
class Fact:
    """One item of semantic memory. It is never deleted when it stops being true, only followed by another.

    Attributes:
        statement: What is said of the user, with its evidence and confidence. It holds from `valid_from` to `valid_to`;
            while `valid_to` is None it holds today.
        first_seen: The time of the oldest interaction that shows it.
        last_seen: The time of the newest.
        superseded_by: Id of the fact that took its place; empty while it holds.
    """

    statement: Statement
    first_seen: float
    last_seen: float
    superseded_by: str = ""

    @property
    def id(self) -> str:
        """The statement's id, unique for its user."""
        return self.statement.id

    @property
    def believed(self) -> bool:
        """Whether enough interactions show it, or the user said it."""
        return self.statement.source != "learnt" or len(self.statement.evidence) >= ENOUGH

    @property
    def holds(self) -> bool:
        """Whether it is what is believed today."""
        return self.believed and self.statement.valid_to is None

    def to_dict(self) -> dict[str, Any]:
        """The fact as JSON values."""
        return {**dataclasses.asdict(self), "statement": self.statement.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fact:
        """Build a fact from `to_dict`'s values.

        Raises:
            DataError: A value is missing or not valid.
        """
        try:
            return cls(**{**values, "statement": Statement.from_dict(values["statement"])})
        except (KeyError, TypeError, PersonaOptError) as error:
            raise DataError(f"Not a fact: {error}.") from error


def read(connection: Connection, user_id: str) -> list[Fact]:
    """All facts of a user, in the order in which they were first seen."""
    rows = connection.execute(
        "SELECT content FROM facts WHERE user_id = ? AND fact_id <> ? ORDER BY first_seen, fact_id", (user_id, _SEEN)
    )
    try:
        return [Fact.from_dict(json.loads(row[0])) for row in rows]
    except (ValueError, DataError) as error:
        raise StoreError(f"The semantic memory of user {user_id!r} in the store is damaged: {error}") from error


def save(connection: Connection, user_id: str, facts: Iterable[Fact], *, now: float) -> None:
    """Keep facts; one of the same id is replaced."""
    connection.execute(ADD_USER, (user_id, now))
    connection.executemany(
        "INSERT INTO facts (user_id, fact_id, first_seen, content) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (user_id, fact_id) DO UPDATE SET first_seen = excluded.first_seen, content = excluded.content",
        (
            (user_id, fact.id, fact.first_seen, json.dumps(fact.to_dict(), ensure_ascii=False, allow_nan=False))
            for fact in facts
        ),
    )


def remove(connection: Connection, user_id: str, fact_ids: Iterable[str]) -> None:
    """Delete facts, because what they rest on was forgotten."""
    connection.executemany(
        "DELETE FROM facts WHERE user_id = ? AND fact_id = ?", ((user_id, each) for each in fact_ids)
    )


def unseen(connection: Connection, user_id: str, most: int) -> tuple[list[Interaction], int]:
    """The next interactions that were not summarised yet, in the order of recording, and the number of the last."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM interactions WHERE user_id = ? AND number > ? ORDER BY number LIMIT ?",
        (user_id, _seen(connection, user_id), most),
    )
    items = [parsed(row) for row in rows]
    return [item for _, item in items], items[-1][0] if items else 0


def note_seen(connection: Connection, user_id: str, number: int) -> None:
    """Keep in mind up to which interaction the history was summarised."""
    content = json.dumps(max(number, _seen(connection, user_id)))
    connection.execute(
        "INSERT INTO facts (user_id, fact_id, first_seen, content) VALUES (?, ?, 0, ?) "
        "ON CONFLICT (user_id, fact_id) DO UPDATE SET content = excluded.content",
        (user_id, _SEEN, content),
    )


def _seen(connection: Connection, user_id: str) -> int:
    rows = connection.execute("SELECT content FROM facts WHERE user_id = ? AND fact_id = ?", (user_id, _SEEN))
    return int(json.loads(rows[0][0])) if rows else 0
