"""Whether a proposed change may be made: its field, the type of its value, and the user's words behind it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.errors import PersonaError
from personaopt.fields import Slot
from personaopt.memory.quoting import words
from personaopt.optimizers.backing import is_passing, of_themselves, quoted_in, stands_in
from personaopt.optimizers.field_rules import MOST_WORDS, FieldRules
from personaopt.optimizers.sessions import Message
from personaopt.persona import Statement
from personaopt.signatures.change_fields import FieldChange


@dataclasses.dataclass(frozen=True)
class Backed:
    """A change that may be made.

    Attributes:
        change: What was proposed.
        slot: Its field.
        value: The value, of the field's type; None for none.
        old: The value that it takes the place of; None for none.
        message: The message that backs it.
        lasting: Whether it is neither a mood nor for one occasion.
        literal: Whether the value stands in the words quoted.
        times: When each message was said, by the turn's id.
    """

    change: FieldChange
    slot: Slot
    value: Any
    old: Any
    message: Message
    lasting: bool
    literal: bool
    times: Mapping[str, float]


def backed_change(change: FieldChange, messages: Sequence[Message], rules: FieldRules) -> Backed:
    """A change with the message that backs it.

    Raises:
        PersonaError: It keeps to a rule not.
    """
    slot = rules.model.slots().get(change.field)
    if slot is None:
        raise PersonaError(f"there is no such field; the fields are {', '.join(rules.model.slots())}")
    message = quoted_in(change.quote, change.message, messages)
    if message is None:
        raise PersonaError("no message of the user has the words that were quoted for it")
    if not of_themselves(change.quote, message.text):
        raise PersonaError("the words that were quoted for it speak of somebody else")
    value, old = (_read(slot, each) for each in (change.value, change.instead_of))
    if change.action == "set" and value is None:
        raise PersonaError("no value was given")
    literal = value is not None and _stands_in(slot, value, change.quote)
    if value is not None and len(slot.text(value).split()) > MOST_WORDS:
        raise PersonaError(f"the value has more than {MOST_WORDS} words")
    lasting = change.lasting and (rules.must_be_stated(slot.path) or not is_passing(change.quote, message.text))
    times = {one.interaction.id: one.time for one in messages}
    return Backed(change, slot, value, old, message, lasting, literal, times)


def check_stated(each: Backed, rules: FieldRules) -> None:
    """Refuse a value that the user would have to state and did not.

    Raises:
        PersonaError: It does not stand in the words quoted.
    """
    if rules.must_be_stated(each.slot.path) and not each.literal:
        raise PersonaError("its value may only be what the user states, and it does not stand in the words quoted")


def _stands_in(slot: Slot, value: Any, quote: str) -> bool:
    """Whether a value stands in a quotation; of a yes or no, what it is about."""
    if not isinstance(value, bool):
        return stands_in(slot.text(value), quote)
    about = {word for word in words(f"{slot.title} {slot.keys[-1].replace('_', ' ')}") if len(word) > 3}
    return any(stands_in(word, quote) for word in about)


def said_last(statement: Statement, times: Mapping[str, float]) -> float:
    """When a statement was last said to hold, as far as that is known."""
    said = [times[one] for one in statement.evidence if one in times]
    return max([*said, *([statement.valid_from] if statement.valid_from is not None else [])], default=-math.inf)


def _read(slot: Slot, value: Any) -> Any:
    """A value as its field has it; None for nothing.

    Raises:
        PersonaError: It is of another type.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool | int | float):
        return slot.read({True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value:g}")
    if not isinstance(value, str):
        raise PersonaError(f"the field takes {'one item' if slot.many else 'a value'}, not {type(value).__name__}")
    return slot.read(" ".join(value.split()).strip(" .\"'"))
