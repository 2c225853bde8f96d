"""`personaopt rollback`: an earlier persona becomes the current one again."""

from __future__ import annotations

from typing import Annotated

import typer

from personaopt.cli.output import message, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, opened


def rollback(
    user: UserArgument,
    version: Annotated[int, typer.Argument(min=0, help="The version to go back to; 0 is the empty persona.")],
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Make an earlier persona the current one, as a new version; the others stay in the history."""
    with opened(store) as there:
        owner = known_user(there, store, user)
        before = owner.version
        made = owner.rollback(version)
    done = f"Version {made.version} of {user}'s persona is version {version} again; it was {before}."
    if json:
        print_json({"user": user, "version": made.version, "from": before, "to": version})
    (message if json else typer.echo)(done)
