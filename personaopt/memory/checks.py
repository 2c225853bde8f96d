"""What every store asks of its arguments."""

from __future__ import annotations

from typing import Any

from personaopt.errors import DataError

LONGEST_NAME = 512
"""Bytes of an id; three of them stand in one entry of an index, which in PostgreSQL holds 2,700."""


def text_of(value: Any, what: str) -> str:
    """A text with something in it that a database can keep.

    Raises:
        DataError: It is not one.
    """
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{what} must be a text that is not empty, not {value!r}.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise DataError(f"{what} holds half of a surrogate pair and cannot be stored: {value!r}.")
    if "\x00" in value:
        raise DataError(f"{what} holds a zero character and cannot be stored: {value!r}.")
    return value


def name_of(value: Any, what: str) -> str:
    """A text that rows are found by, such as the id of a user.

    Raises:
        DataError: It is not a text, empty, or longer than a database can look up.
    """
    name = text_of(value, what)
    if len(name.encode()) > LONGEST_NAME:
        raise DataError(f"{what} has {len(name.encode()):,} bytes and may have {LONGEST_NAME}: {name[:40]!r} …")
    return name


def whole(value: Any, name: str) -> int:
    """A whole number.

    Raises:
        DataError: It is not one.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise DataError(f"{name} must be a whole number, not {value!r}.")
    number = int(value.__index__())
    if abs(number) >= 2**63:
        raise DataError(f"{name} is out of range: {number}.")
    return number
