"""personaopt with one of its parts left out: alignment, persona, memory, action."""

from __future__ import annotations

from typing import Any

import dspy

from personaopt.errors import PersonaOptError
from personaopt.evals.lamp.methods.asking import MethodAgent
from personaopt.evals.lamp.methods.learning import learn
from personaopt.evals.lamp.methods.method import NOTHING_LEARNT, Preparation, Setting
from personaopt.evals.lamp.methods.personaopt import CALIBRATION, PersonaOpt, agent_of, aligner_of
from personaopt.evals.lamp.methods.writing import first_persona
from personaopt.lm.local import is_small_local
from personaopt.memory import User
from personaopt.memory.semantic import StatisticalSummary, summarise
from personaopt.optimizers.starts import EmptyStart, ProfileStart, SemanticStart
from personaopt.persona import Persona


class WithoutAlignment(PersonaOpt):
    """The persona as semantic memory gives it, never aligned; memories and actions as they are."""

    def prepare(self) -> Preparation:
        """One call for a summary of the history; none with the small local model, whose summary is counted."""
        notes: tuple[str, ...] = ()
        self.agent.persona = Persona()  # made anew from the history when learning online
        if is_small_local(self.agent.lm):
            try:
                summarise(self.user, StatisticalSummary())
            except PersonaOptError as error:
                notes = (f"semantic memory learnt nothing: {error}",)
            start: Any = SemanticStart()
        else:
            start = ProfileStart()
        self.agent.persona, more = first_persona(self.agent, start)
        text = self.agent.persona.render()
        return Preparation(personas=(text, text), notes=(*notes, *more))


class WithoutPersona(PersonaOpt):
    """An empty persona; memories and actions as they are."""

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__(user, setting)
        self.agent.persona = Persona()

    def prepare(self) -> Preparation:
        """Nothing to learn."""
        return NOTHING_LEARNT


class WithoutMemory(PersonaOpt):
    """Nothing of the user's memory is shown, searched or counted; the persona is aligned on the latest interactions."""

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__(user, setting)
        self.agent = agent_of(user, setting, remembers=False)

    def prepare(self) -> Preparation:
        """One alignment that begins with nothing and knows no interaction but those of its window."""

        def limited(**more: Any) -> Any:
            return aligner_of(self._setting, **more)

        aligner = limited()
        latest = self.user.latest(aligner.latest + aligner.held_out)
        self.agent, preparation = learn(
            self.agent, limited, start=EmptyStart(), trainset=latest, calibration=CALIBRATION
        )
        return preparation


class WithoutAction(PersonaOpt):
    """The persona as it is learnt, and nothing else: no tool is called and nothing retrieved when a question comes."""

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__(user, setting)
        self._alone = MethodAgent(user, setting, remembers=False)

    def prepare(self) -> Preparation:
        """As personaopt prepares; what answers is another agent under the same persona."""
        preparation = super().prepare()
        self._alone.persona = self.agent.persona
        self._alone.persona_version = self.agent.persona_version
        return preparation

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call."""
        return self._alone(**inputs)
