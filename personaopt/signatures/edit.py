"""The update of the persona from all feedback (PersonaAgent's LLM_update), as edits instead of a rewrite."""

from __future__ import annotations

from typing import Literal

import dspy
import pydantic


class ProposedEdit(pydantic.BaseModel):
    """One change to one numbered statement."""

    action: Literal["add", "replace", "remove"]
    statement: int | None = pydantic.Field(None, description="number of the statement to replace or remove")
    text: str = pydantic.Field("", description="the new statement: one sentence about the user; empty when removing")
    feedback: list[int] = pydantic.Field(default_factory=list, description="numbers of the feedback it follows from")


class EditPersona(dspy.Signature):
    """Improve the persona of one user by a few edits, using the feedback.

    You maintain the description of one user by which an assistant answers for that user. Make the smallest set of edits
    that takes up what several pieces of feedback agree on: the user's preferences, habits and style, in words that hold
    beyond the questions they were seen in. Keep statements that the feedback does not contradict. Do not copy questions
    or answers. Do not propose again what was refused for the reason given.
    """

    persona: list[str] = dspy.InputField(desc="The numbered statements of the persona as it is.")
    feedback: list[str] = dspy.InputField(desc="Numbered feedback on answers that were given under this persona.")
    refused: list[str] = dspy.InputField(desc="Edits that were tried before, and why they were refused.")
    token_limit: int = dspy.InputField(desc="The whole persona must stay below this many tokens.")
    edits: list[ProposedEdit] = dspy.OutputField(desc="The edits, most important first; at most five.")


FocusedEdit = EditPersona.append(
    "focus", dspy.InputField(desc="What this set of edits is to be about; others take up the rest."), str
)
"""`EditPersona` for one candidate of several."""

_ACTING = (
    " The assistant can look things up before it answers. A statement may say where to look first for questions about "
    "a topic, and which words to search for, in this form: "
    'When asked about TOPIC, look in TOOL first and search for "WORDS".'
    " Name only tools that there are. What a tool returned says nothing about the user: never put it into a statement."
)


def for_acting(signature: type[dspy.Signature]) -> type[dspy.Signature]:
    """An editor's signature for an assistant that has tools: statements may say which one to use first, and how.

    Args:
        signature: `EditPersona` or `FocusedEdit`.
    """
    place = list(signature.input_fields).index("refused")
    field = dspy.InputField(desc="The tools that the assistant has.")
    return signature.insert(place, "tools", field, list[str]).with_instructions(signature.instructions + _ACTING)


FOCUSES = (
    "What several pieces of feedback agree on; leave single complaints aside.",
    "The worst answer alone: what the feedback numbered {worst} asks for.",
    "What the persona states wrongly, or twice: correct it, shorten it or remove it. Add nothing.",
)
"""What candidates differ in, in this order."""
