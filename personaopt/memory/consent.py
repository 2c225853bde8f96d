"""What a user has agreed to: nothing, that interactions are recorded, or that a persona is learnt from them too."""

from __future__ import annotations

import time
from typing import Literal, get_args

from personaopt.errors import ConfigurationError, ConsentError
from personaopt.memory.connection import Connection
from personaopt.memory.personas import ADD_USER

Consent = Literal["none", "record", "learn"]
"""`none`: nothing is recorded. `record`: interactions are recorded, nothing is learnt. `learn`: both."""

Default = Literal["assumed", "required"]
"""What holds for a user who was never asked: `assumed` is `learn`, `required` is `none`."""

_ORDER = get_args(Consent)


def stated(connection: Connection, user_id: str) -> Consent | None:
    """What was said for a user; None where nothing was."""
    rows = connection.execute("SELECT consent FROM users WHERE user_id = ?", (user_id,))
    return rows[0][0] if rows else None


def of(connection: Connection, user_id: str, default: Default) -> Consent:
    """What holds for a user."""
    return stated(connection, user_id) or ("learn" if default == "assumed" else "none")


def put(connection: Connection, user_id: str, consent: Consent) -> None:
    """Keep what a user has agreed to.

    Raises:
        ConfigurationError: It is not one of the three states.
    """
    if consent not in _ORDER:
        raise ConfigurationError(f"Consent is one of {', '.join(_ORDER)}, not {consent!r}.")
    connection.execute(ADD_USER, (user_id, time.time()))
    connection.execute("UPDATE users SET consent = ? WHERE user_id = ?", (consent, user_id))


def require(connection: Connection, user_id: str, purpose: Consent, default: Default) -> None:
    """Refuse what a user has not agreed to.

    Raises:
        ConsentError: The user has not agreed to it.
    """
    given = of(connection, user_id, default)
    if _ORDER.index(given) >= _ORDER.index(purpose):
        return
    what = {"record": "record anything of", "learn": "learn a persona of"}[purpose]
    raise ConsentError(
        f"User {user_id!r} has not agreed to this: consent is {given!r}, and to {what} a user it must be {purpose!r}; "
        "ask the user, then set user.consent."
    )
