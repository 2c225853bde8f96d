"""Where an alignment begins for a user who has no persona yet: the semantic memory's summary of the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import PersonaError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.lm.codec import Codec
from personaopt.memory.semantic import as_persona
from personaopt.optimizers.action_evidence import with_routines
from personaopt.optimizers.quoting import Texts, is_refusal
from personaopt.persona import Persona, Statement
from personaopt.signatures.excerpt import excerpts
from personaopt.signatures.profile import Profile
from personaopt.signatures.respond import RecalledInteraction

SUMMARISED = 24
SHOWN_TOKENS = 300
"""Of each text of an interaction that is summarised."""


class Start(Protocol):
    """Writes the first persona. Not asked when the user has one."""

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """The call to be made, or an ask that needs none."""
        ...


class EmptyStart:
    """Begins with nothing: the statistical summary is then tried statement by statement by `EvidenceEditor`."""

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """The empty persona."""
        return Ask.done(agent.persona)


class SemanticStart:
    """Begins with what semantic memory believes of the user (see `personaopt.memory.semantic`); asks no LM.

    Only facts that rest on nothing but the given history are taken: others may have been seen in interactions that the
    alignment is judged by.
    """

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """The surest of the facts, as far as the token limit goes; no call."""
        known = {interaction.id for interaction in history}
        facts = [fact for fact in agent.user.facts() if known.issuperset(fact.statement.evidence)]
        tools = agent.available_tools() if agent.max_actions else ()
        return Ask.done(as_persona(facts, agent.persona.token_limit, tools=tools))


class ProfileStart:
    """A summary of the history written by an LM (PersonaAgent's f_s), as statements with evidence.

    Args:
        lm: The LM that writes; the agent's when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.predict = dspy.Predict(Profile)
        self.predict.lm = lm

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """One call of `Profile` over the latest interactions.

        A statement is left out that passes the token limit, copies an interaction, or says that the LM will not answer.
        For an agent that acts, what semantic memory believes of its tools stands behind them.
        """
        shown = [item for item in history if item.ground_truth][-SUMMARISED:]
        evidence = tuple(interaction.id for interaction in shown)
        texts = Texts(shown)
        before = agent.persona

        def finish(prediction: dspy.Prediction) -> Persona:
            persona = before
            for text in map(str, prediction.statements or []):
                if is_refusal(text) or texts.copied(text):
                    continue
                try:
                    statement = Statement(text, evidence=evidence)
                    persona = Persona((*persona.statements, statement), persona.token_limit)
                except PersonaError:
                    continue  # empty, said already, or too long for the limit: the others still count
            return with_routines(agent, persona, history)

        return Ask.predict(
            self.predict,
            finish,
            reflect=True,
            codec=Codec(Persona.to_dict, Persona.from_dict),
            lm=self.predict.lm or agent.lm,
            task=agent.task.instructions,
            interactions=[
                RecalledInteraction(
                    inputs=excerpts(item.inputs, SHOWN_TOKENS), answer=excerpts(item.ground_truth, SHOWN_TOKENS)
                )
                for item in shown
            ],
        )
