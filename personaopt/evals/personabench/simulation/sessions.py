"""The session manager: the user asks, the agent acts and answers, until the user is satisfied or the turns are over.

As AI PERSONA holds its sessions (arXiv 2412.13103): at most three turns, ended by a check of the reply against the
expected one. All that is said is recorded as any conversation of the agent's user, with the session's time.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.conversation import Conversation
from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.dialogue import UNUSABLE, Dialogue, Exchange
from personaopt.evals.personabench.simulation.functions import SimulatedFunctions, equipped
from personaopt.evals.personabench.simulation.roles import SatisfactionCheck, SimulatedUser
from personaopt.evals.personabench.simulation.satisfaction import satisfies
from personaopt.evals.personabench.simulation.users import RuleUser
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask, Failure, Steps, Unreachable
from personaopt.lm.driving import adrive, drive
from personaopt.signatures.act import RESPOND
from personaopt.signatures.turns import turns_field

TURNS = 3
"""Turns that a session has at most."""
MINUTE = 60.0
"""Seconds between two messages of the user."""
MESSAGE, REPLY = "message", "reply"


def hold(
    agent: PersonaAgent,
    session: Session,
    profile: Profile,
    user: SimulatedUser,
    satisfaction: SatisfactionCheck,
    *,
    turns: int = TURNS,
    lm: Any = None,
) -> Dialogue:
    """Hold one session.

    Every turn is recorded for the agent's user under the session's id and time. A reply that satisfied is recorded as
    accepted; where it came after others, it is the correction of those. Replies of a session in which none satisfied
    are recorded as rejected. What the user says at the end stands there without an answer. Of the session the agent is
    shown the user's messages, the functions, and what they give; checks, expected answers and the profile it is not.

    Args:
        agent: As the method prepared it; its task has an input `message` and an output `reply` (`AssistUser`). The
            session's functions are given to a copy of it.
        session: The session.
        profile: Whose session it is, for the roles beside the agent.
        user: Speaks for the persona.
        satisfaction: Says when it is enough.
        turns: How many there are at most.
        lm: Who answers for the agent; the configured LM, or the predictor's own, when None.

    Returns:
        What was said and done.

    Raises:
        ConfigurationError: The turns are no number above 0, or the agent's task has other fields.
        DataError: The session's functions or its state cannot be read, or the user has said something since it began.
        ModelError: The LM of a role, or of the agent, cannot be reached.
    """
    return drive(_held(agent, session, profile, user, satisfaction, turns, lm), threads=1)


async def ahold(
    agent: PersonaAgent,
    session: Session,
    profile: Profile,
    user: SimulatedUser,
    satisfaction: SatisfactionCheck,
    *,
    turns: int = TURNS,
    lm: Any = None,
) -> Dialogue:
    """The same, awaited."""
    return await adrive(_held(agent, session, profile, user, satisfaction, turns, lm), threads=1)


@dataclasses.dataclass
class _Held:
    """A session under way.

    Attributes:
        conversation: Records it.
        functions: What the agent may call.
        context: In which the agent is asked.
        exchanges: What was said so far.
        records: The interactions they are.
        notes: What went otherwise than it should.
    """

    session: Session
    conversation: Conversation
    functions: SimulatedFunctions
    context: Callable[[], contextlib.AbstractContextManager[Any]]
    exchanges: list[Exchange] = dataclasses.field(default_factory=list)
    records: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def now(self) -> float:
        """The bench's time: a minute after the message before."""
        return self.session.time + MINUTE * len(self.exchanges)

    def answer(self, message: str) -> Ask[dspy.Prediction]:
        """The agent's turn; one that is begun again finds the state as it was."""
        restore = self.functions.snapshot()

        def call(attempt: int) -> dspy.Prediction:
            restore()
            with self.context():
                return self.conversation(**{MESSAGE: message})

        async def acall(attempt: int) -> dspy.Prediction:
            restore()
            with self.context():
                return await self.conversation.acall(**{MESSAGE: message})

        return Ask(call, acall, lambda prediction: prediction)

    def unanswered(self, message: str) -> Interaction:
        """Record what the user says where no answer comes, or none is asked for."""
        task = str(self.conversation.agent.task.__name__)
        said = Interaction({MESSAGE: message}, session=self.session.id, time=self.now(), task=task)
        return self.conversation.user.record(said)

    def settle(self) -> None:
        """Record how the replies were taken."""
        last = self.exchanges[-1]
        for exchange, record in zip(self.exchanges, self.records, strict=True):
            if not exchange.reply:
                continue
            if not last.satisfied:
                self.conversation.feedback(record, thumbs="down")
            elif exchange is last:
                self.conversation.feedback(record, accepted=True)
            else:
                self.conversation.feedback(record, correction={REPLY: last.reply})


