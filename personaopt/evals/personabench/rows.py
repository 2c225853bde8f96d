"""One line of a run's `results.jsonl`: one session of one persona under one method."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pydantic

from personaopt.errors import DataError
from personaopt.lm.metering import Usage

ROW_SCHEMA = 1
ROLES = ("answering", "learning", "simulating", "judging")
"""What LM calls are made for, each metered apart."""


@dataclasses.dataclass(frozen=True)
class Spent:
    """What the LM calls of one role cost.

    Attributes:
        calls: LM calls.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cached_tokens: Tokens read that the provider had in its cache.
        usd: Their price; None where it is not known.
        seconds: Wall time, that of the work beside the calls included.
    """

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens

    @classmethod
    def of(cls, usage: Usage) -> Spent:
        """What a meter has counted; where nothing was called nothing was paid."""
        return cls(
            usage.calls, usage.input_tokens, usage.output_tokens, usage.cached_tokens,
            usage.usd if usage.calls else 0.0, round(usage.seconds, 4),
        )  # fmt: skip

    def __add__(self, other: Spent) -> Spent:
        summed = {name: value + getattr(other, name) for name, value in vars(self).items() if name != "usd"}
        return Spent(**summed, usd=None if self.usd is None or other.usd is None else self.usd + other.usd)


@dataclasses.dataclass(frozen=True)
class Row:
    """One session of one persona under one method.

    Attributes:
        method: One of the methods' names.
        persona: The persona's id in the bench.
        number: Which of the persona's sessions it is, from 0.
        session: Its id in the bench.
        time: When it is held, in seconds since the epoch.
        seed: The run's.
        lm: The agent's language model as it was asked for.
        helpfulness: Of the first reply, 0 to 10; None where it was not judged.
        personalization: Of the first reply, 0 to 10; None where it was not judged.
        utterances: Messages of the user until satisfied, one more than there were turns for a user who never was; 0
            where there is an error.
        satisfied: Whether the user got what was expected in the end.
        knowable: Whether everything that the right answer depends on had been said in an earlier session.
        stale: Whether the first reply would have been right under a value that no longer holds.
        at_risk: Whether it could have been: something it depends on has changed, and the user had said so in an earlier
            session.
        calls_expected: Calls of functions that the right answer needs.
        calls_right: Those of them that were made, by name and arguments.
        calls_refused: Calls of the agent that were refused, such as for arguments against the schema.
        field_f1: Of the persona that the method holds after the session, against all fields that hold at its time; None
            for methods without a persona.
        field_precision: The part of what it holds that is so.
        field_recall: The part of what is so that it holds.
        field_f1_said: The same against what the user has said so far: what could be known.
        similarity: Of the persona after the session and the golden one, 0 to 10; None where it was not judged.
        similarity_parts: The scores it is made of, by name.
        changes_said: Lasting changes that were said two sessions ago and still hold; 0 for methods without a persona.
        changes_learnt: Those of them that the persona has: the new value and no longer the old one.
        since_change: How many sessions ago the last lasting change was said, 0 for this one; None before the first.
        persona_tokens: Length of the persona after the session.
        persona_text: The persona after the session.
        persona_version: Its version; 0 without one.
        answering: What the agent's calls of this session cost.
        learning: What the method's calls after the session cost.
        simulating: What the calls of the simulated user and the satisfaction check cost.
        judging: What the judge's calls cost.
        seconds: From the preparation of the agent to the end of learning, the judge's time left out.
        dialogue: What was said, as `Dialogue.to_dict` gives it; None where there is an error.
        unread: Replies of the judge that could not be read and left a score out.
        notes: What the method said of what it learnt and left out.
        error: Why there is no session, in a sentence; empty where there is one.
    """

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(allow_inf_nan=False)

    method: str
    persona: str
    number: int
    session: str
    time: float
    seed: int = 0
    lm: str = ""
    helpfulness: float | None = None
    personalization: float | None = None
    utterances: int = 0
    satisfied: bool = False
    knowable: bool = False
    stale: bool = False
    at_risk: bool = False
    calls_expected: int = 0
    calls_right: int = 0
    calls_refused: int = 0
    field_f1: float | None = None
    field_precision: float | None = None
    field_recall: float | None = None
    field_f1_said: float | None = None
    similarity: float | None = None
    similarity_parts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    changes_said: int = 0
    changes_learnt: int = 0
    since_change: int | None = None
    persona_tokens: int = 0
    persona_text: str = ""
    persona_version: int = 0
    answering: Spent = Spent()
    learning: Spent = Spent()
    simulating: Spent = Spent()
    judging: Spent = Spent()
    seconds: float = 0.0
    dialogue: Mapping[str, Any] | None = None
    unread: int = 0
    notes: Sequence[str] = ()
    error: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is the result of: two rows of one key are the same work."""
        return (self.lm, self.method, self.seed, self.persona, self.session)

    @property
    def spent(self) -> Spent:
        """What all its LM calls cost together."""
        return self.answering + self.learning + self.simulating + self.judging

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON values."""
        # Not `asdict`, which copies every value of a dialogue: there are tens of thousands of rows.
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"schema": ROW_SCHEMA, **values, **{role: vars(values[role]) for role in ROLES}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Row:
        """Read `to_dict`'s values.

        Raises:
            DataError: They are no row, or one of a later version; it says which value is wrong.
        """
        if not isinstance(values, Mapping) or values.get("schema") != ROW_SCHEMA:
            raise DataError(f"A row of results has the schema {ROW_SCHEMA}; this one is of another kind.")
        if missing := [role for role in ROLES if role not in values]:
            raise DataError(f"A row of results lacks what {missing[0]} cost.")
        try:
            return _reader().validate_python({name: value for name, value in values.items() if name != "schema"})
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise DataError(f"A row's {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}.") from None


@functools.cache
def _reader() -> pydantic.TypeAdapter[Row]:
    return pydantic.TypeAdapter(Row)
