"""What every store does when an answer was taken in some way: its record learns of it, and keeps what it was before."""

from __future__ import annotations

import abc
import contextlib
import time

import personaopt.memory.consent as consents
import personaopt.memory.interactions as interactions
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.policy import BARE, Policy
from personaopt.signals import Signals, amended


class Amending(abc.ABC):
    """The part of a store by which later signals reach an interaction."""

    _policy: Policy = BARE

    @abc.abstractmethod
    def transaction(self, user_id: str | None, *, write: bool = True) -> contextlib.AbstractContextManager[Connection]:
        """A transaction on the rows of one user; see `SqlStore.transaction`."""

    def amend(self, user_id: str, interaction_id: str, said: Signals, *, at: float | None = None) -> Interaction:
        """Add signals to an interaction, in one transaction: of two that do it at once none is lost.

        Inputs, answer, time and place in the history stay as they are; see `personaopt.signals.amended` for what
        becomes of the ground truth, and where the change is kept.

        Args:
            user_id: Whose interaction.
            interaction_id: Its id.
            said: What is said of its answer.
            at: When, in seconds; now when None.

        Returns:
            The interaction as it is now.

        Raises:
            DataError: The user has no such interaction, or it has no answer.
            ConsentError: The user has not agreed that anything is recorded.
            StoreError: The store cannot be written.
        """
        now = time.time() if at is None else at
        with self.transaction(name_of(user_id, "A user id")) as connection:
            consents.require(connection, user_id, "record", self._policy.consent)
            item = amended(interactions.one(connection, user_id, interaction_id), said, now)
            if (redactor := self._policy.redactor) is not None:
                item = redactor.interaction(item)
            interactions.amend(connection, user_id, item)
            return item
