"""Whether a reply gave the user what was expected, so that the session can end."""

from __future__ import annotations

from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import Ask


class RuleSatisfaction:
    """Satisfied when the reply, with the calls before it, passes every check of the session; needs no LM.

    In a session without checks any reply will do.
    """

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        """See `SatisfactionCheck`; makes no call."""
        return Ask.done(satisfies(session, exchange))


def satisfies(session: Session, exchange: Exchange) -> bool:
    """Whether a reply passes all checks of its session, by rule."""
    return bool(exchange.reply.strip()) and not failed(session.checks, exchange.reply, exchange.calls)
