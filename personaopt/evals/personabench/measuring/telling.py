"""What the user has said by each session, and so what could be known at all.

Nobody can answer by what has not been said yet. All methods are measured on the same sessions: what counts is what the
user says in any run, not what a complaint about one method's reply gave away.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.records import Event, Held, Profile, Session, depends_on

LASTING = ("change", "return")
"""Kinds of events after which something else holds until further notice."""
AFTER_CHANGE = 2
"""How many sessions after a lasting change was said it should have been learnt."""


@dataclasses.dataclass(frozen=True)
class Telling:
    """What a persona says, and when.

    What was to be said in a session that is left out is said in the next one.

    Attributes:
        profile: The persona.
        numbers: The numbers of its sessions, in order.
    """

    profile: Profile
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, profile: Profile, sessions: Sequence[Session]) -> Telling:
        """The telling of a persona in its sessions."""
        return cls(profile, tuple(sorted(each.number for each in sessions)))

    def session_of(self, planned: int | None) -> int | None:
        """The number of the session in which something is said that was planned for one; None if it never is."""
        return None if planned is None else next((number for number in self.numbers if number >= planned), None)

    def is_knowable(self, session: Session, field: str) -> bool:
        """Whether every value that a field has in a session had been said in an earlier one.

        It is not while the user's last word on the field is a false one that was not taken back, and not after a mood
        has passed, which nobody says.
        """
        held = [each for each in self.profile.held_at(session.time) if each.field == field]
        earlier = session.number - 1
        return field not in self._misled(earlier) and all(self._is_said(each, earlier) for each in held)

    def knowable(self, session: Session) -> bool:
        """Whether all that a right first reply depends on had been said in an earlier session."""
        return all(self.is_knowable(session, field) for field in depends_on(session.checks))

    def said_fields(self, session: Session) -> BenchFields:
        """The golden persona of a session as far as it has been said by the session's end."""
        slots = BenchFields.slots()
        golden = self.profile.fields_at(session.time).values()
        kept = {
            (each.field, each.value)
            for each in self.profile.held_at(session.time)
            if self._is_said(each, session.number)
        }
        said: dict[str, dict[str, Any]] = {}
        for path, known in golden.items():
            slot = slots[path]
            values = [one for one in (known if slot.many else [known]) if (path, slot.text(one)) in kept]
            if values:
                group, _, name = path.partition(".")
                said.setdefault(group, {})[name] = values if slot.many else values[0]
        return BenchFields.from_dict(said)

    def unclear(self, session: Session) -> frozenset[str]:
        """Fields of which the truth cannot be known by a session's end: a false word not taken back, a passed mood."""
        unsaid = {each.field for each in self.profile.held_at(session.time) if each.said is None}
        return self._misled(session.number) | unsaid

    def since_change(self, session: Session) -> int | None:
        """Sessions since the last lasting change was said: 0 if in this one, None before any."""
        said = [self.session_of(event.session) for event in self.profile.events if event.kind in LASTING]
        places = [self.numbers.index(each) for each in said if each is not None and each <= session.number]
        return self.numbers.index(session.number) - max(places) if places else None

    def changes(self, session: Session, ago: int = AFTER_CHANGE) -> list[Event]:
        """Lasting changes that were said so many sessions ago, and that nothing has changed again since."""
        place = self.numbers.index(session.number) - ago
        if place < 0:
            return []
        now = {(each.field, each.value) for each in self.profile.held_at(session.time)}
        lasting = [event for event in self.profile.events if event.kind in LASTING]
        said = [event for event in lasting if self.session_of(event.session) == self.numbers[place]]
        return [event for event in said if (event.field, event.new) in now]

    def _is_said(self, held: Held, by: int) -> bool:
        said = self.session_of(held.said)
        return said is not None and said <= by

    def _misled(self, by: int) -> frozenset[str]:
        """Fields on which the user's last word by the end of a session was false."""
        return frozenset(
            event.field for event in self.profile.events if event.kind == "false" and self._open(event, by)
        )

    def _open(self, event: Event, by: int) -> bool:
        said, over = self.session_of(event.session), self.session_of(event.ends_session)
        return said is not None and said <= by and (over is None or over > by)
