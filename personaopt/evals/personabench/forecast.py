"""What an LM would be asked to write a bench, before it is asked anything."""

from __future__ import annotations

import dataclasses
from typing import Any

from personaopt.evals.personabench.generation import REDRAWN, Size, drawn, plans_of
from personaopt.evals.personabench.neutralising import TURNS
from personaopt.evals.personabench.offline import OfflineBackend
from personaopt.lm.asks import ATTEMPTS


@dataclasses.dataclass(frozen=True)
class Forecast:
    """LM calls of a bench.

    Attributes:
        calls: If every reply is of use and no query has to be neutralised.
        at_most: If everything that can go wrong does.
        by_stage: `calls` by stage.
    """

    calls: int
    at_most: int
    by_stage: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return dataclasses.asdict(self)


def forecast(size: Size) -> Forecast:
    """How many calls `LMBackend` makes for a bench: times, events and topics are drawn by rule, so they are known.

    Args:
        size: How large the bench is.
    """
    rules = OfflineBackend()
    scenes: set[str] = set()
    sessions = remarks = 0
    for number in range(size.personas):
        name = f"p{number:04d}"
        seed = rules.seed(name, drawn(size, "seed", name))
        profile = rules.profile(seed, size.sessions, drawn(size, "persona", name))
        scenes |= {plan.scene for plan in plans_of(profile, rules.topics, size)}
        sessions += size.sessions
        for session in range(size.sessions):
            remarks += bool(rules.remarks(profile, session, drawn(size, "remarks", f"{name}/{session}")))
    by_stage = {
        "personas": size.personas,
        "scenes": sessions,
        "queries": len(scenes),
        "remarks": remarks,
        "filtered": len(scenes),
    }
    # A query is looked at again after each turn, and a scene that is like another one is written anew.
    rewriting = len(scenes) * (2 * TURNS + REDRAWN - 1)
    return Forecast(sum(by_stage.values()), ATTEMPTS * (sum(by_stage.values()) + rewriting), by_stage)
