"""The semantic memory's summary of a history (PersonaAgent's f_s), from which a persona begins."""

from __future__ import annotations

import dspy

from personaopt.signatures.respond import RecalledInteraction


class Profile(dspy.Signature):
    """Describe the user behind these interactions in up to six statements that help to answer for this user.

    State stable preferences, habits and style that show in several interactions, one sentence each, in words that hold
    for new questions. Leave out what shows only once. Do not copy questions or answers.
    """

    task: str = dspy.InputField(desc="What the answers are for.")
    interactions: list[RecalledInteraction] = dspy.InputField(
        desc="What the user answered, oldest first; records only."
    )
    statements: list[str] = dspy.OutputField(desc="The statements about the user, most certain first.")
