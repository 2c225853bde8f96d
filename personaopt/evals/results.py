"""The folder of a run: `results.jsonl` grows by a line as soon as it is known, `config.json` says how it was made.

A line is written whole and reaches the disk before more is asked. What a killed process left of a last line is dropped,
and what it was about is asked again.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from filelock import FileLock, Timeout

from personaopt.errors import ConfigurationError, DataError, StoreError

ROWS, CONFIG, LOCK = "results.jsonl", "config.json", ".lock"


class AnyRow(Protocol):
    """One line of results, whatever was run."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is the result of: two rows of one key are the same work."""

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON values."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s values; a `DataError` where they are no such row."""


R = TypeVar("R", bound=AnyRow)


def read_rows(folder: Path, kind: type[R]) -> list[R]:
    """The rows of a folder, in the order in which they came first; of one key the last counts.

    Args:
        folder: Of the run.
        kind: The class of its rows.

    Raises:
        DataError: There is no such file, or a line is no row; the last one may be the beginning of one.
    """
    file = folder / ROWS
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}; a run writes it.") from error
    rows: dict[tuple[Any, ...], R] = {}
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            row = kind.from_dict(json.loads(line))
        except (ValueError, RecursionError, DataError) as error:
            if number == len(lines) and line[:1] in (b"", b"{"):
                break  # nothing, or what a killed process left of a line
            raise DataError(
                f"{file}: line {number} is no row of results ({error}); take it out, or give another folder if this "
                "one is another experiment's."
            ) from error
        rows[row.key] = row
    return list(rows.values())


def read_config(folder: Path) -> dict[str, Any]:
    """How the rows of a folder were made; empty where nothing says so.

    Raises:
        DataError: The file cannot be read.
    """
    file = folder / CONFIG
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise DataError(f"{file} must hold an object.")
    return values


class Results(Generic[R]):
    """The folder of a run that is under way; one process at a time has it.

    Args:
        folder: Made if it is not there, and taken away again where an error ends the run before the first row.
        kind: The class of its rows.

    Raises:
        StoreError: Another run writes it, or it cannot be written.
        DataError: What is there cannot be read.
    """

    def __init__(self, folder: Path, kind: type[R]) -> None:
        self.folder = folder
        self._writing = threading.Lock()
        self._made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / LOCK).touch()
        except OSError as error:
            raise StoreError(f"The folder {folder} cannot be written: {error.strerror}.") from error
        self._lock = FileLock(folder / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise StoreError(f"Another run writes {folder}; wait for it, or give another --out.") from None
        try:
            self._file = os.open(folder / ROWS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self.rows = {row.key: row for row in read_rows(folder, kind)}
            self._drop_torn_line()  # not before it is known that the file is one of rows
        except BaseException:
            self._lock.release()
            raise

    def append(self, rows: Iterable[R]) -> None:
        """Write rows; they are on the disk when this returns.

        Raises:
            StoreError: They cannot be written, such as on a full disk.
        """
        fresh = list(rows)
        lines = "".join(json.dumps(row.to_dict(), ensure_ascii=False) + "\n" for row in fresh).encode()
        with self._writing:
            size = os.fstat(self._file).st_size
            try:
                while lines:
                    lines = lines[os.write(self._file, lines) :]
                os.fsync(self._file)
            except OSError as error:
                os.ftruncate(self._file, size)  # a part of a line would spoil the next one
                raise StoreError(f"{self.folder / ROWS} cannot be written: {error.strerror}.") from error
            self.rows.update((row.key, row) for row in fresh)

    def configure(self, config: Mapping[str, Any], fixed: Iterable[str], whole: Collection[str] = ()) -> None:
        """Say how the rows are made, and refuse to mix them with rows that were made in another way.

        Args:
            config: JSON values.
            fixed: Keys whose values must be what they were when the folder was begun. Of a mapping those entries are
                compared that both have, so that a data set or a language model may be added.
            whole: Those of them that nothing may be added to or missing from.

        Raises:
            ConfigurationError: Something differs; nothing is written.
        """
        before = read_config(self.folder)
        if self.rows:
            check_config(self.folder, config, fixed, whole)
        kept = {name: value for name, value in before.items() if name not in whole or name not in config}
        write_json(self.folder / CONFIG, _merged(kept, config))

    def close(self) -> None:
        """Let other runs have the folder."""
        os.close(self._file)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is not None and self._made and not self.rows:
            self._take_away()

    def _take_away(self) -> None:
        """Leave nothing of folders that were made for this run, unless others have put something into them."""
        for name in (ROWS, CONFIG, LOCK):
            (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            for path in self._made:
                path.rmdir()

    def _drop_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        content = os.pread(self._file, size, 0)
        whole = content.rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(self._file, whole)
            os.fsync(self._file)


def check_config(folder: Path, config: Mapping[str, Any], fixed: Iterable[str], whole: Collection[str] = ()) -> None:
    """Refuse to mix rows with those of a folder that were made in another way; the folder stays as it is.

    Args:
        folder: Of a run that has rows.
        config: As for `Results.configure`.
        fixed: As there.
        whole: As there.

    Raises:
        ConfigurationError: Something differs.
    """
    before = read_config(folder)
    for name in set(fixed) & before.keys() & config.keys():
        if differs := _difference(name, before[name], config[name], name in whole):
            raise ConfigurationError(
                f"The rows in {folder} were made with {differs}; go on with what its {CONFIG} says, or give another "
                "--out."
            )


def write_json(file: Path, values: Any) -> None:
    """Write a JSON file in one step: a reader finds the old one or the new one."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(file)


def _difference(name: str, before: Any, now: Any, whole: bool = False) -> str:
    """What differs, in words; empty where nothing does."""
    if isinstance(before, dict) and isinstance(now, dict):
        if whole and (odd := sorted(before.keys() ^ now.keys())):
            return f"{name} {'with' if odd[0] in before else 'without'} {odd[0]!r}"
        found = (_difference(f"{name}: {key}", before[key], now[key]) for key in before if key in now)
        return next(filter(None, found), "")
    return "" if before == now else f"{name} = {json.dumps(before)} and not {json.dumps(now)}"


def _merged(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What a folder was begun with and what was added to it."""
    merged = {**before, **now}
    for name, value in now.items():
        if isinstance(value, dict) and isinstance(before.get(name), dict):
            merged[name] = _merged(before[name], value)
    return merged
