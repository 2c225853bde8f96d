"""When each value of a persona's fields held: read off one persona, or off all versions that a store has of it.

A persona keeps few values that are over; its versions have had them all. What left a persona without an interval was
never true, was undone, or made room: the versions' edits say which.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from personaopt.errors import DataError
from personaopt.fields.lives import Version, lives_of
from personaopt.fields.spans import Span, ordered, span_of, with_field
from personaopt.interaction import Interaction
from personaopt.persona import Persona

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from personaopt.fields.model import PersonaFields


class Remembered(Protocol):
    """What a timeline is read off: a user of a store."""

    def personas(self) -> Sequence[Version]:
        """Every version of the persona, oldest first."""
        ...

    def interaction(self, interaction_id: str, /) -> Interaction:
        """An interaction by its id."""
        ...


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
            return cls(ordered((span_of(each, slots) for each in with_field(known, slots)), slots))
        lives = lives_of(known.personas(), slots)
        ids = {each for life in lives for each in (*life.statement.evidence, *([life.by] if life.by else []))}
        turns = _turns(known, ids)
        times = {turn.id: turn.time for turn in turns if turn.time is not None}
        sessions: dict[str, float] = {}
        for turn in turns:
            if turn.session is not None and turn.time is not None:
                sessions[turn.session] = min(turn.time, sessions.get(turn.session, math.inf))
        return cls(ordered((life.span(slots, times) for life in lives), slots), sessions)

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


def _turns(known: Remembered, ids: Collection[str]) -> list[Interaction]:
    found = []
    for each in sorted(ids):
        try:
            found.append(known.interaction(each))
        except DataError:
            continue  # forgotten, or not recorded here
    return found
