"""What an action did, as it is kept and shown: its result cut to a size, its error as one line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from personaopt.lm.codec import Codec, text
from personaopt.memory.episodic import Memory

LONGEST_RESULT = 2000
"""Characters of a result that are shown and kept."""
_LONGEST_REASON = 200
_LONGEST_CALL = 300
_LONGEST_NAME = 512
_LONGEST_ARGUMENTS = 100_000


@dataclasses.dataclass(frozen=True)
class ActionRecord:
    """One action.

    Attributes:
        tool: Which tool was called.
        arguments: With what.
        result: What came back, an excerpt of it where it is long; empty where nothing did.
        error: What went wrong, as one sentence; empty where nothing did.
        seconds: How long it took.
    """

    tool: str
    arguments: Mapping[str, Any]
    result: str
    error: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for name, longest in (("tool", _LONGEST_NAME), ("error", LONGEST_RESULT // 4)):
            object.__setattr__(self, name, cut(_storable(getattr(self, name)), longest))

    def to_dict(self) -> dict[str, Any]:
        """The action as JSON values, as an interaction keeps it."""
        return {**dataclasses.asdict(self), "arguments": dict(self.arguments)}


@dataclasses.dataclass(frozen=True)
class Acted:
    """An action with what it brought: interactions, or a record for prompts."""

    record: ActionRecord
    memories: tuple[Memory, ...] = ()
    observation: str = ""

    @property
    def found(self) -> str:
        """The text in which an answer may be found: what the user said in the interactions, else the result."""
        if not self.memories:
            return self.record.result
        return "\n".join(json.dumps(dict(each.interaction.ground_truth), ensure_ascii=False) for each in self.memories)


def _read(kept: Mapping[str, Any]) -> Acted:
    record = kept["record"]
    seconds = float(record["seconds"])
    action = ActionRecord(
        text(record["tool"]), dict(record["arguments"]), text(record["result"]), text(record["error"]), seconds
    )
    return Acted(action, observation=text(kept["observation"]))


KEPT_ACTED: Codec[Acted] = Codec(
    lambda acted: {"record": acted.record.to_dict(), "observation": acted.observation}, _read
)
"""For what a tool gave. Not for searches of the user's own memory: those are made again, so that it is kept once."""


def call_text(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as it stands in front of what it gave."""
    return cut(f"{tool}({json.dumps(dict(arguments), ensure_ascii=False, default=str)})", _LONGEST_CALL)


def cut(text: str, characters: int) -> str:
    """A text, or its beginning and end where it is longer than so many characters."""
    if len(text) <= characters:
        return text
    first = characters * 2 // 3
    last = characters - first
    return f"{text[:first]} [... {len(text) - characters:,} characters left out ...] {text[-last:]}"


def plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON values that an interaction can keep, whatever an LM wrote."""
    text = _storable(json.dumps(dict(arguments), ensure_ascii=False, default=str))
    if len(text) > _LONGEST_ARGUMENTS:  # an LM that repeats itself; an interaction holds a limited number of actions
        return {"arguments": cut(text, LONGEST_RESULT)}
    values: dict[str, Any] = json.loads(text, parse_constant=str)
    return values


def written(value: Any) -> str:
    """What a tool returned, as text; what is not text as JSON where it can be."""
    if value is None:
        return "Nothing."
    if isinstance(value, bytes | bytearray):
        return _storable(value.decode("utf-8", "replace"))
    try:
        return _storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    except (TypeError, ValueError):  # keys that JSON does not have, or something that holds itself
        return _storable(str(value))


def one_line_reason(error: BaseException) -> str:
    """An error in one line: its kind, and the beginning of what it says."""
    said = " ".join(str(error).split())
    kind = type(error).__name__
    return cut(f"{kind}: {said}", _LONGEST_REASON).rstrip(".") if said else kind


def _storable(text: str) -> str:
    """A text without half surrogate pairs and zero characters, which no store keeps."""
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")
