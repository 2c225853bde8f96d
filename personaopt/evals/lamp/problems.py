"""What is wrong with a record of a data set: a value with its place, so that nothing is left out without a word."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from personaopt.errors import ConfigurationError, DataError

OnError = Literal["raise", "report"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """One record, or one item of a record's profile, that could not be used.

    Attributes:
        file: Where it stands.
        position: Which record of the file it is, from 0; of a file with lines the line's number, from 1.
        id: The record's, empty where it has none.
        sentence: What is wrong with it, and with which item of its profile.
        unit: What `position` counts.
    """

    file: str
    position: int
    id: str
    sentence: str
    unit: str = "record"

    def __str__(self) -> str:
        named = f", {self.id!r}" if self.id else ""
        return f"{self.file}: {self.unit} {self.position}{named}: {self.sentence.rstrip('.')}."


Tell = Callable[[Problem], None]
"""Who hears of a problem; it raises, or the record is left out."""


def refuse(problem: Problem) -> None:
    """Let nothing pass.

    Raises:
        DataError: Always.
    """
    raise DataError(str(problem))


def listener(on_error: OnError, heard: list[Problem]) -> Tell:
    """Who hears of the problems of a data set.

    Args:
        on_error: `raise` for the first one, or `report` to leave the record out and go on.
        heard: Where the report is written.

    Raises:
        ConfigurationError: `on_error` is neither.
    """
    if on_error not in ("raise", "report"):
        raise ConfigurationError(f"on_error is 'raise' or 'report', not {on_error!r}.")
    return refuse if on_error == "raise" else heard.append
