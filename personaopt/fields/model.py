"""`PersonaFields`: a persona's statements seen by their fields, and the edits that bring it to other values."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import pydantic

import personaopt.fields.changes as changes
from personaopt.errors import PersonaError
from personaopt.fields.groups import Demographics, Pattern, Personality, Preference
from personaopt.fields.json_file import read_json
from personaopt.fields.nesting import merged, put, without_nones
from personaopt.fields.paths import Slot, slots_of
from personaopt.persona import Edit, Persona, Source, Statement


class PersonaFields(pydantic.BaseModel):
    """What is known of a user as AI PERSONA's dictionary; one value with the persona's statements, another view.

    A subclass, or `with_groups`, adds groups and fields of your own: any pydantic model is a group.
    """

    model_config = pydantic.ConfigDict(extra="forbid", validate_assignment=True)

    demographics: Demographics = pydantic.Field(default_factory=Demographics)
    personality: Personality = pydantic.Field(default_factory=Personality)
    pattern: Pattern = pydantic.Field(default_factory=Pattern)
    preference: Preference = pydantic.Field(default_factory=Preference)

    @classmethod
    def with_groups(cls, **groups: type[pydantic.BaseModel]) -> type[Self]:
        """A model that has more groups, or another model for one of them.

        Args:
            groups: Pydantic models by the group's name; every field of theirs needs a default.

        Raises:
            PersonaError: A group is no pydantic model, its name is taken, or a field of it has no default.
        """
        for name, group in groups.items():
            if name not in cls.model_fields and (hasattr(cls, name) or not name.isidentifier() or name[0] == "_"):
                raise PersonaError(f"A group cannot be called {name!r}: the name is taken, or is none; take another.")
            if not (isinstance(group, type) and issubclass(group, pydantic.BaseModel)):
                raise PersonaError(f"The group {name} must be a pydantic model, not {group!r}.")
            needed = [field for field, info in group.model_fields.items() if info.is_required()]
            if needed:
                raise PersonaError(
                    f"The field {name}.{needed[0]} needs a default: of a new user nothing is known, so give it None."
                )
        definitions: dict[str, Any] = {
            name: (group, pydantic.Field(default_factory=group)) for name, group in groups.items()
        }
        return pydantic.create_model(cls.__name__, __base__=cls, **definitions)

    @classmethod
    def slots(cls) -> Mapping[str, Slot]:
        """Every field by its path, such as `preference.formats`, in the order in which they are rendered."""
        return slots_of(cls)

    @classmethod
    def of(cls, persona: Persona, *, at: float | None = None, strict: bool = False) -> Self:
        """The fields of a persona.

        Statements without a field, and those of fields that this model does not have, are no part of the view.

        Args:
            persona: The persona.
            at: What held at this time (seconds since the epoch); what holds today without it.
            strict: Whether a statement whose text is not a value of its field is an error; otherwise it is left out,
                and `read` says so.

        Raises:
            PersonaError: Such a statement, where `strict`.
        """
        reading = cls.read(persona, at=at)
        if strict and reading.unfit:
            raise PersonaError(next(iter(reading.unfit.values())))
        return reading.fields

    @classmethod
    def read(cls, persona: Persona, *, at: float | None = None) -> Reading[Self]:
        """The fields of a persona, and which statements could not be read as values of their fields."""
        found: dict[str, list[Any]] = {}
        unfit: dict[str, str] = {}
        slots = cls.slots()
        # Where what lasts and what passes both hold, it is as what passes says.
        for statement in sorted(persona.statements, key=lambda each: each.valid_to is not None):
            slot = slots.get(statement.field or "")
            if slot is None or not changes.holds(statement, at):
                continue
            try:
                value = slot.read(statement.text, ended=statement.valid_to is not None)
            except PersonaError as error:
                unfit[statement.id] = str(error)
            else:
                found.setdefault(slot.path, []).append(value)
        nested: dict[str, Any] = {}
        for path, values in found.items():
            put(nested, slots[path], values if slots[path].many else values[-1])
        return Reading(cls.from_dict(nested), unfit)

    @classmethod
    def by_field(cls, persona: Persona) -> dict[str, tuple[Statement, ...]]:
        """The statements behind each value, by path: their evidence, confidence and times.

        Those that no longer hold are among them.
        """
        return {
            path: found
            for path in cls.slots()
            if (found := tuple(statement for statement in persona.statements if statement.field == path))
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Fields from a dictionary of groups; what is missing is unknown.

        Raises:
            PersonaError: A group or field is not known, or a value has the wrong type: one sentence that names it.
        """
        if not isinstance(values, Mapping):
            raise PersonaError(f"A dictionary persona is an object of groups, not {type(values).__name__}.")
        try:
            return cls.model_validate(dict(values))
        except pydantic.ValidationError as error:
            raise PersonaError(_sentence(cls, error)) from None

    def to_dict(self) -> dict[str, Any]:
        """What is known, as JSON values by group; groups and fields of which nothing is known are left out."""
        nested: dict[str, Any] = {}
        for path, value in self.values().items():
            slot = self.slots()[path]
            plain = slot.adapter.dump_python
            put(nested, slot, [plain(v, mode="json") for v in value] if slot.many else plain(value, mode="json"))
        return nested

    def values(self) -> dict[str, Any]:
        """Each known value by its path; a list is there if it has items."""
        found: dict[str, Any] = {}
        for path, slot in self.slots().items():
            value: Any = self
            for key in slot.keys:
                value = getattr(value, key, None)
            if value is None or value == {} or (isinstance(value, str) and not value.strip()):
                continue
            if not slot.many:
                found[path] = value
            elif items := list({slot.text(item): item for item in value if slot.text(item)}.values()):
                found[path] = items
        return found

    def updated(self, new: Mapping[str, Any]) -> Self:
        """These fields with some changed, as an optimizer names them: changed fields only.

        Args:
            new: By group, as `to_dict` gives them; None makes a value unknown, a list takes the place of the old one.

        Raises:
            PersonaError: As `from_dict`.
        """
        if not isinstance(new, Mapping):
            raise PersonaError(f"Changed fields are an object of groups, not {type(new).__name__}.")
        # Checked by themselves first, so that an error names what was asked for.
        type(self).from_dict(without_nones(new))
        return type(self).from_dict(merged(self.to_dict(), new))

    def to_statements(
        self,
        *,
        source: Source = "written",
        evidence: Collection[str] = (),
        confidence: float = 1.0,
        valid_from: float | None = None,
    ) -> tuple[Statement, ...]:
        """Every known value as a statement, one for each item of a list.

        Args:
            source: Where they come from.
            evidence: Ids of the interactions that show them.
            confidence: In [0, 1].
            valid_from: Since when they hold.
        """
        kept = Statement("-", source=source, evidence=tuple(evidence), confidence=confidence, valid_from=valid_from)
        return tuple(
            dataclasses.replace(kept, text=slot.line(value), id="", field=slot.path)
            for slot, value in changes.items(self.slots(), self.values())
        )

    def edits(
        self,
        persona: Persona,
        *,
        source: Source = "learnt",
        evidence: Collection[str] = (),
        confidence: float = 1.0,
        time: float | None = None,
        never_held: Collection[str] = (),
        past: int = 1,
        reason: str = "",
    ) -> tuple[Edit, ...]:
        """The edits that bring a persona to these values: changed fields only, every other statement stays as it is.

        With a time, a value that gives way stays in the persona with its interval (`Home: Berlin (until 2026-03-01)`),
        so that an answer can know that it is out of date. Pinned statements stay.

        Args:
            persona: The persona as it is.
            source: Where the new values come from.
            evidence: Ids of the interactions that show them.
            confidence: Of the new values, in [0, 1].
            time: When they changed; None puts new values in the place of the old ones.
            never_held: Paths of which the old value never was true, such as a statement that was taken back: it goes
                without an interval.
            past: How many values of a field that no longer hold stay in the persona, the latest.
            reason: Why, in one sentence.

        Raises:
            PersonaError: `never_held` names no field of this model, or `past` is negative.
        """
        if unknown := sorted(set(never_held) - self.slots().keys()):
            raise PersonaError(f"There is no field {unknown[0]}; the fields are {', '.join(self.slots())}.")
        if past < 0:
            raise PersonaError(f"The number of past values that stay is at least 0; it is {past}.")
        new = Statement("-", source=source, evidence=tuple(evidence), confidence=confidence, valid_from=time)
        rules = changes.Rules(new, time, frozenset(never_held), past, reason)
        return changes.edits(persona, self.slots(), self.values(), rules)

    def save(self, path: str | Path) -> None:
        """Write what is known as a JSON file.

        Raises:
            PersonaError: It cannot be written.
        """
        try:
            Path(path).write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise PersonaError(f"{path} cannot be written: {error.strerror}.") from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a JSON file that `save` wrote; anything else, such as a pickle, is refused and not opened as one.

        Raises:
            PersonaError: The file cannot be read, is not JSON, or does not fit: see `from_dict`.
        """
        try:
            return cls.from_dict(read_json(Path(path)))
        except PersonaError as error:
            raise PersonaError(str(error) if str(path) in str(error) else f"{path}: {error}") from None

    def _repr_html_(self) -> str:
        from personaopt.fields.pages import fields_table

        return fields_table(self.values(), self.slots())


F = TypeVar("F", bound=PersonaFields)


@dataclasses.dataclass(frozen=True)
class Reading(Generic[F]):
    """What `PersonaFields.read` found.

    Attributes:
        fields: The fields.
        unfit: Ids of statements whose text is no value of their field, each with a sentence that says why.
    """

    fields: F
    unfit: Mapping[str, str]


def _sentence(model: type[PersonaFields], error: pydantic.ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        if len(first["loc"]) == 1:
            return f"There is no group {place!r}; the groups are {', '.join(model.model_fields)}."
        group = str(first["loc"][0])
        names = [slot.path.partition(".")[2] for slot in model.slots().values() if slot.path.startswith(f"{group}.")]
        return f"There is no field {place!r}; the fields of {group} are {', '.join(names)}."
    why = first["msg"]
    return f"The field {place} does not fit: {why[0].lower()}{why[1:]}, and it is {type(first['input']).__name__}."
