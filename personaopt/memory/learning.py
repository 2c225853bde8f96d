"""What every store does for semantic memory: facts are read, and observations become facts."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import time
from collections.abc import Sequence

import personaopt.memory.consent as consents
import personaopt.memory.facts as facts
import personaopt.memory.forgotten as forgotten
import personaopt.memory.interactions as interactions
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.consolidation import Observation, consolidated
from personaopt.memory.facts import Fact
from personaopt.memory.policy import BARE, Policy
from personaopt.memory.redaction import redacted_statement


class Learning(abc.ABC):
    """The part of a store that keeps semantic memory; see `personaopt.memory.semantic` for what fills it."""

    _policy: Policy = BARE

    @abc.abstractmethod
    def transaction(self, user_id: str | None, *, write: bool = True) -> contextlib.AbstractContextManager[Connection]:
        """A transaction on the rows of one user; see `SqlStore.transaction`."""

    def facts(self, user_id: str) -> list[Fact]:
        """The semantic memory of a user, what holds and what held before, in the order in which it was first seen."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return facts.read(connection, user_id)

    def save_facts(self, user_id: str, changed: Sequence[Fact]) -> None:
        """Keep facts of a user; one of the same id is replaced.

        Raises:
            ConsentError: The user has not agreed that anything is learnt.
            ForgottenError: What one rests on was forgotten meanwhile; nothing is stored.
        """
        if (redactor := self._policy.redactor) is not None:
            kept = [(fact, redacted_statement(fact.statement, redactor)) for fact in changed]
            changed = [dataclasses.replace(fact, statement=left) for fact, left in kept if left is not None]
        with self.transaction(name_of(user_id, "A user id")) as connection:
            consents.require(connection, user_id, "learn", self._policy.consent)
            forgotten.refuse_gone(connection, user_id, [each for fact in changed for each in fact.statement.evidence])
            facts.save(connection, user_id, changed, now=time.time())

    def unseen(self, user_id: str, most: int) -> tuple[list[Interaction], int]:
        """The next interactions that semantic memory was not made from yet, and the number of the last of them."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return facts.unseen(connection, user_id, most)

    def observe(
        self, user_id: str, observations: Sequence[Observation], *, seen: int = 0, as_of: float | None = None
    ) -> list[Fact]:
        """Make observations part of semantic memory, in one transaction: of two that do it at once none is lost.

        Args:
            user_id: Of whom.
            observations: What was noticed.
            seen: The number of the last interaction in which it was looked for; see `unseen`.
            as_of: What `last_forgetting` said before the interactions were read.

        Returns:
            The facts that changed.

        Raises:
            ConsentError: The user has not agreed that anything is learnt.
            ForgottenError: What something rests on was forgotten meanwhile; nothing is stored.
        """
        with self.transaction(name_of(user_id, "A user id")) as connection:
            consents.require(connection, user_id, "learn", self._policy.consent)
            forgotten.refuse_gone(connection, user_id, [each for one in observations for each in one.evidence], as_of)
            by_id = {item.id: item for item in interactions.read(connection, user_id)}
            changed = consolidated(facts.read(connection, user_id), self._without(observations), by_id)
            facts.save(connection, user_id, changed, now=time.time())
            if seen:
                facts.note_seen(connection, user_id, seen)
            return changed

    def _without(self, observations: Sequence[Observation]) -> list[Observation]:
        """Observations without what must not be stored."""
        if (redactor := self._policy.redactor) is None:
            return list(observations)
        return [dataclasses.replace(one, text=redactor.text(one.text)) for one in observations]
