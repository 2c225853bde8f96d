"""When each value of a persona's fields held: read off one persona, or off all versions that a store has of it.

A persona keeps few values that are over; its versions have had them all. What left a persona without an interval was
never true, was undone, or made room: the versions' edits say which.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from personaopt.errors import DataError, PersonaError
from personaopt.fields.changes import MOOD
from personaopt.fields.paths import Slot, without_until
from personaopt.fields.reasons import read_reason
from personaopt.interaction import Interaction
from personaopt.persona import Edit, Persona, Statement

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from personaopt.fields.model import PersonaFields

Kind = Literal["lasting", "passing", "taken back", "rolled back", "dropped"]
ROLLBACK = "rollback"
"""The author of versions that go back to an earlier one."""
DAY = 86_400.0


class Version(Protocol):
    """A persona version, as a store has it."""

    @property
    def persona(self) -> Persona: ...
    @property
    def created(self) -> float: ...
    @property
    def author(self) -> str: ...
    @property
    def edits(self) -> tuple[Edit, ...]: ...


class Remembered(Protocol):
    """What a timeline is read off: a user of a store."""

    def personas(self) -> Sequence[Version]:
        """Every version of the persona, oldest first."""
        ...

    def interaction(self, interaction_id: str, /) -> Interaction:
        """An interaction by its id."""
        ...


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


@dataclasses.dataclass(frozen=True)
class Timeline:
    """The values of a user's fields in the order of their fields, each with its interval.

    Attributes:
        spans: The values; of a field, in the order in which they began.
        sessions: When something that was learnt was said for the first time in each session.

    Example:
        >>> Timeline.of(user, Fields).save("anna.png")
    """

    spans: tuple[Span, ...]
    sessions: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, known: Persona | Remembered, fields: type[PersonaFields] | None = None) -> Timeline:
        """The timeline of a persona, or of all versions that there are of a user's persona.

        Args:
            known: A persona, which has only the latest of what no longer holds and nothing that was taken back, or a
                user of a store.
            fields: The fields there are, for their order; without it every statement with a field is taken, in the
                order in which fields came up.
        """
        slots = fields.slots() if fields is not None else None
        if isinstance(known, Persona):
            return cls(_ordered((_span(each, slots) for each in _with_field(known, slots)), slots))
        lives = _lives(known.personas(), slots)
        ids = {each for life in lives for each in (*life.statement.evidence, *([life.by] if life.by else []))}
        turns = _turns(known, ids)
        times = {turn.id: turn.time for turn in turns if turn.time is not None}
        sessions: dict[str, float] = {}
        for turn in turns:
            if turn.session is not None and turn.time is not None:
                sessions[turn.session] = min(turn.time, sessions.get(turn.session, math.inf))
        ordered = dict(sorted(sessions.items(), key=lambda pair: pair[1]))
        return cls(_ordered((life.span(slots, times) for life in lives), slots), ordered)

    def at(self, time: float) -> tuple[Span, ...]:
        """The values that held at a time, as far as is known today."""
        return tuple(span for span in self.spans if span.holds(time))

    @property
    def first(self) -> float | None:
        """The earliest time of it."""
        return min(self._times(), default=None)

    @property
    def last(self) -> float | None:
        """The latest time of it, without what is stored later than anything was said."""
        return max(self._times(), default=None)

    def figure(self, title: str = "", *, width: float = 9.0, until: float | None = None) -> Figure:
        """The timeline as a picture: a row a field, a bar an interval, a dot each message that shows it.

        What holds ends in an arrow, what is over is paler, moods are hatched, and what was never true is dashed and
        ends in a cross.

        Args:
            title: Above it.
            width: In inches; the height follows from what there is to show.
            until: Where it ends, in seconds since the epoch; shortly after the last time when None.

        Raises:
            ConfigurationError: matplotlib is not installed.
        """
        from personaopt.fields.drawing import drawn

        return drawn(self, title, width=width, until=until)

    def save(self, path: str | Path, title: str = "", *, width: float = 9.0, until: float | None = None) -> None:
        """Draw it into a file; the name's ending says what kind: `.png`, `.svg` or `.pdf`.

        Raises:
            ConfigurationError: matplotlib is not installed, or does not know the ending.
            PersonaError: The file cannot be written.
        """
        from personaopt.fields.drawing import saved

        saved(self.figure(title, width=width, until=until), path)

    def to_dict(self) -> dict[str, Any]:
        """The timeline as JSON values."""
        spans = [
            {**dataclasses.asdict(span), "evidence": list(span.evidence), "said": list(span.said)}
            for span in self.spans
        ]
        return {"spans": spans, "sessions": dict(self.sessions)}

    def _repr_html_(self) -> str:
        from personaopt.fields.pages import timeline_page

        return timeline_page(self)

    def _times(self) -> Iterable[float]:
        for span in self.spans:
            ends = [span.end] if span.kind not in ("rolled back", "dropped") else []
            yield from (time for time in (span.begin, *ends, *span.said) if time is not None)


@dataclasses.dataclass
class _Life:
    """A statement through the versions."""

    statement: Statement
    version: int
    last: int
    why: Kind = "lasting"
    by: str = ""
    gone: float | None = None

    def span(self, slots: Mapping[str, Slot] | None, times: Mapping[str, float]) -> Span:
        """It as a span."""
        span = _span(self.statement, slots)
        said = tuple(sorted(times[each] for each in span.evidence if each in times))
        end = span.end if self.gone is None else times.get(self.by, self.gone) if self.by else self.gone
        kind = span.kind if self.why == "lasting" else self.why
        if end is not None and span.begin is not None:
            end = max(end, span.begin)
        return dataclasses.replace(span, kind=kind, end=end, said=said, version=self.version)


def _lives(versions: Sequence[Version], slots: Mapping[str, Slot] | None) -> list[_Life]:
    """Every statement with a field that any version has had, as it stood last, and what became of it."""
    lives: dict[tuple[str, float | None], _Life] = {}
    for place, version in enumerate(versions):
        for statement in _with_field(version.persona, slots):
            key = (statement.id, statement.valid_from)
            begun = lives[key].version if key in lives else place + 1
            lives[key] = _Life(statement, begun, place)
    for life in lives.values():
        if life.last + 1 < len(versions):
            _leave(life, versions[life.last + 1])
    return list(lives.values())


def _leave(life: _Life, version: Version) -> None:
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


def _with_field(persona: Persona, slots: Mapping[str, Slot] | None) -> list[Statement]:
    return [each for each in persona.statements if each.field is not None and (slots is None or each.field in slots)]


def _span(statement: Statement, slots: Mapping[str, Slot] | None) -> Span:
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


def _ordered(spans: Iterable[Span], slots: Mapping[str, Slot] | None) -> tuple[Span, ...]:
    found = list(spans)
    paths = list(slots if slots is not None else dict.fromkeys(span.field for span in found))
    place = {path: number for number, path in enumerate(paths)}
    groups = {path: number for number, path in enumerate(dict.fromkeys(path.partition(".")[0] for path in paths))}

    def order(span: Span) -> tuple[int, int, float]:
        return groups[span.field.partition(".")[0]], place[span.field], -math.inf if span.begin is None else span.begin

    return tuple(sorted(found, key=order))


def _turns(known: Remembered, ids: Collection[str]) -> list[Interaction]:
    found = []
    for each in sorted(ids):
        try:
            found.append(known.interaction(each))
        except DataError:
            continue  # forgotten, or not recorded here
    return found
