"""Everything that a session is measured by without a model."""

from __future__ import annotations

import dataclasses

from personaopt.evals.personabench.measuring.field_scores import FieldScores, field_scores, held_values, same
from personaopt.evals.personabench.measuring.staleness import staleness
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.measuring.tool_scores import tool_scores
from personaopt.evals.personabench.records import Event, Session
from personaopt.evals.personabench.simulation.dialogue import Dialogue
from personaopt.persona import Persona

LONGEST_SESSION = 4 * 3600.0
"""Seconds after its begin at which a session is over; the next thing happens later than that (`timeline.py`)."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What rules say of a session.

    Attributes:
        knowable: Whether all that a right first reply depends on had been said in an earlier session.
        at_risk: Whether a stale first reply was possible and could have been avoided.
        stale: Whether there was one.
        calls_expected: Calls that a right first reply needs.
        calls_right: Those of them that were made before it.
        calls_refused: Calls before it that were refused.
        since_change: Sessions since the last lasting change was said; 0 in the one in which it is, None before any.
        changes_said: Lasting changes that were said two sessions ago and still hold; 0 where a method holds no persona.
        changes_learnt: Those of them of which the new value is held and the old one is not.
        learnt: What is held after the session, against the whole golden persona; None where a method holds none.
        learnt_said: The same against what could be known.
    """

    knowable: bool
    at_risk: bool
    stale: bool
    calls_expected: int
    calls_right: int
    calls_refused: int
    since_change: int | None
    changes_said: int
    changes_learnt: int
    learnt: FieldScores | None
    learnt_said: FieldScores | None


def measured(telling: Telling, session: Session, dialogue: Dialogue, persona: Persona | None) -> Measured:
    """Measure a session that is over and learnt from.

    Args:
        telling: What its persona says, and when.
        session: The session.
        dialogue: What was said in it.
        persona: What the method holds after it; None if it holds none.
    """
    stale, tools = staleness(session, dialogue.first, telling), tool_scores(session, dialogue.first)
    golden, ended = telling.profile.fields_at(session.time), session.time + LONGEST_SESSION
    learnt = learnt_said = None
    changes: list[bool] = []
    if persona is not None:
        changes = [is_learnt(event, persona, ended) for event in telling.changes(session)]
        learnt = field_scores(persona, golden, at=ended)
        said, unclear = telling.said_fields(session), telling.unclear(session)
        learnt_said = field_scores(persona, golden, at=ended, said=said, unclear=unclear)
    return Measured(
        knowable=telling.knowable(session),
        at_risk=stale.at_risk,
        stale=stale.stale,
        calls_expected=tools.expected,
        calls_right=tools.right,
        calls_refused=tools.refused,
        since_change=telling.since_change(session),
        changes_said=len(changes),
        changes_learnt=sum(changes),
        learnt=learnt,
        learnt_said=learnt_said,
    )


def is_learnt(event: Event, persona: Persona, at: float) -> bool:
    """Whether a persona has a change at a time: it holds the new value, and not the old one."""
    held = held_values(persona, at)
    return (event.field, same(event.new)) in held and (event.field, same(event.old)) not in held
