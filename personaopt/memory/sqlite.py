"""The store in one SQLite file."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from personaopt.errors import DataError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory import personas
from personaopt.memory.checks import text_of, whole
from personaopt.memory.database import Database
from personaopt.memory.embedding import Embedder, local_embedder
from personaopt.memory.episodic import EpisodicSearch, Memory
from personaopt.memory.store import Before, PersonaVersion, Place, StoredVector
from personaopt.memory.user import User
from personaopt.persona import Edit, Persona

_COLUMNS = "row, interaction_id, time, session, content"
_CONTENT = ("inputs", "response", "ground_truth", "metadata")
_END = Place(math.inf, 0)
_MOST = 2**63 - 1
_AGES = 1e300  # seconds; NaN and the infinities are no times


class SqliteStore:
    """A store in a SQLite file, for many threads and processes at once; see `open_store`.

    Other processes' writes are waited for. What was written is on disk when the call returns.

    Args:
        path: The file, or `":memory:"`.
        embedder: What search compares texts with; `local_embedder()` when missing.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], embedder: Embedder | None = None) -> None:
        self._name = os.fspath(path)
        self._path = None if self._name == ":memory:" else Path(path).expanduser().absolute()
        self._embedder: Embedder = local_embedder() if embedder is None else embedder
        self._search = EpisodicSearch(self, self._embedder)
        self._database = Database(self._name, self._path)

    @property
    def embedder(self) -> Embedder:
        """What search compares texts with."""
        return self._embedder

    def user(self, user_id: str) -> User:
        """The handle of one user, who need not be known yet.

        Raises:
            DataError: The id is not a text, or empty.
        """
        return User(self, user_id)

    def users(self) -> list[str]:
        """The ids of all users with an interaction or a persona, sorted."""
        return [row[0] for row in self._database.read("SELECT user_id FROM users ORDER BY user_id")]

    def health(self) -> dict[str, Any]:
        """What is in the store and whether the file is sound (`integrity` is `ok`); reads all of it."""
        report: dict[str, Any] = {"path": self._name, "sqlite": sqlite3.sqlite_version}
        questions = {
            "schema": "PRAGMA user_version",
            "integrity": "PRAGMA integrity_check(1)",
            "users": "SELECT count(*) FROM users",
            "interactions": "SELECT count(*) FROM interactions",
            "embeddings": "SELECT count(*) FROM embeddings",
            "persona_versions": "SELECT count(*) FROM personas",
        }
        with self._database.guarded() as connection:
            for name, question in questions.items():
                try:
                    report[name] = connection.execute(question).fetchone()[0]
                except sqlite3.DatabaseError as error:
                    report[name] = str(error)  # a damaged file is what this is asked about
        return report

    def close(self) -> None:
        """Close the store; it cannot be used any more. Closing it twice is fine."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, user_id: str, interactions: Sequence[Interaction]) -> list[Interaction]:
        """Store interactions in one transaction; see `User.record`."""
        user_id = text_of(user_id, "A user id")
        for item in interactions:
            if not isinstance(item, Interaction):
                raise DataError(f"Only an Interaction can be recorded, not {type(item).__name__}.")
            text_of(item.id, "An interaction's id")
            if item.session is not None:
                text_of(item.session, f"The session of interaction {item.id!r}")
        if not interactions:
            return []
        with self._database.transaction() as connection:
            now = time.time()
            connection.execute(personas.ADD_USER, (user_id, now))
            return [self._record(connection, user_id, item, now) for item in interactions]

    def _record(self, connection: sqlite3.Connection, user_id: str, item: Interaction, now: float) -> Interaction:
        found = connection.execute(
            f"SELECT {_COLUMNS} FROM interactions WHERE user_id = ? AND interaction_id = ?", (user_id, item.id)
        ).fetchone()
        if found:
            _, stored = _read_interaction(found)
            if (
                _content(stored, sort=True) != _content(item, sort=True)
                or stored.session != item.session
                or item.time not in (None, stored.time)
            ):
                raise DataError(
                    f"User {user_id!r} has another interaction {item.id!r} already; interactions are never changed, "
                    "give the new one its own id."
                )
            return stored
        moment = now if item.time is None else item.time
        row = connection.execute(
            "INSERT INTO interactions (user_id, interaction_id, time, session, content) VALUES (?, ?, ?, ?, ?) "
            f"RETURNING {_COLUMNS}",
            (user_id, item.id, moment, item.session, _content(item)),
        ).fetchall()[0]
        return _read_interaction(row)[1]

    def interactions(self, user_id: str, *, before: Before = None, latest: int | None = None) -> list[Interaction]:
        """A user's interactions, oldest first; see `User.latest` and `User.history`."""
        count = _MOST if latest is None else max(whole(latest, "latest"), 0)
        place = self.place(user_id, before)
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM interactions WHERE user_id = ? AND (time, row) < (?, ?) "
            "ORDER BY time DESC, row DESC LIMIT ?",
            (user_id, *place, count),
        )
        return [_read_interaction(row)[1] for row in reversed(rows)]

    def interaction(self, user_id: str, interaction_id: str) -> Interaction:
        """One interaction by its id; see `User.interaction`."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM interactions WHERE user_id = ? AND interaction_id = ?",
            (text_of(user_id, "A user id"), text_of(interaction_id, "An interaction's id")),
        )
        if not rows:
            raise DataError(f"User {user_id!r} has no interaction {interaction_id!r}.")
        return _read_interaction(rows[0])[1]

    def count(self, user_id: str) -> int:
        """How many interactions a user has."""
        rows = self._database.read(
            "SELECT count(*) FROM interactions WHERE user_id = ?", (text_of(user_id, "A user id"),)
        )
        return int(rows[0][0])

    def personas(self, user_id: str) -> list[PersonaVersion]:
        """All persona versions of a user, oldest first."""
        with self._database.guarded() as connection:
            return personas.versions(connection, text_of(user_id, "A user id"))

    def persona(self, user_id: str, version: int | None = None) -> PersonaVersion | None:
        """The current persona version of a user, or a certain one; None when there is none."""
        with self._database.guarded() as connection:
            return personas.version(connection, text_of(user_id, "A user id"), version)

    def save_persona(
        self, user_id: str, persona: Persona, *, parent: int, author: str, reason: str = "", edits: Iterable[Edit] = ()
    ) -> PersonaVersion:
        """Store a new persona version if `parent` is the current one; see `User.save_persona`."""
        new = personas.checked(persona, parent=parent, author=author, reason=reason, edits=edits)
        with self._database.transaction() as connection:
            return personas.save(connection, text_of(user_id, "A user id"), new)

    def rollback(self, user_id: str, version: int) -> PersonaVersion:
        """Store an earlier persona as a new version; see `User.rollback`."""
        with self._database.transaction() as connection:
            return personas.rollback(connection, text_of(user_id, "A user id"), whole(version, "version"))

    def search(self, user_id: str, query: str, k: int, *, before: Before = None) -> list[Memory]:
        """The k most similar interactions of a user; see `User.search`."""
        return self._search.search(text_of(user_id, "A user id"), query, k, before)

    def similarities(self, user_id: str, query: str, *, before: Before = None) -> list[Memory]:
        """All interactions of a user with their similarity; see `User.similarities`."""
        return self._search.similarities(text_of(user_id, "A user id"), query, before)

    def place(self, user_id: str, before: Before) -> Place:
        """The place in a user's history that `before` stands for; nothing at or after it is to be read."""
        user_id = text_of(user_id, "A user id")
        if before is None:
            return _END
        if isinstance(before, Interaction):
            rows = self._database.read(
                "SELECT time, row FROM interactions WHERE user_id = ? AND interaction_id = ?", (user_id, before.id)
            )
            if not rows:
                raise DataError(f"User {user_id!r} has no interaction {before.id!r}; record it, or give a time.")
            return Place(*rows[0])
        if isinstance(before, bool) or not isinstance(before, int | float) or not -_AGES < before < _AGES:
            raise DataError(f"before must be a recorded interaction or a time in seconds, not {before!r}.")
        return Place(float(before), 0)  # rows begin at 1, so nothing of that very time is before it

    def at_rows(self, user_id: str, rows: Sequence[int]) -> dict[int, Interaction]:
        """A user's interactions by row number, oldest first; rows of others or forgotten ones are left out."""
        found = self._database.read(
            f"SELECT {_COLUMNS} FROM interactions WHERE user_id = ? AND row IN (SELECT value FROM json_each(?)) "
            "ORDER BY time, row",
            (user_id, json.dumps(list(rows))),
        )
        return dict(_read_interaction(row) for row in found)

    def without_vector(self, user_id: str, embedder: str) -> dict[int, Interaction]:
        """A user's interactions that an embedder has not made a vector of, by row number."""
        found = self._database.read(
            f"SELECT {_COLUMNS} FROM interactions i WHERE user_id = ? AND NOT EXISTS "
            "(SELECT 1 FROM embeddings e WHERE e.row = i.row AND e.embedder = ?) ORDER BY row",
            (user_id, embedder),
        )
        return dict(_read_interaction(row) for row in found)

    def add_vectors(self, user_id: str, embedder: str, vectors: dict[int, bytes]) -> None:
        """Keep vectors of a user's interactions; what has one already or was forgotten meanwhile is left out."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO embeddings (row, embedder, vector) SELECT row, ?, ? FROM interactions "
                "WHERE user_id = ? AND row = ? ON CONFLICT DO NOTHING",
                [(embedder, vector, user_id, row) for row, vector in vectors.items()],
            )

    def vectors(self, user_id: str, embedder: str, *, after: int = 0) -> tuple[int, list[StoredVector]]:
        """How many vectors of a user there are, and those stored after one, in the order of storing."""
        source = "FROM interactions i JOIN embeddings e ON e.row = i.row AND e.embedder = ? WHERE i.user_id = ?"
        with self._database.transaction("DEFERRED") as connection:
            total = connection.execute(f"SELECT count(*) {source}", (embedder, user_id)).fetchone()[0]
            rows = connection.execute(
                f"SELECT e.id, i.time, i.row, e.vector {source} AND e.id > ? ORDER BY e.id", (embedder, user_id, after)
            ).fetchall()
        return int(total), [StoredVector(row[0], Place(row[1], row[2]), row[3]) for row in rows]

    def __deepcopy__(self, memo: dict[int, Any]) -> SqliteStore:
        return self  # programs that hold a user are copied often

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            raise StoreError("A store in memory stays in the process that opened it; open a file to share one.")
        return (SqliteStore, (str(self._path), self._embedder))

    def __repr__(self) -> str:
        return f"SqliteStore({self._name!r})"


def _content(interaction: Interaction, *, sort: bool = False) -> str:
    values = interaction.to_dict()
    return json.dumps({name: values[name] for name in _CONTENT}, ensure_ascii=False, sort_keys=sort)


def _read_interaction(row: Sequence[Any]) -> tuple[int, Interaction]:
    number, identifier, moment, session, content = row
    try:
        values = json.loads(content)
        return number, Interaction(**values, time=moment, session=session, id=identifier)
    except (ValueError, TypeError, DataError) as error:
        raise StoreError(f"Interaction {identifier!r} in the store is damaged: {error}") from error
