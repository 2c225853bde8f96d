"""Learning from what the user said: interactions need no ground truth, and edits are judged by rules first.

A change of a field is backed by words of the user (`field_changes`), which is proof enough where nothing can be
simulated. Where the sessions also hold real answers, a change that makes the simulated ones worse is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import DataError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.optimizers.acceptance import Trial, Verdict
from personaopt.optimizers.critics import Gradient
from personaopt.optimizers.losses import Case, Metric, Objective, Outcome, kept
from personaopt.optimizers.material import RealAnswers
from personaopt.optimizers.sessions import latest_sessions, read_sessions, spoken_fields
from personaopt.optimizers.trainset import interactions
from personaopt.persona import Persona
from personaopt.signals import SignalWeights, is_rejected, settled, weight_of
from personaopt.signatures.turns import turns_field

BELOW_RIGHT = 1.0 - 1e-6
"""Of a message there is always something to learn, also where the answer to it was right."""


class SaidInSessions:
    """The messages of the latest sessions.

    Args:
        author: Whose name the stored versions have.
        sessions: How many sessions.
        messages: How many messages of each, at most.
        measured: Of how many of them, the latest with a ground truth, the answer is simulated to judge a change.
        messages_in: Inputs of the task that hold the user's own words; found by their names when empty.
    """

    fewest = 1

    def __init__(
        self,
        author: str,
        sessions: int = 3,
        messages: int = 9,
        *,
        measured: int = 0,
        messages_in: Collection[str] = (),
    ) -> None:
        self.author = author
        self.sessions, self.messages, self.measured = sessions, messages, measured
        self.messages_in = tuple(messages_in)

    def history(
        self, agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example] | None, signals: SignalWeights
    ) -> list[Interaction]:
        """What the user said in the latest sessions, by time; with or without a ground truth.

        Raises:
            DataError: The user said nothing.
        """
        fields = spoken_fields(agent, self.messages_in)
        if trainset is None:
            turns = read_sessions(agent.user, self.sessions, self.messages, fields)
        else:
            given = sorted(interactions(agent, trainset), key=lambda item: item.time or 0.0)
            turns = latest_sessions(given, self.sessions, self.messages, fields)
        if not turns:
            raise DataError(
                f"The sessions of user {agent.user.id!r} have no message in {', '.join(fields)}; record some first."
            )
        return [settled(turn) for turn in turns]

    def objective(
        self, agent: PersonaAgent, metric: Metric | None, history: Sequence[Interaction], signals: SignalWeights
    ) -> Objective:
        """Real answers as ever; of what has none, nothing is measured."""
        known = [item for item in history if self.measured and _is_known(agent, item, signals)]
        measured = known[-self.measured :] if self.measured else []
        inner = RealAnswers().objective(agent, metric, measured, signals) if measured else None
        return SaidObjective(inner, {item.id for item in measured})


class SaidObjective:
    """Measures the interactions that have a real answer, and calls no LM for the others.

    Args:
        inner: Measures those.
        known: Their ids.
    """

    def __init__(self, inner: Objective | None, known: Collection[str]) -> None:
        self.inner, self.known = inner, frozenset(known)
        self.minimum_effect = inner.minimum_effect if inner else 0.0
        self.metric = getattr(inner, "metric", None)
        self.recalls = bool(inner)

    def measures(self, item: Interaction) -> bool:
        """Whether an interaction is simulated."""
        return self.inner is not None and item.id in self.known

    def ask(self, agent: PersonaAgent, case: Case, persona: Persona) -> Ask[Outcome]:
        """One answer, or an ask that makes no call."""
        item = case.interaction
        if self.inner is None or not self.measures(item):
            return Ask.done(Outcome(item, {}, 0.0, weight=0.0))
        ask = self.inner.ask(agent, case, persona)
        finish, afinish = ask.finish, ask.afinish

        async def finished(answer: Any) -> Outcome:
            return _open(await afinish(answer) if afinish is not None else finish(answer))

        return dataclasses.replace(
            ask,
            finish=lambda answer: _open(finish(answer)),
            afinish=None if afinish is None else finished,
            codec=None if ask.codec is None else kept(item),
        )


class SaidCritic:
    """Hands the editor every message as it was said. Needs no LM."""

    calls = 0
    levels = 0

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The message, as an ask that makes no call."""
        return Ask.done(Gradient(outcome, "what the user said in a session"))


class BackedAndHarmless:
    """Accepts what the rules let through, unless answers that can be measured become worse.

    Args:
        tolerance: How much the mean loss of the measured answers may rise.
    """

    def __init__(self, tolerance: float = 0.05) -> None:
        self.tolerance = tolerance

    def judge(self, trial: Trial) -> Verdict:
        """Accept unless it does harm."""
        measured = sum(bool(outcome.weight) for outcome in (*trial.learn_before, *trial.held_before))
        if not measured:
            return Verdict(True, "backed by the user's own words")
        if trial.gain < -self.tolerance:
            return Verdict(False, f"makes {measured} measured answers worse: {trial.figures}")
        return Verdict(True, f"backed by the user's own words, and {measured} measured answers are no worse")


def _open(outcome: Outcome) -> Outcome:
    score = BELOW_RIGHT if outcome.score is None else min(outcome.score, BELOW_RIGHT)
    return dataclasses.replace(outcome, score=score)


def _is_known(agent: PersonaAgent, item: Interaction, signals: SignalWeights) -> bool:
    said = item.response if is_rejected(item) else item.ground_truth
    inputs = {name for name in agent.task.input_fields if name != turns_field(agent.task)}
    complete = set(agent.task.output_fields) <= set(said) and inputs <= set(item.inputs)
    return complete and weight_of(item, signals) > 0
