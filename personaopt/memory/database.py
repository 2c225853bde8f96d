"""One SQLite connection that many threads share, one at a time."""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import personaopt.memory.residue as residue
import personaopt.memory.schema as schema
from personaopt.errors import StoreError

_open_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_registry = threading.Lock()
LARGEST_GROUP = 64
"""Most writes that wait for one commit."""
LONGEST_GROUP_SECONDS = 0.05
"""No further write is waited for after this time."""
PATIENCE_SECONDS = 0.02
"""How long a write waits for another thread to commit it before it does so itself."""


class SqliteConnection:
    """An open SQLite connection in the shape of `Connection`; the user is named by every query."""

    listed = listed_texts = "SELECT value FROM json_each(?)"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement; its rows, if it has any."""
        return self.raw.execute(query, values).fetchall()

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows of values."""
        self.raw.executemany(query, rows)


class Group:
    """Writes of several threads that are put on disk together, so that all of them wait for the disk once."""

    def __init__(self) -> None:
        self.size = 0
        self.began = time.monotonic()
        self.settled = threading.Event()
        self.error: BaseException | None = None

    @property
    def full(self) -> bool:
        """Whether those who are in it have waited for others long enough."""
        return self.size >= LARGEST_GROUP or time.monotonic() - self.began >= LONGEST_GROUP_SECONDS


class Database:
    """A store's connection behind a lock; statements take microseconds, and nothing slow happens while it is held.

    Waiting for the disk is what a write spends its time on. So a thread that is done writing leaves the commit to the
    next one that is waiting to write, if there is any, and returns when that has happened.

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
        self._busy = False  # within a transaction, whose thread holds the lock
        self._group: Group | None = None  # written, not committed
        self._waiting = 0
        self._counting = threading.Lock()
        self._connection = schema.connect(path)
        self._close = weakref.finalize(self, self._connection.close)
        _mind_forks()
        with _registry:
            _open_databases.add(self)

    @contextlib.contextmanager
    def guarded(self) -> Iterator[sqlite3.Connection]:
        """The connection outside of a transaction, for this thread alone; errors come out as a StoreError."""
        with self.lock, self._told():
            self.settle()
            yield self._connection

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[SqliteConnection]:
        """The connection within a transaction, which is undone when the block raises.

        Writers begin `IMMEDIATE`, so that they wait for each other at the beginning and never fail in the middle. What
        they wrote is on disk when the block is left.
        """
        if write:
            with self._in_turn(), self._told():
                group = self._joined()
                with self._savepoint(group):
                    yield SqliteConnection(self._connection)
            self._wait_for(group)
            return
        with self.guarded() as connection:
            connection.execute("BEGIN DEFERRED")
            self._busy = True
            try:
                yield SqliteConnection(connection)
            finally:
                self._busy = False
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def settle(self) -> None:
        """Commit what waits for it; by a thread that holds the lock."""
        if self._busy or self._group is None:
            return
        group, self._group = self._group, None
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            group.error = error
        finally:
            if self._connection.in_transaction:  # refused, or interrupted before it was tried
                self._connection.execute("ROLLBACK")
                group.error = group.error or InterruptedError("the commit was interrupted")
            group.settled.set()

    def emptied_log(self, seconds: float) -> bool:
        """Move everything from the write-ahead log to the file and cut it to nothing; tried again while it is read.

        Args:
            seconds: How long it is tried.

        Returns:
            Whether it is empty.
        """
        end = time.monotonic() + seconds
        while True:
            with self.guarded() as connection:
                connection.execute("PRAGMA busy_timeout = 0")  # others of this process do not wait for it either
                try:
                    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.execute(f"PRAGMA busy_timeout = {int(schema.WAIT_SECONDS * 1000)}")
            if not busy or time.monotonic() >= end:
                return not busy
            time.sleep(0.05)

    def emptied_pages(self, path: Path) -> bool:
        """Overwrite the unused parts of the file's pages (see `residue`), after the log was emptied.

        Returns:
            Whether that was done; not where somebody has written to the log meanwhile.

        Raises:
            StoreError: It cannot be done here.
        """
        with self.guarded() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                log = Path(f"{path}-wal")
                if log.exists() and log.stat().st_size:
                    return False
                if failure := _overwritten(path):
                    raise StoreError(f"The unused parts of {self.name} could not be overwritten: {failure}.")
                # Others may have read pages as they were before: a change makes them read all of them anew.
                connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            connection.execute("PRAGMA shrink_memory")  # and so must this connection
            return True

    def close(self, because: str = "is closed") -> None:
        """Close the connection; every later use gives the reason. Closing it twice is fine."""
        with self.lock:
            if not self._closed_because:
                self.settle()
            self._closed_because = self._closed_because or because
            self._close()

    @contextlib.contextmanager
    def _in_turn(self) -> Iterator[None]:
        """The lock, for a writer: those who hold it before see that one is waiting."""
        with self._counting:
            self._waiting += 1
        try:
            self.lock.acquire()
        finally:
            with self._counting:
                self._waiting -= 1
        try:
            yield
        finally:
            self.lock.release()

    def _joined(self) -> Group:
        """The open group, or a new one."""
        if self._group is None:
            self._connection.execute("BEGIN IMMEDIATE")
            self._group = Group()
        self._group.size += 1
        return self._group

    @contextlib.contextmanager
    def _savepoint(self, group: Group) -> Iterator[None]:
        """One write of a group: undone alone when it raises. Then the group is committed if nobody waits to write."""
        self._connection.execute("SAVEPOINT one_write")
        self._busy = True
        try:
            yield
            self._connection.execute("RELEASE one_write")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO one_write")
                self._connection.execute("RELEASE one_write")
            else:  # SQLite undid the whole transaction, as it does when the disk is full: nothing of the group is there
                self._group, group.error = None, error
                group.settled.set()
            raise
        finally:
            self._busy = False
            if not self._waiting or group.full:
                self.settle()

    def _wait_for(self, group: Group) -> None:
        while not group.settled.wait(PATIENCE_SECONDS):  # whoever was to commit may have been interrupted
            with self.lock:
                if self._group is group:
                    self.settle()
        if group.error is not None:
            raise StoreError(f"The store {self.name} could not be written: {group.error}.") from group.error

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite reports comes out as a StoreError."""
        if self._closed_because:
            raise StoreError(f"The store {self.name} {self._closed_because}.")
        if self._busy:
            raise StoreError(f"The store {self.name} was used within a transaction of its own; use the connection.")
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"The store {self.name} could not be used: {error}.") from error


def _overwritten(path: Path) -> str:
    """Run `residue` on a file; why it failed, or nothing."""
    if not sys.executable:
        return "there is no Python program to run"
    command = [sys.executable, "-I", "-S", residue.__file__, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] or "it failed" if done.returncode else ""


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
            database.settle()

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
