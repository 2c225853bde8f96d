"""The part of a user's handle that is about rights: consent, retention, forgetting, taking the data along."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from personaopt.memory.consent import Consent
    from personaopt.memory.facts import Fact
    from personaopt.memory.forgetting import Forgotten
    from personaopt.memory.retention import Retention
    from personaopt.memory.store import Store


class UserRights:
    """What a `User` can ask for beside recording and reading.

    Attributes:
        id: The user id.
        store: The store it belongs to.
    """

    id: str
    store: Store

    def forget(
        self,
        interaction_id: str | Iterable[str] | None = None,
        *,
        session: str | None = None,
        matching: str | None = None,
        dry_run: bool = False,
    ) -> Forgotten:
        """Forget interactions, with all that was derived from them; what is given together must apply together.

        Gone are their rows and embeddings, unfinished alignments, what this process remembers of LM calls, and from
        every version of the persona the statements that rest on them alone or quote them. Agents that hold such a
        version refuse to answer until they are refreshed. A statement that quotes the text of `matching` goes even if
        no interaction has it. `store.forget(user_id)` forgets the user.

        Args:
            interaction_id: The id of one, or several.
            session: All of a session.
            matching: All that hold this text, whatever its case.
            dry_run: Only tell what would go.

        Raises:
            DataError: Nothing is said, or the id is unknown; nothing is forgotten then.
            StoreError: The store cannot be written.
        """
        wanted = [interaction_id] if isinstance(interaction_id, str) else interaction_id
        return self.store.forget_interactions(self.id, wanted, session=session, matching=matching, dry_run=dry_run)

    @property
    def consent(self) -> Consent:
        """What the user has agreed to: `none`, `record` (but learn nothing) or `learn`. May be set.

        Taking it back deletes nothing: `store.forget` does.
        """
        return self.store.consent(self.id)

    @consent.setter
    def consent(self, consent: Consent) -> None:
        self.store.set_consent(self.id, consent)

    def require_consent(self, purpose: Consent) -> None:
        """Refuse what the user has not agreed to.

        Args:
            purpose: `record` or `learn`.

        Raises:
            ConsentError: The user has not agreed to it.
        """
        self.store.require_consent(self.id, purpose)

    def allow_tools(self, *names: str) -> None:
        """Let the user's agents call these tools; what was allowed before stays so.

        Args:
            names: The tools' names. They need not be known to any agent yet.

        Raises:
            DataError: A name is not one.
            StoreError: The store cannot be written.
        """
        self.store.change_tools(self.id, allow=names)

    def forbid_tools(self, *names: str) -> None:
        """Take back what `allow_tools` allowed; agents that are at work see it at their next call.

        Args:
            names: The tools' names; one that was not allowed is no error.

        Raises:
            DataError: A name is not one, or is that of a tool that is always there.
            StoreError: The store cannot be written.
        """
        self.store.change_tools(self.id, forbid=names)

    @property
    def allowed_tools(self) -> list[str]:
        """The names of the tools that `allow_tools` allowed, sorted."""
        return self.store.allowed_tools(self.id)

    @property
    def retention(self) -> Retention:
        """How long and how many interactions are kept. May be set, and is applied at once; None for the store's."""
        return self.store.retention(self.id)

    @retention.setter
    def retention(self, kept: Retention | None) -> None:
        self.store.set_retention(self.id, kept)

    def facts(self) -> list[Fact]:
        """The semantic memory: what holds and what held before, in the order in which it was first seen."""
        return self.store.facts(self.id)

    def export_data(self, path: str | os.PathLike[str]) -> Path:
        """Write everything that is kept of this user to one JSON file, which `store.import_data` brings back.

        Interactions, every persona version, semantic memory, unfinished alignments, consent and retention, with a
        schema version and a checksum; embeddings are left out, as they are made anew. Only the owner of the file may
        read it. The form is described in docs/data_format.md.

        Args:
            path: The file; its folder must exist.

        Raises:
            StoreError: The file cannot be written.
        """
        return self.store.export_data(self.id, path)
