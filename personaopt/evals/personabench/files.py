"""The folder of a bench: a file for every stage that grows by whole lines, and what it was made with."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import pydantic

from personaopt.errors import ConfigurationError, DataError, StoreError
from personaopt.evals.personabench.records import Record

R = TypeVar("R", bound=Record)
CONFIG, PERSONAS, SESSIONS, REPORT = "config.json", "personas.jsonl", "sessions.jsonl", "report.json"
SYNCED_EVERY = 0.5
"""Seconds; what is younger than that may have to be written again after a power cut."""


def read_records(file: Path, kind: type[R], *, torn: bool = False) -> list[R]:
    """The records of a file.

    Args:
        file: One record a line.
        kind: Their class.
        torn: Whether the last line may be unfinished, and is then passed over.

    Raises:
        DataError: The file cannot be read, or a line is no such record.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from error
    return list(_parsed(file, lines, kind, torn))


def _parsed(file: Path, lines: list[bytes], kind: type[R], torn: bool) -> Iterator[R]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or (torn and number == len(lines)):
            continue
        try:
            yield kind.model_validate_json(line)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise DataError(
                f"{file}: line {number} is no {kind.__name__} ({place}: {first['msg']}); take it out or make it anew."
            ) from None


class StageFile(Generic[R]):
    """What a stage has written so far. A last line that was cut short is dropped, and made again.

    Args:
        file: Where.
        kind: The class of its records.

    Raises:
        StoreError: It cannot be written.
        DataError: A line is no such record, and the last one not the beginning of one; the file stays as it is.
    """

    def __init__(self, file: Path, kind: type[R]) -> None:
        self.file = file
        try:
            self._opened = file.open("ab+")
            self._opened.seek(0)
            content = self._opened.read()
            whole = content.rfind(b"\n") + 1
            self.records: list[R] = list(_parsed(file, content[:whole].split(b"\n"), kind, False))
            if content[whole : whole + 1] not in (b"", b"{"):
                raise DataError(f"{file}: what stands at its end is no {kind.__name__}; take it out or make it anew.")
            self._opened.truncate(whole)  # not before it is known that the file is one of such records
        except OSError as error:
            raise StoreError(f"{file} cannot be written: {error.strerror}.") from error
        self._synced = time.monotonic()

    def append(self, records: Iterable[R]) -> None:
        """Write records, whole lines at a time.

        Raises:
            StoreError: They cannot be written, such as on a full disk.
        """
        fresh = list(records)
        try:
            self._opened.write("".join(f"{record.model_dump_json()}\n" for record in fresh).encode())
            self._opened.flush()
            if time.monotonic() - self._synced > SYNCED_EVERY:
                os.fsync(self._opened.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror}.") from error
        self.records += fresh

    def __enter__(self) -> StageFile[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()


def write_whole(file: Path, text: str) -> None:
    """Write a file all at once: it is the old one or the new one, whatever happens.

    Raises:
        StoreError: It cannot be written.
    """
    beside = file.with_name(f".{file.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}.") from error


def configure(folder: Path, config: dict[str, Any]) -> None:
    """Say what a bench is made with, and refuse to go on with another one in the same folder.

    Raises:
        ConfigurationError: The folder has a bench that was made with something else.
        StoreError: The folder cannot be written.
    """
    known = read_config(folder)
    if not known:
        write_whole(folder / CONFIG, json.dumps(config, indent=1, ensure_ascii=False) + "\n")
        return
    for name, value in config.items():
        if known.get(name) != value:
            raise ConfigurationError(
                f"{folder} has a bench with {name} {known.get(name)!r}, not {value!r}; give another folder, or the "
                "same settings to go on."
            )


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """A context in which no other process makes the bench of a folder, which is made if it is not there.

    Raises:
        StoreError: One does, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise StoreError(f"Another process writes {folder}; wait for it, or give another folder.") from None
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def read_config(folder: Path) -> dict[str, Any]:
    """What a bench was made with; empty where nothing says so.

    Raises:
        DataError: The file is damaged.
    """
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{folder / CONFIG} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise DataError(f"{folder / CONFIG} must hold an object.")
    return found
