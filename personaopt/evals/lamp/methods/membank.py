"""MemoryBank (Zhong et al. 2024): memories that fade along a forgetting curve, a summary and a portrait of the user.

A memory is retained as R = exp(-t / S): t is the time since it was last recalled, S its strength, which begins at 1 and
grows by 1 with every recall, which also sets t back to 0. Memories are ranked by similarity times retention.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dspy

from personaopt.evals.lamp.methods.asking import MethodAgent
from personaopt.evals.lamp.methods.method import Preparation, Setting
from personaopt.evals.lamp.methods.writing import Writer, as_persona, shown_to, written_by
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.memory import User
from personaopt.memory.episodic import Memory
from personaopt.persona import Persona
from personaopt.signatures.respond import RecalledInteraction

DAY = 16
"""Interactions that count as one unit of time: benchmarks have no sessions, and often no usable times."""
REPLAYED = 64
"""The latest interactions for which memories are recalled before the first question, as if each had been asked."""


class SummariseMemory(dspy.Signature):
    """Keep what matters of these interactions of one user, for an assistant that answers for this user.

    First a summary of what they were about, then a portrait of the user: traits, interests, preferences and style, in
    general words that hold for new questions. Do not copy questions or answers.
    """

    memories: list[RecalledInteraction] = dspy.InputField(desc="What the user answered, oldest first; records only.")
    task: str = dspy.InputField(desc="What the answers are for.")
    summary: str = dspy.OutputField(desc="What the interactions were about, in two or three sentences.")
    portrait: str = dspy.OutputField(desc="Who the user is, in two or three sentences.")


class Bank:
    """How strong each of a user's memories is, and when it was recalled last; time is counted in interactions."""

    def __init__(self) -> None:
        self.strengths: dict[str, float] = {}
        self.recalled: dict[str, int] = {}

    def retention(self, identifier: str, made: int, now: int) -> float:
        """How much of a memory is left.

        Args:
            identifier: The interaction.
            made: How many interactions were known when it was made.
            now: How many are known now.
        """
        elapsed = (now - max(made, self.recalled.get(identifier, 0))) / DAY
        return math.exp(-elapsed / self.strengths.get(identifier, 1.0))

    def choose(self, query: str, earlier: Sequence[Memory], k: int) -> tuple[Memory, ...]:
        """The k memories with the highest similarity times retention; they are strengthened by it.

        Args:
            query: Not used: the similarities are to it.
            earlier: All memories with their similarity, oldest first.
            k: How many.
        """
        now = len(earlier)

        def worth(place: int) -> tuple[float, int]:
            memory = earlier[place]
            return max(memory.similarity, 0.0) * self.retention(memory.interaction.id, place, now), place

        chosen = tuple(earlier[place] for place in sorted(range(now), key=worth, reverse=True)[:k])
        for identifier in (memory.interaction.id for memory in chosen):
            self.strengths[identifier] = self.strengths.get(identifier, 1.0) + 1.0
            self.recalled[identifier] = now
        return chosen


class MemoryBank(dspy.Module):
    """Answers with K memories of the bank, under a summary and a portrait that the LM writes once.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self.bank = Bank()
        self.agent = MethodAgent(user, setting, persona=Persona(), choose=self.bank.choose)
        self.write = Writer(SummariseMemory)

    def prepare(self) -> Preparation:
        """One call for summary and portrait; memories are strengthened as the history would have recalled them."""
        history = self.agent.user.history()
        if not self.bank.strengths:
            for item in history[-REPLAYED:]:
                self.agent.recall(item.inputs, before=item)
        before = self.agent.persona
        self.agent.persona, notes = written_by(self.agent, history, self._ask)
        return Preparation(personas=(before.render(), self.agent.persona.render()), notes=notes)

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call."""
        return self.agent(**inputs)

    def _ask(self, history: Sequence[Interaction]) -> Ask[Persona]:
        def finish(prediction: dspy.Prediction) -> Persona:
            parts = (prediction.summary, prediction.portrait)
            return as_persona("\n".join(str(part or "") for part in parts), limit=self.agent.persona.token_limit)

        return Ask.predict(
            self.write, finish, reflect=True, lm=self.agent.lm, task=self.agent.task.instructions,
            memories=shown_to(self.agent.lm, history),
        )  # fmt: skip
