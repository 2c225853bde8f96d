"""Checkpoints: what the calls of an unfinished alignment gave, kept until it is finished.

Everything is on disk when a call returns, so an alignment that was killed goes on without asking anything twice.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from personaopt.errors import DataError, StoreError
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.personas import ADD_USER
from personaopt.memory.store import UnfinishedRun

MOST_RUNS = 4
"""How many unfinished alignments are kept of a user; the oldest go."""


def start(connection: Connection, user_id: str, run_id: str, fingerprint: Mapping[str, Any]) -> None:
    """Keep a new run. Starting it again with the same fingerprint changes nothing.

    Raises:
        DataError: The id or the fingerprint is not valid, or the id is taken by a run of another fingerprint.
    """
    name_of(run_id, "The id of a run")
    text = _json(fingerprint, f"The fingerprint of run {run_id!r}", sort=True)
    taken = connection.execute("SELECT fingerprint FROM runs WHERE user_id = ? AND run_id = ?", (user_id, run_id))
    if taken:
        if taken[0][0] != text:
            raise DataError(f"User {user_id!r} has another unfinished run {run_id!r}; give the new one its own id.")
        return
    now = time.time()
    connection.execute(ADD_USER, (user_id, now))
    newest = connection.execute("SELECT max(started) FROM runs WHERE user_id = ?", (user_id,))[0][0]
    # A clock may go backwards, and the newest run must stay the newest all the same.
    started = now if newest is None or newest < now else newest + 1e-3
    connection.execute(
        "INSERT INTO runs (user_id, run_id, started, fingerprint) VALUES (?, ?, ?, ?)",
        (user_id, run_id, started, text),
    )
    for old in unfinished(connection, user_id)[MOST_RUNS:]:
        finish(connection, user_id, old.run_id)


def record(connection: Connection, user_id: str, run_id: str, key: str, value: Mapping[str, Any]) -> bool:
    """Keep what one call of a run gave, in place of what was kept under its key before.

    Returns:
        Whether it was kept: not where the run is finished, or had to make room for newer ones.

    Raises:
        DataError: The key or the value is not valid.
    """
    text = _json(value, f"The value of call {key!r}")
    kept = connection.execute(
        "INSERT INTO run_calls (user_id, run_id, key, value) "
        "SELECT user_id, run_id, ?, ? FROM runs WHERE user_id = ? AND run_id = ? "
        "ON CONFLICT (user_id, run_id, key) DO UPDATE SET value = excluded.value RETURNING key",
        (name_of(key, "The key of a call"), text, user_id, name_of(run_id, "The id of a run")),
    )
    return bool(kept)


def unfinished(connection: Connection, user_id: str) -> list[UnfinishedRun]:
    """The unfinished runs of a user, newest first."""
    rows = connection.execute(
        "SELECT run_id, started, fingerprint FROM runs WHERE user_id = ? ORDER BY started DESC, run_id", (user_id,)
    )
    return [UnfinishedRun(run_id, started, _read(text, run_id)) for run_id, started, text in rows]


def calls(connection: Connection, user_id: str, run_id: str) -> dict[str, dict[str, Any]]:
    """What the calls of a run gave, by key; empty where there is no such run."""
    rows = connection.execute(
        "SELECT key, value FROM run_calls WHERE user_id = ? AND run_id = ? ORDER BY key",
        (user_id, name_of(run_id, "The id of a run")),
    )
    return {key: _read(text, run_id) for key, text in rows}


def finish(connection: Connection, user_id: str, run_id: str) -> None:
    """Remove a run and what its calls gave; one that is not there is finished already."""
    connection.execute(
        "DELETE FROM runs WHERE user_id = ? AND run_id = ?", (user_id, name_of(run_id, "The id of a run"))
    )


def _json(value: Any, what: str, *, sort: bool = False) -> str:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DataError(f"{what} must be a mapping of JSON values, not {type(value).__name__}.")
    try:
        text = json.dumps(dict(value), ensure_ascii=False, allow_nan=False, sort_keys=sort)
        text.encode()
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} cannot be written as JSON: {error}.") from error
    return text


def _read(text: str, run_id: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StoreError(f"The unfinished run {run_id!r} in the store is damaged: {error}.") from error
    if not isinstance(value, dict):
        raise StoreError(f"The unfinished run {run_id!r} in the store is damaged: it is not a mapping.")
    return value
