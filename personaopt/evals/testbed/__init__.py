"""A bench with a known answer: invented users with hidden rules, a stand-in LM that obeys what it is shown, and scores.

The users' rules are known, so that an optimizer can be scored: rules recovered, rules lost, LM calls to 90 % of the
optimum, and how many runs end worse than they began. `NOISE` holds the dials.
"""

from __future__ import annotations

from personaopt.evals.testbed.language import rules_in, sentence
from personaopt.evals.testbed.methods import METHODS, Trial
from personaopt.evals.testbed.rules import Rule
from personaopt.evals.testbed.scoring import Score, scored
from personaopt.evals.testbed.stand_in import NOISE, Judge, Noise, StandIn, stand_in_lm
from personaopt.evals.testbed.users import AnswerMail, InventedUser, invented_users

__all__ = [
    "METHODS",
    "NOISE",
    "AnswerMail",
    "InventedUser",
    "Judge",
    "Noise",
    "Rule",
    "Score",
    "StandIn",
    "Trial",
    "invented_users",
    "rules_in",
    "scored",
    "sentence",
    "stand_in_lm",
]
