"""What the stages of the generator write before a bench is finished."""

from __future__ import annotations

from typing import Literal

from personaopt.evals.personabench.records import Call, Check, Function, Record, Remark


class Seed(Record):
    """A seed profile: what is drawn before anything is written.

    Attributes:
        id: The persona's id.
        language: The language of everything that is written.
        drawn: The values of fields at the start, by path; several where the field is a list.
    """

    id: str
    language: str
    drawn: dict[str, list[str]]


class Scene(Record):
    """A situation in which a session takes place, for one persona (`specific`) or for many (`common`).

    Attributes:
        id: Of the scene; sessions share the id of a common one.
        session: The session it is for.
        persona: Whose.
        number: Of the session, from 0.
        kind: `common` or `specific`.
        topic: What it is about.
        context: What the agent is told beside the query.
        expected: What a right answer is, in words.
        checks: What a right answer is, by rule.
        functions: What the agent may call.
        calls: The calls of a right answer.
        state: The simulated world at the beginning, a JSON object as text.
    """

    id: str
    session: str
    persona: str
    number: int
    kind: Literal["common", "specific"]
    topic: str
    context: str
    expected: str
    checks: list[Check]
    functions: list[Function]
    calls: list[Call]
    state: str


class Query(Record):
    """How a scene is asked for, before filtering."""

    scene: str
    query: str


class Said(Record):
    """What the user says of themselves in a session."""

    persona: str
    number: int
    remarks: list[Remark]


class Filtered(Record):
    """A query after filtering and neutralising.

    Attributes:
        scene: Whose query.
        query: The neutral query.
        before: The query as it was written.
        kept: Whether it is part of the bench.
        revealed: What gave the persona away before it was neutralised, words of the query.
        reason: Why it is not kept; empty where it is.
    """

    scene: str
    query: str
    before: str
    kept: bool
    revealed: list[str]
    reason: str = ""
