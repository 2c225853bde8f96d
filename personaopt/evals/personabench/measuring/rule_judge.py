"""A judge without a model, for runs that have none: rules, which see what they were written for and nothing else."""

from __future__ import annotations

from personaopt.evals.personabench.checks import passes
from personaopt.evals.personabench.measuring.field_scores import field_scores
from personaopt.evals.personabench.measuring.judging import HIGHEST, ReplyScores, Similarity
from personaopt.evals.personabench.measuring.measured import LONGEST_SESSION
from personaopt.evals.personabench.records import Check, Profile, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import Ask
from personaopt.persona import Persona

ANYBODY = 5.0
"""For a reply that would do for anybody: it is neither for this user nor for another."""


class RuleJudge:
    """Scores by the bench's checks and the field scores; no LM is asked.

    This is no reader. Personalization is 10 where a check passes, 0 where the reply has what the check knows to be
    wrong, and 5 where it has neither; of several checks the mean. Helpfulness is 10 where a check passes, 5 where the
    reply does what was asked for somebody else, and 0 where it does nothing of what the check knows. Similarity is ten
    times recall (coverage) and precision (correctness) of the field scores.
    """

    name = "rules"
    calls = 0

    def reply(self, session: Session, profile: Profile, first: Exchange) -> Ask[ReplyScores]:
        """The scores of a session's first reply."""
        if not session.checks or not first.reply.strip():  # who is told nothing is not helped by a call
            return Ask.done(ReplyScores(0.0, 0.0))
        fits = [_fits(check, first) for check in session.checks]
        done = [ANYBODY if fit == 0.0 else 0.0 if fit == ANYBODY else fit for fit in fits]
        return Ask.done(ReplyScores(sum(done) / len(done), sum(fits) / len(fits)))

    def similarity(self, session: Session, profile: Profile, learnt: Persona) -> Ask[Similarity]:
        """The field scores as a similarity."""
        scores = field_scores(learnt, profile.fields_at(session.time), at=session.time + LONGEST_SESSION)
        return Ask.done(Similarity(HIGHEST * (scores.recall or 0.0), HIGHEST * (scores.precision or 0.0)))


def _fits(check: Check, first: Exchange) -> float:
    if passes(check, first.reply, first.carried_out):
        return HIGHEST
    other_way_round = check.model_copy(update={"accepted": check.others, "others": check.accepted})
    return 0.0 if passes(other_way_round, first.reply, first.carried_out) else ANYBODY
