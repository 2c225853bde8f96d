"""Forgetting: what goes with an interaction, and how it is taken out of personas, their history and semantic memory.

An interaction is gone with its row and its embeddings. What was derived from it goes too: a statement that has no other
evidence, one that quotes it, and all unfinished alignments of the user. Statements with other evidence lose the id.
That is done in every version of the persona, and the current one is followed by a new version without them.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import personaopt.memory.facts as facts
import personaopt.memory.forgotten as forgotten
import personaopt.memory.interactions as interactions
import personaopt.memory.personas as personas
import personaopt.memory.runs as runs
from personaopt.errors import DataError
from personaopt.interaction import Interaction
from personaopt.memory.checks import text_of
from personaopt.memory.connection import Connection
from personaopt.memory.facts import Fact
from personaopt.memory.quoting import Quotations, plain, texts_of
from personaopt.memory.store import PersonaVersion, UnfinishedRun
from personaopt.persona import Edit, Statement

AUTHOR = "forgetting"
TAKEN_OUT = "Statements that rested on what was forgotten were taken out."


@dataclasses.dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten, or what a dry run would forget.

    Attributes:
        user_id: Whose data.
        interactions: Ids of the interactions, oldest first.
        statements: What the current persona lost.
        versions: The persona versions that were redacted.
        facts: How many items semantic memory lost.
        runs: Unfinished alignments that were removed.
        version: The new persona version; None where the current one lost nothing.
        dry_run: Whether nothing was changed.
        remains: Where traces may still be, and until when; empty where everything is gone from the store's files.
    """

    user_id: str
    interactions: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()
    versions: tuple[int, ...] = ()
    facts: int = 0
    runs: tuple[str, ...] = ()
    version: int | None = None
    dry_run: bool = False
    remains: str = ""

    def to_dict(self) -> dict[str, Any]:
        """It as JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "statements": [statement.to_dict() for statement in self.statements]}

    def __str__(self) -> str:
        parts = [
            _counted(len(self.interactions), "interaction"),
            _counted(len(self.statements), "statement") + " of the persona",
            _counted(len(self.versions), "earlier version") + " redacted",
            _counted(self.facts, "fact"),
            _counted(len(self.runs), "unfinished alignment"),
        ]
        text = f"{'Would forget' if self.dry_run else 'Forgot'}: {', '.join(parts)}."
        return f"{text} {self.remains}".strip()


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Everything that changes when some interactions are forgotten.

    Attributes:
        items: The interactions.
        lost: What the current persona loses.
        versions: The persona versions that change, as they will be.
        facts: The facts that change, as they will be; None for those that go.
        runs: Ids of the user's unfinished alignments.
    """

    items: tuple[Interaction, ...]
    lost: tuple[Statement, ...]
    versions: tuple[PersonaVersion, ...]
    facts: dict[str, Fact | None]
    runs: tuple[str, ...]

    def report(self, user_id: str, **more: Any) -> Forgotten:
        """It as what the caller is told."""
        return Forgotten(
            user_id,
            tuple(item.id for item in self.items),
            self.lost,
            tuple(version.version for version in self.versions if version.redacted),
            sum(fact is None for fact in self.facts.values()),
            self.runs,
            **more,
        )


def chosen(
    connection: Connection,
    user_id: str,
    interaction_ids: Iterable[str] | None,
    session: str | None,
    matching: str | None,
) -> list[Interaction]:
    """The interactions that are meant, oldest first: those to which everything that is given applies.

    Raises:
        DataError: Nothing is given, or an id is unknown.
    """
    if interaction_ids is None and session is None and matching is None:
        raise DataError("Say what to forget: an interaction, a session or a text; store.forget forgets a user.")
    if interaction_ids is not None:
        found = [interactions.one(connection, user_id, each) for each in dict.fromkeys(interaction_ids)]
    else:
        found = interactions.read(connection, user_id)
    if session is not None:
        wanted = text_of(session, "A session")
        found = [item for item in found if item.session == wanted]
    if matching is not None:
        searched = plain(text_of(matching, "The text to forget"))
        found = [item for item in found if any(searched in plain(text) for text in texts_of(item))]
    return found


def planned(connection: Connection, user_id: str, items: Sequence[Interaction], matching: str = "") -> Plan:
    """What changes when interactions are forgotten, and whatever quotes them or a text."""
    ids = {item.id for item in items}
    versions, known = personas.versions(connection, user_id), facts.read(connection, user_id)
    quotations = Quotations(items, _Staying(connection, user_id, ids), matching)
    derived = _derived(versions, known, ids)
    unlearning = _Unlearning(ids, quotations.among(dict(_texts(versions, known, derived))), derived)
    current = versions[-1].persona.statements if versions else ()
    lost = tuple(statement for statement in current if unlearning.statement(statement) is None)
    changed = {fact.id: unlearning.fact(fact) for fact in known}
    pairs = zip(versions, [None, *versions], strict=False)
    rewritten = tuple(after for each, before in pairs if (after := unlearning.version(each, before)) != each)
    less = {fact.id: changed[fact.id] for fact in known if changed[fact.id] != fact}
    unfinished = runs.unfinished(connection, user_id)
    if not (items or rewritten or less):
        unfinished = [run for run in unfinished if matching and _holds(connection, user_id, run, plain(matching))]
    return Plan(tuple(items), lost, rewritten, less, tuple(run.run_id for run in unfinished))


