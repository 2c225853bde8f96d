"""How far a simulated response is from what the user really said: one number to learn by, one score to report."""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import dspy
import numpy as np
from dspy.adapters.utils import serialize_for_json

from personaopt.actions.gathering import NOTHING_GATHERED, Gathered
from personaopt.agent import PersonaAgent, spelled
from personaopt.errors import ConfigurationError, ModelError
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter, TextScore
from personaopt.lm.asks import Ask
from personaopt.lm.calibration import RAW, Calibration
from personaopt.lm.codec import Codec
from personaopt.lm.local import is_small_local
from personaopt.memory.episodic import Recall
from personaopt.memory.store import Before
from personaopt.persona import Persona, estimate_tokens

FLOOR = 1e-12
_PIECES = re.compile(r"\w+|[^\w\s]")

Metric = Callable[..., Any]
"""DSPy's `(example, prediction, trace=None) -> float`, or GEPA's five-argument form with `score` and `feedback`."""


@dataclasses.dataclass(frozen=True)
class Case:
    """An interaction to be simulated, with everything that was remembered before it.

    Attributes:
        interaction: Which one.
        recalled: What was remembered.
        before: Where the history ends for what the agent looks up.
        gathered: What the agent looked up under the persona that is tried.
    """

    interaction: Interaction
    recalled: Recall
    before: Before = None
    gathered: Gathered = NOTHING_GATHERED


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One interaction simulated under one persona.

    Attributes:
        interaction: Which one.
        response: What the agent answered, by output field; empty where only the likelihood of the real text was asked.
        score: In [0, 1], by the metric; None where nothing was answered.
        likelihood_loss: Negative log-likelihood of what the user really said (of a label, or per token of a text);
            None where the LM does not measure it.
        feedback: What the user's own metric said in words.
        weight: How much it counts in mean losses; see `personaopt.signals`.
        actions: What the agent looked up before it answered.
        action_loss: What is added for looking in the wrong place first; see `first_action`.
    """

    interaction: Interaction
    response: Mapping[str, Any]
    score: float | None
    likelihood_loss: float | None = None
    feedback: str = ""
    weight: float = 1.0
    actions: tuple[Mapping[str, Any], ...] = ()
    action_loss: float = 0.0

    @property
    def loss(self) -> float:
        """What alignment lowers: the likelihood loss where it is measured, else 1 - score; and that of the actions."""
        if self.likelihood_loss is not None:
            return self.likelihood_loss + self.action_loss
        return 1.0 - (self.score or 0.0) + self.action_loss

    @property
    def right(self) -> bool:
        """Whether there is nothing left to learn from it."""
        answered = (self.score is None or self.score >= 1.0) and (self.likelihood_loss or 0.0) < 0.05
        return answered and self.action_loss < 0.05


def kept(interaction: Interaction) -> Codec[Outcome]:
    """How an outcome of an interaction is kept; what the user said, and what was looked up, is not part of it."""
    names = [
        field.name
        for field in dataclasses.fields(Outcome)
        if field.name not in ("interaction", "actions", "action_loss")
    ]

    def write(outcome: Outcome) -> dict[str, Any]:
        return {**{name: getattr(outcome, name) for name in names}, "response": dict(outcome.response)}

    return Codec(write, lambda values: Outcome(interaction, **{name: values[name] for name in names}))


class Objective(Protocol):
    """Simulates one interaction under one persona and measures the outcome. One LM call, nothing from after it.

    Attributes:
        minimum_effect: The least change in mean loss that means something on a dozen interactions.
    """

    minimum_effect: float

    def ask(self, agent: PersonaAgent, case: Case, persona: Persona) -> Ask[Outcome]:
        """The call to be made; several are made at once."""
        ...


class ResponseObjective:
    """Lets the agent answer and compares the answer with the ground truth.

    The likelihood loss is measured where every output is a closed set of answers whose probabilities the LM measures.
    It is that of the LM alone: mixed with what the history says by itself, the effect of a persona would be hidden.

    Args:
        metric: In [0, 1], in DSPy's or GEPA's form; `agreement` when None. One that asks an LM says by an attribute
            `calls` how often at most; its `acall(example, prediction)`, if it has one, is awaited by `acompile`.
        calibration: Of the LM's own probabilities, in which the loss is measured.
    """

    minimum_effect = 0.04

    def __init__(self, metric: Metric | None = None, calibration: Calibration = RAW) -> None:
        self.metric = metric
        self.calibration = calibration

    def ask(self, agent: PersonaAgent, case: Case, persona: Persona) -> Ask[Outcome]:
        """One answer of the agent."""
        truth = dict(case.interaction.ground_truth)
        metric = self.metric or functools.partial(agreement, decided=frozenset(agent.answers))
        example = dspy.Example(**dict(case.interaction.inputs), **truth).with_inputs(*case.interaction.inputs)

        def outcome(prediction: dspy.Prediction, answered: dspy.Prediction, measured: Any) -> Outcome:
            response = {name: serialize_for_json(answered[name]) for name in agent.task.output_fields}
            loss = self._likelihood_loss(prediction, {name: truth[name] for name in response if name in truth})
            score, feedback = _checked(measured)
            return Outcome(case.interaction, response, score, loss, feedback)

        def finish(prediction: dspy.Prediction) -> Outcome:
            answered = agent.finish(prediction, case.recalled)
            return outcome(prediction, answered, _measured(metric, example, answered))

        async def afinish(prediction: dspy.Prediction) -> Outcome:
            answered = agent.finish(prediction, case.recalled)
            if hasattr(metric, "acall"):
                return outcome(prediction, answered, await metric.acall(example, answered))
            return outcome(prediction, answered, await asyncio.to_thread(_measured, metric, example, answered))

        inputs = agent.prompt_inputs(dict(case.interaction.inputs), case.recalled, persona, case.gathered)
        calls = getattr(metric, "calls", 0)
        ask = Ask.predict(agent.predict, finish, codec=kept(case.interaction), calls=1 + calls, **inputs)
        return dataclasses.replace(ask, afinish=afinish) if calls else ask

    def _likelihood_loss(self, prediction: dspy.Prediction, truth: Mapping[str, Any]) -> float | None:
        """The sum over the outputs; None where the LM did not measure all of them."""
        measured = prediction.get("probabilities") or {}
        if not truth or not all(name in measured for name in truth):
            return None
        return sum(_likelihood_loss(self.calibration, measured[name], spelled(said)) for name, said in truth.items())


class TextLikelihoodObjective:
    """Asks how likely the user's real text is, per token: a smooth loss for wording and style. Nothing is generated."""

    minimum_effect = 0.01

    def ask(self, agent: PersonaAgent, case: Case, persona: Persona) -> Ask[Outcome]:
        """One scoring of the real text."""
        adapter = dspy.settings.adapter if isinstance(dspy.settings.adapter, LocalAdapter) else LocalAdapter()
        texts = {name: str(case.interaction.ground_truth[name]) for name in agent.task.output_fields}
        inputs = agent.prompt_inputs(dict(case.interaction.inputs), case.recalled, persona, case.gathered)
        signature = inputs.pop("signature")

        def finish(scores: Mapping[str, TextScore]) -> Outcome:
            tokens = sum(score.tokens for score in scores.values())
            loss = -sum(score.log_likelihood for score in scores.values()) / max(tokens, 1)
            return Outcome(case.interaction, {}, None, loss)

        return Ask(
            lambda attempt: adapter.score(agent.lm, signature, inputs, texts),
            lambda attempt: adapter.ascore(agent.lm, signature, inputs, texts),
            finish,
            codec=kept(case.interaction),
            asked={"signature": signature, "texts": texts, **inputs},
        )


