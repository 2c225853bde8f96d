"""Proposed changes of fields as edits: each checked by rule, made in the order in which the user spoke.

What a rule refuses is left out and said, without the user's words, in the record of the alignment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from personaopt.errors import PersonaError
from personaopt.fields import PersonaFields, Slot
from personaopt.fields.changes import MOOD
from personaopt.fields.reasons import Reason
from personaopt.optimizers import field_moods as moods
from personaopt.optimizers.backing import is_denied
from personaopt.optimizers.field_limits import fitted, without_moods
from personaopt.optimizers.field_proofs import Backed, backed_change, check_stated, said_last
from personaopt.optimizers.field_rules import (
    MOST_CHANGES,
    MOST_READ,
    FieldEdits,
    FieldRules,
    key,
    key_of,
)
from personaopt.optimizers.sessions import Message
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.change_fields import FieldChange

OVER, LONG_AGO = "What was passing is over.", "Longer ago than what is kept."


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
    backed: list[Backed] = []
    for change in changes[:MOST_READ]:
        try:
            backed.append(backed_change(change, messages, rules))
        except PersonaError as error:
            left_out.append(f"{_named(change, rules)} was left as it is: {str(error).rstrip('.')}")
    if len(changes) > MOST_READ:
        left_out.append(f"{len(changes) - MOST_READ} changes beyond the {MOST_READ}th were not looked at")
    new, made = persona, 0
    for each in sorted(backed, key=lambda one: (one.message.time, one.message.number)):
        try:
            if made == MOST_CHANGES:
                raise PersonaError(f"one update makes {MOST_CHANGES} changes at most")
            # What passes the limit on the way is brought below it at the end.
            roomy = dataclasses.replace(new, token_limit=10**9)
            new = roomy.apply(_edits(each, roomy, rules))
            made += 1
        except PersonaError as error:
            left_out.append(f"{each.slot.path} was left as it is: {str(error).rstrip('.')}")
    newest = max((message.time for message in messages), default=0.0)
    changed = {each.slot.path for each in backed}
    new, dropped = fitted(without_moods(new, newest), persona.token_limit, rules, changed)
    if dropped:
        left_out.append(f"{dropped} of the oldest values made room within the persona's token limit")
    return FieldEdits(_reasoned(persona, new, backed), left_out)


def _edits(each: Backed, persona: Persona, rules: FieldRules) -> Sequence[Edit]:
    """The edits of one change.

    Raises:
        PersonaError: It would change nothing that may be changed.
    """
    slot, time, action = each.slot, each.message.time, each.change.action
    here = [one for one in persona.statements if one.field == slot.path]
    known = [one for one in here if not one.id.startswith(MOOD)]
    if not slot.many and any(said_last(one, each.times) > time for one in known):
        raise PersonaError("something newer is known")
    if action == "set" and (mood := moods.edits_of(each, here, rules, _reason(each))):
        return mood
    holding = [one for one in known if one.valid_to is None]
    if action == "take_back" and any(each.message.interaction.id in one.evidence for one in holding):
        raise PersonaError("it was taken back already")
    over = moods.ended_by(each, here) if action == "set" else []
    persona = persona.apply(over)
    fields = rules.model.of(persona)
    held = fields.values().get(slot.path)
    items = (list(held) if slot.many else [held]) if held is not None else []
    each = _as_meant(each, items)
    if action == "take_back" and (cleared := _cleared(each, items, known)):
        return cleared
    wanted = _wanted(each, items, known, rules)
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
    return [*over, *edits]


def _wanted(each: Backed, items: Sequence[Any], known: Sequence[Statement], rules: FieldRules) -> Any:
    """What the field is to hold after the change, of what it holds and held.

    Raises:
        PersonaError: It holds that already, never held what is to end, or must not be changed.
    """
    slot, action = each.slot, each.change.action
    texts = {key(slot, one): one for one in items}
    named = each.old if each.old is not None else each.value if action != "set" else None
    leaving = key(slot, named) if named is not None else ""
    if action == "set" and key(slot, each.value) in texts and (not slot.many or leaving not in texts):
        raise PersonaError("it says so already")
    left = {text: one for text, one in texts.items() if slot.many and text != leaving}
    if action != "set" and not slot.many and leaving and leaving not in texts:
        raise PersonaError("it does not hold what is to end")
    if action != "set" and slot.many and (not leaving or len(left) == len(texts)):
        raise PersonaError("it does not hold what is to end")
    if action == "set" or (action == "take_back" and each.old is not None and each.value is not None):
        check_stated(each, rules)
        if _older(slot, each.value, known, each.message.time):
            raise PersonaError("something newer is known")
        left[key(slot, each.value)] = each.value
    return list(left.values()) if slot.many else next(iter(left.values()), None)


def _as_meant(each: Backed, items: Sequence[Any]) -> Backed:
    """What is taken back and what is right in its place, where one value alone was given for a field that has one.

    Raises:
        PersonaError: What would be right is known.
    """
    if each.change.action != "take_back" or each.old is not None or each.value is None or each.slot.many or not items:
        return each
    if is_denied(each.slot.text(each.value), each.change.quote):
        return each
    if key(each.slot, each.value) == key(each.slot, items[0]):
        raise PersonaError("it says so already")
    return dataclasses.replace(each, old=items[0])


def _brought(fields: PersonaFields, slot: Slot, wanted: Any) -> PersonaFields:
    """The fields with one of them changed."""
    plain_value = slot.adapter.dump_python
    value = [plain_value(one, mode="json") for one in wanted] if slot.many else wanted
    if value is not None and not slot.many:
        value = plain_value(value, mode="json")
    nested: Any = value
    for part in reversed(slot.keys):
        nested = {part: nested}
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
    if wanted is not None and key(slot, value) != key(slot, wanted):
        return []
    again = dataclasses.replace(last, text=slot.line(value), valid_to=None, evidence=(*last.evidence, by))
    extra = [edit for edit in edits if edit.statement is not None and edit.statement.valid_to is None]
    undone = [Edit("remove", target=edit.statement.id, reason=edit.reason) for edit in extra if edit.statement]
    return [*undone, Edit("replace", again, last.id, "What came after it was taken back.")]


def _cleared(each: Backed, items: Sequence[Any], known: Sequence[Statement]) -> list[Edit]:
    """What is taken back after it gave way goes all the same, and what it came between held all along."""
    slot = each.slot
    named, now = each.old if each.old is not None else each.value, {key(slot, one) for one in items}
    if slot.many or named is None or key(slot, named) in now or (each.old is not None and not _says(each, now)):
        return []
    wrong = [one for one in known if one.valid_to is not None and key_of(slot, one) == key(slot, named)]
    edits = [Edit("remove", target=one.id, reason=_reason(each)) for one in wrong if not one.pinned]
    begun = {one.valid_from for one in wrong}
    for one in known:
        if one.valid_to is not None and one.valid_to in begun and key_of(slot, one) in now and not one.pinned:
            stays = next(other for other in known if other.valid_to is None)
            evidence = (*one.evidence, *stays.evidence)
            whole = dataclasses.replace(stays, valid_from=one.valid_from, evidence=evidence)
            edits += [Edit("remove", target=one.id), Edit("replace", whole, stays.id, "It held all along.")]
            break
    return edits


def _says(each: Backed, now: Collection[str]) -> bool:
    """Whether what is said to be right is what holds; also where nothing is said to be."""
    return each.value is None or key(each.slot, each.value) in now


def _older(slot: Slot, value: Any, known: Sequence[Statement], time: float) -> bool:
    """Whether a value came to an end after it was said."""
    ended = [one for one in known if one.valid_to is not None and key_of(slot, one) == key(slot, value)]
    return any((one.valid_to or 0.0) > time for one in ended)


def _reasoned(persona: Persona, new: Persona, backed: Sequence[Backed]) -> Iterator[Edit]:
    """The edits that lead to the new persona, each with what made it: the last change of its field that could."""
    known = {statement.id: statement for statement in (*new.statements, *persona.statements)}
    spoken = sorted(backed, key=lambda one: (one.message.time, one.message.number))
    for edit in persona.diff(new):
        statement = edit.statement or known[str(edit.target)]
        mine = [each for each in spoken if each.slot.path == statement.field]
        back = [each for each in mine if each.change.action == "take_back"]
        if edit.statement is not None:
            found = [each for each in mine if each.message.interaction.id in statement.evidence] or mine
        elif statement.valid_to is None:
            found = back or mine
        elif statement.id.startswith(MOOD):
            found = [each for each in mine if each.message.time < statement.valid_to]
        else:
            found = [each for each in back if key_of(each.slot, statement) in _wrong(each)]
        if statement.valid_to is not None and edit.statement is None and not found:
            yield dataclasses.replace(edit, reason=OVER if statement.id.startswith(MOOD) else LONG_AGO)
        else:
            yield dataclasses.replace(edit, reason=_reason(found[-1])) if found else edit


def _wrong(each: Backed) -> list[str]:
    """What may be meant by what is taken back."""
    return [key(each.slot, value) for value in (each.old, each.value) if value is not None]


def _reason(each: Backed) -> str:
    return str(Reason(each.change.action, each.message.interaction.id))


def _named(change: FieldChange, rules: FieldRules) -> str:
    return change.field if change.field in rules.model.slots() else "An unknown field"
