"""A stand-in for a capable LM on PersonaBench, for runs without any LM: it sees nothing but its prompts, and errs."""

from __future__ import annotations

from personaopt.evals.personabench.stand_in.engine import CapableStandIn, capable_lm
from personaopt.evals.personabench.stand_in.noise import Noise

__all__ = ["CapableStandIn", "Noise", "capable_lm"]
