"""PersonaAgent as in the paper (arXiv 2506.06254, Algorithm 1), for comparison: no test of what is learnt.

A first persona that the LM writes from the history; then E times: the latest n questions are answered under it, a
textual loss and gradient is written for each answer that was not right, and the LM rewrites the persona from all of
them. Every rewrite is taken. Answers come with the K most similar memories and the paper's actions.
"""

from __future__ import annotations

from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.lamp.methods.asking import MethodAgent, acting
from personaopt.evals.lamp.methods.learning import learn
from personaopt.evals.lamp.methods.method import Preparation, Setting
from personaopt.evals.lamp.methods.writing import Writer, WrittenProfile, as_persona, first_persona
from personaopt.lm.asks import Ask
from personaopt.memory import User
from personaopt.optimizers.acceptance import AcceptAll
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.critics import LMCritic
from personaopt.optimizers.editors import KEPT_EDITS, SHOWN_TOKENS, EditRequest, Edits
from personaopt.signatures.critique import Critique
from personaopt.signatures.excerpt import excerpt

LATEST, EPOCHS = 3, 1
"""n and E of the paper."""


class RewritePersona(dspy.Signature):
    """Rewrite the description of one user by which an assistant answers for that user, using all the feedback.

    State the user's own preferences, habits and style and a detailed profile, in words that hold for new questions.
    Write the whole new description, one statement a line.
    """

    persona: str = dspy.InputField(desc="The description as it is.")
    feedback: list[str] = dspy.InputField(desc="Feedback on answers that were given under it.")
    new_persona: str = dspy.OutputField(desc="The new description, complete.")


class Rewriter:
    """The paper's LLM_update: one rewrite from all feedback, told as the edits that lead to it."""

    calls = 1

    def __init__(self) -> None:
        self.predict = Writer(RewritePersona)

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """One call."""
        if not request.gradients:
            return []
        evidence = [gradient.outcome.interaction.id for gradient in request.gradients]
        limit = request.persona.token_limit
        return [
            Ask.predict(
                self.predict,
                lambda prediction: request.persona.diff(as_persona(prediction.new_persona, evidence, limit)),
                reflect=True,
                codec=KEPT_EDITS,
                lm=request.agent.lm,
                persona=request.persona.render(),
                feedback=[excerpt(gradient.text, SHOWN_TOKENS) for gradient in request.gradients],
            )
        ]


class PaperPersonaAgent(dspy.Module):
    """The paper's agent and its test-time alignment.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self._setting = setting
        self.agent: PersonaAgent = MethodAgent(user, setting, **acting(setting))

    def prepare(self) -> Preparation:
        """One alignment: 1 call for the first persona, then E (2n + 1) at most."""
        if not any(item.ground_truth for item in self.agent.user.history()):
            return self._described()
        self.agent, preparation = learn(self.agent, self._aligner, start=WrittenProfile())
        return preparation

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call, and those of its actions."""
        return self.agent(**inputs)

    def _described(self) -> Preparation:
        """The first persona alone: of a history without answers a profile can be written, and nothing aligned on it."""
        self.agent.persona, notes = first_persona(self.agent, WrittenProfile())
        why = "the history holds no answers to align on"
        return Preparation(personas=(self.agent.persona.render(),), notes=(*notes, why))

    def _aligner(self, **more: Any) -> PersonaAligner:
        setting = self._setting
        critic = LMCritic()
        critic.predict = Writer(Critique)
        return PersonaAligner(
            latest=LATEST if setting.latest is None else setting.latest,
            held_out=0,
            epochs=EPOCHS if setting.epochs is None else setting.epochs,
            candidates=1,
            critic=critic,
            editor=Rewriter(),
            acceptance=AcceptAll(),
            budget=setting.budget,
            checkpoint=False,
            threads=setting.threads,
            seed=setting.seed,
            **more,
        )
