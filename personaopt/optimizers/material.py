"""What an alignment learns from, and how an outcome is measured: the user's real answers, when nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import dspy

from personaopt.agent import PersonaAgent
from personaopt.interaction import Interaction
from personaopt.optimizers.heeding import heeding
from personaopt.optimizers.losses import Metric, Objective, objective_for
from personaopt.optimizers.trainset import with_truth
from personaopt.optimizers.windows import FEWEST
from personaopt.signals import SignalWeights


class Material(Protocol):
    """Where an alignment gets its interactions and its losses from.

    Attributes:
        fewest: With fewer interactions nothing is learnt.
        author: Whose name the stored versions have.
    """

    fewest: int
    author: str

    def history(
        self, agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example] | None, signals: SignalWeights
    ) -> list[Interaction]:
        """The interactions that something can be learnt from, oldest first.

        Raises:
            DataError: There is none.
        """
        ...

    def objective(
        self, agent: PersonaAgent, metric: Metric | None, history: Sequence[Interaction], signals: SignalWeights
    ) -> Objective:
        """How one of them is measured under a persona."""
        ...


class RealAnswers:
    """Interactions with what the user really answered, as PersonaAgent has it."""

    fewest = FEWEST
    author = "PersonaAligner"

    def history(
        self, agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example] | None, signals: SignalWeights
    ) -> list[Interaction]:
        """All that have a ground truth, or were rejected."""
        return with_truth(agent, trainset, signals)

    def objective(
        self, agent: PersonaAgent, metric: Metric | None, history: Sequence[Interaction], signals: SignalWeights
    ) -> Objective:
        """The answer, or its likelihood, against the ground truth."""
        return heeding(objective_for(agent, metric), history, signals)
