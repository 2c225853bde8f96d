"""`personaopt diff`: what changed from one version of a user's persona to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from personaopt.cli.output import evidence, print_heading, print_item, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, opened
from personaopt.errors import DataError

if TYPE_CHECKING:
    from personaopt.memory import User
    from personaopt.persona import Persona


def diff(
    user: UserArgument,
    store: StoreOption,
    before: Annotated[
        int | None, typer.Option("--from", min=0, help="The earlier version; the one before when missing.")
    ] = None,
    after: Annotated[int | None, typer.Option("--to", min=0, help="The later one; the current when missing.")] = None,
    json: JsonOption = False,
) -> None:
    """Show which statements came, went or changed between two versions of a user's persona."""
    with opened(store) as there:
        owner = known_user(there, store, user)
        last = owner.version if after is None else after
        first = max(last - 1, 0) if before is None else before
        later, earlier = _persona(owner, last), _persona(owner, first)
    edits = earlier.diff(later)
    if json:
        print_json({"user": user, "from": first, "to": last, "edits": [edit.to_dict() for edit in edits]})
        return
    print_heading(f"{user}: version {first} to {last}, {len(edits)} changes")
    for edit in edits:
        if edit.target is not None:
            print_item(earlier.statement(edit.target).text, sign="-")
        if edit.statement is not None:
            print_item(edit.statement.text, sign="+", note=evidence(edit.statement.evidence))


def _persona(user: User, version: int) -> Persona:
    from personaopt.persona import Persona

    stored = user.store.persona(user.id, version) if version else None
    if version and stored is None:
        raise DataError(f"User {user.id!r} has no persona version {version}; the newest is {user.version}.")
    return stored.persona if stored else Persona()
