"""One persona under one method: session after session, as it would go in life."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dspy

from personaopt.evals.meters import Calls, Failures, Stop
from personaopt.evals.personabench.measuring.judging import ReplyScores, Similarity
from personaopt.evals.personabench.measuring.measured import measured
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.methods.method import Learner, LearnerOf, Learnt, Setting
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.rows import Row, Spent
from personaopt.evals.personabench.runs.roles import Beside, Roles
from personaopt.evals.personabench.simulation.dialogue import Dialogue
from personaopt.evals.personabench.simulation.sessions import hold
from personaopt.evals.tape import Tape
from personaopt.evals.turns import reason
from personaopt.lm.asks import Ask, Failure, Steps, always
from personaopt.lm.driving import drive
from personaopt.lm.local import form_of
from personaopt.lm.metering import Usage
from personaopt.lm.private_calls import private_calls
from personaopt.memory import open_store
from personaopt.memory.embedding import Embedder
from personaopt.memory.forgotten import user_hash
from personaopt.persona import Persona

UNFINISHED = "unfinished"
"""The folder of LM calls of sittings that are under way, inside a run's folder."""


@dataclasses.dataclass(frozen=True)
class Sitting:
    """One persona under one method.

    Attributes:
        method: Its name.
        make: Makes the method.
        profile: The persona.
        sessions: Its sessions, in order of time.
        telling: What it says in them, and when.
        setting: Of the method; the language models are filled in.
        lm: The agent's language model as it was asked for.
        turns: Of a session, at most.
        embedder: Of the store.
    """

    method: str
    make: LearnerOf
    profile: Profile
    sessions: Sequence[Session]
    telling: Telling
    setting: Setting
    lm: str
    turns: int
    embedder: Embedder

    def row(self, session: Session, **values: Any) -> Row:
        """The row of a session."""
        return Row(
            self.method, self.profile.id, session.number, session.id, session.time, self.setting.seed, self.lm, **values
        )

    def tape(self, folder: Path) -> Tape:
        """Where the LM calls of the sitting are kept in a run's folder as long as it is not finished."""
        named = json.dumps([self.lm, self.method, self.setting.seed, self.profile.id])
        return Tape(folder / UNFINISHED / f"{self.method}-{hashlib.sha256(named.encode()).hexdigest()[:16]}.jsonl")


def sit(sitting: Sitting, roles: Roles, tape: Tape, stop: Stop, tell: Callable[[Row], None]) -> None:
    """Hold all sessions of a persona under a method, from the first one on.

    What was begun before and not finished is done anew with the answers on the tape, so that store, persona and all
    else are as they were, and no LM is asked for what it gave already.

    Args:
        sitting: What is held.
        roles: Who takes part.
        tape: Where calls are kept; who writes the rows down removes it after that.
        stop: Asked between sessions and after calls.
        tell: Given each row as soon as it is there. What goes wrong in a session is a row with an error.

    Raises:
        Stopped: The run is to end.
    """
    with (
        dspy.context(lm=roles.agent, adapter=form_of(roles.agent)),
        private_calls(user_hash(sitting.profile.id)),  # nothing comes from DSPy's cache: every call is paid and counted
        tape.running(),
        open_store(":memory:", embedder=sitting.embedder) as store,
    ):
        setting = dataclasses.replace(sitting.setting, agent_lm=roles.agent, editor_lm=roles.editor)
        learner = sitting.make(store.user(sitting.profile.id), setting)
        for session in sitting.sessions:
            stop.check()
            tell(_held(sitting, learner, roles, session, stop))


