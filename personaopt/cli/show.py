"""`personaopt show`: what is kept of a user, and the persona with the evidence of each line."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personaopt.cli.output import evidence, print_heading, print_item, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, opened

if TYPE_CHECKING:
    from personaopt.memory import User


def show(
    user: UserArgument,
    store: StoreOption,
    at: Annotated[
        datetime | None,
        typer.Option(
            help="Show the values of fields that held at this time (UTC).", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show a user's current persona, and what else is kept of the user; or what its fields held at some time."""
    with opened(store) as there:
        owner = known_user(there, store, user)
        if at is not None:
            _held(owner, at.replace(tzinfo=UTC), json=json)
            return
        current = there.persona(user)
        result = {
            "user": user,
            "version": current.version if current else 0,
            "persona": current.persona.to_dict() if current else None,
            "author": current.author if current else None,
            "created": current.created if current else None,
            "interactions": owner.count(),
            "facts": [fact.to_dict() for fact in owner.facts()],
            "unfinished_runs": len(there.unfinished_runs(user)),
            "consent": owner.consent,
            "retention": dataclasses.asdict(owner.retention),
        }
    if json:
        print_json(result)
        return
    version = f"persona version {current.version}, by {current.author}" if current else "no persona yet"
    print_heading(f"{user}: {result['interactions']} interactions, {version}, consent {result['consent']}")
    for line in current.persona.statements if current else ():
        pinned = ", pinned" if line.pinned else ""
        print_item(line.text, note=f"{line.source}, {evidence(line.evidence)}{pinned}")
    if current and not current.persona:
        print("The persona is empty.")


def _held(owner: User, at: datetime, *, json: bool) -> None:
    from personaopt.fields import Timeline

    spans = Timeline.of(owner).at(at.timestamp())
    if json:
        held: list[dict[str, Any]] = [dataclasses.asdict(span) for span in spans]
        print_json({"user": owner.id, "at": at.timestamp(), "held": held})
        return
    print_heading(f"{owner.id}: what held at {at:%Y-%m-%d %H:%M}, as far as is known today")
    for span in spans:
        passing = ", passing" if span.kind == "passing" else ""
        print_item(f"{span.title}: {span.value}", note=f"{span.source}, {evidence(span.evidence)}{passing}")
    if not spans:
        print("No field has a value that held then.")
