"""Data sets of the Hugging Face library: by hub id, or a local folder in one of the library's forms."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.formats.rows import Row
from personaopt.evals.lamp.formats.source import chosen_split

SAVED = ("dataset_dict.json", "state.json")
TABLES = (".parquet", ".arrow", ".jsonl", ".csv", ".tsv")


def is_saved(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk`."""
    return any((folder / name).is_file() for name in SAVED)


def has_tables(folder: Path) -> bool:
    """Whether the library finds tables in a folder."""
    return any(path.suffix.lower() in TABLES for path in folder.rglob("*"))


def rows_of_dataset(path: str | Path, split: str | None) -> tuple[list[Row], str]:
    """The rows of a data set, and the name of the split they are of.

    Local folders are read without leaving a copy in the library's cache. Of a hub id nothing but the id is sent.

    Args:
        path: A folder, a parquet file, or `owner/name` on the hub.
        split: Which split; see `chosen_split` for None.

    Raises:
        DataError: The library cannot read it, it is not there, or it has no such split.
    """
    with tempfile.TemporaryDirectory() as cache:
        try:
            data = _loaded(Path(path), cache) if Path(path).exists() else _from_hub(str(path))
        except Exception as error:  # the library raises what its many readers raise
            first = str(error).strip().partition("\n")[0].rstrip(".")
            raise DataError(f"{path} cannot be read as a data set: {first or type(error).__name__}.") from error
        chosen = split or ""
        if isinstance(data, dict):
            chosen = chosen_split(str(path), list(data), split)
            data = data[chosen]
        return [Row(position, values) for position, values in enumerate(data.to_list())], chosen


def _from_hub(name: str) -> Any:
    import datasets

    return datasets.load_dataset(name)


def _loaded(path: Path, cache: str) -> Any:
    import datasets

    if path.is_dir() and is_saved(path):
        return datasets.load_from_disk(str(path))
    with _without_bars():
        if path.is_file():
            return datasets.load_dataset("parquet", data_files=str(path), cache_dir=cache)
        return datasets.load_dataset(str(path), cache_dir=cache)


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """A local file is read at once: nothing that a progress bar is needed for."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    if shown:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
