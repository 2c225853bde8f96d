"""Proposed changes of fields as edits: each checked by rule, made in the order in which the user spoke.

What a rule refuses is left out and said, without the user's words, in the record of the alignment.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from personaopt.errors import PersonaError
from personaopt.fields import PersonaFields, Slot
from personaopt.memory.quoting import plain
from personaopt.optimizers.backing import is_passing, of_themselves, quoted_in, stands_in
from personaopt.optimizers.sessions import Message
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.change_fields import FieldChange

DAY = 86_400.0
MOOD = "mood:"
"""How the ids of statements begin that hold for a few days only."""
_ARTICLE = re.compile(r"^(?:a|an) (?=\w)")
MOST_CHANGES = 12
"""Of one update; a user who introduces themselves says that much."""
MOST_WORDS = 12
"""Of a value: a field is no place for whole messages."""


@dataclasses.dataclass(frozen=True)
class FieldRules:
    """What a change has to keep to.

    Attributes:
        model: The fields there are.
        stated: Groups, or paths, whose values must stand in the user's own words.
        mood_days: How long what is passing is kept, beside what lasts; 0 leaves it out.
        past: How many values that no longer hold stay in the persona, of each field.
        most_items: How many items a list keeps; the ones that were said longest ago go.
    """

    model: type[PersonaFields] = PersonaFields
    stated: tuple[str, ...] = ("demographics",)
    mood_days: float = 7.0
    past: int = 1
    most_items: int = 8

    def must_be_stated(self, path: str) -> bool:
        """Whether a field's value must stand in the user's own words."""
        return any(path == each or path.startswith(f"{each}.") for each in self.stated)


class FieldEdits(tuple[Edit, ...]):
    """Edits, and what was left out of them.

    Attributes:
        left_out: Why changes were refused, in one sentence each.
    """

    left_out: tuple[str, ...]

    def __new__(cls, edits: Iterable[Edit] = (), left_out: Iterable[str] = ()) -> FieldEdits:
        """Edits with reasons for what is not among them."""
        made = super().__new__(cls, edits)
        made.left_out = tuple(left_out)
        return made


@dataclasses.dataclass(frozen=True)
class _Backed:
    """A change that may be made."""

    change: FieldChange
    slot: Slot
    value: Any
    old: Any
    message: Message
    lasting: bool
    literal: bool
    times: Mapping[str, float]


def edits_of_changes(
    changes: Sequence[FieldChange], persona: Persona, messages: Sequence[Message], rules: FieldRules
) -> FieldEdits:
    """The edits that make the changes which keep to the rules.

    Args:
        changes: What was proposed.
        persona: The persona as it is.
        messages: The user's, oldest first.
        rules: What they have to keep to.
    """
    left_out: list[str] = []
    backed: list[_Backed] = []
    for change in changes[:MOST_CHANGES]:
        try:
            backed.append(_backed(change, messages, rules))
        except PersonaError as error:
            left_out.append(f"{_named(change, rules)} was left as it is: {str(error).rstrip('.')}")
    if len(changes) > MOST_CHANGES:
        left_out.append(f"{len(changes) - MOST_CHANGES} changes beyond the {MOST_CHANGES}th were left out")
    new = persona
    for each in sorted(backed, key=lambda one: (one.message.time, one.message.number)):
        try:
            # What passes the limit on the way is brought below it at the end.
            roomy = dataclasses.replace(new, token_limit=10**9)
            new = roomy.apply(_edits(each, roomy, rules))
        except PersonaError as error:
            left_out.append(f"{each.slot.path} was left as it is: {str(error).rstrip('.')}")
    newest = max((message.time for message in messages), default=0.0)
    changed = {each.slot.path for each in backed}
    new, dropped = fitted(_without_moods(new, newest), persona.token_limit, rules, changed)
    if dropped:
        left_out.append(f"{dropped} of the oldest values made room within the persona's token limit")
    return FieldEdits(_reasoned(persona.diff(new), backed), left_out)


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


def _backed(change: FieldChange, messages: Sequence[Message], rules: FieldRules) -> _Backed:
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
    literal = value is not None and stands_in(slot.text(value), change.quote)
    if value is not None and not literal and rules.must_be_stated(slot.path):
        raise PersonaError("its value may only be what the user states, and it does not stand in the words quoted")
    if value is not None and len(slot.text(value).split()) > MOST_WORDS:
        raise PersonaError(f"the value has more than {MOST_WORDS} words")
    lasting = change.lasting and (rules.must_be_stated(slot.path) or not is_passing(change.quote, message.text))
    times = {one.interaction.id: one.time for one in messages}
    return _Backed(change, slot, value, old, message, lasting, literal, times)


def _said_last(statement: Statement, times: Mapping[str, float]) -> float:
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
    return slot.read(_ARTICLE.sub("", " ".join(value.split()).strip(" .\"'")))


def _edits(each: _Backed, persona: Persona, rules: FieldRules) -> Sequence[Edit]:
    """The edits of one change.

    Raises:
        PersonaError: It would change nothing that may be changed.
    """
    slot, time, action = each.slot, each.message.time, each.change.action
    here = [one for one in persona.statements if one.field == slot.path]
    known = [one for one in here if not one.id.startswith(MOOD)]
    if not slot.many and any(_said_last(one, each.times) > time for one in known):
        raise PersonaError("something newer is known")
    if action == "set" and not each.lasting:
        return _mood(each, here, rules)
    fields = rules.model.of(persona)
    held = fields.values().get(slot.path)
    items = (list(held) if slot.many else [held]) if held is not None else []
    texts = {_key(slot, one): one for one in items}
    named = each.old if each.old is not None else each.value if action != "set" else None
    if action == "take_back" and named is not None and not slot.many and _key(slot, named) not in texts and items:
        named = items[0]  # what was given is what is right in its place
        each = dataclasses.replace(each, old=named)
    leaving = _key(slot, named) if named is not None else ""
    if action == "set" and _key(slot, each.value) in texts and (not slot.many or leaving not in texts):
        raise PersonaError("it says so already")
    left = {key: one for key, one in texts.items() if slot.many and key != leaving}
    if action != "set" and not slot.many and leaving and leaving not in texts:
        raise PersonaError("it does not hold what is to end")
    if action != "set" and slot.many and (not leaving or len(left) == len(texts)):
        raise PersonaError("it does not hold what is to end")
    if action == "set" or (action == "take_back" and each.old is not None and each.value is not None):
        if _older(slot, each.value, known, time):
            raise PersonaError("something newer is known")
        left[_key(slot, each.value)] = each.value
    wanted: Any = list(left.values()) if slot.many else next(iter(left.values()), None)
    edits = list(_brought(fields, slot, wanted).edits(
        persona,
        source="stated" if each.literal else "learnt",
        evidence=[each.message.interaction.id],
        confidence=1.0 if each.literal else 0.7,
        time=time,
        never_held=[slot.path] if action == "take_back" else [],
        past=rules.past,
        reason=_reason(each),
    ))  # fmt: skip
    if action == "take_back":
        edits += _restored(slot, known, edits, wanted, each.message.interaction.id)
    if not edits:
        raise PersonaError("it is the user's own word, which is pinned" if known else "there is nothing to end")
    return edits


def _brought(fields: PersonaFields, slot: Slot, wanted: Any) -> PersonaFields:
    """The fields with one of them changed."""
    plain_value = slot.adapter.dump_python
    value = [plain_value(one, mode="json") for one in wanted] if slot.many else wanted
    if value is not None and not slot.many:
        value = plain_value(value, mode="json")
    nested: Any = value
    for key in reversed(slot.keys):
        nested = {key: nested}
    return fields.updated(nested)


def _restored(slot: Slot, known: Sequence[Statement], edits: Sequence[Edit], wanted: Any, by: str) -> list[Edit]:
    """What held before a statement that was taken back, if nothing else was said to hold: it held all along."""
    gone = {edit.target for edit in edits if edit.target}
    begun = [one.valid_from for one in known if one.id in gone and one.valid_from is not None]
    past = [one for one in known if one.valid_to is not None and one.valid_to in begun and one.id not in gone]
    if slot.many or not past:
        return []
    last = max(past, key=lambda one: one.valid_to or 0.0)
    value = slot.read(last.text, ended=True)
    if wanted is not None and _key(slot, value) != _key(slot, wanted):
        return []
    again = dataclasses.replace(last, text=slot.line(value), valid_to=None, evidence=(*last.evidence, by))
    extra = [edit for edit in edits if edit.statement is not None and edit.statement.valid_to is None]
    undone = [Edit("remove", target=edit.statement.id, reason=edit.reason) for edit in extra if edit.statement]
    return [*undone, Edit("replace", again, last.id, "What came after it was taken back.")]


def _mood(each: _Backed, known: Sequence[Statement], rules: FieldRules) -> list[Edit]:
    """A passing value beside the lasting one, with the day on which it is over."""
    if not rules.mood_days:
        raise PersonaError("it is passing, and nothing of that is kept")
    begun, ends = each.message.time, each.message.time + rules.mood_days * DAY
    line = each.slot.line(each.value, ends)
    now = [one for one in known if _key_of(each.slot, one) == _key(each.slot, each.value)]
    if any(one.valid_to is None or one.valid_to >= ends for one in now):
        raise PersonaError("it says so already")
    mood = Statement(
        line,
        evidence=(each.message.interaction.id,),
        source="stated" if each.literal else "learnt",
        field=each.slot.path,
        id=f"{MOOD}{each.slot.path}",
        valid_from=begun,
        valid_to=ends,
    )
    earlier = [Edit("remove", target=one.id) for one in known if one.id == mood.id]
    return [*earlier, Edit("add", mood, reason=_reason(each))]


def _without_moods(persona: Persona, now: float) -> Persona:
    """A persona without what was passing and is over."""
    over = [one for one in persona.statements if one.id.startswith(MOOD) and (one.valid_to or 0.0) <= now]
    return persona.apply([Edit("remove", target=one.id) for one in over])


def _older(slot: Slot, value: Any, known: Sequence[Statement], time: float) -> bool:
    """Whether a value came to an end after it was said."""
    ended = [one for one in known if one.valid_to is not None and _key_of(slot, one) == _key(slot, value)]
    return any((one.valid_to or 0.0) > time for one in ended)


def _reasoned(edits: Iterable[Edit], backed: Sequence[_Backed]) -> list[Edit]:
    """Edits with what made them, by their field."""
    reasons: Mapping[str, str] = {each.slot.path: _reason(each) for each in backed}
    return [
        edit
        if edit.reason or edit.statement is None
        else dataclasses.replace(edit, reason=reasons.get(edit.statement.field or "", ""))
        for edit in edits
    ]


def _reason(each: _Backed) -> str:
    said = {"set": "says so", "end": "says that it no longer holds", "take_back": "took it back"}[each.change.action]
    return f"The user {said} in message {each.message.interaction.id}."


def _named(change: FieldChange, rules: FieldRules) -> str:
    return change.field if change.field in rules.model.slots() else "An unknown field"


def _key(slot: Slot, value: Any) -> str:
    return plain(slot.text(value))


def _key_of(slot: Slot, statement: Statement) -> str:
    try:
        return _key(slot, slot.read(statement.text, ended=statement.valid_to is not None))
    except PersonaError:
        return ""


def _begun(statement: Statement) -> tuple[bool, float]:
    return statement.source == "written", statement.valid_from or 0.0


def known_values(persona: Persona, rules: FieldRules) -> dict[str, Any]:
    """What an editor is shown of a persona: each known value by its path, as JSON values."""
    fields = rules.model.of(persona)
    slots = rules.model.slots()
    return {
        path: [slots[path].text(one) for one in value] if slots[path].many else slots[path].text(value)
        for path, value in fields.values().items()
    }
