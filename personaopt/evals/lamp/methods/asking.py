"""What the methods that ask the LM share: one user's private calls, raw probabilities, and what memory may be seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.lamp.methods.keywords import best_by_keywords
from personaopt.evals.lamp.methods.method import Retriever, Setting
from personaopt.interaction import Interaction, query_text
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.local import is_small_local
from personaopt.lm.private_calls import private_calls
from personaopt.memory import User
from personaopt.memory.episodic import Recall
from personaopt.memory.forgotten import user_hash
from personaopt.persona import Persona

NOTHING_RECALLED = Recall((), ())


class MethodAgent(PersonaAgent):
    """An agent whose answers carry what the run calibrates: what the LM measured, and the earlier interactions.

    Args:
        user: Whose agent it is.
        setting: Of the run.
        retrieve: K; the setting's when None.
        persona: The persona to answer under; the user's current one when None.
        remembers: Whether it may look into the user's memory, to show it or to let a calibration count it.
        retriever: How the memories that are shown are found.
        **more: Other arguments of `PersonaAgent`.
    """

    def __init__(
        self,
        user: User,
        setting: Setting,
        *,
        retrieve: int | None = None,
        persona: Persona | None = None,
        remembers: bool = True,
        retriever: Retriever = "dense",
        **more: Any,
    ) -> None:
        shown = setting.retrieve if retrieve is None else retrieve
        super().__init__(
            setting.task.signature, user=user, retrieve=shown if remembers else 0, persona=persona,
            calibration=None, **more,
        )  # fmt: skip
        self.remembers = remembers
        self.retriever = retriever

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """As the agent's; nothing where it may not look, and memories by keywords where they are found so."""
        if not self.remembers:
            return NOTHING_RECALLED
        recalled = super().recall(inputs, before=before)
        if self.retriever == "dense" or not self.retrieve:
            return recalled
        return Recall(best_by_keywords(query_text(inputs), recalled.earlier, self.retrieve), recalled.earlier)

    def finish(self, prediction: dspy.Prediction, recalled: Recall) -> dspy.Prediction:
        """As the agent's, with `earlier` beside it where it may look into the memory."""
        answer = super().finish(prediction, recalled)
        if self.remembers:
            answer["earlier"] = list(recalled.earlier)
        return answer


@contextlib.contextmanager
def speaking(user: User) -> Iterator[None]:
    """A context for calls about a user without an agent: private, by the adapter that suits the LM."""
    small = dspy.settings.adapter is None and is_small_local(dspy.settings.lm)
    adapted = dspy.context(adapter=LocalAdapter()) if small else dspy.context()
    shared = user.store.policy.lm_cache == "shared"
    with private_calls(user_hash(user.id), cached=shared), adapted:
        yield
