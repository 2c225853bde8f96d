"""What a reading of sessions passed over: the user's words that it should have made something of.

Who corrects a reply, or says what no reply was asked for, mostly says something of themselves. A sentence of such a
message on which nothing rests is asked about once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from personaopt.fields import PersonaFields
from personaopt.interaction import Interaction
from personaopt.memory.quoting import plain
from personaopt.optimizers.backing import sentences, stands_in
from personaopt.optimizers.field_rules import values_in
from personaopt.optimizers.sessions import Message, is_unasked, session_of
from personaopt.persona import Persona
from personaopt.signals import in_own_words, stance_of
from personaopt.signatures.change_fields import FieldChange

MOST_ASKED = 24
"""Sentences that are asked about once more, the latest."""


def passed_over(
    messages: Sequence[Message], found: Sequence[FieldChange], persona: Persona, model: type[PersonaFields]
) -> list[tuple[Message, str]]:
    """Sentences in which the user told something, and on which neither a change nor a value of the persona rests.

    Args:
        messages: What was read, oldest first.
        found: The changes that were found.
        persona: The persona with them.
        model: The fields there are.
    """
    quotes = [quote for change in found if (quote := plain(change.quote))]
    values = list(values_in(persona, model))
    left = []
    for message in told(messages):
        held = [value for value, statement in values if message.interaction.id in statement.evidence]
        for sentence in sentences(message.text):
            said = plain(sentence)
            quoted = any(quote in said or said in quote for quote in quotes)
            if not quoted and not sentence.endswith("?") and not any(stands_in(value, sentence) for value in held):
                left.append((message, sentence))
    return left[-MOST_ASKED:]


def told(messages: Sequence[Message]) -> list[Message]:
    """The messages that correct the reply before them in their session, or ask for no reply."""
    corrects = {
        after.interaction.id
        for before, after in pairwise(messages)
        if session_of(before.interaction) == session_of(after.interaction) and not_wanted(before.interaction)
    }
    return [each for each in messages if each.interaction.id in corrects or is_unasked(each.interaction)]


def not_wanted(turn: Interaction) -> bool:
    """Whether the user corrected a turn's reply, or turned it down."""
    return bool(turn.response) and (in_own_words(turn) or stance_of(turn) == "rejected")
