"""What happened between a user and an agent: one immutable record."""

from __future__ import annotations

import dataclasses
import json
import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from personaopt.errors import DataError

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, eq=True)
class Interaction:
    """One exchange: the triple (q, r_gt, m) of PersonaAgent's episodic memory, with what the agent answered beside it.

    Attributes:
        inputs: The task's input fields, as JSON values; at least one.
        response: What the agent answered, by output field; empty when no agent was asked.
        ground_truth: What the user really said or chose, by output field; empty when unknown.
        time: Seconds since the epoch (UTC). A `datetime` or an ISO 8601 string is converted; `None` is filled with
            the time of recording.
        session: The conversation it belongs to; free text.
        id: Unique for its user; made when missing.
        metadata: Anything else that is known, as JSON values (task, source, signals).

    Raises:
        DataError: `inputs` is empty, a value cannot be written as JSON, or the time is not a time.
    """

    inputs: Mapping[str, Any]
    response: Mapping[str, Any] = dataclasses.field(default_factory=lambda: _NOTHING)
    ground_truth: Mapping[str, Any] = dataclasses.field(default_factory=lambda: _NOTHING)
    time: float | None = None
    session: str | None = None
    id: str = ""
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        identifier = self.id if self.id != "" else uuid.uuid4().hex
        if not isinstance(identifier, str):
            raise DataError(f"An interaction's id must be text, not {type(identifier).__name__}.")
        object.__setattr__(self, "id", identifier)
        for name in ("inputs", "response", "ground_truth", "metadata"):
            object.__setattr__(self, name, _frozen(getattr(self, name), f"{name} of interaction {identifier!r}"))
        if not self.inputs:
            raise DataError(f"Interaction {identifier!r} has no inputs; give at least one input field.")
        object.__setattr__(self, "time", _seconds(self.time, identifier))

    def __hash__(self) -> int:
        return hash(self.id)

    def __deepcopy__(self, memo: dict[int, Any]) -> Interaction:
        return self  # immutable, and programs that hold interactions are copied often

    def __reduce__(self) -> tuple[Any, ...]:
        return (Interaction.from_dict, (self.to_dict(),))

    def query_text(self) -> str:
        """The text that similar interactions are looked up by: the values of the inputs, one a line."""
        return query_text(self.inputs)

    def to_dict(self) -> dict[str, Any]:
        """The interaction as JSON values; `from_dict` reads it back."""
        return {
            "id": self.id,
            "inputs": dict(self.inputs),
            "response": dict(self.response),
            "ground_truth": dict(self.ground_truth),
            "time": self.time,
            "session": self.session,
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Interaction:
        """Build an interaction from `to_dict`'s values.

        Raises:
            DataError: A key is missing or unknown, or a value is not valid.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, Mapping) or "inputs" not in values or not set(values) <= known:
            raise DataError(f"An interaction is a mapping with 'inputs' and no keys beyond {sorted(known)}.")
        return cls(**{key: value for key, value in values.items() if value is not None})


def query_text(inputs: Mapping[str, Any]) -> str:
    """The values of a task's inputs as one text, in their order, one a line."""
    return "\n".join(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in inputs.values()
    )


def _frozen(values: Mapping[str, Any] | None, where: str) -> Mapping[str, Any]:
    if values is None:
        return _NOTHING
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise DataError(f"The {where} must be a mapping from field names to values.")
    try:
        text = json.dumps(dict(values), ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise DataError(f"The {where} cannot be written as JSON: {error}.") from error
    return MappingProxyType(json.loads(text))


def _seconds(time: Any, identifier: str) -> float | None:
    if time is None:
        return None
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            raise DataError(f"The time {time!r} of interaction {identifier!r} is not an ISO 8601 time.") from None
    if isinstance(time, datetime):
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(time):
        raise DataError(f"The time of interaction {identifier!r} must be seconds, a datetime or an ISO 8601 text.")
    return float(time)
