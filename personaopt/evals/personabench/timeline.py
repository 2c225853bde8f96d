"""What happens to a persona: when its sessions are, and the dated events between them that change its fields.

The value after a change is drawn evenly from all others, whatever the value before, and topics do not depend on values
at all: what is asked tells that something has changed, but not into what.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Literal

from personaopt.evals.personabench.drafts import Seed
from personaopt.evals.personabench.records import Event, EventKind, Held, Profile

DAY = 86_400.0
BEGIN = 1_736_150_400.0  # 2025-01-06, a Monday
LONGEST_GAP = 6
"""Days between two sessions, at most."""
LASTING = ("life.home", "life.diet", "life.budget", "demographics.career", "personality.interests",
           "preference.formats", "preference.styles", "preference.workflows", "pattern.purchase")  # fmt: skip
"""Fields that change for good."""
MOOD = "pattern.emotion"
MISSTATED = ("life.home", "life.diet", "life.budget", "demographics.career")
"""Fields that a user may state wrongly."""
ADDED = "personality.interests"
"""A field that grows instead of changing."""
CHANGES = 3
"""Lasting changes of every persona, at least."""


@dataclasses.dataclass(frozen=True)
class Planned:
    """A session before anything is written.

    Attributes:
        session: Its id.
        persona: Whose.
        number: From 0.
        time: When.
        topic: What it is about.
        kind: `common` or `specific`.
        scene: Id of the scene.
    """

    session: str
    persona: str
    number: int
    time: float
    topic: str
    kind: Literal["common", "specific"]
    scene: str


def life_of(seed: Seed, sessions: int, values: Mapping[str, Sequence[str]], draw: Random) -> Profile:
    """A persona's life: the times of its sessions, its events, and every value with its interval.

    Args:
        seed: Its values at the start.
        sessions: How many, at least 2.
        values: The values there are of each field.
        draw: For what is drawn.
    """
    times = [BEGIN + DAY * draw.randrange(60) + 3600.0 * draw.randrange(7, 22)]
    while len(times) < sessions:
        times.append(times[-1] + DAY * draw.randint(1, LONGEST_GAP) + 60.0 * draw.randrange(60))
    events = sorted(_events(seed, times, values, draw), key=lambda event: event.time)
    held = _intervals(seed, events, times)
    return Profile(
        id=seed.id,
        language=seed.language,
        biography="",
        held=_when_said(held, events, sessions, draw),
        events=events,
        sessions=times,
    )


def _events(seed: Seed, times: list[float], values: Mapping[str, Sequence[str]], draw: Random) -> Iterable[Event]:
    last = len(times) - 1
    fields = draw.sample(LASTING, CHANGES + draw.randint(0, 2))
    returning = draw.choice([field for field in fields if field != ADDED])
    for field in fields:
        session = draw.randint(1, max(1, last - 2 if field == returning else last - 1))
        old = seed.drawn[field]
        new = draw.choice([value for value in values[field] if value not in old])
        before = "" if field == ADDED else old[0]
        yield _event("change", field, before, new, times, session, draw)
        if field == returning and session < last:
            later = draw.randint(session + 1, last)
            yield _event("return", field, new, old[0], times, later, draw)
    yield _passing("mood", MOOD, seed, times, values, draw)
    unchanged = [field for field in MISSTATED if field not in fields]
    if unchanged:
        yield _passing("false", draw.choice(unchanged), seed, times, values, draw)


def _event(kind: EventKind, field: str, old: str, new: str, times: list[float], session: int, draw: Random) -> Event:
    return Event(kind=kind, field=field, old=old, new=new, time=_between(times, session, draw), session=session)


def _passing(
    kind: EventKind, field: str, seed: Seed, times: list[float], values: Mapping[str, Sequence[str]], draw: Random
) -> Event:
    """A mood that passes, or a false statement that is taken back."""
    last = len(times) - 1
    session = draw.randint(1, max(1, last - 2))
    ends = session + draw.randint(1, 3)
    old = seed.drawn[field][0]
    new = draw.choice([value for value in values[field] if value != old])
    within = ends <= last
    return Event(
        kind=kind,
        field=field,
        old=old,
        new=new,
        time=_between(times, session, draw),
        session=session,
        ends=_between(times, ends, draw) if within else times[-1] + DAY,
        ends_session=ends if within else None,
    )


def _between(times: list[float], session: int, draw: Random) -> float:
    """A time between a session and the one before it."""
    before, after = times[session - 1], times[session]
    return float(round(before + (after - before) * draw.uniform(0.2, 0.9)))


def _intervals(seed: Seed, events: Iterable[Event], times: list[float]) -> list[Held]:
    """Every value with its interval. What holds at the start has held for a year."""
    start = times[0] - 365 * DAY
    held = [Held(field=field, value=value, valid_from=start) for field, many in seed.drawn.items() for value in many]
    for event in events:
        if event.kind == "false":
            continue
        if event.old:
            held = [_closed(each, event) for each in held]
        held.append(Held(field=event.field, value=event.new, valid_from=event.time, valid_to=event.ends))
        if event.kind == "mood" and event.ends is not None:
            held.append(Held(field=event.field, value=event.old, valid_from=event.ends))
    return held


def _closed(held: Held, event: Event) -> Held:
    is_old = held.field == event.field and held.value == event.old and held.valid_to is None
    return held.model_copy(update={"valid_to": event.time}) if is_old else held


def _when_said(held: list[Held], events: Sequence[Event], sessions: int, draw: Random) -> list[Held]:
    """In which session each value is said: what is so from the start within the first half, changes at once."""
    at_once = {(event.field, event.time): event.session for event in events if event.kind != "false"}
    first_event = {event.field: event.session for event in reversed(events)}
    found = []
    for each in held:
        said = at_once.get((each.field, each.valid_from))
        if said is None and each.valid_from < BEGIN:
            # Before it changes, or nobody would know what gave way.
            latest = min(max(0, sessions // 2 - 1), first_event.get(each.field, sessions) - 1)
            said = draw.randint(0, max(0, latest))
        found.append(each.model_copy(update={"said": said}))
    return found


def planned(
    profile: Profile, topics: Mapping[str, str], everybody: frozenset[str], pool: int, draw: Random
) -> list[Planned]:
    """A persona's sessions: topics in turn, and after every event two that depend on what it changed.

    Args:
        profile: The persona.
        topics: The field of every topic, by the topic's name.
        everybody: Topics of which there are common scenes.
        pool: How many common scenes there are of a topic.
        draw: For what is drawn.
    """
    count = len(profile.sessions)
    names: list[str] = []
    while len(names) < count:
        names += draw.sample(sorted(topics), len(topics))
    for event in profile.events:
        about = [name for name, field in topics.items() if field == event.field]
        places = [event.session + 1, draw.randint(event.session + 1, max(event.session + 1, count - 1))]
        places += [event.ends_session] if event.ends_session is not None else []
        for place in places:
            if about and place < count:
                names[place] = draw.choice(about)
    plans = []
    for number, topic in enumerate(names[:count]):
        session = f"{profile.id}-s{number:03d}"
        common = draw.random() < 0.4 and topic in everybody
        scene = f"{topic}-{draw.randrange(pool):04d}" if common else session
        kind: Literal["common", "specific"] = "common" if common else "specific"
        plans.append(Planned(session, profile.id, number, profile.sessions[number], topic, kind, scene))
    return plans
