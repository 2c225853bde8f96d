"""How values of fields change in a persona: what is new comes in, what it supersedes keeps its interval."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from personaopt.errors import PersonaError
from personaopt.fields.paths import Slot
from personaopt.persona import Edit, Persona, Statement

MOOD = "mood:"
"""How the ids of statements begin that hold for a few days only."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """How a change is made.

    Attributes:
        new: What a new statement is like, but for its text, id and field.
        time: When values changed, or None.
        never_held: Paths of which the old value never was true.
        past: How many values that no longer hold stay, of each field.
        reason: Why.
    """

    new: Statement
    time: float | None
    never_held: frozenset[str]
    past: int
    reason: str


def holds(statement: Statement, at: float | None) -> bool:
    """Whether a statement holds at a time; today where it is None."""
    if at is None:
        return statement.valid_to is None
    begun = statement.valid_from is None or statement.valid_from <= at
    return begun and (statement.valid_to is None or at < statement.valid_to)


def items(slots: Mapping[str, Slot], values: Mapping[str, Any]) -> Iterator[tuple[Slot, Any]]:
    """Each value, or item of a list, with its slot."""
    for path, value in values.items():
        for item in value if slots[path].many else [value]:
            yield slots[path], item


def edits(persona: Persona, slots: Mapping[str, Slot], values: Mapping[str, Any], rules: Rules) -> tuple[Edit, ...]:
    """The edits that bring the fields of a persona to these values, field by field."""
    wanted: dict[str, dict[str, Any]] = {path: {} for path in slots}
    for slot, value in items(slots, values):
        wanted[slot.path][slot.text(value)] = value
    taken = {statement.id for statement in persona.statements}
    made: list[Edit] = []
    for path, slot in slots.items():
        made += _changed(slot, [s for s in persona.statements if s.field == path], wanted[path], rules, taken)
    return tuple(made)


def _changed(
    slot: Slot, known: list[Statement], wanted: dict[str, Any], rules: Rules, taken: set[str]
) -> Iterator[Edit]:
    """The edits of one field: what goes, what comes, and what is too long ago to stay."""
    holding = [statement for statement in known if statement.valid_to is None]
    kept = {text for statement in holding if (text := _text(slot, statement)) in wanted}
    # A pinned value is the user's own word: only the user changes it.
    leaving = [s for s in holding if _text(slot, s) not in wanted and not s.pinned]
    blocked = not slot.many and any(s.pinned and _text(slot, s) not in wanted for s in holding)
    coming = [] if blocked else [value for text, value in wanted.items() if text not in kept]
    ends = rules.time is not None and rules.past > 0 and slot.path not in rules.never_held
    ended = [s for s in known if s.valid_to is not None]
    for statement in leaving:
        if ends:
            closed = _closed(slot, statement, rules.time or 0.0)
            ended.append(closed)
            yield Edit("replace", closed, statement.id, rules.reason)
        elif coming:
            yield Edit("replace", _new(slot, coming.pop(0), rules, taken), statement.id, rules.reason)
        else:
            yield Edit("remove", target=statement.id, reason=rules.reason)
    for value in coming:
        yield Edit("add", _new(slot, value, rules, taken), reason=rules.reason)
    if leaving:
        ended.sort(key=lambda statement: statement.valid_to or -math.inf)
        for statement in ended[: max(0, len(ended) - rules.past)]:
            if not statement.pinned:
                yield Edit("remove", target=statement.id, reason="Longer ago than what is kept.")


def _text(slot: Slot, statement: Statement) -> str:
    """A statement's value as text; of one that cannot be read, its own text, which no value has."""
    try:
        return slot.text(slot.read(statement.text))
    except PersonaError:
        return f"\n{statement.text}"


def _closed(slot: Slot, statement: Statement, time: float) -> Statement:
    begun = statement.valid_from
    ended = time if begun is None else max(begun, time)
    try:
        text = slot.line(slot.read(statement.text), ended)
    except PersonaError:
        text = statement.text
    return dataclasses.replace(statement, text=text, valid_to=ended)


def _new(slot: Slot, value: Any, rules: Rules, taken: set[str]) -> Statement:
    """A new statement; a value that held before, and does again, gets an id of its own."""
    text = slot.line(value)
    identifier, number = Statement(text).id, 1
    while identifier in taken:
        number += 1
        identifier = hashlib.sha256(f"{text}\n{number}".encode()).hexdigest()[:12]
    taken.add(identifier)
    return dataclasses.replace(rules.new, text=text, id=identifier, field=slot.path)
