"""`personaopt data`: a user's data as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from personaopt.cli.output import message, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, opened

app = typer.Typer(help="A user's data as one JSON file, and back.", rich_markup_mode=None)


@app.command("export")
def export_data(
    user: UserArgument,
    store: StoreOption,
    out: Annotated[Path, typer.Option(help="The file to write; its folder must exist.", show_default=False)],
    json: JsonOption = False,
) -> None:
    """Write everything that is kept of a user to one file, which only its owner may read."""
    with opened(store) as there:
        owner = known_user(there, store, user)
        owner.export_data(out)
        result = {"user": user, "out": str(out), "interactions": owner.count(), "personas": len(owner.personas())}
    if json:
        print_json(result)
    (message if json else typer.echo)(
        f"Wrote {result['interactions']} interactions and {result['personas']} persona versions of {user} to {out}."
    )


@app.command("import")
def import_data(
    file: Annotated[Path, typer.Argument(help="What `data export` wrote.", show_default=False)],
    store: StoreOption,
    restore: Annotated[bool, typer.Option("--restore", help="Bring back what was forgotten since, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring a user's data into a store; what is there already stays, and what was forgotten stays away."""
    with opened(store) as there:
        report = there.import_data(file, restore=restore)
    if json:
        print_json(report.to_dict())
    left = f", left {len(report.left_out)} forgotten ones out" if report.left_out else ""
    (message if json else typer.echo)(
        f"Imported {report.interactions} new interactions and {report.personas} persona versions of "
        f"{report.user_id}{left}."
    )
