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
        read: Back again; what it raises as a `PersonaOptError` makes the ask be made again.
    """

    write: Callable[[T], Any]
    read: Callable[[Any], T]


AS_IT_IS: Codec[Any] = Codec(lambda value: value, lambda value: value)
"""For results that are JSON values themselves."""
