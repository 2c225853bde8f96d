"""What the methods that ask the LM share: one user's private calls, raw probabilities, and what memory may be seen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dspy

from personaopt.actions.gathering import NOTHING_GATHERED, Gathered
from personaopt.actions.tools import made
from personaopt.agent import PersonaAgent
from personaopt.evals.lamp.methods.method import Setting
from personaopt.evals.tasks.task import Retrieval
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.local import is_small_local
from personaopt.lm.private_calls import private_calls
from personaopt.memory import User
from personaopt.memory.episodic import Memory, Recall
from personaopt.memory.forgotten import user_hash
from personaopt.persona import Persona

NOTHING_RECALLED = Recall((), ())
Choose = Callable[[str, Sequence[Memory], int], tuple[Memory, ...]]
"""Which k of the earlier interactions, oldest first, are shown for a text, the best first."""


class MethodAgent(PersonaAgent):
    """An agent whose answers carry what the run calibrates: what the LM measured, and the earlier interactions.

    Args:
        user: Whose agent it is.
        setting: Of the run.
        retrieve: K; the setting's when None.
        persona: The persona to answer under; the user's current one when None.
        remembers: Whether it may look into the user's memory, to show it or to let a calibration count it.
        choose: How the memories that are shown are chosen; the most similar ones when None.
        retrieval: The text that a question is looked up by; the task's when None.
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
        choose: Choose | None = None,
        retrieval: Retrieval | None = None,
        **more: Any,
    ) -> None:
        shown = setting.retrieve if retrieve is None else retrieve
        super().__init__(
            setting.task.signature, user=user, retrieve=shown if remembers else 0, persona=persona,
            calibration=None, **more,
        )  # fmt: skip
        self.remembers = remembers
        self.choose = choose
        self._retrieval = retrieval or setting.task.retrieval

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """By the text that the task is looked up by; nothing where it may not look."""
        if not self.remembers:
            return NOTHING_RECALLED
        query = self._retrieval(inputs)
        # One field that says what is looked up: the agent searches by the text of the inputs it is given.
        recalled = super().recall({next(iter(self.task.input_fields)): query}, before=before)
        earlier, memories = recalled.earlier, recalled.memories
        choose = self.choose
        if not earlier and self.retrieve:  # a history of items that nothing was answered to, such as papers
            earlier = tuple(self.user.similarities(query, before=before))
            choose = choose or most_similar
        if choose is not None and self.retrieve:
            memories = choose(query, earlier, self.retrieve)
        return Recall(memories, earlier, self._options(inputs))

    def finish(
        self, prediction: dspy.Prediction, recalled: Recall, gathered: Gathered = NOTHING_GATHERED
    ) -> dspy.Prediction:
        """As the agent's, with `earlier` beside it where it may look into the memory."""
        answer = super().finish(prediction, recalled, gathered)
        if self.remembers:
            answer["earlier"] = list(recalled.earlier)
        return answer


def most_similar(query: str, earlier: Sequence[Memory], k: int) -> tuple[Memory, ...]:
    """The k most similar ones; of equals the newer first. The choice of `PersonaAgent`."""
    places = sorted(range(len(earlier)), key=lambda place: (-earlier[place].similarity, -place))
    return tuple(earlier[place] for place in places[:k])


def acting(setting: Setting, *, own: bool = True) -> dict[str, Any]:
    """The arguments of an agent that acts before it answers: the run's tools, and how many actions it may take.

    Args:
        setting: Of the run; its tools may be called for every user.
        own: Whether it may search the user's own memory.
    """
    return {
        "tools": tuple(setting.tools),
        "max_actions": setting.max_actions,
        "allow_tools_for_all": tuple(made(setting.tools)),
        "memory_tools": own,
    }


@contextlib.contextmanager
def speaking(user: User) -> Iterator[None]:
    """A context for calls about a user without an agent: private, by the adapter that suits the LM."""
    small = dspy.settings.adapter is None and is_small_local(dspy.settings.lm)
    adapted = dspy.context(adapter=LocalAdapter()) if small else dspy.context()
    shared = user.store.policy.lm_cache == "shared"
    with private_calls(user_hash(user.id), cached=shared), adapted:
        yield
