"""Whether the records of a bench go together: what one line alone cannot show to be wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import personaopt.evals.personabench.files as files
from personaopt.errors import DataError, PersonaError
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.records import Profile, Session


def check_bench(folder: Path, profiles: Sequence[Profile], sessions: Sequence[Session]) -> None:
    """Look whether sessions can be held with these records.

    Args:
        folder: Where they were read from.
        profiles: The personas.
        sessions: Their sessions.

    Raises:
        DataError: They cannot; one sentence says of which record, and why.
    """
    if not sessions:
        raise DataError(f"{folder / files.SESSIONS} has no session; make the bench anew.")
    _once(folder / files.PERSONAS, (profile.id for profile in profiles))
    _once(folder / files.SESSIONS, (session.id for session in sessions))
    known = {profile.id for profile in profiles}
    if strangers := sorted({session.persona for session in sessions} - known):
        raise DataError(f"{folder}: the persona {strangers[0]} of a session is not in {files.PERSONAS}.")
    for profile in profiles:
        for why in _wrong_with_profile(profile):
            raise DataError(_sentence(folder / files.PERSONAS, "persona", profile.id, why))
    for session in sessions:
        for why in _wrong_with_session(session):
            raise DataError(_sentence(folder / files.SESSIONS, "session", session.id, why))


def _once(file: Path, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if not each or each in seen:
            what = f"has {each!r} twice" if each else "has a record with an empty id"
            raise DataError(f"{file} {what}; take it out or make the bench anew.")
        seen.add(each)


def _wrong_with_profile(profile: Profile) -> Iterator[str]:
    slots = BenchFields.slots()
    for held in profile.held:
        if held.field not in slots:
            yield f"has a value of {held.field!r}, and there is no such field"
            continue
        if not held.value.strip():
            yield f"has an empty value of {held.field}"
        try:
            slots[held.field].read(held.value)
        except PersonaError as error:
            yield f"has the value {held.value!r}: {str(error).rstrip('.')}"
        if held.valid_to is not None and held.valid_to < held.valid_from:
            yield f"has the value {held.value!r} of {held.field} that ends before it begins"
    for event in profile.events:
        if event.field not in slots:
            yield f"has an event of {event.field!r}, and there is no such field"


def _wrong_with_session(session: Session) -> Iterator[str]:
    slots = BenchFields.slots()
    for field in [*(check.field for check in session.checks), *(remark.field for remark in session.remarks)]:
        if field not in slots:
            yield f"is about {field!r}, and there is no such field"
    if not session.query.strip():
        yield "has no query"
    functions = {function.name for function in session.functions}
    for check in session.checks:
        if not check.accepted:
            yield f"has a check of {check.field} that accepts nothing"
        if check.kind == "argument" and check.argument.partition(".")[0] not in functions:
            yield f"has a check of {check.argument!r}, and there is no such function"
    texts = [(f"the parameters of {function.name}", function.parameters) for function in session.functions]
    texts += [(f"the arguments of {call.name}", call.arguments) for call in session.calls]
    for what, text in [*texts, ("the state", session.state)]:
        if not _is_object(text):
            yield f"has no JSON object as {what}"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _sentence(file: Path, what: str, name: str, why: str) -> str:
    return f"{file}: the {what} {name} {why}; take it out or make the bench anew."
