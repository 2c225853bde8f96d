"""The methods that prompt the LM once: the question alone, or with others' examples, memories, a written profile."""

from __future__ import annotations

from typing import Any

import dspy

from personaopt.evals.lamp.methods.asking import MethodAgent, speaking
from personaopt.evals.lamp.methods.keywords import best_by_keywords
from personaopt.evals.lamp.methods.method import NOTHING_LEARNT, Preparation, Setting
from personaopt.evals.lamp.methods.writing import WrittenProfile, first_persona
from personaopt.lm.predictor import PersonaPredict
from personaopt.memory import User
from personaopt.persona import Persona
from personaopt.signatures.excerpt import excerpts


class Prompt(dspy.Module):
    """Direct prompting, not personalised: the LM sees the task and the question, and nothing of any user.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self.user = user
        self.predict = PersonaPredict(setting.task.signature, user.id)

    def prepare(self) -> Preparation:
        """Nothing to learn."""
        return NOTHING_LEARNT

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call."""
        with speaking(self.user):
            answer: dspy.Prediction = self.predict(**inputs)
        return answer


class InContext(Prompt):
    """In-context learning: the same few worked examples of other users before every question.

    As many as a method that retrieves shows memories: the first K of the setting's that fit the task.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__(user, setting)
        signature = setting.task.signature
        fitting = [
            item
            for item in setting.examples
            if {*signature.input_fields} <= {*item.inputs} and {*signature.output_fields} <= {*item.ground_truth}
        ]
        self.predict.demos = [
            dspy.Example(**excerpts(item.inputs), **excerpts(item.ground_truth)).with_inputs(*item.inputs)
            for item in fitting[: setting.retrieve]
        ]
        self._wanted = setting.retrieve

    def prepare(self) -> Preparation:
        """Nothing to learn; says so where there are fewer examples than wanted."""
        shown = len(self.predict.demos)
        if shown == self._wanted:
            return NOTHING_LEARNT
        return Preparation(notes=(f"{shown} examples of other users fit the task, and {self._wanted} were wanted.",))


class Retrieval(dspy.Module):
    """RAG: the user's K most similar earlier interactions before the question, by embeddings or by BM25.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        choose = best_by_keywords if setting.retriever == "bm25" else None
        self.agent = MethodAgent(user, setting, persona=Persona(), choose=choose)

    def prepare(self) -> Preparation:
        """Nothing to learn."""
        return NOTHING_LEARNT

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call."""
        return self.agent(**inputs)


class Profiled(Retrieval):
    """PAG: a profile of the user that the LM writes once, and the K memories of RAG (Richardson et al. 2023)."""

    def prepare(self) -> Preparation:
        """One call, which writes the profile of all that is known; it stands where a persona would."""
        before = self.agent.persona
        self.agent.persona = Persona()  # the new one is written of the history, not of the old one
        self.agent.persona, notes = first_persona(self.agent, WrittenProfile())
        return Preparation(personas=(before.render(), self.agent.persona.render()), notes=notes)
