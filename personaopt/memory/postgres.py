"""The store in a PostgreSQL database, for many machines at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import personaopt.memory.postgres_schema as postgres_schema
from personaopt.errors import StoreError
from personaopt.memory.connection import Connection
from personaopt.memory.embedding import Embedder
from personaopt.memory.policy import BARE, Policy
from personaopt.memory.sql import SqlStore

CONNECTIONS = 8
"""Most connections of one open store."""
WAIT_SECONDS = 60.0
"""How long a thread waits for a connection."""


class PostgresConnection:
    """An open psycopg connection in the shape of `Connection`."""

    listed = "SELECT value::bigint FROM json_array_elements_text(?::json)"
    listed_texts = "SELECT value FROM json_array_elements_text(?::json)"

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement; its rows, if it has any."""
        cursor = self.raw.execute(_placed(query), values)
        return cursor.fetchall() if cursor.description else []

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows of values."""
        with self.raw.cursor() as cursor:
            cursor.executemany(_placed(query), rows)


class PostgresStore(SqlStore):
    """A store in a PostgreSQL database, for many threads, processes and machines; see `open_store`.

    The role that logs in must be a member of `personaopt_app`, and every connection works as that role: it owns
    nothing, and row-level security shows a transaction the rows of its one user, whatever it asks for. Making and
    migrating the schema is done by the first login that may (see `postgres_schema`). What was written is on disk when
    the call returns.

    Args:
        address: `postgresql://user@host/database`, as libpq reads it.
        embedder: What search compares texts with; `local_embedder()` when missing.
        policy: The rules that hold for all users.

    Raises:
        StoreError: The database cannot be used, or would not keep users apart.
    """

    def __init__(self, address: str, embedder: Embedder | None = None, policy: Policy = BARE) -> None:
        super().__init__(embedder, policy)
        self._psycopg, pools = _drivers()
        self._address = address
        self._process = os.getpid()
        self._closed = False
        self._name = "postgresql"
        with self._told():
            parts = self._psycopg.conninfo.conninfo_to_dict(address)
            self._name = f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}"
            with self._psycopg.connect(address, autocommit=True) as connection:
                postgres_schema.migrate(connection, self._name)
                postgres_schema.work_as_app(connection)
                if found := postgres_schema.weakness(connection):
                    raise StoreError(f"The store {self._name} would not keep its users apart: {found}.")
            self._pool = pools.ConnectionPool(
                address,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=WAIT_SECONDS,
                kwargs={"autocommit": True},
                configure=postgres_schema.work_as_app,
                open=True,
            )

    @contextlib.contextmanager
    def transaction(self, user_id: str | None, *, write: bool = True) -> Iterator[Connection]:
        """A transaction; see `SqlStore.transaction`. Readers see one state of the database from begin to end."""
        if self._closed or self._process != os.getpid():
            why = "is closed" if self._closed else "was opened before this process was forked; open it again"
            raise StoreError(f"The store {self._name} {why}.")
        levels = self._psycopg.IsolationLevel
        with self._told(), self._pool.connection() as raw:
            raw.read_only = not write
            raw.isolation_level = levels.READ_COMMITTED if write else levels.REPEATABLE_READ
            with raw.transaction():
                if user_id is None:
                    raw.execute("SELECT set_config('personaopt.list_users', 'on', true)")
                else:
                    raw.execute("SELECT set_config('personaopt.user_id', %s, true)", (user_id,))
                if write:  # of one user one at a time: versions follow each other, and numbers are seen in order
                    raw.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (user_id,))
                yield PostgresConnection(raw)

    def health(self) -> dict[str, Any]:
        """What is in the store, and whether the database keeps users apart (`integrity` is `ok`); counts all of it."""
        tables = {
            "interactions": "interactions",
            "embeddings": "embeddings",
            "persona_versions": "personas",
            "unfinished_runs": "runs",
        }
        users = self.users()
        report: dict[str, Any] = {"path": self._name, "users": len(users), **dict.fromkeys(tables, 0)}
        counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables.values())
        for user_id in users:
            with self.transaction(user_id, write=False) as connection:
                for name, count in zip(tables, connection.execute(f"SELECT {counts}")[0], strict=True):
                    report[name] += count
        with self._told(), self._pool.connection() as raw:
            report["integrity"] = postgres_schema.weakness(raw) or "ok"
            report["schema"] = raw.execute("SELECT version FROM schema_version").fetchone()[0]
            report["postgresql"] = raw.execute("SHOW server_version").fetchone()[0]
        return report

    def scrub(self) -> str:
        """Nothing: what was deleted is overwritten by the database's own vacuum, which is the owner's to run.

        Returns:
            Where deleted texts still stand, as a sentence.
        """
        return (
            f"In {self._name} nobody can read it any more, and the next VACUUM overwrites it; write-ahead logs, "
            "replicas and backups are the database's own."
        )

    def close(self) -> None:
        """Close the store; it cannot be used any more. Closing it twice is fine."""
        if not self._closed and self._process == os.getpid():
            self._pool.close()
        self._closed = True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What psycopg reports comes out as a StoreError, without the rows that its own messages quote."""
        try:
            yield
        except self._psycopg.errors.InsufficientPrivilege as error:
            if hasattr(self, "_pool"):
                raise StoreError(f"The store {self._name} refused: {error.diag.message_primary}.") from None
            raise StoreError(
                f"The store {self._name} could not be used: {error.diag.message_primary}. The role that owns the store "
                f"opens it first, and others are made members by GRANT {postgres_schema.APP_ROLE}."
            ) from None
        except self._psycopg.Error as error:
            if isinstance(error, self._psycopg.OperationalError) and hasattr(self, "_pool") and not self._closed:
                self._pool.check()  # the server may be back, and what it hung up on must not be tried again
            lines = (error.diag.message_primary or str(error)).strip().splitlines() or [type(error).__name__]
            raise StoreError(f"The store {self._name} could not be used: {lines[0].rstrip('.')}.") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return (PostgresStore, (self._address, self._embedder, self._policy))

    def __repr__(self) -> str:
        return f"PostgresStore({self._name!r})"


def _placed(query: str) -> bytes:
    return query.replace("?", "%s").encode()


def _drivers() -> tuple[Any, Any]:
    try:
        import psycopg
        import psycopg_pool
    except ImportError as error:
        raise StoreError("A store in PostgreSQL needs psycopg and its pool: install personaopt[postgres].") from error
    return psycopg, psycopg_pool
