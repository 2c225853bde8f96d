"""Persona dictionaries that were made elsewhere: what fits comes in, what does not is reported."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from personaopt.errors import PersonaError
from personaopt.fields.json_file import read_json
from personaopt.fields.model import PersonaFields
from personaopt.fields.nesting import put
from personaopt.fields.paths import Slot
from personaopt.persona import Source, Statement

F = TypeVar("F", bound=PersonaFields)
SAME: Mapping[str, str] = {
    "occupation": "career", "job": "career", "profession": "career", "work": "career", "sex": "gender",
    "language": "languages", "hobbies": "interests", "hobby": "interests", "interest": "interests", "value": "values",
    "country": "nationality", "style": "styles", "format": "formats", "workflow": "workflows", "emotions": "emotion",
    "behaviour": "engagement", "behavior": "engagement", "purchases": "purchase", "purchasing": "purchase",
}  # fmt: skip
"""Names that others use for our fields."""
_MBTI = re.compile(r"^([EI])([SN])([TF])([JP])(?:-[AT])?$", re.IGNORECASE)
_LETTERS = ("extraversion", "sensing", "thinking", "judging")


@dataclasses.dataclass(frozen=True)
class Misfit:
    """A value that has no place.

    Attributes:
        path: Where it stood.
        value: The value.
        why: In one sentence.
    """

    path: str
    value: Any
    why: str


@dataclasses.dataclass(frozen=True)
class Imported(Generic[F]):
    """What came of a dictionary.

    Attributes:
        fields: What fitted.
        taken: Their paths, by the paths they stood at.
        misfits: What did not fit, each with the reason.
        left_out: Paths that the mapping says to leave out.
    """

    fields: F
    taken: Mapping[str, str]
    misfits: tuple[Misfit, ...]
    left_out: tuple[str, ...] = ()

    def lines(self, *, source: Source = "written") -> tuple[Statement, ...]:
        """What did not fit as free lines of a persona, such as `Pet: a dog`."""
        return tuple(
            Statement(f"{_last(each.path).replace('_', ' ').capitalize()}: {text}", source=source)
            for each in self.misfits
            if (text := _plain(each.value))
        )

    def report(self) -> str:
        """What fitted and what did not, for a person."""
        lines = [f"{len(self.taken)} values fit, {len(self.misfits)} do not."]
        return "\n".join([*lines, *(f"{each.path}: {each.why}" for each in self.misfits)])


def import_fields(
    values: Mapping[str, Any] | str | Path,
    mapping: Mapping[str, str | None] | None = None,
    *,
    model: type[F] = PersonaFields,  # type: ignore[assignment]  # the default of a type variable
) -> Imported[F]:
    """Read a persona dictionary that was made elsewhere.

    What the mapping does not name is placed by its own name, written in any case, if exactly one field has it; four
    MBTI letters in one value go to their four fields.

    Args:
        values: The dictionary, or the JSON file that has it.
        mapping: Our path for a path of theirs (`{"Basics.Job": "demographics.career"}`); None leaves a value out.
        model: The fields there are.

    Raises:
        PersonaError: The file is not JSON, the values are no object, or the mapping names a field that is not there.
    """
    given = read_json(Path(values)) if isinstance(values, str | Path) else values
    if not isinstance(given, Mapping):
        raise PersonaError(f"A persona dictionary is an object, not {type(given).__name__}.")
    slots = model.slots()
    mapping = mapping or {}
    for theirs, ours in mapping.items():
        if ours is not None and ours not in slots:
            raise PersonaError(f"The mapping sends {theirs} to {ours}, and there is no such field.")
    found: dict[str, list[Any]] = {}
    taken: dict[str, str] = {}
    misfits: list[Misfit] = []
    for path, value in _leaves(given, mapping):
        if (path in mapping and mapping[path] is None) or value in (None, "", [], {}):
            continue
        try:
            for slot, fitted in _placed(path, value, mapping.get(path), slots):
                if not slot.many and slot.path in found and found[slot.path] != fitted:
                    raise PersonaError(f"The field {slot.path} has a value from {_from(taken, slot.path)} already.")
                found[slot.path] = [*found.get(slot.path, []), *fitted] if slot.many else fitted
                taken[path] = slot.path
        except PersonaError as error:
            misfits.append(Misfit(path, value, str(error)))
    nested: dict[str, Any] = {}
    for ours, fitted in found.items():
        put(nested, slots[ours], fitted if slots[ours].many else fitted[0])
    left_out = tuple(path for path, ours in mapping.items() if ours is None)
    return Imported(model.from_dict(nested), taken, tuple(misfits), left_out)


def _leaves(values: Mapping[str, Any], mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and path not in mapping:
            yield from _leaves(value, mapping, f"{path}.")
        else:
            yield path, value


def _placed(path: str, value: Any, ours: str | None, slots: Mapping[str, Slot]) -> Iterator[tuple[Slot, list[Any]]]:
    """Where a value goes, and what it is there."""
    letters = _MBTI.match(value.strip()) if isinstance(value, str) else None
    if letters and ours is None and all(f"personality.{name}" in slots for name in _LETTERS):
        for name, letter in zip(_LETTERS, letters.groups(), strict=True):
            yield slots[f"personality.{name}"], [letter.upper()]
        return
    slot = slots[ours] if ours else _slot_named(path, slots)
    yield slot, _fitted(slot, value)


def _slot_named(path: str, slots: Mapping[str, Slot]) -> Slot:
    parts = [_plain_name(part) for part in path.split(".")]
    name = SAME.get(parts[-1], parts[-1])
    same = [slot for slot in slots.values() if _plain_name(slot.keys[-1]) in (name, parts[-1])]
    exact = [slot for slot in same if len(parts) > 1 and _plain_name(slot.keys[-2]) in (parts[-2], f"{parts[-2]}s")]
    if len(exact or same) != 1:
        raise PersonaError(f"No field is called {path!r}; name one in the mapping." if not same else
                           f"Several fields are called {parts[-1]!r}; name one in the mapping.")  # fmt: skip
    return (exact or same)[0]


def _fitted(slot: Slot, value: Any) -> list[Any]:
    """The values that a foreign one is in a slot: the items of a list, or a single one."""
    if isinstance(value, Mapping):
        raise PersonaError(f"The field {slot.path} takes a value, and this is an object.")
    several = isinstance(value, Sequence) and not isinstance(value, str)
    if several and not slot.many:
        if len(value) != 1:
            raise PersonaError(f"The field {slot.path} takes one value, and these are {len(value)}.")
        value = value[0]
    parts = list(value) if several and slot.many else _split(value) if slot.many else [value]
    return [slot.read(_plain(part) if not isinstance(part, str) else part) for part in parts]


def _split(value: Any) -> list[Any]:
    return [part.strip() for part in re.split(r"[;,\n]", value) if part.strip()] if isinstance(value, str) else [value]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(each)}" for name, each in value.items() if each)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(each) for each in value if each)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _plain_name(name: str) -> str:
    return re.sub(r"[\W_]+", "", str(name)).lower()


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _from(taken: Mapping[str, str], path: str) -> str:
    return next(theirs for theirs, ours in taken.items() if ours == path)
