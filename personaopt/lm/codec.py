"""How what a call gave is kept as JSON values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Codec(Generic[T]):
    """How a result is kept, so that an interrupted alignment need not ask for it again.

    Attributes:
        write: From the result to JSON values.
        read: Back again; what it raises as a `PersonaOptError`, `KeyError`, `TypeError` or `ValueError` makes the ask
            be made again.
    """

    write: Callable[[T], Any]
    read: Callable[[Any], T]


def text(value: Any) -> str:
    """A value that must be text.

    Raises:
        TypeError: It is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {type(value).__name__}")
    return value


TEXT: Codec[str] = Codec(lambda value: value, text)
"""For results that are text."""
