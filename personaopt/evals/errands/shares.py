"""What alignment gives on this bench: the share of right first actions of each user, before and after."""

from __future__ import annotations

import dataclasses
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.errands.world import TOOLS, FindCode, Seeker
from personaopt.memory.store import Store
from personaopt.optimizers.aligner import PersonaAligner


@dataclasses.dataclass(frozen=True)
class Shares:
    """One user.

    Attributes:
        user_id: Which one.
        before, after: For each later errand 1 where the first action was the right one, else 0.
        answered_before, answered_after: For each later errand 1 where the answer was right.
        actions_before, actions_after: How many actions there were for each.
        persona: What was learnt.
        calls: LM calls of the alignment.
    """

    user_id: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    answered_before: tuple[float, ...]
    answered_after: tuple[float, ...]
    actions_before: tuple[float, ...]
    actions_after: tuple[float, ...]
    persona: tuple[str, ...]
    calls: int

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return dataclasses.asdict(self)


def shares_of(
    store: Store, seeker: Seeker, aligner: PersonaAligner, *, max_actions: int = 4, retrieve: int = 0
) -> Shares:
    """Record a user's history, align on it, and ask what came later before and after.

    Args:
        store: Where the history is recorded.
        seeker: The user.
        aligner: What aligns; its window are the latest interactions.
        max_actions: How many actions there may be before an answer.
        retrieve: How many memories stand in the prompts.
    """
    user = store.user(seeker.user_id)
    user.record(seeker.history)
    user.allow_tools(*TOOLS)
    agent = PersonaAgent(
        FindCode, user=user, retrieve=retrieve, tools=seeker.tools(), max_actions=max_actions, memory_tools=False
    )
    before = [_asked(agent, seeker, place) for place in range(len(seeker.later))]
    aligned = aligner.compile(agent)
    after = [_asked(aligned, seeker, place) for place in range(len(seeker.later))]
    columns = [tuple(column) for rows in (before, after) for column in zip(*rows, strict=True)]
    return Shares(
        seeker.user_id,
        columns[0],
        columns[3],
        columns[1],
        columns[4],
        columns[2],
        columns[5],
        tuple(statement.text for statement in aligned.persona.statements),
        aligned.detailed_results.usage.calls,
    )


def _asked(agent: PersonaAgent, seeker: Seeker, place: int) -> tuple[float, float, float]:
    """Whether the first action, and the answer, of a later errand were right, and how many actions there were."""
    errand = seeker.later[place]
    prediction: dspy.Prediction = agent(question=errand.question)
    right = seeker.places[errand.topic].is_first(prediction.actions)
    return float(right), float(prediction.code.strip() == errand.code), float(len(prediction.actions))