def objective_for(agent: PersonaAgent, metric: Metric | None = None) -> Objective:
    """The objective that suits an agent's task, its LM and the user's own metric.

    Raises:
        ModelError: No LM is configured.
    """
    if agent.lm is None:
        raise ModelError("No LM is configured: call dspy.configure(lm=...) or personaopt.configure_local().")
    open_ended = len(agent.answers) < len(agent.task.output_fields)
    if metric is None and open_ended and is_small_local(agent.lm):
        return TextLikelihoodObjective()
    return ResponseObjective(metric, Calibration.shipped("model") if is_small_local(agent.lm) else RAW)


def agreement(
    example: dspy.Example, prediction: dspy.Prediction, trace: Any = None, *, decided: Collection[str] = ()
) -> float:
    """How well a prediction agrees with the truth, in [0, 1]: the mean over the outputs that the truth names.

    Texts are compared by `text_similarity`, everything else by equality of what is spelled.

    Args:
        example: What was asked, and the truth as its labels.
        prediction: What was answered.
        trace: Not used.
        decided: Outputs that are chosen from a closed set: their answers are right or wrong, however similar.
    """
    scores = []
    for name, truth in example.labels().items():
        answer = serialize_for_json(prediction.get(name))
        if name not in decided and isinstance(truth, str) and " " in truth.strip():
            scores.append(text_similarity(truth, str(answer)))
        else:
            scores.append(float(spelled(truth).strip() == spelled(answer).strip()))
    return sum(scores) / len(scores) if scores else 0.0


def text_similarity(first: str, second: str) -> float:
    """Ratcliff and Obershelp's ratio over words and punctuation marks, in [0, 1]; case counts, since style does."""
    return difflib.SequenceMatcher(None, _PIECES.findall(first), _PIECES.findall(second), autojunk=False).ratio()


def _likelihood_loss(calibration: Calibration, distribution: Mapping[str, float], truth: str) -> float:
    """Negative log-probability of the truth; the floor's where it is not among the answers."""
    answers = list(distribution)
    if truth not in answers:
        return -math.log(FLOOR)
    evidence = {
        "model": np.log([max(distribution[answer], FLOOR) for answer in answers]),
        "length": np.array([estimate_tokens(answer) for answer in answers], dtype=float),
    }
    return -math.log(max(float(calibration.probabilities(evidence)[answers.index(truth)]), FLOOR))


def _measured(metric: Metric, example: dspy.Example, prediction: dspy.Prediction) -> Any:
    places = [p for p in inspect.signature(metric).parameters.values() if p.kind != p.KEYWORD_ONLY]
    if len(places) >= 5:
        return metric(example, prediction, None, "predict", None)
    return metric(example, prediction, None)


def _checked(result: Any) -> tuple[float, str]:
    """Score and feedback of a metric's result."""
    named = isinstance(result, dspy.Prediction | dict)
    try:
        score = float(result["score"] if named else result)
    except (TypeError, ValueError, KeyError):
        raise ConfigurationError(f"The metric gave {result!r}; it must give a number in [0, 1].") from None
    if not 0.0 <= score <= 1.0:
        raise ConfigurationError(f"The metric gave {score}; it must stay in [0, 1].")
    return score, str((result.get("feedback", "") if named else "") or "")
