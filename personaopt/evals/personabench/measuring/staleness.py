"""Whether a first reply is built on what no longer holds."""

from __future__ import annotations

import dataclasses

from personaopt.evals.personabench.checks import is_stale
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.records import Session
from personaopt.evals.personabench.simulation.dialogue import Exchange


@dataclasses.dataclass(frozen=True)
class Staleness:
    """Whether a first reply could be stale, and whether it is.

    Attributes:
        at_risk: Whether something that would have been right earlier is among what may be answered, and what is right
            now had been said in an earlier session; other sessions are left out of the share of stale replies.
        stale: Whether the reply is at risk, wrong, and right under a value that no longer holds.
    """

    at_risk: bool
    stale: bool


def staleness(session: Session, first: Exchange, telling: Telling) -> Staleness:
    """Whether the first reply of a session is stale.

    It is by its effect, whatever led to it: who guesses may hit what was right earlier, and a short plain text is brief
    and a paragraph without anybody having chosen so. What no persona at all comes to is the measure of that.

    Args:
        session: The session.
        first: Its first exchange.
        telling: What the persona says, and when.
    """
    risky = [check for check in session.checks if check.stale and telling.is_knowable(session, check.field)]
    return Staleness(bool(risky), any(is_stale(check, first.reply, first.carried_out) for check in risky))
