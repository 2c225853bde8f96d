"""How observations of a user become semantic memory: corroborated, dated, and followed instead of deleted."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from personaopt.interaction import Interaction
from personaopt.memory.facts import ENOUGH, Fact
from personaopt.memory.quoting import plain
from personaopt.persona import Statement

_MOST_EVIDENCE = 32
"""Ids that a fact names; the newest stay."""


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """What somebody noticed in some interactions.

    Attributes:
        text: What is said of the user.
        evidence: Ids of the interactions that show it.
        stated: Whether the user said it, so that one interaction is enough.
        topic: What it is about, such as `tag.mostly`: of one topic one fact holds at a time. None for no topic.
        replaces: Id of the fact that it takes the place of, where there is one; None otherwise.
    """

    text: str
    evidence: tuple[str, ...]
    stated: bool = False
    topic: str | None = None
    replaces: str | None = None


def consolidated(
    known: Sequence[Fact], observations: Iterable[Observation], interactions: Mapping[str, Interaction]
) -> list[Fact]:
    """The facts that change when something was observed, as they will be.

    The same thing observed again adds to its evidence. What contradicts a fact ends it at the moment of the first
    interaction that shows the new one: the old one stays, with the interval in which it held. An observation of a
    single interaction is kept, but holds only once another one shows it too.

    Args:
        known: All facts of the user.
        observations: What was noticed; evidence that is not among the interactions does not count.
        interactions: The user's interactions by id.
    """
    facts = {fact.id: fact for fact in known}
    changed: dict[str, Fact] = {}

    def put(fact: Fact) -> None:
        facts[fact.id] = changed[fact.id] = fact

    for seen in observations:
        evidence = tuple(each for each in dict.fromkeys(seen.evidence) if each in interactions)
        if not evidence or not seen.text.strip():
            continue
        same = _same(facts.values(), seen)
        new = _again(same, seen, evidence, interactions) if same else _first(seen, evidence, interactions, facts)
        if new == same:
            continue
        put(new)
        if not new.believed:
            continue
        for old in [fact for fact in facts.values() if fact.holds and _gives_way(fact, new, seen)]:
            ended = max(new.first_seen, old.statement.valid_from or old.first_seen)
            put(
                dataclasses.replace(
                    old, statement=dataclasses.replace(old.statement, valid_to=ended), superseded_by=new.id
                )
            )
    return list(changed.values())


def _same(facts: Iterable[Fact], seen: Observation) -> Fact | None:
    """The fact that says this already and was not superseded."""
    said = plain(seen.text)
    return next((f for f in facts if f.statement.valid_to is None and plain(f.statement.text) == said), None)


def _gives_way(old: Fact, new: Fact, seen: Observation) -> bool:
    if old.id == new.id or old.statement.pinned:
        return False
    return old.id == seen.replaces or (seen.topic is not None and old.statement.field == seen.topic)


def _again(same: Fact, seen: Observation, evidence: tuple[str, ...], interactions: Mapping[str, Interaction]) -> Fact:
    old = same.statement
    fresh = tuple(each for each in evidence if each not in old.evidence)
    if not fresh and not (seen.stated and old.source != "stated"):
        return same
    whole = (*old.evidence, *fresh)[-_MOST_EVIDENCE:]
    times = _times(evidence, interactions)
    source = "stated" if seen.stated else old.source
    confidence = max(old.confidence, _confidence(len(whole), source == "stated"))
    statement = dataclasses.replace(old, evidence=whole, source=source, confidence=confidence)
    return dataclasses.replace(
        same,
        statement=statement,
        first_seen=min(same.first_seen, *times),
        last_seen=max(same.last_seen, *times),
    )


def _first(
    seen: Observation, evidence: tuple[str, ...], interactions: Mapping[str, Interaction], facts: Mapping[str, Fact]
) -> Fact:
    times = _times(evidence, interactions)
    base = hashlib.sha256(f"{seen.topic or ''}\0{plain(seen.text)}".encode()).hexdigest()[:12]
    name, number = base, 1
    while name in facts:  # it was believed before, and superseded: it is believed again, from now on
        number += 1
        name = f"{base}-{number}"
    statement = Statement(
        seen.text,
        id=name,
        evidence=evidence[-_MOST_EVIDENCE:],
        source="stated" if seen.stated else "learnt",
        field=seen.topic,
        confidence=_confidence(len(evidence), seen.stated),
        valid_from=min(times),
    )
    return Fact(statement, min(times), max(times))


def _times(evidence: Iterable[str], interactions: Mapping[str, Interaction]) -> list[float]:
    return [interactions[each].time or 0.0 for each in evidence]


def _confidence(count: int, stated: bool) -> float:
    """Laplace's rule: after n times of n. What the user said counts as if seen so often that it is believed."""
    return (count + (ENOUGH if stated else 0) + 1) / (count + (ENOUGH if stated else 0) + 2)
