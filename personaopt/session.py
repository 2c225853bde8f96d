"""One session of a user with an agent, as it is kept: which turns a turn is shown, and what is recorded of it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import dspy

from personaopt.actions.outcomes import recorded as recorded_actions
from personaopt.attachments import recorded
from personaopt.errors import ConfigurationError, ConsentError, DataError
from personaopt.interaction import Interaction, query_text
from personaopt.memory.interactions import checked
from personaopt.signatures.turns import INTERRUPTED, PARTIAL, SHOWN, TURNS, Turns, turns_field, turns_of

if TYPE_CHECKING:
    from personaopt.agent import PersonaAgent
    from personaopt.memory import User

TURN = "turn"
"""Where a prediction has the id of its interaction."""
RECALLED = 2
"""Turns that are too old to be shown by themselves and are looked up by what they were about."""
CLOCKS = 3600.0
"""Seconds: a session that begins now has no turn that was recorded longer ago, whatever the clocks of others say."""


@dataclasses.dataclass
class Turn:
    """One turn while it is answered.

    Attributes:
        question: What is asked, as it is recorded.
        asked: What the agent is called with.
        kept: Whether it is recorded.
        done: Whether that was begun: from then on it is recorded as a whole, or not at all.
        heard: What was streamed of each output.
    """

    question: Interaction
    asked: dict[str, Any]
    kept: bool
    done: bool = False
    heard: dict[str, str] = dataclasses.field(default_factory=dict)

    def hear(self, name: str, text: str) -> None:
        """Remember what was streamed, should it break off."""
        self.heard[name] = self.heard.get(name, "") + text


class Session:
    """The turns of one session; the arguments are those of `Conversation`.

    Attributes:
        name: What the session is called in the store.
        last: The id of the turn that was recorded last; empty before the first.
    """

    def __init__(
        self,
        user: User,
        agent: PersonaAgent,
        name: str | None,
        *,
        temporary: bool,
        turns: int,
        tokens: int,
        keep_media: bool,
        clock: Callable[[], float] | None,
    ) -> None:
        for what, number in (("turns", turns), ("tokens", tokens)):
            if not isinstance(number, int) or isinstance(number, bool) or number < 0:
                raise ConfigurationError(f"The {what} of a conversation that are shown are 0 or more, not {number!r}.")
        self.user, self.temporary = user, temporary
        self.name = uuid.uuid4().hex if name is None else name
        checked([Interaction({"session": ""}, session=self.name)])  # a name that the store can keep
        self.last = ""
        self._most, self._tokens, self._keep_media = turns, tokens, keep_media
        self._clock = clock
        self.change(agent)
        self._since = (time.time() if clock is None else clock()) - CLOCKS if name is None else None
        self._unkept: deque[Interaction] = deque(maxlen=max(turns, 1))
        self._lock = threading.Lock()

    @property
    def task(self) -> str:
        """The name under which turns are recorded and found."""
        return str(self.agent.task.__name__)

    @property
    def notice(self) -> str:
        """See `Conversation.notice`."""
        if self.temporary:
            return "This conversation is temporary: nothing of it is kept."
        if self.user.consent == "none":
            return "Nothing of this conversation is kept, because the user has not agreed that it is recorded."
        return ""

    def now(self) -> float | None:
        """The time, in seconds, where a clock was given; None for the store's."""
        return None if self._clock is None else self._clock()

    def turns(self) -> list[Interaction]:
        """What is recorded of the session, and the latest turns that are not, oldest first."""
        return self._with_unkept(self.user.history(session=self.name, task=self.task))

    def change(self, agent: PersonaAgent) -> None:
        """Let this agent answer from now on.

        Raises:
            ConfigurationError: It is another user's, or its task has a field that is needed beside it.
        """
        if agent.user != self.user:
            raise ConfigurationError(
                f"The agent answers for user {agent.user.id!r} and the conversation is user {self.user.id!r}'s; make "
                "an agent for that user."
            )
        own = turns_field(agent.task)
        if taken := {TURN} & set(agent.task.output_fields) or (set() if own else {TURNS} & set(agent.task.fields)):
            raise ConfigurationError(f"The task of a conversation must not have a field {min(taken)!r}; rename it.")
        self.agent, self._own = agent, own

    def begin(self, inputs: Mapping[str, Any]) -> Turn:
        """A turn that may be asked: what does not fit is refused now rather than after it was paid for.

        Raises:
            DataError: An input is missing, unknown, or cannot be recorded.
        """
        fields = {name: field for name, field in self.agent.task.input_fields.items() if name != self._own}
        missing = [name for name, field in fields.items() if name not in inputs and _needed(field)]
        if missing or not set(inputs) <= set(fields):
            wrong = f"{missing[0]} is missing" if missing else f"{min(set(inputs) - set(fields))} is unknown"
            raise DataError(f"A turn of this conversation has the inputs {', '.join(fields)}; {wrong}.")
        values = {name: recorded(value, keep=self._keep_media) for name, value in inputs.items()}
        question = Interaction(values, session=self.name, task=self.task, time=self.now())
        checked([question])
        earlier = self._earlier(query_text(values))
        if earlier.ids:
            question = dataclasses.replace(question, metadata={SHOWN: list(earlier.ids)})
        shown = {self._own or TURNS: earlier} if earlier.messages or self._own else {}
        return Turn(question, {**inputs, **shown}, not self.notice)

    def finish(self, turn: Turn, prediction: dspy.Prediction) -> dspy.Prediction:
        """Record an answered turn, then name it in the prediction.

        Raises:
            StoreError: It could not be recorded.
        """
        response = {name: recorded(prediction[name]) for name in self.agent.task.output_fields}
        actions = recorded_actions(prediction.get("actions") or [], response, known=[query_text(turn.question.inputs)])
        turn.done = True
        prediction[TURN] = self._record(turn, dataclasses.replace(turn.question, response=response, actions=actions))
        return prediction

    def break_off(self, turn: Turn) -> None:
        """Record a turn whose answer nobody waited for, with what was heard of it.

        Raises:
            StoreError: It could not be recorded.
        """
        metadata = {**turn.question.metadata, INTERRUPTED: True, PARTIAL: dict(turn.heard)}
        self._record(turn, dataclasses.replace(turn.question, metadata=metadata))

    def named(self, turn: str | dspy.Prediction | None) -> str:
        """The id of a recorded turn of this session; of the last one for None.

        Raises:
            ConsentError: Nothing of the session is recorded.
            DataError: There is no such turn.
        """
        if notice := self.notice:
            raise ConsentError(f"{notice[:-1]}, so there is nothing that feedback could be given on.")
        if turn is None:
            latest = [] if self.last else self.user.latest(1, session=self.name, task=self.task)
            turn = self.last or (latest[0].id if latest else "")
        elif isinstance(turn, dspy.Prediction):
            turn = str(turn.get(TURN, ""))
        if not turn:
            raise DataError("There is no recorded turn of this conversation yet that feedback could be given on.")
        if self.user.interaction(turn).session != self.name:
            raise DataError(f"Interaction {turn!r} is not a turn of session {self.name!r}.")
        return turn

    def outputs(self, what: str, said: Any) -> dict[str, Any] | None:
        """What the user said in the place of an answer, by output.

        Raises:
            DataError: It does not fit the task.
        """
        if said is None:
            return None
        names = list(self.agent.task.output_fields)
        if not isinstance(said, Mapping):
            if len(names) > 1:
                raise DataError(f"The {what} of an answer names each output it is about: {', '.join(names)}.")
            said = {names[0]: said}
        if unknown := set(said) - set(names):
            raise DataError(f"The {what} names {min(unknown)!r}; the outputs are {', '.join(names)}.")
        for name, value in said.items():
            if self.agent.task.output_fields[name].annotation is str and not isinstance(value, str):
                raise DataError(f"The {what} of {name} is a text, not {type(value).__name__}.")
        for name, answers in self.agent.answers.items():
            if name in said and said[name] not in answers:
                raise DataError(f"The {what} of {name} is {said[name]!r}, which is none of its answers.")
        return {name: recorded(value) for name, value in said.items()}

    def _earlier(self, question: str) -> Turns:
        """The turns that one is shown: the latest, and older ones that are most like it."""
        if not self._most:
            return Turns(messages=[])
        latest = self.user.latest(self._most, since=self._since, session=self.name, task=self.task)
        shown = self._with_unkept(latest)[-self._most :]
        if len(latest) == self._most:
            self._since = latest[0].time  # nothing before it is read again, however long the session is
            older = self.user.search(question, RECALLED, before=latest[0], session=self.name, task=self.task)
            shown = [*sorted((memory.interaction for memory in older), key=_time), *shown]
        return turns_of(shown, self.agent.task, tokens=self._tokens)

    def _with_unkept(self, stored: Sequence[Interaction]) -> list[Interaction]:
        with self._lock:
            return sorted([*stored, *self._unkept], key=_time)

    def _record(self, turn: Turn, item: Interaction) -> str:
        if turn.kept:
            with contextlib.suppress(ConsentError):  # taken back while the turn was answered
                self.last = self.user.record(item).id
                return self.last
        with self._lock:
            self._unkept.append(item if item.time is not None else dataclasses.replace(item, time=time.time()))
        return ""


def _needed(field: Any) -> bool:
    return bool(field.is_required()) and type(None) not in get_args(field.annotation)


def _time(item: Interaction) -> float:
    return item.time or 0.0
