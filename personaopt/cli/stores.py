"""The store and the user that a command names: opened only if they are there, never made by looking."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personaopt.errors import ConfigurationError, DataError, StoreError

if TYPE_CHECKING:
    from personaopt.memory import Store, User

StoreOption = Annotated[
    str, typer.Option("--store", help="The store: a file, or a postgresql:// address.", show_default=False)
]
UserArgument = Annotated[str, typer.Argument(help="Whose; a user of the store.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@contextlib.contextmanager
def opened(place: str) -> Iterator[Store]:
    """A store that is there; opening one that is not would make it.

    Raises:
        StoreError: There is none, or it cannot be used.
    """
    if "://" not in place and not Path(place).expanduser().is_file():
        raise StoreError(f"There is no store at {place}.")
    from personaopt.memory import open_store

    with open_store(place) as store:
        yield store


def known_user(store: Store, place: str, user_id: str) -> User:
    """A user that the store has; nothing is guessed.

    Raises:
        DataError: The store has none of that id.
    """
    known = store.users()
    if user_id not in known:
        some = f"it has {', '.join(known[:3])}{' and more' if len(known) > 3 else ''}" if known else "it is empty"
        raise DataError(f"The store {place} has no user {user_id!r}; {some}.")
    return store.user(user_id)


def agreed(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed; where nobody can be asked, `--yes` has to be given.

    Raises:
        ConfigurationError: Nobody can be asked.
        typer.Abort: The answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody can be asked here whether to do that: give --yes, or --dry-run to see it.")
    typer.confirm(question, abort=True, err=True)


def moment(seconds: float) -> str:
    """A time as it is printed, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
