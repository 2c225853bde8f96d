"""A value of a field and the time in which it held, as a statement of a persona says it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Literal

from personaopt.errors import PersonaError
from personaopt.fields.changes import MOOD
from personaopt.fields.paths import Slot, without_until
from personaopt.persona import Persona, Statement

Kind = Literal["lasting", "passing", "taken back", "rolled back", "dropped"]


@dataclasses.dataclass(frozen=True)
class Span:
    """A value of a field, and when it held as far as is known.

    Attributes:
        field: Path of the field, such as `preference.formats`.
        title: What the field is called in the persona.
        value: The value as text.
        kind: `lasting`; `passing`, which was a mood or for one occasion; `taken back` by the user, so that it never
            was true; `rolled back`, since the persona is an earlier one again; or `dropped`, by hand or to make room.
        begin: Since when, in seconds since the epoch; None where that is not known.
        end: Until when; None while it holds. What was taken back ends when the user did so, and what was rolled back
            or dropped when that version was stored.
        evidence: Ids of the interactions that it was learnt from.
        said: The times of those that are known.
        version: The persona version in which it stood first; 0 where it was read off a single persona.
        source: `learnt`, `stated` or `written`.
        pinned: Whether no optimizer may change it.
    """

    field: str
    title: str
    value: str
    kind: Kind
    begin: float | None
    end: float | None
    evidence: tuple[str, ...] = ()
    said: tuple[float, ...] = ()
    version: int = 0
    source: str = "learnt"
    pinned: bool = False

    @property
    def true(self) -> bool:
        """Whether it is, or was, so, as far as is known."""
        return self.kind in ("lasting", "passing")

    def holds(self, time: float) -> bool:
        """Whether it held at a time, as far as is known today."""
        begun = self.begin is None or self.begin <= time
        return self.true and begun and (self.end is None or time < self.end)


def with_field(persona: Persona, slots: Mapping[str, Slot] | None) -> list[Statement]:
    """The statements of a persona that have a field; one of these fields, where they are named."""
    return [each for each in persona.statements if each.field is not None and (slots is None or each.field in slots)]


def span_of(statement: Statement, slots: Mapping[str, Slot] | None) -> Span:
    """A statement with a field as a span."""
    path = str(statement.field)
    ended = statement.valid_to is not None
    text = without_until(statement.text) if ended else statement.text
    title, _, value = text.partition(": ")
    if not value:
        title, value = path.rpartition(".")[2].replace("_", " ").capitalize(), text
    if slots is not None:
        title = slots[path].title
        try:
            value = slots[path].text(slots[path].read(statement.text, ended=ended))
        except PersonaError:
            value = text.removeprefix(f"{title}: ")
    return Span(
        field=path,
        title=title,
        value=value,
        kind="passing" if statement.id.startswith(MOOD) else "lasting",
        begin=statement.valid_from,
        end=statement.valid_to,
        evidence=statement.evidence,
        source=statement.source,
        pinned=statement.pinned,
    )


def ordered(spans: Iterable[Span], slots: Mapping[str, Slot] | None) -> tuple[Span, ...]:
    """Spans by group, field and time; groups in the order in which they come up, where no fields are named."""
    found = list(spans)
    paths = list(slots if slots is not None else dict.fromkeys(span.field for span in found))
    place = {path: number for number, path in enumerate(paths)}
    groups = {path: number for number, path in enumerate(dict.fromkeys(path.partition(".")[0] for path in paths))}

    def order(span: Span) -> tuple[int, int, float]:
        return groups[span.field.partition(".")[0]], place[span.field], -math.inf if span.begin is None else span.begin

    return tuple(sorted(found, key=order))
