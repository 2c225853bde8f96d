"""How long interactions are kept, and how many."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.memory.connection import Connection
from personaopt.memory.interactions import COLUMNS, parsed
from personaopt.memory.personas import ADD_USER

_MOST = 2**63 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Retention:
    """What is kept of a user; what is older or more is forgotten, also by the persona.

    Attributes:
        max_age: In seconds, counted from the interaction's time; None for ever.
        max_count: How many interactions, the latest ones; None for all of them.

    Raises:
        ConfigurationError: A value is not above 0.
    """

    max_age: float | None = None
    max_count: int | None = None

    def __post_init__(self) -> None:
        if self.max_age is not None and not 0 < _number(self.max_age) < math.inf:
            raise ConfigurationError(f"max_age is a number of seconds above 0, not {self.max_age!r}.")
        if self.max_count is not None and not (isinstance(self.max_count, int) and _number(self.max_count) > 0):
            raise ConfigurationError(f"max_count is a whole number of at least 1, not {self.max_count!r}.")


FOR_EVER = Retention()


def stated(connection: Connection, user_id: str) -> Retention | None:
    """The retention set for one user; None where the store's own holds."""
    rows = connection.execute("SELECT keep_seconds, keep_count FROM users WHERE user_id = ?", (user_id,))
    return Retention(*rows[0]) if rows and rows[0] != (None, None) else None


def put(connection: Connection, user_id: str, retention: Retention | None) -> None:
    """Set the retention of one user; None for the store's own."""
    kept = retention or FOR_EVER
    connection.execute(ADD_USER, (user_id, time.time()))
    connection.execute(
        "UPDATE users SET keep_seconds = ?, keep_count = ? WHERE user_id = ?",
        (kept.max_age, kept.max_count, user_id),
    )


def past(connection: Connection, user_id: str, default: Retention) -> list[Interaction]:
    """The interactions that are past the retention of their user, oldest first."""
    kept = stated(connection, user_id) or default
    conditions: list[tuple[str, tuple[Any, ...]]] = []
    if kept.max_age is not None:
        conditions.append(("AND time < ? ORDER BY time, number", (time.time() - kept.max_age,)))
    if kept.max_count is not None:
        conditions.append(("ORDER BY time DESC, number DESC LIMIT ? OFFSET ?", (_MOST, kept.max_count)))
    found: dict[int, Interaction] = {}
    for condition, values in conditions:
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM interactions WHERE user_id = ? {condition}", (user_id, *values)
        )
        found.update(parsed(row) for row in rows)
    return [found[number] for number in sorted(found)]


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
