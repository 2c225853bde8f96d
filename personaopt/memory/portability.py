"""A user's data as one file that other programs can read, and back: everything that was recorded or learnt.

The form is described in docs/data_format.md. Embeddings are left out: they are made anew from the texts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import personaopt.memory.consent as consents
import personaopt.memory.facts as facts
import personaopt.memory.interactions as interactions
import personaopt.memory.permissions as permissions
import personaopt.memory.personas as personas
import personaopt.memory.retention as retention
import personaopt.memory.runs as runs
from personaopt.errors import DataError, PersonaOptError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.facts import Fact
from personaopt.memory.retention import Retention
from personaopt.memory.store import PersonaVersion
from personaopt.persona import Edit, Persona

KIND = "personaopt user data"
SCHEMA = 1


@dataclasses.dataclass(frozen=True, slots=True)
class UserData:
    """Everything that is kept of a user.

    Attributes:
        user_id: Whose.
        exported: When it was read, in seconds since the epoch.
        consent: What the user has agreed to; None where nobody said.
        retention: The user's own; None where there is none.
        interactions: Oldest first.
        personas: All versions, oldest first.
        facts: Semantic memory.
        runs: Unfinished alignments, oldest first: id, fingerprint, and what their calls gave.
        allowed_tools: The tools that the user's agents may call; None where nobody said.
    """

    user_id: str
    exported: float
    consent: consents.Consent | None = None
    retention: Retention | None = None
    interactions: tuple[Interaction, ...] = ()
    personas: tuple[PersonaVersion, ...] = ()
    facts: tuple[Fact, ...] = ()
    runs: tuple[tuple[str, Mapping[str, Any], Mapping[str, Mapping[str, Any]]], ...] = ()
    allowed_tools: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought.

    Attributes:
        user_id: Whose data.
        interactions: How many interactions were new.
        personas: How many persona versions were new.
        facts: How many facts were new.
        left_out: Ids of interactions that were forgotten here and did not come back.
    """

    user_id: str
    interactions: int
    personas: int
    facts: int
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """It as JSON values."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def collected(connection: Connection, user_id: str) -> UserData:
    """Everything that is kept of a user, as of one moment."""
    return UserData(
        user_id,
        time.time(),
        consents.stated(connection, user_id),
        retention.stated(connection, user_id),
        tuple(interactions.read(connection, user_id)),
        tuple(personas.versions(connection, user_id)),
        tuple(facts.read(connection, user_id)),
        tuple(
            (run.run_id, run.fingerprint, runs.calls(connection, user_id, run.run_id))
            for run in reversed(runs.unfinished(connection, user_id))
        ),
        tuple(allowed) if (allowed := permissions.stated(connection, user_id)) is not None else None,
    )


def restored(connection: Connection, data: UserData) -> Imported:
    """Put the data of a file into a store, within a transaction; what is there already stays as it is.

    Raises:
        DataError: The user has other interactions under the same ids, or other persona versions.
    """
    user_id = data.user_id
    if data.consent and consents.stated(connection, user_id) is None:
        consents.put(connection, user_id, data.consent)
    if data.retention and retention.stated(connection, user_id) is None:
        retention.put(connection, user_id, data.retention)
    if data.allowed_tools is not None and permissions.stated(connection, user_id) is None:
        permissions.put(connection, user_id, data.allowed_tools)
    before = interactions.count(connection, user_id)
    interactions.record(connection, user_id, interactions.checked(data.interactions))
    known = {fact.id for fact in facts.read(connection, user_id)}
    new_facts = [fact for fact in data.facts if fact.id not in known]
    facts.save(connection, user_id, new_facts, now=time.time())
    new_versions = _continue(connection, data)
    unfinished = {run.run_id for run in runs.unfinished(connection, user_id)}
    for run_id, fingerprint, calls in data.runs:
        if run_id not in unfinished:
            runs.start(connection, user_id, run_id, fingerprint)
            for key, value in calls.items():
                runs.record(connection, user_id, run_id, key, value)
    new = interactions.count(connection, user_id) - before
    return Imported(user_id, new, new_versions, len(new_facts))


def _continue(connection: Connection, data: UserData) -> int:
    """Add the versions that follow those the store has; how many there were.

    A version that the store has may have been redacted since; it is the same one if it was made at the same moment.
    """
    stored = personas.versions(connection, data.user_id)
    for ours, theirs in zip(stored, data.personas, strict=False):
        if (ours.version, ours.created, ours.author) != (theirs.version, theirs.created, theirs.author):
            raise DataError(
                f"User {data.user_id!r} has another persona version {ours.version} in this store than in the file; "
                "import it into a store that does not have the user."
            )
    for version in data.personas[len(stored) :]:
        personas.save(connection, data.user_id, version)
    return max(len(data.personas) - len(stored), 0)


def write(data: UserData, path: str | os.PathLike[str]) -> Path:
    """Write data to a file that only its owner may read; one that is there is replaced in one step.

    Raises:
        StoreError: The file cannot be written.
    """
    content = _content(data)
    document = {"kind": KIND, "schema": SCHEMA, "checksum": _checksum(content), "content": content}
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    file = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(f"{text}\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise StoreError(f"The data could not be written to {file}: {error.strerror or error}.") from error
    return file


def read(path: str | os.PathLike[str]) -> UserData:
    """Read what `write` wrote.

    Raises:
        DataError: The file is missing, damaged, of another kind or of a newer version.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"The file {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"The file {path} is not JSON, or is damaged; nothing was imported.") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise DataError(f"The file {path} is not a user's data that personaopt exported; nothing was imported.")
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise DataError(f"The file {path} has no schema version; nothing was imported.")
    if schema > SCHEMA:
        raise DataError(
            f"The file {path} has schema {schema} and this version of personaopt knows {SCHEMA} at most; upgrade "
            "personaopt. Nothing was imported."
        )
    content = document.get("content")
    if document.get("checksum") != _checksum(content):
        raise DataError(f"The file {path} is damaged: its checksum is wrong; nothing was imported.")
    try:
        return _data(content)
    except (KeyError, TypeError, ValueError, AttributeError, PersonaOptError) as error:
        raise DataError(f"The file {path} lacks a part or has a wrong one: {error}; nothing was imported.") from error


