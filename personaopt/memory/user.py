"""The handle of one user: what application code records to, reads from and searches in."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

import personaopt.memory.written as written
from personaopt.errors import DataError
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of, whole
from personaopt.memory.episodic import Memory
from personaopt.memory.store import Before, PersonaVersion, Ranking, Scope
from personaopt.memory.user_rights import UserRights
from personaopt.memory.user_signals import UserSignals
from personaopt.memory.written import HAND
from personaopt.persona import Edit, Persona

if TYPE_CHECKING:
    from personaopt.memory.store import Store


class User(UserRights, UserSignals):
    """One user of a store; made by `store.user(user_id)`. It holds no data itself: every call reads the store.

    Interactions are ordered by time, those of the same time by the order in which they were recorded. `before` ends a
    reading ahead of a recorded interaction (strictly, in that order) or ahead of a time in seconds.

    Attributes:
        id: The user id.
        store: The store it belongs to.
    """

    def __init__(self, store: Store, user_id: str) -> None:
        self.id = name_of(user_id, "A user id")
        self.store = store

    @overload
    def record(self, interactions: Interaction) -> Interaction: ...

    @overload
    def record(self, interactions: Iterable[Interaction]) -> list[Interaction]: ...

    def record(self, interactions: Interaction | Iterable[Interaction]) -> Interaction | list[Interaction]:
        """Store one interaction, or several in one transaction: all of them or none. Nothing is embedded yet.

        Recording the same interaction again changes nothing, so a failed call may be repeated.

        Returns:
            What was given, as stored: the time is filled in where it was missing.

        Raises:
            DataError: Not an interaction, or the id is taken by one of other content.
            ConsentError: The user has not agreed that anything is recorded.
            StoreError: The store cannot be written.
        """
        if isinstance(interactions, Interaction):
            return self.store.record(self.id, [interactions])[0]
        if isinstance(interactions, str | bytes | Mapping) or not isinstance(interactions, Iterable):
            raise DataError(f"An Interaction, or several, can be recorded, not {type(interactions).__name__}.")
        return self.store.record(self.id, list(interactions))

    def latest(
        self,
        n: int,
        *,
        before: Before = None,
        since: float | None = None,
        session: str | None = None,
        task: str | None = None,
    ) -> list[Interaction]:
        """The last n interactions, oldest first; fewer when there are fewer.

        Args:
            n: How many.
            before: Where reading ends.
            since: Nothing earlier than this time in seconds.
            session: Of this session only.
            task: Of this task only.

        Raises:
            DataError: `n` is not a whole number, or another argument is not recorded or not valid.
        """
        return self.store.interactions(self.id, Scope(before, since, session, task), latest=whole(n, "n"))

    def history(
        self,
        *,
        before: Before = None,
        since: float | None = None,
        session: str | None = None,
        task: str | None = None,
    ) -> list[Interaction]:
        """All interactions, oldest first; the arguments are those of `latest`."""
        return self.store.interactions(self.id, Scope(before, since, session, task))

    def interaction(self, interaction_id: str) -> Interaction:
        """The interaction with this id.

        Raises:
            DataError: The user has none.
        """
        return self.store.interaction(self.id, interaction_id)

    def count(self) -> int:
        """How many interactions are recorded."""
        return self.store.count(self.id)

    def search(
        self,
        query: str,
        k: int,
        *,
        before: Before = None,
        since: float | None = None,
        session: str | None = None,
        task: str | None = None,
        half_life: float | None = None,
        diversity: float = 0.0,
    ) -> list[Memory]:
        """The k interactions of this user whose inputs are most similar to a text, most similar first.

        Exact: every interaction is compared, by the cosine of the store's embedder; of equal ones the newer comes
        first. What was recorded since the last search is embedded now.

        Args:
            query: The text.
            k: How many.
            before: Where the history ends for this search.
            since: Nothing earlier than this time in seconds.
            session: Of this session only.
            task: Of this task only.
            half_life: Seconds in which a positive similarity loses half its weight, counted back from the newest
                interaction that is searched; None for no loss.
            diversity: In [0, 1]: how much each memory is to differ from those before it (maximal marginal relevance
                with lambda = 1 - diversity).

        Raises:
            DataError: An argument is not valid, or `before` is not recorded.
            ModelError: The embedder cannot be loaded or asked.
        """
        scope, ranking = Scope(before, since, session, task), Ranking(half_life, diversity)
        return self.store.search(self.id, query, whole(k, "k"), scope, ranking)

    def similarities(self, query: str, *, before: Before = None) -> list[Memory]:
        """Every interaction of this user with its similarity to a text, oldest first."""
        return self.store.similarities(self.id, query, Scope(before))

    @property
    def persona(self) -> Persona:
        """The current persona; an empty one before the first is saved."""
        current = self.store.persona(self.id)
        return current.persona if current else Persona()

    @property
    def version(self) -> int:
        """The number of the current persona version, 0 before the first."""
        current = self.store.persona(self.id)
        return current.version if current else 0

    def personas(self) -> list[PersonaVersion]:
        """Every version of the persona, oldest first."""
        return self.store.personas(self.id)

    def save_persona(
        self,
        persona: Persona,
        *,
        parent: int,
        author: str,
        reason: str = "",
        edits: Iterable[Edit] = (),
        run: str = "",
        as_of: float | None = None,
    ) -> PersonaVersion:
        """Store a new version of the persona, if the one it was made from is still the current one.

        Args:
            persona: The new persona.
            parent: The version it was made from, 0 for the first.
            author: Who made it.
            reason: Why.
            edits: The changes from the parent to it.
            run: The alignment that made it; what is kept of that one as unfinished is removed.
            as_of: What `store.last_forgetting` said before the interactions were read from which it was made; where
                something was forgotten since, nothing is stored.

        Returns:
            The version as it is stored: without what the store's redactor took out.

        Raises:
            ForgottenError: What it was made from was forgotten meanwhile; nothing is stored.
            ConsentError: The user has not agreed to it.
            VersionConflict: Another version was saved since `parent` was read; nothing is stored.
            PersonaError: Not a persona, or one that cannot be written as JSON.
            DataError: Another argument is not valid.
        """
        return self.store.save_persona(
            self.id, persona, parent=parent, author=author, reason=reason, edits=edits, run=run, as_of=as_of
        )

    def rollback(self, version: int) -> PersonaVersion:
        """Make an earlier persona the current one, as a new version; nothing is lost. 0 is the empty persona.

        Raises:
            DataError: There is no such version.
            ConsentError: The user has not agreed to it.
        """
        return self.store.rollback(self.id, whole(version, "version"))

    def write_persona(
        self, text: str, *, parent: int | None = None, author: str = HAND, reason: str = ""
    ) -> PersonaVersion:
        """Save a text as the persona, one statement a line. A line that stands in it already stays what it is.

        Args:
            text: All of the persona; what is not in it is removed, pinned statements as well.
            parent: The version the text was made from; None for the current one, whatever it is.
            author: Who wrote it.
            reason: Why.

        Raises:
            VersionConflict: Another version was saved meanwhile; nothing is stored.
            PersonaError: The text passes the persona's token limit.
            DataError: An argument is not valid.
        """
        return written.write(self.store, self.id, text, parent=parent, author=author, reason=reason)

    def pin(self, statement_id: str, pinned: bool = True, *, author: str = HAND) -> PersonaVersion:
        """Save the persona with a statement that no optimizer replaces or removes, or that one may again.

        Args:
            statement_id: Its id in the current persona.
            pinned: Whether it is to be pinned.
            author: Who wants it so.

        Raises:
            PersonaError: The current persona has no such statement.
            VersionConflict: Another version was saved meanwhile; nothing is stored.
        """
        return written.pin(self.store, self.id, statement_id, pinned=pinned, author=author)

    def diff(self, first: int, second: int | None = None) -> tuple[Edit, ...]:
        """The edits that lead from one version of the persona to another; 0 is the empty persona.

        Args:
            first: The version to start from.
            second: The version to arrive at; None for the current one.

        Raises:
            DataError: There is no such version.
        """
        return written.difference(self.store, self.id, first, second)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, User) and other.store is self.store and other.id == self.id

    def __hash__(self) -> int:
        return hash((id(self.store), self.id))

    def __deepcopy__(self, memo: dict[int, Any]) -> User:
        return self  # programs that hold a user are copied often; the store is shared

    def __repr__(self) -> str:
        return f"User({self.id!r})"

    def _repr_html_(self) -> str:
        current = self.store.persona(self.id)
        version = (
            f"persona version {current.version}, by {html.escape(current.author)}" if current else "no persona yet"
        )
        persona = (current.persona if current else Persona())._repr_html_()
        return f"<p><b>{html.escape(self.id)}</b>: {self.count()} interactions, {version}</p>{persona}"
