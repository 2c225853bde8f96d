"""What a format reader hands on: raw questions, what they were found in, and the task where the data name it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.building import Asked

SPLITS = ("", "dev", "validation", "val", "test", "train")
"""Which split is meant where none is named and there are several: the first of these that is there."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Questions that were found.

    Attributes:
        found: In which form, in words.
        asked: The questions, read as they are asked for.
        task: The task's name where the data say it; empty elsewhere.
        named_in: The file that says it.
    """

    found: str
    asked: Iterable[Asked]
    task: str = ""
    named_in: str = ""


def read_json(file: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: It is missing, not UTF-8 or not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{file} is missing.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as JSON: {error}.") from error


def chosen_split(where: str, there: Sequence[str], wanted: str | None) -> str:
    """The split that is meant.

    Args:
        where: Whose splits they are.
        there: Their names; empty for what has no split in its name.
        wanted: One of them; None for the only one, or else the first of `SPLITS`.

    Raises:
        DataError: There is no such split, or it cannot be said which one is meant.
    """
    if wanted is not None and wanted not in there:
        raise DataError(f"{where} has no split {wanted!r}; it has {', '.join(map(repr, there))}.")
    if wanted is not None or len(there) == 1:
        return there[0] if wanted is None else wanted
    known = [split for split in SPLITS if split in there]
    if not known:
        raise DataError(f"{where} has the splits {', '.join(map(repr, there))}; say which one is meant.")
    return known[0]
