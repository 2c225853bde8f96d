"""The SQLite file: its tables, and how it is opened, made and brought up to date."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path

from filelock import FileLock, Timeout

from personaopt.errors import StoreError
from personaopt.interaction import Interaction

WAIT_SECONDS = 60.0
"""How long one process waits for the others' writes."""

_SMALLEST = 512  # bytes of a page
TRIES = 100
"""How often a file is looked at anew that another process writes to at that moment."""
APPLICATION_ID = 0x706F7074  # "popt", in the file's header: tells a store from another application's database

# One group of statements a schema version; the version of a file is the number of groups it has been through.
# AUTOINCREMENT: a row number is never used again, so that caches notice every deletion by count and highest number.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE users (
            user_id TEXT PRIMARY KEY,
            created REAL NOT NULL
        ) STRICT""",
        """CREATE TABLE interactions (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            interaction_id TEXT NOT NULL,
            time REAL NOT NULL,
            session TEXT,
            content TEXT NOT NULL,
            UNIQUE (user_id, interaction_id)
        ) STRICT""",
        "CREATE INDEX interactions_in_order ON interactions (user_id, time, row)",
        """CREATE TABLE embeddings (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            row INTEGER NOT NULL REFERENCES interactions (row) ON DELETE CASCADE,
            embedder TEXT NOT NULL,
            vector BLOB NOT NULL,
            UNIQUE (row, embedder)
        ) STRICT""",
        """CREATE TABLE personas (
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            version INTEGER NOT NULL,
            parent INTEGER,
            persona TEXT NOT NULL,
            created REAL NOT NULL,
            author TEXT NOT NULL,
            reason TEXT NOT NULL,
            edits TEXT NOT NULL,
            PRIMARY KEY (user_id, version)
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # `changed` grows with every interaction that comes or goes: an index that has seen it is up to date.
        "ALTER TABLE users ADD COLUMN changed INTEGER NOT NULL DEFAULT 0",
        "UPDATE users SET changed = 1",
        "ALTER TABLE users ADD COLUMN consent TEXT CHECK (consent IN ('none', 'record', 'learn'))",
        "ALTER TABLE users ADD COLUMN keep_seconds REAL",
        "ALTER TABLE users ADD COLUMN keep_count INTEGER",
        "ALTER TABLE interactions RENAME COLUMN row TO number",
        "ALTER TABLE embeddings RENAME COLUMN row TO number",
        "ALTER TABLE interactions ADD COLUMN task TEXT",
        "ALTER TABLE interactions ADD COLUMN content_hash TEXT NOT NULL DEFAULT ''",
        "UPDATE interactions SET content_hash = hash_of(content, session)",
        """CREATE TRIGGER interaction_came AFTER INSERT ON interactions BEGIN
            UPDATE users SET changed = changed + 1 WHERE user_id = NEW.user_id;
        END""",
        """CREATE TRIGGER interaction_went AFTER DELETE ON interactions BEGIN
            UPDATE users SET changed = changed + 1 WHERE user_id = OLD.user_id;
        END""",
        "ALTER TABLE personas ADD COLUMN run TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE personas ADD COLUMN redacted INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE runs (
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            run_id TEXT NOT NULL,
            started REAL NOT NULL,
            fingerprint TEXT NOT NULL,
            PRIMARY KEY (user_id, run_id)
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE run_calls (
            user_id TEXT NOT NULL,
            run_id TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (user_id, run_id, key),
            FOREIGN KEY (user_id, run_id) REFERENCES runs (user_id, run_id) ON DELETE CASCADE
        ) STRICT""",
    ),
    (
        """CREATE TABLE facts (
            user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
            fact_id TEXT NOT NULL,
            first_seen REAL NOT NULL,
            content TEXT NOT NULL,
            PRIMARY KEY (user_id, fact_id)
        ) STRICT""",
        # Hashes only, and no foreign key: it outlives the user. An empty item is the user as a whole.
        """CREATE TABLE forgotten (
            user_hash TEXT NOT NULL,
            item_hash TEXT NOT NULL,
            time REAL NOT NULL,
            PRIMARY KEY (user_hash, item_hash)
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # A JSON list of names; NULL where nothing was ever said.
        "ALTER TABLE users ADD COLUMN allowed_tools TEXT",
    ),
)
SCHEMA = len(MIGRATIONS)


