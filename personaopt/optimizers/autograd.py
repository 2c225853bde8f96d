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
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.optimizers.asks import Ask, Failure, Steps
from personaopt.optimizers.critics import Critic, Gradient, as_text, contrast
from personaopt.optimizers.losses import Outcome
from personaopt.persona import Persona

PERSONA_ROLE = "persona: the description of one user in the assistant's system prompt"


class Node:
    """A variable of the graph with its predecessors and gradients in order.

    Attributes:
        variable: The `textgrad.Variable`.
        predecessors: The nodes it was made from.
        gradients: What backward left on it, in the order of the interactions.
    """

    def __init__(self, value: str, role: str, predecessors: Sequence[Node] = ()) -> None:
        self.variable: Any = textgrad().Variable(
            value, predecessors=[node.variable for node in predecessors], requires_grad=True, role_description=role
        )
        self.predecessors = tuple(predecessors)
        self.gradients: list[Gradient] = []

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

    def backward(self, critic: Critic, level: Callable[[list[Ask[Any]]], Steps[list[Any]]]) -> Steps[list[Failure]]:
        """From the losses to the persona. One level of calls: all critiques at once.

        Args:
            critic: Writes the gradient. Fused, as in PersonaAgent: its feedback on a loss is about the persona already,
                so that the response passes it on unchanged.
            level: Makes independent calls.

        Returns:
            What the critic failed to give; the persona has a gradient for every other outcome.
        """
        asks: list[Ask[Any]] = [critic.gradient(self.agent, self.value, outcome) for outcome in self.outcomes]
        gradients = yield from level(asks)
        failures = []
        for loss, gradient in zip(self.losses, gradients, strict=True):
            if isinstance(gradient, Failure):
                failures.append(gradient)
                continue
            (response,) = loss.predecessors
            response.receive(gradient)
        for response in self.responses:
            for gradient in response.gradients:
                self.persona.receive(gradient)
        return failures
