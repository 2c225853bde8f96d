"""`personaopt history`: every version of a user's persona."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from personaopt.cli.output import message, print_heading, print_item, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, moment, opened
from personaopt.errors import DataError


def history(
    user: UserArgument,
    store: StoreOption,
    timeline: Annotated[
        Path | None, typer.Option(help="Draw when each value of the fields held into this file: .png, .svg or .pdf.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List all versions of a user's persona, oldest first: who made them, when, why and from which."""
    with opened(store) as there:
        owner = known_user(there, store, user)
        versions = owner.personas()
        if timeline is not None:
            from personaopt.fields import Timeline

            drawn = Timeline.of(owner)
            if not drawn.spans:
                raise DataError(f"No version of {user}'s persona has a value in a field, so there is nothing to draw.")
            drawn.save(timeline, user)
            message(f"Drawn into {timeline}.")
    if json:
        print_json({"user": user, "versions": [version.to_dict() for version in versions]})
        return
    print_heading(f"{user}: {_counted(len(versions), 'version')}")
    for version in versions:
        size = _counted(len(version.persona.statements), "statement")
        redacted = ", redacted" if version.redacted else ""
        head = f"{version.version}  {moment(version.created)}  by {version.author}, {size}{redacted}"
        print_item(head, sign=">" if version is versions[-1] else " ", note=version.reason)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
