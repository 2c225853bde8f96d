"""`personaopt forget`: interactions of a user, or the user, are forgotten for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from personaopt.cli.output import message, print_heading, print_item, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, YesOption, agreed, known_user, opened
from personaopt.errors import ConfigurationError

if TYPE_CHECKING:
    from personaopt.memory import User
    from personaopt.memory.forgetting import Forgotten


def forget(
    user: UserArgument,
    store: StoreOption,
    id: Annotated[
        list[str] | None, typer.Option("--id", help="An interaction; may be given again.", show_default=False)
    ] = None,
    session: Annotated[str | None, typer.Option(help="All of a session.", show_default=False)] = None,
    matching: Annotated[str | None, typer.Option(help="All that hold this text.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--everything", help="The user, with all that is kept.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Forget interactions of a user and what was learnt from them, or the whole user. It cannot be undone."""
    if everything == bool(id or session is not None or matching is not None):
        raise ConfigurationError("Say what to forget: --id, --session, --matching, or --everything alone.")
    with opened(store) as there:
        owner = known_user(there, store, user)

        def run(*, dry: bool) -> Forgotten:
            if everything:
                return there.forget(user, dry_run=dry)
            return owner.forget(id, session=session, matching=matching, dry_run=dry)

        report = run(dry=True)
        if not dry_run:
            if not (json or yes):
                _print(owner, report)
            agreed("Forget this for good?", yes=yes)
            report = run(dry=False)
    if json:
        print_json(report.to_dict())
        message(str(report))
    elif dry_run:
        _print(owner, report)
    else:
        typer.echo(str(report))


def _print(user: User, report: Forgotten) -> None:
    print_heading(f"{user.id}: what goes")
    for interaction in report.interactions:
        print_item(f"interaction {interaction}")
    for statement in report.statements:
        print_item(f"statement: {statement.text}")
    print(str(report))
