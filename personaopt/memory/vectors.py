"""The embeddings of a user's interactions in a store's tables: derived data, made anew when the embedder changes."""

from __future__ import annotations

from personaopt.interaction import Interaction
from personaopt.memory.connection import Connection
from personaopt.memory.interactions import COLUMNS, parsed
from personaopt.memory.store import Place, StoredVector

_OF_USER = "FROM interactions i JOIN embeddings e ON e.number = i.number AND e.embedder = ? WHERE i.user_id = ?"


def missing(connection: Connection, user_id: str, embedder: str) -> dict[int, Interaction]:
    """A user's interactions that an embedder has not made a vector of, by number."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM interactions i WHERE user_id = ? AND NOT EXISTS "
        "(SELECT 1 FROM embeddings e WHERE e.number = i.number AND e.embedder = ?) ORDER BY number",
        (user_id, embedder),
    )
    return dict(parsed(row) for row in rows)


def add(connection: Connection, user_id: str, embedder: str, vectors: dict[int, bytes]) -> None:
    """Keep vectors of a user's interactions; what has one already or was forgotten meanwhile is left out."""
    connection.executemany(
        "INSERT INTO embeddings (number, embedder, vector) SELECT number, ?, ? FROM interactions "
        "WHERE user_id = ? AND number = ? ON CONFLICT DO NOTHING",
        ((embedder, vector, user_id, number) for number, vector in vectors.items()),
    )


def read(connection: Connection, user_id: str, embedder: str, *, after: int = 0) -> tuple[int, list[StoredVector]]:
    """How many vectors of a user there are, and those stored after one, in the order of storing."""
    total = connection.execute(f"SELECT count(*) {_OF_USER}", (embedder, user_id))[0][0]
    rows = connection.execute(
        f"SELECT e.id, i.time, i.number, e.vector {_OF_USER} AND e.id > ? ORDER BY e.id", (embedder, user_id, after)
    )
    return int(total), [StoredVector(row[0], Place(row[1], row[2]), row[3]) for row in rows]
