"""The loss of an agent's actions: whether it looked first where, as the record of an interaction shows, the answer was.

An answer may be right although three tools were asked in vain before; what that costs is waiting and money. So where
an interaction records which action helped, the policy's first choice is part of its loss. A question of which nothing
is recorded has no such loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.actions.records import call_text
from personaopt.interaction import Interaction
from personaopt.memory.routines import helpful, matches

WEIGHT = 0.5
"""Of the loss where nothing that helped was looked up at all, beside a wrong answer's 1 or a likelihood's nats."""
LATER = 0.5
"""How much of it is left where what helped was looked up, but not first."""


def action_loss(interaction: Interaction, actions: Sequence[Mapping[str, Any]]) -> float:
    """How far actions are from beginning with one that helped, from 0 to `WEIGHT`.

    Args:
        interaction: With its recorded actions.
        actions: What the agent did now, in order.
    """
    right = [any(matches(interaction, helped, action) for helped in helpful(interaction)) for action in actions]
    if not helpful(interaction) or right[:1] == [True]:
        return 0.0
    return WEIGHT * (LATER if any(right) else 1.0)


def described(actions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Actions by tool and arguments, one a line."""
    return [call_text(str(action.get("tool")), action.get("arguments") or {}) for action in actions]
