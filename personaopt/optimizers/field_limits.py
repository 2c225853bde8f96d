"""How much a dictionary persona holds: what is over goes, and the oldest makes room."""

from __future__ import annotations

from collections.abc import Collection

from personaopt.fields.changes import MOOD
from personaopt.optimizers.field_rules import FieldRules
from personaopt.persona import Edit, Persona, Statement


def fitted(persona: Persona, limit: int, rules: FieldRules, changed: Collection[str] = ()) -> tuple[Persona, int]:
    """A persona within its limits: what no longer holds goes first, then the oldest items of lists, then other values.

    What was written by hand goes last, pinned statements and free lines stay.

    Args:
        persona: The persona, which may pass them.
        limit: Tokens.
        rules: The most items of a list.
        changed: Fields of which the number of items is looked at.

    Returns:
        The persona, and how many statements went.
    """
    statements, slots = list(persona.statements), rules.model.slots()

    def passes() -> bool:
        return Persona(tuple(statements), 10**9).tokens > limit

    many = {path for path, slot in slots.items() if slot.many}
    dropped = 0
    for path in sorted(many.intersection(changed)):
        items = [each for each in statements if each.field == path and each.valid_to is None]
        for each in sorted(items, key=_begun)[: max(0, len(items) - rules.most_items)]:
            if not each.pinned:
                statements.remove(each)
                dropped += 1
    while passes():
        mine = [each for each in statements if each.field in slots and not each.pinned]
        past = [each for each in mine if each.valid_to is not None]
        going = min(past or [each for each in mine if each.field in many] or mine, key=_begun, default=None)
        if going is None:
            break
        statements.remove(going)
        dropped += 1
    return Persona(tuple(statements), limit) if not passes() else persona, dropped


def without_moods(persona: Persona, now: float) -> Persona:
    """A persona without what was passing and is over."""
    over = [one for one in persona.statements if one.id.startswith(MOOD) and (one.valid_to or 0.0) <= now]
    return persona.apply([Edit("remove", target=one.id) for one in over])


def _begun(statement: Statement) -> tuple[bool, float]:
    return statement.source == "written", statement.valid_from or 0.0
