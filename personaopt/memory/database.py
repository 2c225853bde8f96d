"""One SQLite connection that many threads share, one at a time."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from personaopt.errors import StoreError
from personaopt.memory import schema

_open_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_registry = threading.Lock()


class SqliteConnection:
    """An open SQLite connection in the shape of `Connection`; the user is named by every query."""

    listed = "SELECT value FROM json_each(?)"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement; its rows, if it has any."""
        return self.raw.execute(query, values).fetchall()

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows of values."""
        self.raw.executemany(query, rows)


class Database:
    """A store's connection behind a lock; statements take microseconds, and nothing slow happens while it is held.

    Args:
        name: What messages call the store.
        path: The file, None for a database in memory.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, name: str, path: Path | None) -> None:
        self.name = name
        self.lock = threading.RLock()
        self._closed_because = ""
        self._connection = schema.connect(path)
        self._close = weakref.finalize(self, self._connection.close)
        _mind_forks()
        with _registry:
            _open_databases.add(self)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone; what SQLite reports comes out as a StoreError."""
        with self.lock:
            if self._closed_because:
                raise StoreError(f"The store {self.name} {self._closed_because}.")
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise StoreError(f"The store {self.name} could not be used: {error}.") from error

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[SqliteConnection]:
        """The connection within a transaction, which is undone when the block raises.

        Writers begin `IMMEDIATE`, so that they wait for each other at the beginning and never fail in the middle.
        """
        with self.guarded() as connection:
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN DEFERRED")
            try:
                yield SqliteConnection(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def close(self, because: str = "is closed") -> None:
        """Close the connection; every later use gives the reason. Closing it twice is fine."""
        with self.lock:
            self._closed_because = self._closed_because or because
            self._close()


@functools.cache
def _mind_forks() -> None:
    """See to it, once, that a forked child does not use what its parent opened.

    SQLite keeps file locks by process, and a child believes that it holds its parent's. So no thread is inside of
    SQLite while the process forks, and the child closes what it inherited: then it can open the same file anew.
    """
    held: list[Database] = []

    def before() -> None:
        _registry.acquire()
        held.extend(_open_databases)
        for database in held:
            database.lock.acquire()

    def in_parent() -> None:
        while held:
            held.pop().lock.release()
        _registry.release()

    def in_child() -> None:
        while held:
            database = held.pop()
            database.lock = threading.RLock()
            database.close("was opened before this process was forked; open it again in the child")
        _registry.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