def _content(data: UserData) -> dict[str, Any]:
    return {
        "user_id": data.user_id,
        "exported": data.exported,
        "consent": data.consent,
        "retention": dataclasses.asdict(data.retention) if data.retention else None,
        "interactions": [item.to_dict() for item in data.interactions],
        "personas": [version.to_dict() for version in data.personas],
        "facts": [fact.to_dict() for fact in data.facts],
        "unfinished_runs": [
            {"run_id": run_id, "fingerprint": fingerprint, "calls": calls} for run_id, fingerprint, calls in data.runs
        ],
        "allowed_tools": list(data.allowed_tools) if data.allowed_tools is not None else None,
    }


def _data(content: Any) -> UserData:
    if not math.isfinite(content["exported"]):  # else it would be later than any forgetting
        raise DataError("the time of the export is no time")
    return UserData(
        name_of(content["user_id"], "The user id"),
        float(content["exported"]),
        content["consent"],
        Retention(**content["retention"]) if content["retention"] else None,
        tuple(Interaction.from_dict(values) for values in content["interactions"]),
        tuple(_version(values) for values in content["personas"]),
        tuple(Fact.from_dict(values) for values in content["facts"]),
        tuple((run["run_id"], run["fingerprint"], {**run["calls"]}) for run in content["unfinished_runs"]),
        tuple(permissions.checked(allowed)) if (allowed := content.get("allowed_tools")) is not None else None,
    )


def _version(values: Mapping[str, Any]) -> PersonaVersion:
    persona, edits = Persona.from_dict(values["persona"]), tuple(Edit.from_dict(edit) for edit in values["edits"])
    checked = personas.checked(
        persona,
        parent=values["parent"] or 0,
        author=values["author"],
        reason=values["reason"],
        edits=edits,
        run=values["run"],
    )
    if checked.version != values["version"]:
        raise DataError(f"persona version {values['version']!r} does not follow its parent")
    return dataclasses.replace(checked, created=float(values["created"]), redacted=bool(values["redacted"]))


def _checksum(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
