"""The fields of a model as paths, and each value as a line of text that can be read back."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pydantic

from personaopt.errors import PersonaError

_UNTIL = re.compile(r" \(until [^()]*\)$")
_WORDS = {True: "yes", False: "no"}


@dataclasses.dataclass(frozen=True)
class Slot:
    """Where a value stands.

    Attributes:
        path: Such as `preference.formats`: the `field` of its statements.
        title: What stands before the value in a statement.
        annotation: The type of a value; of an item, where it is a list.
        many: Whether it is a list, which has one statement an item.
    """

    path: str
    title: str
    annotation: Any
    many: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.split("."))

    @functools.cached_property
    def adapter(self) -> pydantic.TypeAdapter[Any]:
        """What checks a value."""
        return pydantic.TypeAdapter(self.annotation)

    def text(self, value: Any) -> str:
        """A value as text; the same value gives the same text."""
        plain = self.adapter.dump_python(value, mode="json")
        if isinstance(plain, bool):
            return _WORDS[plain]
        if isinstance(plain, str | int | float):
            return " ".join(str(plain).split())
        return json.dumps(plain, ensure_ascii=False, sort_keys=True)

    def line(self, value: Any, ended: float | None = None) -> str:
        """The statement's text; a value that no longer holds says until when it did."""
        return f"{self.title}: {self.text(value)}" + (f" (until {day(ended)})" if ended is not None else "")

    def read(self, line: str, *, ended: bool = False) -> Any:
        """The value in a statement's text, with or without the title before it.

        Args:
            line: The text.
            ended: Whether it may say until when it held.

        Raises:
            PersonaError: The text is not such a value.
        """
        said = without_until(line) if ended else line
        said = said.removeprefix(f"{self.title}: ").strip()
        adapter = self.adapter
        try:
            return adapter.validate_strings(said)
        except pydantic.ValidationError as error:
            try:
                return adapter.validate_json(said)
            except pydantic.ValidationError:
                why = error.errors(include_url=False)[0]["msg"]
                raise PersonaError(f"The field {self.path} does not fit: {why[0].lower()}{why[1:]}.") from None


@functools.cache
def slots_of(model: type[pydantic.BaseModel]) -> dict[str, Slot]:
    """Every field of a model that is not a model itself, by its path, in the model's order."""
    return {slot.path: slot for slot in _slots(model, "")}


def _slots(model: type[pydantic.BaseModel], prefix: str) -> Iterator[Slot]:
    for name, field in model.model_fields.items():
        path, annotation = f"{prefix}{name}", _without_none(field.annotation)
        if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
            yield from _slots(annotation, f"{path}.")
            continue
        title = field.title or name.replace("_", " ").capitalize()
        many = typing.get_origin(annotation) in (list, tuple, set, frozenset)
        if many:
            annotation = (typing.get_args(annotation) or (str,))[0]
        elif field.metadata:
            annotation = typing.Annotated[annotation, *field.metadata]
        yield Slot(path, title, annotation, many)


def without_until(line: str) -> str:
    """The text of a statement that no longer holds, without the day until which it did."""
    return _UNTIL.sub("", line)


def day(time: float) -> str:
    """A time's date (UTC)."""
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        left = [each for each in typing.get_args(annotation) if each is not type(None)]
        return left[0] if len(left) == 1 else typing.Union[tuple(left)]  # noqa: UP007  # made at run time
    return annotation
