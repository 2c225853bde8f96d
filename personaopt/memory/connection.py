"""What the code that reads and writes a store's tables is given: a connection within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol


class Connection(Protocol):
    """A connection within a transaction that may read and write one user's rows, and only that user's.

    Queries are SQL that SQLite and PostgreSQL both understand, with `?` for values (and nowhere else).

    Attributes:
        listed: The SELECT that makes rows of a JSON list of whole numbers, given as its one value.
        listed_texts: The same for a list of texts.
    """

    listed: str
    listed_texts: str

    def execute(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one statement; its rows, if it has any."""
        ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for many rows of values."""
        ...
