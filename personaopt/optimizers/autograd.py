"""Textual autograd on `textgrad.Variable`: forward, backward by levels, and what is left for the step.

The graph of one step has three ranks. The persona requires a gradient; each simulated response depends on it; each
textual loss compares one response with what the user really said. Backward walks from the losses to the persona one
rank at a time, everything within a rank at once, and leaves one textual gradient per interaction on the persona.

TextGrad keeps predecessors and gradients in sets, whose order differs from run to run; here ordered lists stand beside
them, so that prompts are the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.lm.asks import Ask, Failure, Steps
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.optimizers.critics import Chained, Critic, Gradient, as_text, contrast
from personaopt.optimizers.events import LevelName
from personaopt.optimizers.losses import Outcome
from personaopt.persona import Persona

LevelOf = Callable[[LevelName, list[Ask[Any]]], Steps[list[Any]]]
"""Makes independent calls, of which the name says what they are for."""

PERSONA_ROLE = "persona: the description of one user in the assistant's system prompt"


class Node:
    """A variable of the graph with its predecessors and gradients in order.

    Attributes:
        variable: The `textgrad.Variable`.
        predecessors: The nodes it was made from.
        gradients: What backward left on it, in the order of the interactions.
        failure: Why nothing came from it; None where something did.
    """

    def __init__(self, value: str, role: str, predecessors: Sequence[Node] = ()) -> None:
        self.variable: Any = textgrad().Variable(
            value, predecessors=[node.variable for node in predecessors], requires_grad=True, role_description=role
        )
        self.predecessors = tuple(predecessors)
        self.gradients: list[Gradient] = []
        self.failure: Failure | None = None

    def write(self, text: str | Failure) -> None:
        """Put another value in the place of the one it has."""
        if isinstance(text, Failure):
            self.failure = text
        else:
            self.variable.set_value(text)

    def send(self, gradient: Gradient | Failure) -> None:
        """Pass a gradient on to what this was made from."""
        if isinstance(gradient, Failure):
            self.failure = gradient
            return
        for node in self.predecessors:
            node.receive(gradient)

    def receive(self, gradient: Gradient) -> None:
        """Add a gradient, in order and in TextGrad's set."""
        self.gradients.append(gradient)
        variable = textgrad().Variable(
            gradient.text, requires_grad=False, role_description=f"feedback on the {self.variable.role_description}"
        )
        self.variable.gradients.add(variable)


class TextualGraph:
    """The graph of one step: a persona, the responses simulated under it, and their textual losses.

    Args:
        agent: The agent that responded.
        persona: The persona it responded under.
        outcomes: The simulated interactions that were not right, in their order.
    """

    def __init__(self, agent: PersonaAgent, persona: Persona, outcomes: Sequence[Outcome]) -> None:
        self.agent = agent
        self.value = persona
        self.outcomes = tuple(outcomes)
        self.persona = Node(persona.render(), PERSONA_ROLE)
        self.responses = [
            Node(as_text(outcome.response) if outcome.response else "", "response under the persona", [self.persona])
            for outcome in outcomes
        ]
        self.losses = [
            Node(contrast(outcome), "difference between the response and what the user really said", [response])
            for outcome, response in zip(outcomes, self.responses, strict=True)
        ]

    def backward(self, critic: Critic, level: LevelOf, *, again: int = 0) -> Steps[list[Failure]]:
        """From the losses to the persona, one rank at a time, everything within a rank at once.

        A fused critic, as in PersonaAgent, writes feedback on the persona straight from a loss: one level of calls, and
        the responses pass it on unchanged. A chained one, as in TextGrad, writes the loss down first: two levels.

        Args:
            critic: Writes the gradients.
            level: Makes independent calls.
            again: How often these outcomes were criticised before; their critiques are then drawn anew.

        Returns:
            What the critic failed to give; the persona has a gradient for every other outcome.
        """
        pairs = list(zip(self.losses, self.outcomes, strict=True))
        if isinstance(critic, Chained):
            asks: list[Ask[Any]] = [critic.loss(self.agent, outcome) for _, outcome in pairs]
            for loss, text in zip(self.losses, (yield from level("loss", _drawn(asks, again))), strict=True):
                loss.write(text)
            pairs = [(loss, outcome) for loss, outcome in pairs if loss.failure is None]
        asks = [self._gradient(critic, loss, outcome) for loss, outcome in pairs]
        for (loss, _), gradient in zip(pairs, (yield from level("critique", _drawn(asks, again))), strict=True):
            loss.send(gradient)
        for response in self.responses:
            for gradient in response.gradients:
                response.send(gradient)
        return [loss.failure for loss in self.losses if loss.failure is not None]

    def _gradient(self, critic: Critic, loss: Node, outcome: Outcome) -> Ask[Gradient]:
        if isinstance(critic, Chained):
            return critic.gradient_of(loss.variable.value, self.agent, self.value, outcome)
        return critic.gradient(self.agent, self.value, outcome)


def _drawn(asks: Sequence[Ask[Any]], again: int) -> list[Ask[Any]]:
    return [ask.again(again) if again else ask for ask in asks]
