"""What a change of a dictionary persona has to keep to, and what comes of several."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from personaopt.errors import PersonaError
from personaopt.fields import PersonaFields, Slot
from personaopt.memory.quoting import plain
from personaopt.persona import Edit, Persona, Statement

DAY = 86_400.0
INFERRED = ("personality", "pattern", "preference")
"""AI PERSONA's groups of what may be concluded from the user's words; what is in all others the user has to state."""
MOST_CHANGES = 12
"""Of one update; a user who introduces themselves says that much."""
MOST_READ = 60
"""Proposed changes that are looked at."""
MOST_WORDS = 12
"""Of a value: a field is no place for whole messages."""
_ARTICLE = re.compile(r"^(?:a|an) (?=\w)")


@dataclasses.dataclass(frozen=True)
class FieldRules:
    """What a change has to keep to.

    Attributes:
        model: The fields there are.
        stated: Groups, or paths, whose values must stand in the user's own words; when None all but `INFERRED`.
        mood_days: How long what is passing is kept, beside what lasts; 0 leaves it out.
        past: How many values that no longer hold stay in the persona, of each field.
        most_items: How many items a list keeps; the ones that were said longest ago go.
    """

    model: type[PersonaFields] = PersonaFields
    stated: tuple[str, ...] | None = None
    mood_days: float = 7.0
    past: int = 1
    most_items: int = 8

    def must_be_stated(self, path: str) -> bool:
        """Whether a field's value must stand in the user's own words."""
        if self.stated is None:
            return path.partition(".")[0] not in INFERRED
        return any(path == each or path.startswith(f"{each}.") for each in self.stated)


class FieldEdits(tuple[Edit, ...]):
    """Edits, and what was left out of them.

    Attributes:
        left_out: Why changes were refused, in one sentence each.
    """

    left_out: tuple[str, ...]

    def __new__(cls, edits: Iterable[Edit] = (), left_out: Iterable[str] = ()) -> FieldEdits:
        """Edits with reasons for what is not among them."""
        made = super().__new__(cls, edits)
        made.left_out = tuple(left_out)
        return made


def known_values(persona: Persona, rules: FieldRules) -> dict[str, Any]:
    """What an editor is shown of a persona: each known value by its path, as JSON values."""
    fields = rules.model.of(persona)
    slots = rules.model.slots()
    return {
        path: [slots[path].text(one) for one in value] if slots[path].many else slots[path].text(value)
        for path, value in fields.values().items()
    }


def values_in(persona: Persona, model: type[PersonaFields]) -> Iterator[tuple[str, Statement]]:
    """Every value that the fields of a persona have or had, as text, with its statement; none that cannot be read."""
    slots = model.slots()
    for statement in persona.statements:
        if (slot := slots.get(statement.field or "")) is not None:
            try:
                value = slot.read(statement.text, ended=statement.valid_to is not None)
            except PersonaError:
                continue
            yield slot.text(value), statement


def key(slot: Slot, value: Any) -> str:
    """A value as it is compared: case, spaces and an article at the beginning say nothing."""
    return _ARTICLE.sub("", plain(slot.text(value)))


def key_of(slot: Slot, statement: Statement) -> str:
    """The value of a statement as it is compared; empty where it cannot be read."""
    try:
        return key(slot, slot.read(statement.text, ended=statement.valid_to is not None))
    except PersonaError:
        return ""
