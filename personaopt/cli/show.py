"""`personaopt show`: what is kept of a user, and the persona with the evidence of each line."""

from __future__ import annotations

import dataclasses

from personaopt.cli.output import evidence, print_heading, print_item, print_json
from personaopt.cli.stores import JsonOption, StoreOption, UserArgument, known_user, opened


def show(user: UserArgument, store: StoreOption, json: JsonOption = False) -> None:
    """Show a user's current persona, and what else is kept of the user."""
    with opened(store) as there:
        owner = known_user(there, store, user)
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