def carry_out(connection: Connection, user_id: str, plan: Plan, *, remember: bool = True) -> PersonaVersion | None:
    """Do it, within a transaction.

    Args:
        connection: Of the user.
        user_id: Whose data.
        plan: What to do, made in the same transaction.
        remember: Whether the ids are kept as hashes, so that an import does not bring them back.

    Returns:
        The new version of the persona, where it lost something.
    """
    ids = [item.id for item in plan.items]
    connection.executemany(
        "DELETE FROM interactions WHERE user_id = ? AND interaction_id = ?", ((user_id, each) for each in ids)
    )
    if remember:
        forgotten.note(connection, user_id, ids)
    for run in plan.runs:
        runs.finish(connection, user_id, run)
    for version in plan.versions:
        personas.rewrite(connection, user_id, version)
    facts.remove(connection, user_id, [each for each, fact in plan.facts.items() if fact is None])
    facts.save(connection, user_id, [fact for fact in plan.facts.values() if fact is not None], now=time.time())
    current = personas.version(connection, user_id) if plan.lost else None
    if current is None:
        return None
    new = personas.checked(current.persona, parent=current.version, author=AUTHOR, reason=TAKEN_OUT, edits=())
    return personas.save(connection, user_id, new)


class _Staying:
    """The interactions that stay, read only if somebody asks for them."""

    def __init__(self, connection: Connection, user_id: str, going: set[str]) -> None:
        self._connection, self._user_id, self._going = connection, user_id, going

    def __iter__(self) -> Iterator[Interaction]:
        return (item for item in interactions.read(self._connection, self._user_id) if item.id not in self._going)


@dataclasses.dataclass(frozen=True)
class _Unlearning:
    """What becomes of statements when interactions are gone.

    Attributes:
        ids: The interactions.
        quoting: The texts that quote them.
        derived: Ids of the statements that were derived from them, in whatever version.
    """

    ids: set[str]
    quoting: set[str]
    derived: set[str]

    def statement(self, statement: Statement) -> Statement | None:
        """What is left of a statement; None where it goes."""
        if {statement.text, _words_of(statement.id)} & self.quoting:
            return None
        if not self.ids.intersection(statement.evidence):
            return statement
        evidence = tuple(each for each in statement.evidence if each not in self.ids)
        return dataclasses.replace(statement, evidence=evidence) if evidence else None

    def fact(self, fact: Fact) -> Fact | None:
        """What is left of a fact; None where it goes."""
        statement = self.statement(fact.statement)
        return None if statement is None else dataclasses.replace(fact, statement=statement)

    def version(self, version: PersonaVersion, previous: PersonaVersion | None) -> PersonaVersion:
        """What is left of a persona version, the edits of which may name statements of the previous one."""
        kept = [self.statement(statement) for statement in version.persona.statements]
        statements = tuple(statement for statement in kept if statement is not None)
        gone = self._gone(version)
        named = gone | self._gone(previous) if previous else gone
        return dataclasses.replace(
            version,
            persona=dataclasses.replace(version.persona, statements=statements),
            edits=tuple(edit for each in version.edits if (edit := self._edit(each, named)) is not None),
            reason=TAKEN_OUT if gone or version.reason in self.quoting else version.reason,
            redacted=version.redacted or bool(gone),
        )

    def _gone(self, version: PersonaVersion) -> set[str]:
        return {each.id for each in version.persona.statements if self.statement(each) is None}

    def _edit(self, edit: Edit, gone: set[str]) -> Edit | None:
        statement = self.statement(edit.statement) if edit.statement else None
        if edit.target in gone or (edit.target and _words_of(edit.target) in self.quoting):
            return None
        if edit.statement is not None and statement is None:
            return None
        return Edit(edit.action, statement, edit.target, "" if edit.reason in self.quoting else edit.reason)


def _holds(connection: Connection, user_id: str, run: UnfinishedRun, text: str) -> bool:
    held = (run.fingerprint, runs.calls(connection, user_id, run.run_id))
    return text in plain(json.dumps(held, ensure_ascii=False))


def _derived(versions: Iterable[PersonaVersion], known: Iterable[Fact], ids: set[str]) -> set[str]:
    """Ids of the statements that name one of the interactions as evidence."""
    found = [fact.statement for fact in known]
    for version in versions:
        found += [*version.persona.statements, *(edit.statement for edit in version.edits if edit.statement)]
    return {each.id for each in found if ids.intersection(each.evidence)}


def _about(edit: Edit, derived: set[str]) -> bool:
    """Whether an edit brings, changes or removes one of the statements: then its reason may speak of what goes."""
    return edit.target in derived or (edit.statement is not None and edit.statement.id in derived)


def _texts(versions: Iterable[PersonaVersion], known: Iterable[Fact], derived: set[str]) -> Iterator[tuple[str, bool]]:
    """Every text that could quote what goes, with whether it was derived from it; a text may come twice."""
    found: dict[str, bool] = {}

    def add(text: str | None, near: bool) -> None:
        if text:
            found[text] = found.get(text, False) or near

    def add_statement(statement: Statement) -> None:
        near = statement.id in derived
        add(statement.text, near)
        add(_words_of(statement.id), near)

    before: set[str] = set()
    for version in versions:
        now = {statement.id for statement in version.persona.statements}
        moved = (before ^ now) & derived
        add(version.reason, bool(moved) or any(_about(edit, derived) for edit in version.edits))
        before = now
        for statement in version.persona.statements:
            add_statement(statement)
        for edit in version.edits:
            add(edit.reason, _about(edit, derived))
            add(_words_of(edit.target or ""), False)
            if edit.statement:
                add_statement(edit.statement)
    for fact in known:
        add_statement(fact.statement)
    return iter(found.items())


def _words_of(identifier: str) -> str:
    """An id as a text: those of the aligner's statements are made of the words they are about."""
    return identifier.replace("_", " ").replace(":", " ")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
