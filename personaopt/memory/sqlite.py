"""The store in one SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personaopt.errors import StoreError
from personaopt.memory.connection import Connection
from personaopt.memory.database import Database
from personaopt.memory.embedding import Embedder
from personaopt.memory.policy import BARE, Policy
from personaopt.memory.sql import SqlStore

SCRUB_SECONDS = 5.0
"""How long forgetting waits for others that read the log."""


class SqliteStore(SqlStore):
    """A store in a SQLite file, for many threads and processes at once; see `open_store`.

    Other processes' writes are waited for. What was written is on disk when the call returns.

    Args:
        path: The file, or `":memory:"`.
        embedder: What search compares texts with; `local_embedder()` when missing.
        policy: The rules that hold for all users.

    Raises:
        StoreError: The file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], embedder: Embedder | None = None, policy: Policy = BARE) -> None:
        super().__init__(embedder, policy)
        self._name = os.fspath(path)
        self._path = None if self._name == ":memory:" else Path(path).expanduser().absolute()
        self._database = Database(self._name, self._path)

    @contextlib.contextmanager
    def transaction(self, user_id: str | None, *, write: bool = True) -> Iterator[Connection]:
        """A transaction; see `SqlStore.transaction`. SQLite holds no reader back: every query names its user."""
        with self._database.transaction(write=write) as connection:
            yield connection

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
            "unfinished_runs": "SELECT count(*) FROM runs",
        }
        with self._database.guarded() as connection:
            for name, question in questions.items():
                try:
                    report[name] = connection.execute(question).fetchone()[0]
                except sqlite3.DatabaseError as error:
                    report[name] = str(error)  # a damaged file is what this is asked about
        return report

    def scrub(self) -> str:
        """Empty the write-ahead log, which holds pages as they were, and the unused parts of the file's pages.

        Readers of other processes can keep the log in use; it is tried for some seconds. Writers wait meanwhile: about
        a second for every gigabyte of the file.

        Returns:
            Where deleted texts may still stand, as a sentence; empty where they stand nowhere.
        """
        if self._path is None:
            return ""
        end = time.monotonic() + SCRUB_SECONDS
        try:
            while self._database.emptied_log(end - time.monotonic()):
                if self._database.emptied_pages(self._path) and self._database.emptied_log(end - time.monotonic()):
                    return ""
                if time.monotonic() >= end:
                    break
        except (StoreError, OSError) as error:
            return f"{str(error).rstrip('.')}; call store.scrub() again once that is mended."
        return (
            f"The log {self._name}-wal is in use by another process and may still hold what was deleted; call "
            "store.scrub() later, or close the other process."
        )

    def close(self) -> None:
        """Close the store; it cannot be used any more. Closing it twice is fine."""
        self._database.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            raise StoreError("A store in memory stays in the process that opened it; open a file to share one.")
        return (SqliteStore, (str(self._path), self._embedder, self._policy))

    def __repr__(self) -> str:
        return f"SqliteStore({self._name!r})"
