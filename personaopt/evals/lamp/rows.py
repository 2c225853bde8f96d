"""One line of `results.jsonl`: one question answered by one method."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.errors import DataError

ROW_SCHEMA = 1


@dataclasses.dataclass(frozen=True)
class Point:
    """Where on the curves of the scaling studies a row lies; None is the method's own default.

    Attributes:
        latest: n.
        epochs: E.
        retrieve: K.
        history: How many interactions were known at most before the first question.
        online: Whether it learnt again after every question.
    """

    latest: int | None = None
    epochs: int | None = None
    retrieve: int | None = None
    history: int | None = None
    online: bool = False


@dataclasses.dataclass(frozen=True)
class Row:
    """One question answered by one method.

    Attributes:
        study: `main`, `ablation`, `scaling`, `coldstart` or `personas`.
        task: As LaMP calls it.
        data: The name of the folder or data set.
        lm: The language model's name as it was asked for.
        method: One of the methods' names.
        point: Where on a curve it lies.
        seed: The run's.
        user: Whose question it is.
        question: Its id.
        place: Which of the user's questions it is, from 0.
        inputs: What was asked, by the task's input fields; None where the run does not keep it. Pages of single users
            show it.
        gold: What the user really said or chose.
        prediction: What was answered; empty where the LM failed.
        probabilities: Of every answer, calibrated; None where nothing was measured.
        measured: The same as the LM measured them.
        features: What the calibration weighs, in the order of `measured`; None where nothing was measured.
        calls: LM calls for this question.
        input_tokens: Of these calls.
        output_tokens: Of these calls.
        cached_tokens: Input tokens that the LM had cached.
        usd: Their price; None where it is not known.
        seconds: From the question to the answer.
        prompt_hash: SHA-256 of the last prompt that was sent, the first 16 digits; empty where none was.
        persona_version: The version that answered; 0 without one.
        history_size: How many interactions were known.
        actions: What was done before the answer: tool, arguments, error and seconds.
        error: Why there is no answer, in a sentence; empty where there is one.
        preparation: On a user's first question only: what the method learnt before it (`personas`, `losses`,
            `accepted`, `refused`, `notes`) and what that cost (`calls`, `input_tokens`, `output_tokens`,
            `cached_tokens`, `usd`, `seconds`).
    """

    study: str
    task: str
    data: str
    lm: str
    method: str
    user: str
    question: str
    place: int
    gold: str
    prediction: str
    point: Point = Point()
    seed: int = 0
    inputs: Mapping[str, Any] | None = None
    probabilities: Mapping[str, float] | None = None
    measured: Mapping[str, float] | None = None
    features: Mapping[str, Sequence[float]] | None = None
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0
    prompt_hash: str = ""
    persona_version: int = 0
    history_size: int = 0
    actions: Sequence[Mapping[str, Any]] = ()
    error: str = ""
    preparation: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is the answer to: two rows of one key are the same work."""
        return (
            self.study, self.task, self.data, self.lm, self.method, dataclasses.astuple(self.point), self.seed,
            self.user, self.question,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {"schema": ROW_SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Row:
        """Read `to_dict`'s values.

        Raises:
            DataError: They are no row, or one of a later version.
        """
        if not isinstance(values, Mapping) or values.get("schema") != ROW_SCHEMA:
            raise DataError(f"A row of results has the schema {ROW_SCHEMA}; this one is of another kind.")
        known = {field.name for field in dataclasses.fields(cls)}
        try:
            point = Point(**values["point"])
            return cls(**{name: value for name, value in values.items() if name in known - {"point"}}, point=point)
        except (KeyError, TypeError) as error:
            raise DataError(f"A row of results lacks something or has too much: {error}.") from error
