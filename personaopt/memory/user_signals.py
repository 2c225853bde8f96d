"""What a `User` can be told of answers that were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from personaopt.interaction import Interaction
from personaopt.signals import Signals

if TYPE_CHECKING:
    from personaopt.memory.store import Store


class UserSignals:
    """How the answers of recorded interactions were taken.

    Attributes:
        id: The user id.
        store: The store it belongs to.
    """

    id: str
    store: Store

    def feedback(
        self,
        interaction_id: str,
        *,
        correction: Mapping[str, Any] | None = None,
        edited: Mapping[str, Any] | None = None,
        rating: float | None = None,
        of: float = 5,
        thumbs: Literal["up", "down"] | None = None,
        accepted: bool | None = None,
        dwell_seconds: float | None = None,
        comment: str | None = None,
        weight: float | None = None,
        at: float | None = None,
    ) -> Interaction:
        """Tell how the answer of an interaction was taken; what is not given is not said.

        A correction and an edited text become its ground truth. An answer that was accepted becomes the ground truth
        with a lower weight; of one that was rejected it is known that it was not right, and no more. What was recorded
        as the ground truth, or is in the user's own words, gives way to other words of the user only. Every change
        is kept on the interaction, in `signals["log"]`.

        Args:
            interaction_id: Its id.
            correction: The right outputs, by name.
            edited: The outputs as the user left them after editing, by name.
            rating: From 1 to `of`.
            of: The best rating.
            thumbs: `up` or `down`.
            accepted: Whether the answer was used; False for one that was seen and left.
            dwell_seconds: How long the user stayed with the answer.
            comment: What the user said of it; critics read it.
            weight: How much the interaction counts in the loss, from 0 to 1, in the place of the signals' own weight
                (`personaopt.SignalWeights`).
            at: When it was said, in seconds; now when None.

        Returns:
            The interaction as it is now.

        Raises:
            DataError: There is no such interaction, nothing is said, or a value is outside its range.
            ConsentError: The user has not agreed that anything is recorded.
        """
        said = Signals(correction, edited, rating, of, thumbs, accepted, dwell_seconds, comment, weight)
        return self.store.amend(self.id, interaction_id, said, at=at)