def _held(
    agent: PersonaAgent,
    session: Session,
    profile: Profile,
    user: SimulatedUser,
    satisfaction: SatisfactionCheck,
    turns: int,
    lm: Any,
) -> Steps[Dialogue]:
    held = _begun(agent, session, turns, lm)
    message = user.opening(session, profile)
    while True:
        exchange = yield from _exchange(held, message)
        (satisfied,) = yield [satisfaction.ask(session, profile, exchange)]
        if isinstance(satisfied, Failure):
            held.notes.append(_unread("satisfaction check", satisfied))
            satisfied = satisfies(session, exchange)
        held.exchanges.append(dataclasses.replace(exchange, satisfied=bool(satisfied)))
        if satisfied or len(held.exchanges) == turns:
            break
        (message,) = yield [user.answer(session, profile, held.exchanges)]
        if isinstance(message, Failure):
            held.notes.append(_unread("simulated user", message))
            (message,) = yield [RuleUser().answer(session, profile, held.exchanges)]
    closing = user.closing(session, profile, held.exchanges)
    held.settle()
    if closing:
        held.unanswered(closing)
    return Dialogue(session.id, tuple(held.exchanges), closing, tuple(held.notes))


def _begun(agent: PersonaAgent, session: Session, turns: int, lm: Any) -> _Held:
    if not isinstance(turns, int) or isinstance(turns, bool) or turns < 1:
        raise ConfigurationError(f"A session has at least one turn; turns is {turns!r}.")
    _refuse_task(agent.task)
    latest = agent.user.latest(1)
    if latest and (latest[0].time or 0.0) >= session.time:
        raise DataError(
            f"User {agent.user.id!r} has said something at or after the beginning of session {session.id!r} already; "
            "sessions are held once, in the order of time, and minutes apart."
        )
    functions = SimulatedFunctions(session)
    acting = equipped(agent, functions)
    held: _Held
    conversation = Conversation(agent.user, acting, session.id, clock=lambda: held.now())
    context = contextlib.nullcontext if lm is None else lambda: dspy.context(lm=lm)
    held = _Held(session, conversation, functions, context)
    return held


def _refuse_task(task: type[dspy.Signature]) -> None:
    """Refuse an agent that cannot be talked to.

    Raises:
        ConfigurationError: Its task has other fields.
    """
    needed = {name for name, field in task.input_fields.items() if field.is_required()} - {turns_field(task), MESSAGE}
    if needed or MESSAGE not in task.input_fields or REPLY not in task.output_fields:
        raise ConfigurationError(
            f"An agent in a session has the input {MESSAGE!r} and the output {REPLY!r}, and needs nothing else; make "
            "it with AssistUser."
        )


def _exchange(held: _Held, message: str) -> Steps[Exchange]:
    """A message, and the agent's reply to it; an empty one where what it said could not be read."""
    (answer,) = yield [held.answer(message)]
    if isinstance(answer, Failure):
        held.notes.append(_unread("agent", answer))
        held.records.append(held.unanswered(message).id)
        return Exchange(message, "")
    actions = answer.get("actions") or ()
    held.notes += [str(each["error"]) for each in actions if each["tool"] == RESPOND]
    calls, refusals = held.functions.heard(actions)
    held.records.append(str(answer.turn))
    return Exchange(message, str(answer[REPLY] or ""), calls, refusals)


def _unread(who: str, failure: Failure) -> str:
    """A note on a role that gave nothing usable.

    Raises:
        ModelError: Its LM cannot be reached, so that the same session may go well another time.
    """
    if failure.unreachable:
        raise Unreachable(f"The LM of the {who} cannot be reached: {failure.reason}")
    return f"The {who} {UNUSABLE}: {failure.reason}"
