"""How an alignment begins and ends: what it found becomes a version of the user's persona, by compare-and-swap."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.errors import PersonaError, VersionConflict
from personaopt.memory import PersonaVersion
from personaopt.optimizers.events import RunEnded, RunFailed, RunStarted, VersionStored
from personaopt.optimizers.levels import Levels
from personaopt.optimizers.results import Alignment
from personaopt.optimizers.resuming import replaced
from personaopt.optimizers.run import Run
from personaopt.persona import Edit, Persona

AUTHOR = "PersonaAligner"
TRIES = 8
"""How often a persona that keeps changing is read again."""


@contextlib.contextmanager
def under_way(run: Run, epochs: int, parameters: Mapping[str, Any]) -> Iterator[Levels]:
    """What is spent is counted; listeners hear of the beginning, and of an end with an error.

    Args:
        run: The alignment.
        epochs: How many times its loop runs at most.
        parameters: What the aligner was made with.
    """
    levels = run.levels
    if levels.checkpoint:
        levels.checkpoint.as_of = run.as_of
    levels.tell(
        RunStarted,
        window=tuple(item.id for item in run.window.learn),
        held_out=tuple(item.id for item in run.window.hold_out),
        epochs=epochs,
        resumed=levels.checkpoint.results if levels.checkpoint else 0,
        parameters=parameters,
    )
    try:
        with levels.meter.running():
            yield levels
    except BaseException as error:
        levels.flush()  # what came back is kept, also where somebody pressed Ctrl-C
        levels.tell(RunFailed, error=type(error).__name__)
        raise


def end(run: Run, alignment: Alignment) -> PersonaAgent:
    """Store what an alignment found; nothing of it is unfinished any more.

    Args:
        run: The alignment.
        alignment: Its record.

    Returns:
        An agent under the new persona, with the record as `detailed_results`.

    Raises:
        VersionConflict: What was learnt does not fit what was stored meanwhile.
    """
    levels, checkpoint = run.levels, run.levels.checkpoint
    try:
        aligned, version = stored(run.agent, alignment, levels.run, run.as_of, author=run.author)
    except VersionConflict:
        if checkpoint:
            checkpoint.discard()  # the version that it was begun on is past
        raise
    if checkpoint:
        checkpoint.discard(replaced(run.agent, levels.run, checkpoint.fingerprint))
    if version is not None:
        levels.tell(VersionStored, version=version.version, parent=version.parent or 0, persona=version.persona)
    levels.tell(RunEnded, alignment=aligned.detailed_results)
    return aligned


def stored(
    student: PersonaAgent, alignment: Alignment, run: str, as_of: float | None = None, *, author: str = AUTHOR
) -> tuple[PersonaAgent, PersonaVersion | None]:
    """A copy of the student under the new persona, which is stored as a new version where it is one.

    Where another version was stored since the alignment began, what it learnt is put on top of that one, if every
    statement that it changes or removes is as it was.

    Args:
        student: The agent that was aligned.
        alignment: What was found.
        run: Its id; what is kept of it as unfinished is removed with the same transaction.
        as_of: See `User.save_persona`.
        author: Whose name the version has.

    Returns:
        The agent, with the record as `detailed_results`, and the new version, if there is one.

    Raises:
        VersionConflict: What was learnt cannot be put on top of the version that was stored meanwhile.
    """
    aligned: PersonaAgent = student.deepcopy()
    aligned.detailed_results = alignment
    if alignment.after == student.persona:
        return aligned, None
    persona, version, parent, note = _saved(student, alignment, run, as_of, author)
    aligned.persona, aligned.persona_version = persona, version.version if version else parent
    notes = (*alignment.notes, note) if note else alignment.notes
    aligned.detailed_results = dataclasses.replace(
        alignment, after=persona, version=aligned.persona_version, notes=notes
    )
    return aligned, version


def _saved(
    student: PersonaAgent, alignment: Alignment, run: str, as_of: float | None, author: str
) -> tuple[Persona, PersonaVersion | None, int, str]:
    """The persona as it is stored, its version (None where nothing was left to store), its parent, and a note."""
    edits = new = _reasoned(student.persona.diff(alignment.after), alignment)
    persona, parent, note = alignment.after, student.persona_version, ""
    for _ in range(TRIES):
        try:
            version = student.user.save_persona(
                persona, parent=parent, author=author, reason=str(alignment), edits=new, run=run, as_of=as_of
            )
            return version.persona, version, parent, note  # without what the store's redactor took out
        except VersionConflict:
            current = student.user.store.persona(student.user.id)
            if current is None:
                raise
            persona, parent = rebased(student.persona, edits, current), current.version
            new = _reasoned(current.persona.diff(persona), alignment)
            note = f"rebased on version {parent}, which was stored meanwhile; together they were not tried"
            if not new:
                return persona, None, parent, f"version {parent}, which was stored meanwhile, says all that was learnt"
    raise VersionConflict(
        f"The persona of user {student.user.id!r} was changed {TRIES} times while it was to be stored; align again."
    )


def _reasoned(edits: Iterable[Edit], alignment: Alignment) -> tuple[Edit, ...]:
    """Edits with the reasons that the accepted ones were made for."""
    accepted = (candidate for step in alignment.steps for candidate in step.candidates if candidate.accepted)
    reasons = {_about(edit): edit.reason for candidate in accepted for edit in candidate.edits}
    return tuple(dataclasses.replace(edit, reason=reasons.get(_about(edit), edit.reason)) for edit in edits)


def _about(edit: Edit) -> tuple[str, str | None, str | None]:
    return edit.action, edit.target, edit.statement.id if edit.statement else None


def rebased(base: Persona, edits: tuple[Edit, ...], current: PersonaVersion) -> Persona:
    """Another persona with the same changes made: all of them, or it is refused.

    Args:
        base: What they were made from.
        edits: The changes.
        current: What they are to be made on.

    Raises:
        VersionConflict: One of them does not fit any more.
    """
    before = {statement.id: statement for statement in base.statements}
    now = {statement.id: statement for statement in current.persona.statements}
    if all(now.get(edit.statement.id if edit.statement else str(edit.target)) == edit.statement for edit in edits):
        return current.persona  # the same was learnt there
    try:
        for edit in edits:
            if edit.target is not None and now.get(edit.target) != before.get(edit.target):
                raise PersonaError(f"the statement {edit.target!r} was changed there too")
        return current.persona.apply(edits)
    except PersonaError as error:
        reason = str(error).rstrip(".")
        raise VersionConflict(
            f"Version {current.version} of the persona was stored while it was aligned, and what was learnt does not "
            f"fit it ({reason}); nothing was stored: call agent.refresh() and align again."
        ) from error
