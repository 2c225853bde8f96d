"""A bench of personalised action with a known answer: users who keep their things in places of their own.

Every question of a user has one right first action, a tool and for some topics a keyword that only this user knows.
"""

from __future__ import annotations

from personaopt.evals.errands.shares import Shares, shares_of
from personaopt.evals.errands.stand_in import looking_lm
from personaopt.evals.errands.world import Errand, Place, Seeker, seekers

__all__ = ["Errand", "Place", "Seeker", "Shares", "looking_lm", "seekers", "shares_of"]
