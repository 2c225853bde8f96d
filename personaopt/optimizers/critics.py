"""Textual losses and gradients: what one simulated response says about the persona."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import dspy

from personaopt.agent import PersonaAgent, spelled
from personaopt.errors import ModelError
from personaopt.lm.asks import Ask
from personaopt.lm.codec import TEXT, Codec, text
from personaopt.memory.routines import helpful
from personaopt.optimizers.acted import acted
from personaopt.optimizers.first_action import described
from personaopt.optimizers.heeding import expected
from personaopt.optimizers.losses import Outcome
from personaopt.optimizers.quoting import is_refusal
from personaopt.persona import Persona
from personaopt.signals import is_rejected
from personaopt.signatures.critique import Backpropagate, Critique, TextualLoss, with_actions
from personaopt.signatures.excerpt import excerpts

NO_PERSONA = "(nothing yet)"


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Feedback on the persona from one interaction.

    Attributes:
        outcome: The simulated response that it is about.
        text: How the persona should change, in words.
    """

    outcome: Outcome
    text: str


class Critic(Protocol):
    """Turns one outcome into feedback on the persona. Called for every outcome that was not right, all at once.

    An attribute `calls` says how many LM calls it makes for each, 1 where it has none; `levels` how many of them wait
    for each other.
    """

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The call to be made, or an ask that needs none."""
        ...


@runtime_checkable
class Chained(Protocol):
    """A critic that writes the loss down first: its gradient is a second call that waits for the first."""

    def loss(self, agent: PersonaAgent, outcome: Outcome) -> Ask[str]:
        """The call by which the loss is put into words."""
        ...

    def gradient_of(self, loss: str, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The call by which a written loss becomes feedback on the persona."""
        ...


class LMCritic:
    """Loss and gradient written by an LM in one call, as in PersonaAgent's Algorithm 1.

    Args:
        lm: The LM that writes; the agent's when None.
    """

    calls = 1
    levels = 1

    def __init__(self, lm: Any = None) -> None:
        self.predict = dspy.Predict(Critique)
        self.predict.lm = lm

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """One call of `Critique`."""
        return Ask.predict(
            self.predict,
            lambda prediction: Gradient(outcome, _written(prediction.feedback, "feedback")),
            reflect=True,
            codec=_kept(outcome),
            lm=self.predict.lm or agent.lm,
            persona=persona.render() or NO_PERSONA,
            expected=as_text(expected(outcome.interaction)),
            **_shown(agent, outcome, self.predict),
        )


class ChainedCritic:
    """The loss written by one call, the gradient by a second one, as in TextGrad (Yuksekgonul et al. 2024).

    The second LM call never sees what the user said, only how the answer differs from it. Costs twice the calls of
    `LMCritic`, and one more level.

    Args:
        lm: The LM that writes both; the agent's when None.
        loss_lm: Another LM for the loss.
    """

    calls = 2
    levels = 2

    def __init__(self, lm: Any = None, loss_lm: Any = None) -> None:
        self.evaluate = dspy.Predict(TextualLoss)
        self.evaluate.lm = loss_lm or lm
        self.backpropagate = dspy.Predict(Backpropagate)
        self.backpropagate.lm = lm

    def loss(self, agent: PersonaAgent, outcome: Outcome) -> Ask[str]:
        """One call of `TextualLoss`."""
        return Ask.predict(
            self.evaluate,
            lambda prediction: _written(prediction.loss, "loss"),
            reflect=True,
            codec=TEXT,
            lm=self.evaluate.lm or agent.lm,
            expected=as_text(expected(outcome.interaction)),
            **_shown(agent, outcome, self.evaluate),
        )

    def gradient_of(self, loss: str, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """One call of `Backpropagate`."""
        return Ask.predict(
            self.backpropagate,
            lambda prediction: Gradient(outcome, _written(prediction.feedback, "feedback")),
            reflect=True,
            codec=_kept(outcome),
            lm=self.backpropagate.lm or agent.lm,
            persona=persona.render() or NO_PERSONA,
            loss=loss,
            **_shown(agent, outcome, self.backpropagate),
        )

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The second call alone, with the contrast in the place of the written loss."""
        return self.gradient_of(contrast(outcome), agent, persona, outcome)


class ContrastiveCritic:
    """States what the user said instead of what was answered. Needs no LM: for models that cannot reflect."""

    calls = 0
    levels = 0

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The contrast, as an ask that makes no call."""
        return Ask.done(Gradient(outcome, contrast(outcome)))


def contrast(outcome: Outcome) -> str:
    """The difference between what the user said and what was answered, in one sentence."""
    truth, response = outcome.interaction.ground_truth, outcome.response
    if is_rejected(outcome.interaction):
        question, then = (as_text(part)[:120] for part in (outcome.interaction.inputs, outcome.interaction.response))
        now = f"now it was {as_text(response)[:120]!r}" if response else f"it is still likely (loss {outcome.loss:.2f})"
        return f"For {question!r} the user rejected the answer {then!r} and did not say what is right; {now}."
    astray = _astray(outcome)
    if not response:
        words = sum(len(str(text).split()) for text in truth.values())
        return (
            f"The user wrote {as_text(truth)!r} ({words} words), which was unlikely (loss {outcome.loss:.2f} a token)."
            f"{astray}"
        )
    parts = [
        f"the user gave the {name} {spelled(value)!r} where the answer was {spelled(response.get(name))!r}"
        if spelled(value) != spelled(response.get(name))
        else f"the {name} {spelled(value)!r} was right"
        for name, value in truth.items()
    ]
    unsure = f" (loss {outcome.likelihood_loss:.2f})" if outcome.likelihood_loss is not None else ""
    return f"For {as_text(outcome.interaction.inputs)[:120]!r} {', '.join(parts)}{unsure}.{astray}"


def _astray(outcome: Outcome) -> str:
    """Where the first search should have been, in one sentence; empty where it was right or nothing is known."""
    if not outcome.action_loss:
        return ""
    first = described(outcome.actions[:1]) or ["nothing"]
    return f" First {first[0]} was looked up; what helped was {' or '.join(described(helpful(outcome.interaction)))}."


def _shown(agent: PersonaAgent, outcome: Outcome, predictor: Any) -> dict[str, Any]:
    """What every critic is told of an outcome; of texts that are very long the beginning and the end."""
    said = as_text(excerpts(outcome.response))
    looked = {}
    if agent.max_actions:
        looked = {"signature": with_actions(predictor.signature), **acted(agent, outcome)}
    return {
        **looked,
        "task": agent.task.instructions,
        "question": as_text(excerpts(outcome.interaction.inputs)),
        "answer": f"{said}\n({outcome.feedback})" if outcome.feedback else said,
    }


def _written(value: Any, what: str) -> str:
    """What an LM wrote.

    Raises:
        ModelError: It wrote nothing, or that it will not.
    """
    written = str(value or "").strip()
    if not written or is_refusal(written):
        raise ModelError(f"The critic gave no {what}.")
    return written


def _kept(outcome: Outcome) -> Codec[Gradient]:
    return Codec(lambda gradient: gradient.text, lambda value: Gradient(outcome, text(value)))


def as_text(values: Mapping[str, Any]) -> str:
    """Fields as text: the value of a single one, else a line for each."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return next(iter(texts.values())) if len(texts) == 1 else "\n".join(f"{k}: {v}" for k, v in texts.items())
