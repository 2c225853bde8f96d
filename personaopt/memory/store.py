"""What a store is, and opening one."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from personaopt.errors import StoreError
from personaopt.interaction import Interaction
from personaopt.memory.store_rights import StoreRights
from personaopt.persona import Edit, Persona

if TYPE_CHECKING:
    from personaopt.memory.consent import Default
    from personaopt.memory.consolidation import Observation
    from personaopt.memory.embedding import Embedder
    from personaopt.memory.episodic import Memory
    from personaopt.memory.facts import Fact
    from personaopt.memory.policy import LMCache
    from personaopt.memory.redaction import Redactor
    from personaopt.memory.retention import Retention
    from personaopt.memory.user import User
    from personaopt.signals import Signals

Before = Interaction | float | None
"""Where a reading ends: before a recorded interaction, earlier than a time in seconds, or nowhere."""


@dataclasses.dataclass(frozen=True, slots=True)
class PersonaVersion:
    """One version of a user's persona. Versions are never changed, only followed by others.

    Attributes:
        version: Counted from 1 for each user.
        parent: The version it was made from, None for the first.
        persona: The persona itself.
        created: Seconds since the epoch.
        author: Who made it: an optimizer's name, or a person.
        reason: Why, in one sentence; may be empty.
        edits: The changes that led from the parent to it; may be empty.
        run: The alignment that made it; empty where none did.
        redacted: What it quoted was forgotten, and statements were taken out of it. Agents that hold it refuse to
            answer.
    """

    version: int
    parent: int | None
    persona: Persona
    created: float
    author: str
    reason: str = ""
    edits: tuple[Edit, ...] = ()
    run: str = ""
    redacted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The version as JSON values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**values, "persona": self.persona.to_dict(), "edits": [edit.to_dict() for edit in self.edits]}


@dataclasses.dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """An alignment that was begun and not finished; what its calls gave is kept until it is.

    Attributes:
        run_id: Unique for its user.
        started: Seconds since the epoch.
        fingerprint: What it was begun with, as JSON values: it may be gone on with if nothing of that changed.
    """

    run_id: str
    started: float
    fingerprint: dict[str, Any]


class Place(NamedTuple):
    """Where an interaction stands in its user's history: by time, then by order of recording."""

    time: float
    number: int


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Which interactions of a user are meant; all conditions hold at once, and none is there by default.

    Attributes:
        before: Where reading ends (see `Before`).
        since: Nothing earlier than this time in seconds.
        session: Of this session only.
        task: Of this task only.
    """

    before: Before = None
    since: float | None = None
    session: str | None = None
    task: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """What makes a memory come first in a search; by default its similarity alone.

    Attributes:
        half_life: Seconds in which a positive similarity loses half its weight, counted back from the newest
            interaction that is searched. None for no loss.
        diversity: In [0, 1]: how much each memory is to differ from those before it. Maximal marginal relevance
            (Carbonell and Goldstein 1998) with lambda = 1 - diversity, over all interactions that are searched.
    """

    half_life: float | None = None
    diversity: float = 0.0


EVERYTHING = Scope()
BY_SIMILARITY = Ranking()


class StoredVector(NamedTuple):
    """The embedding of one interaction. `id` grows with every vector stored and is never used again."""

    id: int
    place: Place
    vector: bytes


class Store(StoreRights, Protocol):
    """Where users' interactions and personas are kept. Every method that reads or writes one user names them first.

    Applications use `user(user_id)` and work with the handle it gives.
    """

    @property
    def embedder(self) -> Embedder: ...

    def user(self, user_id: str) -> User: ...

    def users(self) -> list[str]: ...

    def health(self) -> dict[str, Any]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Store: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    # Interactions; always oldest first.
    def record(self, user_id: str, interactions: Sequence[Interaction]) -> list[Interaction]: ...

    def interactions(
        self, user_id: str, scope: Scope = EVERYTHING, *, latest: int | None = None
    ) -> list[Interaction]: ...

    def interaction(self, user_id: str, interaction_id: str) -> Interaction: ...

    def count(self, user_id: str) -> int: ...

    def amend(self, user_id: str, interaction_id: str, said: Signals, *, at: float | None = None) -> Interaction: ...

    # Persona versions.
    def personas(self, user_id: str) -> list[PersonaVersion]: ...

    def persona(self, user_id: str, version: int | None = None) -> PersonaVersion | None: ...

    def save_persona(
        self,
        user_id: str,
        persona: Persona,
        *,
        parent: int,
        author: str,
        reason: str = "",
        edits: Iterable[Edit] = (),
        run: str = "",
        as_of: float | None = None,
    ) -> PersonaVersion: ...

    def rollback(self, user_id: str, version: int) -> PersonaVersion: ...

    # Unfinished alignments, and what their calls gave.
    def start_run(
        self, user_id: str, run_id: str, fingerprint: Mapping[str, Any], *, as_of: float | None = None
    ) -> None: ...

    def record_call(self, user_id: str, run_id: str, key: str, value: Mapping[str, Any]) -> bool: ...

    def unfinished_runs(self, user_id: str) -> list[UnfinishedRun]: ...

    def recorded_calls(self, user_id: str, run_id: str) -> dict[str, dict[str, Any]]: ...

    def finish_run(self, user_id: str, run_id: str) -> None: ...

    # Semantic memory.
    def facts(self, user_id: str) -> list[Fact]: ...

    def save_facts(self, user_id: str, changed: Sequence[Fact]) -> None: ...

    def unseen(self, user_id: str, most: int) -> tuple[list[Interaction], int]: ...

    def observe(
        self, user_id: str, observations: Sequence[Observation], *, seen: int = 0, as_of: float | None = None
    ) -> list[Fact]: ...

    # Search, and what it is built from.
    def search(
        self, user_id: str, query: str, k: int, scope: Scope = EVERYTHING, ranking: Ranking = BY_SIMILARITY
    ) -> list[Memory]: ...

    def similarities(self, user_id: str, query: str, scope: Scope = EVERYTHING) -> list[Memory]: ...

    def changed(self, user_id: str) -> tuple[float, int]: ...

    def place(self, user_id: str, before: Before) -> Place: ...

    def numbers(self, user_id: str, scope: Scope) -> list[int]: ...

    def at_numbers(self, user_id: str, numbers: Sequence[int]) -> dict[int, Interaction]: ...

    def without_vector(self, user_id: str, embedder: str) -> dict[int, Interaction]: ...

    def add_vectors(self, user_id: str, embedder: str, vectors: dict[int, bytes]) -> None: ...

    def vectors(self, user_id: str, embedder: str, *, after: int = 0) -> tuple[int, list[StoredVector]]: ...


def open_store(
    path: str | os.PathLike[str],
    *,
    embedder: Embedder | None = None,
    redactor: Redactor | None = None,
    consent: Default = "assumed",
    retention: Retention | None = None,
    lm_cache: LMCache = "off",
) -> Store:
    """Open a store, and make it if it is not there.

    Many threads and many processes may use one store at once. Close it when done, or use it as a context manager.

    Args:
        path: A SQLite file, `":memory:"` for a store that ends with the process, or a `postgresql://…` address
            (which needs `personaopt[postgres]`; see `docs/stores.md` for its roles).
        embedder: What search compares texts with; `local_embedder()` when missing.
        redactor: Takes out of interactions and personas what must not be stored, such as a `Redaction`.
        consent: What holds for users who were never asked: `assumed` records and learns, `required` does neither.
        retention: What is kept of a user who has no retention of their own; everything when None.
        lm_cache: `off` keeps the LM calls of agents and alignments, which carry users' texts, out of DSPy's cache.
            `shared` lets them use it as it is configured; forgetting does not reach what is in it.

    Raises:
        ConfigurationError: An option is not one of those there are.
        StoreError: The path is not one of a store that this version can use; nothing is changed then.
    """
    # Here, because these modules need this one.
    from personaopt.memory.policy import Policy
    from personaopt.memory.postgres import PostgresStore
    from personaopt.memory.retention import FOR_EVER
    from personaopt.memory.sqlite import SqliteStore

    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str) or not os.fspath(path):
        raise StoreError("A store is opened with the path of a file, a postgresql:// address, or ':memory:'.")
    policy = Policy(redactor, consent, FOR_EVER if retention is None else retention, lm_cache)
    scheme = re.match(r"([A-Za-z][\w+.-]+)://", os.fspath(path))
    if scheme and scheme[1] in ("postgresql", "postgres"):
        return PostgresStore(os.fspath(path), embedder, policy)
    if scheme:
        raise StoreError(
            f"Stores are kept in SQLite files and in PostgreSQL, not at a {scheme[1]}:// address; "
            "give the path of a file or a postgresql:// address."
        )
    return SqliteStore(path, embedder, policy)
