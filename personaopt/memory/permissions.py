"""Which tools a user's agent may call: a list of names kept with the user, which nothing but the application changes.

What is not on the list is not called, whatever an LM or a tool's result asks for. Searching the user's own memory needs
no permission.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from personaopt.errors import DataError, StoreError
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.personas import ADD_USER

OWN_TOOLS = ("recall", "profile", "recent")
"""What an agent may always do: look into the memory of the user it answers for."""

MOST_TOOLS = 1000


def checked(names: Iterable[str]) -> list[str]:
    """Names of tools, each once, in their order.

    Raises:
        DataError: One is no name.
    """
    if isinstance(names, str):
        raise DataError(f"Tools are named one by one, not as the one text {names!r}.")
    kept = list(dict.fromkeys(name_of(name, "The name of a tool") for name in names))
    if len(kept) > MOST_TOOLS:
        raise DataError(f"{len(kept):,} tools were named and a user may have {MOST_TOOLS:,}.")
    return kept


def stated(connection: Connection, user_id: str) -> list[str] | None:
    """The tools that were allowed for a user, sorted; None where nothing was ever said."""
    rows = connection.execute("SELECT allowed_tools FROM users WHERE user_id = ?", (user_id,))
    if not rows or rows[0][0] is None:
        return None
    try:
        return sorted(checked(json.loads(rows[0][0])))
    except (ValueError, TypeError, DataError) as error:
        raise StoreError(f"The allowed tools of user {user_id!r} in the store are damaged: {error}") from error


def put(connection: Connection, user_id: str, names: Iterable[str]) -> None:
    """Keep which tools are allowed, in the place of those before."""
    connection.execute(ADD_USER, (user_id, time.time()))
    text = json.dumps(sorted(checked(names)), ensure_ascii=False)
    connection.execute("UPDATE users SET allowed_tools = ? WHERE user_id = ?", (text, user_id))


def change(connection: Connection, user_id: str, allow: Iterable[str], forbid: Iterable[str]) -> None:
    """Allow some tools and forbid others, within a transaction.

    Raises:
        DataError: A name is not one, or a tool that is always there is forbidden.
    """
    allow, forbid = checked(allow), checked(forbid)
    if always := set(forbid) & set(OWN_TOOLS):
        raise DataError(
            f"The tool {min(always)!r} looks into the user's own memory and is always there; make the agent with "
            "memory_tools=False to leave such tools out."
        )
    known = {*(stated(connection, user_id) or ()), *allow} - set(forbid)
    put(connection, user_id, known - set(OWN_TOOLS))
