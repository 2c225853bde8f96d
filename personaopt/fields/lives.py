"""What became of each value through the versions of a persona: which came to its end, and which never was true."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from personaopt.fields.changes import MOOD
from personaopt.fields.paths import Slot, without_until
from personaopt.fields.reasons import read_reason
from personaopt.fields.spans import Kind, Span, span_of, with_field
from personaopt.persona import Edit, Persona, Statement

ROLLBACK = "rollback"
"""The author of versions that go back to an earlier one."""


class Version(Protocol):
    """A persona version, as a store has it."""

    @property
    def version(self) -> int: ...
    @property
    def persona(self) -> Persona: ...
    @property
    def created(self) -> float: ...
    @property
    def author(self) -> str: ...
    @property
    def edits(self) -> tuple[Edit, ...]: ...


@dataclasses.dataclass
class Life:
    """A statement through the versions.

    Attributes:
        statement: As it stood last.
        version: The number of the version in which it stood first.
        last: The place of the one in which it stood last.
        why: Why it stands in the next one no more.
        by: Id of the interaction that says so.
        gone: When that version was stored.
    """

    statement: Statement
    version: int
    last: int
    why: Kind = "lasting"
    by: str = ""
    gone: float | None = None

    def span(self, slots: Mapping[str, Slot] | None, times: Mapping[str, float]) -> Span:
        """It as a span."""
        span = span_of(self.statement, slots)
        said = tuple(sorted(times[each] for each in span.evidence if each in times))
        end = span.end
        if self.gone is not None:
            gone = times.get(self.by, self.gone)
            end = gone if end is None or self.why != "lasting" else min(end, gone)
        kind = span.kind if self.why == "lasting" else self.why
        if end is not None and span.begin is not None:
            end = max(end, span.begin)
        return dataclasses.replace(span, kind=kind, end=end, said=said, version=self.version)


def lives_of(versions: Sequence[Version], slots: Mapping[str, Slot] | None) -> list[Life]:
    """Every statement with a field that any version has had, as it stood last, and what became of it."""
    lives: dict[tuple[str, float | None], Life] = {}
    latest: dict[str, Life] = {}
    for place, version in enumerate(versions):
        for statement in with_field(version.persona, slots):
            life = lives.get((statement.id, statement.valid_from))
            before = latest.get(statement.id)
            if life is None and before and before.last == place - 1 and not statement.id.startswith(MOOD):
                life = before  # it holds since another time than was believed
            if life is None:
                life = Life(statement, version.version, place)
            life.statement, life.last = statement, place
            lives[statement.id, statement.valid_from] = latest[statement.id] = life
    found = list({id(life): life for life in lives.values()}.values())
    for life in found:
        if life.last + 1 < len(versions):
            _leave(life, versions[life.last + 1])
    same: dict[tuple[str | None, str], list[Life]] = {}
    for life in found:
        same.setdefault(_value(life.statement), []).append(life)
    return [life for life in found if not any(_within(life, other) for other in same[_value(life.statement)])]


def _leave(life: Life, version: Version) -> None:
    """Why a version has a statement no more."""
    if version.author == ROLLBACK:
        life.why, life.gone = "rolled back", version.created
        return
    edit = next((each for each in version.edits if each.target == life.statement.id), None)
    reason = read_reason(edit.reason) if edit is not None else None
    if reason is not None:
        life.by, life.gone = reason.message, version.created
        life.why = "taken back" if reason.action == "take_back" else "lasting"
    elif life.statement.valid_to is None:
        life.why, life.gone = "dropped", version.created
    # Else it had come to its end before, and stays as what held once.


def _value(statement: Statement) -> tuple[str | None, str]:
    return statement.field, statement.text if statement.valid_to is None else without_until(statement.text)


def _within(life: Life, other: Life) -> bool:
    """Whether a value that ended is a part of the time in which the same one, as is known now, held."""
    one, whole = life.statement, other.statement
    if one.valid_to is None or other is life or life.why != other.why or other.gone is not None:
        return False
    begun = whole.valid_from is None or (one.valid_from is not None and whole.valid_from <= one.valid_from)
    return begun and (whole.valid_to is None or whole.valid_to > one.valid_to)
