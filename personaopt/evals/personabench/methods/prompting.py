"""The methods that learn nothing: no persona, the golden one, and retrieval of earlier messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.evals.personabench.methods.method import NOTHING_LEARNT, Learnt, Setting, agent_of
from personaopt.evals.personabench.simulation.sessions import MESSAGE
from personaopt.interaction import Interaction, query_text
from personaopt.memory import User
from personaopt.memory.episodic import Recall
from personaopt.persona import Persona
from personaopt.signals import settled
from personaopt.signatures.standing import case_of


class NoPersona:
    """The LM sees the session alone (the paper's "no persona").

    Args:
        user: Who asks.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        self.user, self.setting = user, setting

    def agent(self, session: str, golden: Persona) -> PersonaAgent:
        """An agent without persona and memory."""
        return agent_of(self.user, self.setting, Persona())

    def learn(self) -> Learnt:
        """Nothing."""
        return NOTHING_LEARNT

    def persona(self) -> Persona | None:
        """None."""
        return None


class Golden(NoPersona):
    """The true persona of the session's time (the paper's "golden persona"): what could be reached by learning."""

    _persona: Persona | None = None

    def agent(self, session: str, golden: Persona) -> PersonaAgent:
        """An agent under the true persona of this time."""
        self._persona = golden
        return agent_of(self.user, self.setting, golden)

    def persona(self) -> Persona | None:
        """That of the latest session."""
        return self._persona


class Conversations(NoPersona):
    """The K earlier messages of the user that are most similar to the new one (the paper's "conversations RAG")."""

    def agent(self, session: str, golden: Persona) -> PersonaAgent:
        """An agent that looks up earlier sessions."""
        agent = RecallingAgent(
            self.setting.task, user=self.user, retrieve=self.setting.retrieve, persona=Persona(), calibration=None
        )
        agent.session = session
        agent.predict.lm = self.setting.agent_lm
        return agent


class RecallingAgent(PersonaAgent):
    """Recalls earlier sessions as they went: also messages of which the right answer is not known.

    Attributes:
        session: The session under way, whose turns stand in the prompt by themselves.
    """

    session: str | None = None

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """The most similar messages of other sessions, of equals the newest; a reply only where the user took it."""
        given = {name: inputs[name] for name in self.task.input_fields if name in inputs}
        found = self.user.similarities(query_text(case_of(self.task, given)), before=before)
        earlier = [
            type(memory)(_dated(settled(memory.interaction)), memory.similarity)
            for memory in found
            if memory.interaction.session != self.session
        ]
        nearest = sorted(range(len(earlier)), key=lambda place: (-earlier[place].similarity, -place))
        return Recall(tuple(earlier[place] for place in nearest[: self.retrieve]), tuple(earlier))


def _dated(interaction: Interaction) -> Interaction:
    """An earlier message with the time at which it was said.

    They stand in the order of their similarity: without a time nobody could tell what was so from what is so.
    """
    if interaction.time is None:
        return interaction
    said = datetime.fromtimestamp(interaction.time, UTC).strftime("%Y-%m-%d %H:%M")
    return dataclasses.replace(
        interaction, inputs={**interaction.inputs, MESSAGE: f"({said}) {interaction.inputs.get(MESSAGE, '')}"}
    )