def _held(sitting: Sitting, learner: Learner, roles: Roles, session: Session, stop: Stop) -> Row:
    began = time.perf_counter()
    beside, answering, learning, judging = Beside(roles), _Block(stop), _Block(stop), _Block(stop)
    values: dict[str, Any]
    with Failures().heard() as failures:
        try:
            with answering.counted():
                golden = sitting.profile.persona_at(session.time, token_limit=sitting.setting.token_limit)
                agent = learner.agent(session.id, golden)
                dialogue = hold(agent, session, sitting.profile, beside.user, beside.satisfaction, turns=sitting.turns)
            with learning.counted():
                learnt = learner.learn()
            seconds = time.perf_counter() - began
            values = _measured(sitting, session, dialogue, learnt, learner.persona())
            with judging.counted():
                values |= _judged(sitting, roles, session, dialogue, learner.persona())
        except Exception as error:  # noqa: BLE001 - a session that goes wrong is a row of the table, not the run's end
            seconds = time.perf_counter() - began
            values = {"error": reason(error)}
    if failures.first is not None:  # a method that made the best of it is not measured by that
        values = {"error": reason(failures.first)}
    return sitting.row(
        session,
        **values,
        answering=spent(_without(answering.usage, beside.usage), "answering" in roles.here),
        learning=spent(learning.usage, "learning" in roles.here),
        simulating=spent(beside.usage, "simulating" in roles.here),
        judging=spent(judging.usage, "judging" in roles.here),
        seconds=round(seconds, 4),
    )


def _measured(
    sitting: Sitting, session: Session, dialogue: Dialogue, learnt: Learnt, persona: Persona | None
) -> dict[str, Any]:
    """What rules say of a session."""
    found = measured(sitting.telling, session, dialogue, persona)
    known = ("knowable", "stale", "at_risk", "calls_expected", "calls_right", "calls_refused", "since_change")
    return {
        **{name: getattr(found, name) for name in known},
        "utterances": dialogue.utterances,
        "satisfied": dialogue.satisfied,
        "field_f1": found.learnt.f1 if found.learnt else None,
        "field_precision": found.learnt.precision if found.learnt else None,
        "field_recall": found.learnt.recall if found.learnt else None,
        "field_f1_said": found.learnt_said.f1 if found.learnt_said else None,
        "changes_said": found.changes_said,
        "changes_learnt": found.changes_learnt,
        "persona_tokens": persona.tokens if persona else 0,
        "persona_text": persona.render() if persona else "",
        "persona_version": learnt.version,
        "dialogue": dialogue.to_dict(),
        "notes": (*dialogue.notes, *learnt.notes),
    }


def _judged(
    sitting: Sitting, roles: Roles, session: Session, dialogue: Dialogue, persona: Persona | None
) -> dict[str, Any]:
    """What the judge says; a reply of it that cannot be read leaves a score out."""
    if roles.judge is None:
        return {}
    asks: list[Ask[Any]] = [roles.judge.reply(session, sitting.profile, dialogue.first)]
    if persona is not None:
        asks.append(roles.judge.similarity(session, sitting.profile, persona))
    reply, *likeness = _answers(asks)
    scores: dict[str, Any] = {"unread": sum(isinstance(each, Failure) for each in (reply, *likeness))}
    if isinstance(reply, ReplyScores):
        scores |= {"helpfulness": reply.helpfulness, "personalization": reply.personalization}
    if likeness and isinstance(likeness[0], Similarity):
        scores |= {"similarity": likeness[0].score, "similarity_parts": dict(likeness[0].parts)}
    return scores


def _answers(asks: Sequence[Ask[Any]]) -> list[Any]:
    """What independent asks gave."""

    def level() -> Steps[list[Any]]:
        return (yield asks)

    return drive(level(), threads=len(asks)) if any(ask.calls for ask in asks) else [ask.now(always) for ask in asks]


class _Block:
    """What a block costs, whether it ends well or not."""

    def __init__(self, stop: Stop) -> None:
        self._calls = Calls(stop)
        self._seconds = 0.0

    @property
    def usage(self) -> Usage:
        return dataclasses.replace(self._calls.usage, seconds=self._seconds)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with self._calls.counted():
                yield
        finally:
            self._seconds = time.perf_counter() - began


def spent(usage: Usage, here: bool) -> Spent:
    """What was spent; nothing is paid for a model that runs here."""
    found = Spent.of(usage)
    return dataclasses.replace(found, usd=0.0) if here else found


def _without(usage: Usage, part: Usage) -> Usage:
    """What is left of a total."""
    names = ("calls", "input_tokens", "output_tokens", "cached_tokens", "seconds")
    usd = None if usage.usd is None or (part.calls and part.usd is None) else usage.usd - (part.usd or 0.0)
    return Usage(**{name: getattr(usage, name) - getattr(part, name) for name in names}, usd=usd)
