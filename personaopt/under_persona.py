"""The persona that an agent carries in its predictor's instructions, and its version in the store."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import dspy

from personaopt.errors import PersonaError
from personaopt.lm.predictor import PersonaPredict
from personaopt.persona import Persona, Statement
from personaopt.signatures.persona_block import read_persona, write_persona

if TYPE_CHECKING:
    from personaopt.memory import PersonaVersion, User


class UnderPersona(dspy.Module):
    """The part of a `PersonaAgent` that is about whose persona it answers under.

    Attributes:
        user: Whose agent it is.
        task: The task's signature.
        predict: The predictor, whose instructions end with the persona.
    """

    user: User
    task: type[dspy.Signature]
    predict: PersonaPredict
    _made: tuple[int, float | None] | None = None  # the version last found usable, and when that one was made
    _composed: tuple[Any, str, Any] = (None, "", None)

    @property
    def persona(self) -> Persona:
        """The persona that stands in the predictor's instructions; what another optimizer wrote there is `written`.

        Lines of the persona's block that were changed are statements of their own. What differs from the task's text
        outside of it, or in the place of it, is one statement more.

        Raises:
            PersonaError: What was written passes the token limit.
        """
        text, foreign = self._instructions()
        persona = self.predict.known
        if text != persona.render():
            known = {statement.text: statement for statement in persona.statements}
            lines = Persona.from_text(text, token_limit=persona.token_limit).statements
            persona = dataclasses.replace(persona, statements=tuple(known.get(s.text, s) for s in lines))
        if foreign and foreign not in {statement.text for statement in persona.statements}:
            statements = (*persona.statements, Statement(foreign, source="written"))
            return dataclasses.replace(persona, statements=statements)
        return persona

    @persona.setter
    def persona(self, persona: Persona) -> None:
        self.predict.known = persona
        self.predict.signature = self._signature(persona)

    @property
    def usable_persona(self) -> Persona:
        """The persona; where another optimizer wrote more than one may hold, the one before that."""
        try:
            return self.persona
        except PersonaError:
            return self.predict.known

    @property
    def persona_version(self) -> int:
        """The version of the persona in the store; of one that is not stored, the version it would follow.

        Of a loaded state: the version it names if the store has this persona there, else the newest that says the
        same, else the current one.
        """
        if self.predict.loaded:
            says = {stored.version: stored.persona.render() for stored in self.user.personas()}
            same = [version for version, text in says.items() if text == self.predict.known.render()]
            if self.predict.version not in same:
                self.predict.version = max(same or says, default=0)
            self.predict.loaded = False
        return self.predict.version

    @persona_version.setter
    def persona_version(self, version: int) -> None:
        self.predict.version, self.predict.loaded = version, False
        self._made = None

    def save_persona(self, *, author: str, reason: str = "") -> PersonaVersion:
        """Store the agent's persona as a new version, which is returned; such as after GEPA or COPRO rewrote it.

        The instructions are then the task's own with the persona behind them, as the aligner writes them. Worked
        examples stay in the predictor. Nothing is stored where the persona is what the store has.

        Args:
            author: Who wrote it, such as the optimizer's name.
            reason: Why.

        Raises:
            VersionConflict: Another version was saved since; nothing is stored.
            PersonaError: The persona is empty and the user has none, or it passes the token limit.
        """
        persona, version = self.persona, self.persona_version
        stored = self.user.store.persona(self.user.id, version) if version else None
        if stored is None and not persona:
            raise PersonaError(f"There is no persona to save for user {self.user.id!r}: it is empty.")
        if stored is None or stored.persona != persona:
            before = stored.persona if stored else Persona()
            stored = self.user.save_persona(
                persona, parent=version, author=author, reason=reason, edits=before.diff(persona)
            )
        self.persona, self.persona_version = persona, stored.version
        return stored

    def refresh(self) -> Self:
        """Move to the user's current persona; returns this agent."""
        self.persona = self._move_to_current()
        return self

    def refuse_forgotten(self) -> None:
        """Refuse to work under a persona that quotes what the user wants forgotten.

        Raises:
            ForgottenError: The agent's version was redacted, or is gone with its user.
        """
        version = self.persona_version
        known = self._made[1] if self._made and self._made[0] == version else None
        self._made = (version, self.user.store.refuse_forgotten(self.user.id, version, known))

    def _move_to_current(self) -> Persona:
        """Hold the user's current version; version and persona are read at once, so that they belong together."""
        stored = self.user.store.persona(self.user.id)
        self.persona_version = stored.version if stored else 0
        self._made = (stored.version, stored.created) if stored else None
        return stored.persona if stored else Persona((), self.predict.known.token_limit)

    def _signature(self, persona: Persona) -> type[dspy.Signature]:
        # Composing one takes a millisecond, and all simulations under a candidate ask for the same.
        signature = self.predict.signature
        instructions = write_persona(self.task.instructions, persona.render())
        composed = self._composed  # read once: another thread may compose for another candidate
        if composed[:2] != (signature, instructions):
            composed = self._composed = (signature, instructions, signature.with_instructions(instructions))
        return composed[2]

    def _instructions(self) -> tuple[str, str]:
        """The persona's block in the predictor's instructions, and what else is not the task's own text."""
        rest, persona = read_persona(self.predict.signature.instructions)
        own = self.task.instructions
        if " ".join(rest.split()) == " ".join(own.split()):
            return persona, ""
        return persona, " ".join(rest.replace(own, " ").split())
