"""Textual losses and gradients: what one simulated response says about the persona."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Protocol

import dspy

from personaopt.agent import PersonaAgent, spelled
from personaopt.errors import ModelError
from personaopt.optimizers.asks import Ask
from personaopt.optimizers.losses import Outcome
from personaopt.persona import Persona
from personaopt.signatures.critique import Critique


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

    An attribute `calls` says how many LM calls it makes for each; 1 where it has none.
    """

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The call to be made, or an ask that needs none."""
        ...


class LMCritic:
    """Loss and gradient written by an LM in one call, as in PersonaAgent's Algorithm 1.

    Args:
        lm: The LM that writes; the agent's when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.predict = dspy.Predict(Critique)
        self.predict.lm = lm

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """One call of `Critique`."""

        def finish(prediction: dspy.Prediction) -> Gradient:
            text = str(prediction.feedback or "").strip()
            if not text:
                raise ModelError("The critic gave no feedback.")
            return Gradient(outcome, text)

        said = f"{as_text(outcome.response)}\n({outcome.feedback})" if outcome.feedback else as_text(outcome.response)
        return Ask.predict(
            self.predict,
            finish,
            reflect=True,
            lm=self.predict.lm or agent.lm,
            persona=persona.render() or "(nothing yet)",
            task=agent.task.instructions,
            question=as_text(outcome.interaction.inputs),
            expected=as_text(outcome.interaction.ground_truth),
            answer=said,
        )


class ContrastiveCritic:
    """States what the user said instead of what was answered. Needs no LM: for models that cannot reflect."""

    calls = 0

    def gradient(self, agent: PersonaAgent, persona: Persona, outcome: Outcome) -> Ask[Gradient]:
        """The contrast, as an ask that makes no call."""
        return Ask.done(Gradient(outcome, contrast(outcome)))


def contrast(outcome: Outcome) -> str:
    """The difference between what the user said and what was answered, in one sentence."""
    truth, response = outcome.interaction.ground_truth, outcome.response
    if not response:
        words = sum(len(str(text).split()) for text in truth.values())
        return (
            f"The user wrote {as_text(truth)!r} ({words} words), which was unlikely (loss {outcome.loss:.2f} a token)."
        )
    parts = [
        f"the user gave the {name} {spelled(value)!r} where the answer was {spelled(response.get(name))!r}"
        if spelled(value) != spelled(response.get(name))
        else f"the {name} {spelled(value)!r} was right"
        for name, value in truth.items()
    ]
    unsure = f" (loss {outcome.likelihood_loss:.2f})" if outcome.likelihood_loss is not None else ""
    return f"For {as_text(outcome.interaction.inputs)[:120]!r} {', '.join(parts)}{unsure}."


def as_text(values: Mapping[str, Any]) -> str:
    """Fields as text: the value of a single one, else a line for each."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return next(iter(texts.values())) if len(texts) == 1 else "\n".join(f"{k}: {v}" for k, v in texts.items())
