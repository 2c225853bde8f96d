"""What became of each value through the versions of a persona: which came to its end, and which never was true."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from personaopt.fields.paths import Slot
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
        end = span.end if self.gone is None else times.get(self.by, self.gone) if self.by else self.gone
        kind = span.kind if self.why == "lasting" else self.why
        if end is not None and span.begin is not None:
            end = max(end, span.begin)
        return dataclasses.replace(span, kind=kind, end=end, said=said, version=self.version)


def lives_of(versions: Sequence[Version], slots: Mapping[str, Slot] | None) -> list[Life]:
    """Every statement with a field that any version has had, as it stood last, and what became of it."""
    lives: dict[tuple[str, float | None], Life] = {}
    for place, version in enumerate(versions):
        for statement in with_field(version.persona, slots):
            key = (statement.id, statement.valid_from)
            begun = lives[key].version if key in lives else version.version
            lives[key] = Life(statement, begun, place)
    for life in lives.values():
        if life.last + 1 < len(versions):
            _leave(life, versions[life.last + 1])
    return list(lives.values())


def _leave(life: Life, version: Version) -> None:
    """Why a version has a statement no more."""
    if version.author == ROLLBACK:
        life.why, life.gone = "rolled back", version.created
        return
    if life.statement.valid_to is not None:
        return  # it had come to its end before, and stays as what held once
    edit = next((each for each in version.edits if each.target == life.statement.id), None)
    reason = read_reason(edit.reason) if edit is not None else None
    life.gone = version.created
    if reason is None:
        life.why = "dropped"
    else:
        life.by = reason.message
        life.why = "taken back" if reason.action == "take_back" else "lasting"