def connect(path: Path | None) -> sqlite3.Connection:
    """A connection to a store's file, which is made or migrated where needed; None is a store in memory.

    Whether the file may be used is found out by reading it only. The connection may be used by one thread at a time.

    Raises:
        StoreError: The file is not a store, is newer than this version, or cannot be read and written.
    """
    if path is None:
        connection = _prepared(sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None))
        _migrate(connection)
        return connection
    try:
        _refuse_place(path)
        if _schema_of(path) != SCHEMA:
            Path(f"{path}.lock").touch()  # a folder that cannot be written says so here; FileLock would wait
            with FileLock(f"{path}.lock", timeout=WAIT_SECONDS):
                if _schema_of(path) != SCHEMA:  # another process may have been first
                    if not path.exists():
                        path.touch(mode=0o600)  # what users say is for the owner of the file alone
                    connection = _open(path, "rwc")
                    try:
                        connection.execute("PRAGMA journal_mode = WAL")
                        _migrate(connection)
                    finally:
                        connection.close()
        connection = _open(path, "rw")
        if connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA:
            return connection
        connection.close()
        raise StoreError(f"The store {path} was migrated by another version of personaopt just now; open it again.")
    except Timeout as error:
        raise StoreError(
            f"Another process has been preparing the store {path} for {WAIT_SECONDS:.0f} seconds; try again."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"The store {path} cannot be opened: {error}.") from error


def _refuse_place(path: Path) -> None:
    if path.is_dir():
        raise StoreError(f"The store {path} is a folder; give the path of a file.")
    if not path.parent.is_dir():
        raise StoreError(f"The store {path} cannot be made, because the folder {path.parent} does not exist.")
    if path.exists() and not path.is_file():
        raise StoreError(f"The store {path} is not a regular file.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise StoreError(f"The store {path} cannot be written: no permission.")


def _schema_of(path: Path) -> int:
    """The file's schema version, 0 for one that is missing or empty, read without writing to it.

    Raises:
        StoreError: It is not a store that this version can use, and nobody was just making one of it.
    """
    for _ in range(TRIES):
        before = _state(path)
        try:
            return _schema_in(path)
        except StoreError:
            if _state(path) == before:
                raise
            time.sleep(0.01)  # another process wrote meanwhile: what was read may be half of it
    return _schema_in(path)


def _state(path: Path) -> tuple[bool, int, int]:
    """Whether there is a log beside a file, and the file's size and time: any of it changes when it is written."""
    about = path.stat() if path.exists() else None
    return Path(f"{path}-wal").exists(), about.st_size if about else 0, about.st_mtime_ns if about else 0


def _schema_in(path: Path) -> int:
    if not path.exists():
        return 0
    # Only SQLite may open the file: a process that closes it by other means gives up the locks of all its connections,
    # and another process would then delete the log under them.
    if 0 < path.stat().st_size < _SMALLEST:  # SQLite itself takes a file of one byte for an empty one
        raise StoreError(f"The file {path} is not a store; it was left as it is.")
    # Reading a log makes files beside the store, which one that is refused must not get. Without a log there is
    # nothing to read but the file; should another process begin to write at this very moment, what looks damaged is
    # read once more.
    ways = ("mode=ro",) if Path(f"{path}-wal").exists() else ("mode=ro&immutable=1", "mode=ro")
    for way in ways:
        try:
            application, version, tables = _header(f"{path.as_uri()}?{way}")
            break
        except sqlite3.OperationalError:
            raise  # locked or unreadable, which says nothing of what is in it
        except sqlite3.DatabaseError as error:
            if way == ways[-1]:
                raise StoreError(
                    f"The file {path} is not a store, or is damaged: {error}; it was left as it is."
                ) from error
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreError(f"The file {path} is a database of another application; it was left as it is.")
    if version > SCHEMA:
        raise StoreError(
            f"The store {path} has schema {version} and this version of personaopt knows {SCHEMA} at most; "
            "upgrade personaopt. The file was left as it is."
        )
    return version


def _header(uri: str) -> tuple[int, int, int]:
    """Application, schema version and number of tables of a database."""
    connection = sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS)
    try:
        connection.execute("BEGIN")  # so that all three are of one moment
        questions = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        application, version, tables = (connection.execute(question).fetchone()[0] for question in questions)
        return application, version, tables
    finally:
        connection.close()


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?mode={mode}"
    return _prepared(
        sqlite3.connect(uri, uri=True, timeout=WAIT_SECONDS, check_same_thread=False, isolation_level=None)
    )


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    for setting in (
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    connection.create_function("hash_of", 2, _hash_of, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for statements in MIGRATIONS[done:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")


def _hash_of(content: str, session: str | None) -> str:
    return Interaction(**json.loads(content), session=session).content_hash()
