"""Earlier turns of a conversation in a prompt: a field that is there only where a turn has any before it.

Its type is `dspy.History`, which DSPy's own adapters write as messages of user and assistant; `LocalAdapter` writes the
turns as worked cases. A task may have such a field of its own, which is then filled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import dspy

from personaopt.attachments import described, restored
from personaopt.interaction import Interaction
from personaopt.persona import estimate_tokens
from personaopt.signals import in_own_words
from personaopt.signatures.excerpt import excerpt
from personaopt.signatures.extended import extended

TURNS = "earlier_turns"
MOST_TOKENS = 2000
"""Tokens that all earlier turns in a prompt have together."""
LONGEST_TEXT = 400
"""Tokens of one text of an earlier turn that are shown."""
SHOWN = "earlier_turns"
"""Where a record says which turns stood in its prompt."""
INTERRUPTED, PARTIAL = "interrupted", "partial"
"""Where a record says that its answer was broken off, and what was heard of it until then."""


class Turns(dspy.History):
    """Earlier turns, oldest first, each with the task's inputs and outputs by name.

    Attributes:
        ids: The interactions they are.
    """

    ids: tuple[str, ...] = ()


def turns_field(signature: type[dspy.Signature]) -> str | None:
    """The name of the input that holds earlier turns; None where there is none."""
    return next((name for name, field in signature.input_fields.items() if field.annotation == dspy.History), None)


def with_turns(given: Mapping[str, Any], signature: type[dspy.Signature]) -> dict[str, Any]:
    """What a predictor is called with, its signature extended where earlier turns are among the inputs.

    Args:
        given: Inputs by name, and the signature under `signature` where it is not the predictor's own.
        signature: The predictor's own.
    """
    inputs = {name: restored(value) for name, value in given.items()}
    asked = inputs.get("signature", signature)
    if TURNS in inputs and TURNS not in asked.input_fields:
        asked = inputs["signature"] = extended(asked, TURNS, _with_field)
    name = turns_field(asked)
    if name is not None and isinstance(inputs.get(name), list):  # as a record has them
        inputs[name] = Turns(messages=[{key: restored(value) for key, value in said.items()} for said in inputs[name]])
    return inputs


def _with_field(signature: type[dspy.Signature]) -> type[dspy.Signature]:
    field = dspy.InputField(desc="What was said before in this conversation.")
    return signature.prepend(TURNS, field, dspy.History)


def turns_of(
    items: Iterable[Interaction], task: type[dspy.Signature], *, tokens: int = MOST_TOKENS, before: float = math.inf
) -> Turns:
    """The latest of some interactions as earlier turns, as many as fit; the last one always does.

    An answer that the user put into other words is shown in the user's words.

    Args:
        items: Interactions of the task, oldest first.
        task: The task.
        tokens: How many tokens all turns may have together, by `estimate_tokens`.
        before: What the user said later than this time, in seconds, is not known.
    """
    shown: list[tuple[str, dict[str, Any]]] = []
    left = tokens
    for item in reversed(list(items)):
        message = _message(item, task, before)
        left -= sum(estimate_tokens(str(described(value))) for value in message.values())
        if shown and left < 0:
            break
        shown.insert(0, (item.id, message))
    return Turns(messages=[message for _, message in shown], ids=tuple(identifier for identifier, _ in shown))


def _message(item: Interaction, task: type[dspy.Signature], before: float) -> dict[str, Any]:
    heard = item.metadata.get(PARTIAL, {}) if item.metadata.get(INTERRUPTED) else {}
    own_words = item.ground_truth if in_own_words(item, before) else {}
    outputs = {
        name: own_words.get(name, item.response.get(name, f"{heard.get(name, '')} [interrupted]".strip()))
        for name in task.output_fields
    }
    inputs = {name: restored(item.inputs[name]) for name in task.input_fields if name in item.inputs}
    message = {**inputs, **outputs}
    return {name: excerpt(value, LONGEST_TEXT) if isinstance(value, str) else value for name, value in message.items()}
