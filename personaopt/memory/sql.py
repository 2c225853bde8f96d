"""What every store does alike: check the arguments, open a transaction of one user, run the SQL of each room."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import personaopt.memory.consent as consent
import personaopt.memory.forgotten as forgotten
import personaopt.memory.interactions as episodes
import personaopt.memory.personas as personas
import personaopt.memory.runs as runs
import personaopt.memory.vectors as vectors
from personaopt.interaction import Interaction
from personaopt.memory.amending import Amending
from personaopt.memory.checks import name_of, whole
from personaopt.memory.connection import Connection
from personaopt.memory.embedding import Embedder, local_embedder
from personaopt.memory.episodic import EpisodicSearch, Memory
from personaopt.memory.learning import Learning
from personaopt.memory.policy import BARE, Policy
from personaopt.memory.redaction import redacted_change
from personaopt.memory.rights import Rights
from personaopt.memory.store import (
    BY_SIMILARITY,
    EVERYTHING,
    Before,
    PersonaVersion,
    Place,
    Ranking,
    Scope,
    StoredVector,
    UnfinishedRun,
)
from personaopt.memory.user import User
from personaopt.persona import Edit, Persona


class SqlStore(Rights, Learning, Amending):
    """A store in tables. A backend opens them and gives transactions; all else is here and in its parents, once.

    Args:
        embedder: What search compares texts with; `local_embedder()` when missing.
        policy: The rules that hold for all users.
    """

    def __init__(self, embedder: Embedder | None = None, policy: Policy = BARE) -> None:
        self._policy = policy
        self._embedder: Embedder = local_embedder() if embedder is None else embedder
        self._search = EpisodicSearch(self, self._embedder)

    @abc.abstractmethod
    def transaction(self, user_id: str | None, *, write: bool = True) -> contextlib.AbstractContextManager[Connection]:
        """A transaction on the rows of one user, undone when the block raises; of two that write, one waits.

        Args:
            user_id: Whose rows; None reads the list of users and nothing else of them.
            write: Whether it may write.
        """

    @abc.abstractmethod
    def health(self) -> dict[str, Any]:
        """What is in the store and whether it is sound (`integrity` is `ok`); reads all of it."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the store; it cannot be used any more. Closing it twice is fine."""

    @property
    def embedder(self) -> Embedder:
        """What search compares texts with."""
        return self._embedder

    def user(self, user_id: str) -> User:
        """The handle of one user, who need not be known yet.

        Raises:
            DataError: The id is not a text, empty or too long.
        """
        return User(self, user_id)

    def users(self) -> list[str]:
        """The ids of all users that something is kept of, sorted by code points."""
        with self.transaction(None, write=False) as connection:
            return sorted(row[0] for row in connection.execute("SELECT user_id FROM users"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reading(self, user_id: str) -> contextlib.AbstractContextManager[Connection]:
        return self.transaction(name_of(user_id, "A user id"), write=False)

    def _writing(self, user_id: str) -> contextlib.AbstractContextManager[Connection]:
        return self.transaction(name_of(user_id, "A user id"))

    def record(self, user_id: str, interactions: Sequence[Interaction]) -> list[Interaction]:
        """Store interactions in one transaction; see `User.record`."""
        items = episodes.checked(interactions)
        if (redactor := self._policy.redactor) is not None:
            items = episodes.checked([redactor.interaction(item) for item, _ in items])
        name_of(user_id, "A user id")
        if not items:
            return []
        with self._writing(user_id) as connection:
            consent.require(connection, user_id, "record", self._policy.consent)
            recorded = episodes.record(connection, user_id, items)
            if forgotten.last(connection, user_id):  # what is recorded again is no longer forgotten
                forgotten.lift(connection, user_id, [item.id for item in recorded])
            self._retained(connection, user_id)
            return recorded

    def interactions(self, user_id: str, scope: Scope = EVERYTHING, *, latest: int | None = None) -> list[Interaction]:
        """A user's interactions, oldest first; see `User.latest` and `User.history`."""
        with self._reading(user_id) as connection:
            return episodes.read(connection, user_id, scope, latest=latest)

    def interaction(self, user_id: str, interaction_id: str) -> Interaction:
        """One interaction by its id; see `User.interaction`."""
        with self._reading(user_id) as connection:
            return episodes.one(connection, user_id, interaction_id)

    def count(self, user_id: str) -> int:
        """How many interactions a user has."""
        with self._reading(user_id) as connection:
            return episodes.count(connection, user_id)

    def personas(self, user_id: str) -> list[PersonaVersion]:
        """All persona versions of a user, oldest first."""
        with self._reading(user_id) as connection:
            return personas.versions(connection, user_id)

    def persona(self, user_id: str, version: int | None = None) -> PersonaVersion | None:
        """The current persona version of a user, or a certain one; None when there is none."""
        with self._reading(user_id) as connection:
            return personas.version(connection, user_id, version)

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
    ) -> PersonaVersion:
        """Store a new persona version if `parent` is the current one; see `User.save_persona`.

        Args:
            user_id: Whose persona.
            persona: The new persona.
            parent: The version it was made from.
            author: Who made it.
            reason: Why.
            edits: The changes from the parent to it.
            run: The alignment that made it, which is finished with it.
            as_of: What `last_forgetting` said before it was made.
        """
        if (redactor := self._policy.redactor) is not None:
            persona, edits, reason = redacted_change(persona, edits, reason, redactor)
        new = personas.checked(persona, parent=parent, author=author, reason=reason, edits=edits, run=run)
        evidence = [each for statement in new.persona.statements for each in statement.evidence]
        with self._writing(user_id) as connection:
            self._require_consent_to(connection, user_id, new.persona)
            forgotten.refuse_gone(connection, user_id, evidence, as_of)
            saved = personas.save(connection, user_id, new)
            if run:
                runs.finish(connection, user_id, run)
            return saved

    def rollback(self, user_id: str, version: int) -> PersonaVersion:
        """Store an earlier persona as a new version; see `User.rollback`."""
        with self._writing(user_id) as connection:
            target = personas.version(connection, user_id, whole(version, "version"))
            if target and target.persona:  # to take everything out is always allowed
                self._require_consent_to(connection, user_id, target.persona)
            return personas.rollback(connection, user_id, version)

    def start_run(
        self, user_id: str, run_id: str, fingerprint: Mapping[str, Any], *, as_of: float | None = None
    ) -> None:
        """Keep a new unfinished alignment; of a user at most four are kept, the oldest go.

        Args:
            user_id: Whose alignment.
            run_id: Its id.
            fingerprint: What it was begun with.
            as_of: What `last_forgetting` said before it was begun.

        Raises:
            DataError: An argument is not valid, or the id is taken by a run of another fingerprint.
            ForgottenError: Something that it was begun with was forgotten meanwhile; nothing is kept.
        """
        with self._writing(user_id) as connection:
            forgotten.refuse_gone(connection, user_id, (), as_of)
            runs.start(connection, user_id, run_id, fingerprint)

    def record_call(self, user_id: str, run_id: str, key: str, value: Mapping[str, Any]) -> bool:
        """Keep what one call of an unfinished alignment gave; it is on disk when this returns.

        Returns:
            Whether it was kept: not where the run is finished, or had to make room for newer ones.
        """
        with self._writing(user_id) as connection:
            return runs.record(connection, user_id, run_id, key, value)

    def unfinished_runs(self, user_id: str) -> list[UnfinishedRun]:
        """The unfinished alignments of a user, newest first."""
        with self._reading(user_id) as connection:
            return runs.unfinished(connection, user_id)

    def recorded_calls(self, user_id: str, run_id: str) -> dict[str, dict[str, Any]]:
        """What the calls of an unfinished alignment gave, by key."""
        with self._reading(user_id) as connection:
            return runs.calls(connection, user_id, run_id)

    def finish_run(self, user_id: str, run_id: str) -> None:
        """Remove an unfinished alignment and what its calls gave."""
        with self._writing(user_id) as connection:
            runs.finish(connection, user_id, run_id)

    def search(
        self, user_id: str, query: str, k: int, scope: Scope = EVERYTHING, ranking: Ranking = BY_SIMILARITY
    ) -> list[Memory]:
        """The most similar interactions of a user; see `User.search`."""
        return self._search.search(name_of(user_id, "A user id"), query, k, scope, ranking)

    def similarities(self, user_id: str, query: str, scope: Scope = EVERYTHING) -> list[Memory]:
        """All interactions of a user with their similarity; see `User.similarities`."""
        return self._search.similarities(name_of(user_id, "A user id"), query, scope, BY_SIMILARITY)

    def changed(self, user_id: str) -> tuple[float, int]:
        """A mark of a user's interactions: another one after any came or went; it ends in 0 before the first."""
        with self._reading(user_id) as connection:
            return episodes.changed(connection, user_id)

    def place(self, user_id: str, before: Before) -> Place:
        """The place in a user's history that `before` stands for; nothing at or after it is to be read."""
        with self._reading(user_id) as connection:
            return episodes.place(connection, user_id, before)

    def numbers(self, user_id: str, scope: Scope) -> list[int]:
        """The numbers of a user's interactions, in no order."""
        with self._reading(user_id) as connection:
            return episodes.numbers(connection, user_id, scope)

    def at_numbers(self, user_id: str, numbers: Sequence[int]) -> dict[int, Interaction]:
        """A user's interactions by number, oldest first; those of others and forgotten ones are left out."""
        with self._reading(user_id) as connection:
            return episodes.at_numbers(connection, user_id, numbers)

    def without_vector(self, user_id: str, embedder: str) -> dict[int, Interaction]:
        """A user's interactions that an embedder has not made a vector of, by number."""
        with self._reading(user_id) as connection:
            return vectors.missing(connection, user_id, embedder)

    def add_vectors(self, user_id: str, embedder: str, made: dict[int, bytes]) -> None:
        """Keep vectors of a user's interactions; what has one already or was forgotten meanwhile is left out."""
        with self._writing(user_id) as connection:
            vectors.add(connection, user_id, embedder, made)

    def vectors(self, user_id: str, embedder: str, *, after: int = 0) -> tuple[int, list[StoredVector]]:
        """How many vectors of a user there are, and those stored after one, in the order of storing."""
        with self._reading(user_id) as connection:
            return vectors.read(connection, user_id, embedder, after=after)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # programs that hold a user are copied often
