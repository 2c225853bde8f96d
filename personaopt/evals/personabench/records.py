"""What PersonaBench is made of: profiles with dated facts, and sessions with what a right answer is.

Every record is one line of JSON. What has no fixed shape (the schema of a function's arguments, the arguments of a
call, a simulated world) is JSON inside a text, so that every line has the same columns and any table reader takes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pydantic

from personaopt.evals.personabench.fields import BenchFields
from personaopt.persona import Persona, Statement

RemarkKind = Literal["fact", "change", "return", "mood", "false", "retraction"]
EventKind = Literal["change", "return", "mood", "false"]
CheckKind = Literal["first_named", "names", "form", "argument"]
Effect = Literal["look_up", "at_most", "append"]
Time = Annotated[float, pydantic.Field(ge=0.0, lt=253_402_300_800.0)]
"""Seconds since the epoch, until the year 9999."""


class Record(pydantic.BaseModel):
    """One value of the bench."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Held(Record):
    """A value of a field, and when it holds.

    Attributes:
        field: Its path, such as `life.home`.
        value: As text.
        valid_from: Seconds since the epoch.
        valid_to: Since when it no longer holds; None where it still does at the end.
        said: Number of the first session in which the user says it in so many words.
    """

    field: str
    value: str
    valid_from: Time
    valid_to: Time | None = None
    said: int | None = None


class Event(Record):
    """Something that happens to a persona between two sessions, or that it says by mistake.

    Attributes:
        kind: A lasting `change`, a `return` to an earlier value, a `mood` that passes, or a `false` statement, which
            changes nothing and is taken back later.
        field: What it is about.
        old: The value before; empty for what is added to a list.
        new: The value after, or what is falsely said.
        time: When it happens.
        session: The first session after it, in which the user says it.
        ends: When a mood has passed, or the false statement is taken back.
        ends_session: The first session after that.
    """

    kind: EventKind
    field: str
    old: str
    new: str
    time: Time
    session: int
    ends: Time | None = None
    ends_session: int | None = None


class Profile(Record):
    """A persona over its whole life in the bench.

    Attributes:
        id: Unique in the bench.
        language: The language of its sessions.
        biography: A few sentences on the persona at the start.
        held: Every value it ever has, with its interval.
        events: What happens to it, in order.
        sessions: The time of every session.
    """

    id: str
    language: str
    biography: str
    held: list[Held]
    events: list[Event]
    sessions: list[Time]

    def held_at(self, time: float) -> list[Held]:
        """The values that hold at a time."""
        begun = [each for each in self.held if each.valid_from <= time]
        return [each for each in begun if each.valid_to is None or time < each.valid_to]

    def values_at(self, time: float) -> dict[str, list[str]]:
        """The values that hold at a time, by path."""
        found: dict[str, list[str]] = {}
        for each in self.held_at(time):
            found.setdefault(each.field, []).append(each.value)
        return found

    def superseded_at(self, time: float) -> list[Held]:
        """Values that held before a time, no longer do, and have not come back."""
        now = {(each.field, each.value) for each in self.held_at(time)}
        past = [each for each in self.held if each.valid_to is not None and each.valid_to <= time]
        return [each for each in past if (each.field, each.value) not in now]

    def fields_at(self, time: float) -> BenchFields:
        """The golden persona of a time, as fields."""
        return BenchFields.of(self.persona_at(time), strict=True)

    def persona_at(self, time: float, *, token_limit: int = 1000) -> Persona:
        """The golden persona of a time, as statements that know since when they hold."""
        slots = BenchFields.slots()
        statements = [
            Statement(
                f"{slots[each.field].title}: {each.value}",
                source="written",
                field=each.field,
                valid_from=each.valid_from,
            )
            for path in slots
            for each in self.held_at(time)
            if each.field == path
        ]
        return Persona(tuple(statements), token_limit)


class Function(Record):
    """A simulated function.

    Attributes:
        name: What it is called by.
        description: For the agent.
        parameters: A JSON schema of its arguments, as text.
        effect: What it does to the session's state: `look_up` gives the entry of `table` that the argument `key` names,
            `at_most` the rows whose price is at most the argument `key`, `append` adds its arguments to `table`.
        table: The part of the state.
        key: The argument, where the effect needs one.
    """

    name: str
    description: str
    parameters: str
    effect: Effect
    table: str
    key: str = ""

    def schema_of_arguments(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        found: dict[str, Any] = json.loads(self.parameters)
        return found


class Call(Record):
    """A call that the right answer needs.

    Attributes:
        name: The function.
        arguments: A JSON object, as text.
        exact: The arguments that have to be the same; others may be worded freely.
    """

    name: str
    arguments: str
    exact: list[str]


class Check(Record):
    """One thing that a reply has to get right, decided by rule.

    Attributes:
        field: The field it depends on.
        kind: `first_named` (of all options in accepted and others the first that the reply names is accepted), `names`
            (the reply names one that is accepted), `form` (the reply has an accepted form), `argument` (the latest call
            of the function has an accepted value in `argument`).
        accepted: What is right.
        others: What is wrong.
        stale: Those of `others` that would have been right under a value that no longer holds.
        argument: `function.argument`, for that kind.
        complaint: What the user says to a reply that fails, in which the field's value is said.
    """

    field: str
    kind: CheckKind
    accepted: list[str]
    others: list[str] = []
    stale: list[str] = []
    argument: str = ""
    complaint: str = ""


class Remark(Record):
    """Something the user says of themselves in a session, after the first reply; it is no part of the query.

    Attributes:
        kind: A `fact` that was so all along, a `change`, a `return` to an earlier value, a `mood`, a `false` statement,
            or its `retraction`.
        field: What it is about.
        value: What is so according to it.
        text: The words.
    """

    kind: RemarkKind
    field: str
    value: str
    text: str


class Session(Record):
    """One session of the finished bench: a scene, its neutral query, and what the user says of themselves."""

    id: str
    persona: str
    number: int = pydantic.Field(ge=0)
    time: Time
    scene: str
    kind: Literal["common", "specific"]
    topic: str
    context: str
    query: str
    expected: str
    checks: list[Check]
    functions: list[Function]
    calls: list[Call]
    state: str
    remarks: list[Remark]


def depends_on(checks: Sequence[Check]) -> list[str]:
    """The fields that a right answer depends on."""
    return list(dict.fromkeys(check.field for check in checks))
