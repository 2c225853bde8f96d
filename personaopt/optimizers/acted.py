"""What an agent looked up before an answer, as a critic is shown it: tools, searches, what they gave, what helped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personaopt.agent import PersonaAgent
from personaopt.memory.routines import helpful
from personaopt.optimizers.first_action import described
from personaopt.signatures.excerpt import excerpt

if TYPE_CHECKING:
    from personaopt.optimizers.losses import Outcome

SHOWN_TOKENS = 100
"""Of each result."""


def acted(agent: PersonaAgent, outcome: Outcome) -> dict[str, list[str]]:
    """The inputs that `with_actions` adds to a critic's signature.

    Args:
        agent: Who acted.
        outcome: One simulated response, with the actions before it.
    """
    looked_up = [
        f"{number}. {call} gave: {excerpt(str(action.get('error') or action.get('result') or ''), SHOWN_TOKENS)}"
        for number, (call, action) in enumerate(zip(described(outcome.actions), outcome.actions, strict=True), 1)
    ]
    return {
        "tools": agent.available_tools(),
        "looked_up": looked_up,
        "helped": described(helpful(outcome.interaction)),
    }
