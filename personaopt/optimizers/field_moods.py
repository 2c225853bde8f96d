"""Moods of a dictionary persona, and wishes for one occasion: what holds for a few days, beside what lasts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from personaopt.errors import PersonaError
from personaopt.fields.changes import MOOD
from personaopt.optimizers.backing import is_passing
from personaopt.optimizers.field_proofs import Backed, check_stated, said_last
from personaopt.optimizers.field_rules import DAY, FieldRules, key, key_of
from personaopt.persona import Edit, Statement

ANOTHER_DAY = DAY / 2
"""Seconds after which what is said again is said on another occasion."""

_AGAIN = re.compile(r"\b(?:again|back|returned|as before|as it was)\b", re.IGNORECASE)


def edits_of(each: Backed, here: Sequence[Statement], rules: FieldRules, reason: str) -> list[Edit]:
    """What a passing value changes, or what ends a passing one; nothing where it is a lasting change.

    Args:
        each: A value that is set.
        here: All statements of its field.
        rules: What it has to keep to.
        reason: Why, for the record.

    Raises:
        PersonaError: It says nothing new, or nothing that may be kept.
    """
    if over := _over(each, here, rules, reason):
        return over
    if each.lasting:
        if any(each.message.interaction.id in one.evidence for one in _same(each, _moods(here))):
            raise PersonaError("it was read already, as what passes")
        return []
    check_stated(each, rules)
    return [] if _lasts(each, here) or _returns(each, here) else _begun(each, here, rules, reason)


def ended_by(each: Backed, here: Sequence[Statement]) -> list[Edit]:
    """The moods of a field that a lasting value ends: of a list none, there a mood is one item more."""
    if each.slot.many:
        return []
    return [Edit("remove", target=one.id) for one in _moods(here) if not one.pinned and _is_before(one, each)]


def _begun(each: Backed, here: Sequence[Statement], rules: FieldRules, reason: str) -> list[Edit]:
    """A passing value beside the lasting one, with the day on which it is over."""
    if not rules.mood_days:
        raise PersonaError("it is passing, and nothing of that is kept")
    earlier = _moods(here)
    if not all(_is_before(one, each) for one in earlier):
        raise PersonaError("something newer is known")
    again = _same(each, earlier)
    begun, ends = each.message.time, each.message.time + rules.mood_days * DAY
    if any(one.valid_to is None or one.valid_to >= ends for one in _same(each, here)):
        raise PersonaError("it says so already")
    # Who reads it need not know today's date to tell it from what is over.
    line = each.slot.line(each.value, ends).removesuffix(")") + ", for now)"
    mood = Statement(
        line,
        evidence=(*(one for mood in again for one in mood.evidence), each.message.interaction.id),
        source="stated" if each.literal else "learnt",
        field=each.slot.path,
        id=f"{MOOD}{each.slot.path}",
        valid_from=min([begun, *(one.valid_from for one in again if one.valid_from is not None)]),
        valid_to=ends,
    )
    return [*(Edit("remove", target=one.id) for one in earlier), Edit("add", mood, reason=reason)]


def _over(each: Backed, here: Sequence[Statement], rules: FieldRules, reason: str) -> list[Edit]:
    """The end of a mood, where the user says that it is as it lastingly was; nothing where that is not what is said.

    What lasts gets the words as evidence, so that older ones which are read again do not bring the mood back.
    """
    over = [one for one in _moods(here) if _is_before(one, each) and not one.pinned]
    lasting = [one for one in _same(each, here) if one.valid_to is None]
    if each.slot.many or not over or not lasting or _same(each, over):
        return []
    check_stated(each, rules)
    gone = [Edit("remove", target=one.id, reason=reason) for one in over]
    again = [
        Edit("replace", dataclasses.replace(one, evidence=(*one.evidence, each.message.interaction.id)), one.id, reason)
        for one in lasting[:1]
        if not one.pinned
    ]
    return [*gone, *again]


def _lasts(each: Backed, here: Sequence[Statement]) -> bool:
    """Whether it is no mood any more: still so on another day, where nothing else is known of the field."""
    if each.slot.many or any(one.valid_to is None for one in here):
        return False
    begun = [one.valid_from for one in _same(each, _moods(here)) if one.valid_from is not None]
    return any(each.message.time - one > ANOTHER_DAY for one in begun)


def _returns(each: Backed, here: Sequence[Statement]) -> bool:
    """Whether it is so again, as it lastingly was before: who returns to something need not say for how long."""
    ended = [one for one in _same(each, here) if one.valid_to is not None and not one.id.startswith(MOOD)]
    said = each.change.quote
    return bool(ended) and bool(_AGAIN.search(said)) and not is_passing(said, each.message.text)


def _moods(here: Sequence[Statement]) -> list[Statement]:
    return [one for one in here if one.id.startswith(MOOD)]


def _same(each: Backed, here: Sequence[Statement]) -> list[Statement]:
    """Those that say the same value."""
    return [one for one in here if key_of(each.slot, one) == key(each.slot, each.value)]


def _is_before(one: Statement, each: Backed) -> bool:
    return said_last(one, each.times) <= each.message.time
