"""What happened between a user and an agent: one immutable record."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from personaopt.attachments import described, words_of
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
        metadata: Anything else that is known, as JSON values.
        task: The name of the task it belongs to, to read and search by; free text.
        actions: What the agent did before it answered, in order: one mapping of JSON values an action.
        signals: How the answer was taken, as JSON values: a rating, a correction, that it was copied.
        source: Where the record comes from: an application, an import; free text.

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
    task: str | None = None
    actions: Sequence[Mapping[str, Any]] = ()
    signals: Mapping[str, Any] = dataclasses.field(default_factory=lambda: _NOTHING)
    source: str | None = None

    def __post_init__(self) -> None:
        identifier = self.id if self.id != "" else uuid.uuid4().hex
        if not isinstance(identifier, str):
            raise DataError(f"An interaction's id must be text, not {type(identifier).__name__}.")
        object.__setattr__(self, "id", identifier)
        for name in ("inputs", "response", "ground_truth", "metadata", "signals"):
            object.__setattr__(self, name, _frozen(getattr(self, name), f"{name} of interaction {identifier!r}"))
        object.__setattr__(self, "actions", _frozen_actions(self.actions, identifier))
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

    def content_hash(self) -> str:
        """SHA-256 of everything but id and time: two records of one hash say the same."""
        values = {name: value for name, value in self.to_dict().items() if name not in ("id", "time")}
        return hashlib.sha256(json.dumps(values, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The interaction as JSON values; `from_dict` reads it back. Of the last four fields only what is known."""
        values = {
            "id": self.id,
            "inputs": dict(self.inputs),
            "response": dict(self.response),
            "ground_truth": dict(self.ground_truth),
            "time": self.time,
            "session": self.session,
            "metadata": dict(self.metadata),
        }
        known = {
            "task": self.task,
            "actions": [dict(action) for action in self.actions],
            "signals": dict(self.signals),
            "source": self.source,
        }
        return values | {name: value for name, value in known.items() if value}

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
    """The values of a task's inputs as one text, in their order, one a line.

    Images and other media say nothing in it, unless there is nothing else.
    """
    texts = {name: words_of(value) for name, value in inputs.items()}
    if not any(texts.values()):
        return "\n".join(str(described(value)) for value in inputs.values())
    return "\n".join(text for name, text in texts.items() if text or inputs[name] == "")


def _frozen(values: Mapping[str, Any] | None, where: str) -> Mapping[str, Any]:
    if values is None or (isinstance(values, Mapping) and not values):
        return _NOTHING  # most fields of most interactions: data sets hold hundreds of thousands
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise DataError(f"The {where} must be a mapping from field names to values.")
    try:
        text = json.dumps(dict(values), ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise DataError(f"The {where} cannot be written as JSON: {error}.") from error
    return MappingProxyType(json.loads(text))


def _frozen_actions(actions: Any, identifier: str) -> tuple[Mapping[str, Any], ...]:
    if isinstance(actions, str | bytes | Mapping) or not isinstance(actions, Iterable):
        raise DataError(f"The actions of interaction {identifier!r} must be a list of mappings.")
    return tuple(_frozen(action, f"actions of interaction {identifier!r}") for action in actions)


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
    if isinstance(time, bool) or not isinstance(time, int | float) or not abs(time) < 1e300:
        raise DataError(f"The time of interaction {identifier!r} must be seconds, a datetime or an ISO 8601 text.")
    return float(time)
