"""Whether an edit is kept: one decision, on interactions that it was and was not derived from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Protocol

from personaopt.optimizers.losses import Outcome


@dataclasses.dataclass(frozen=True)
class Trial:
    """The same interactions before and after an edit, in the same order.

    Attributes:
        learn_before, learn_after: On the window, from which the edit was derived.
        held_before, held_after: On the held-out slice.
    """

    learn_before: Sequence[Outcome]
    learn_after: Sequence[Outcome]
    held_before: Sequence[Outcome] = ()
    held_after: Sequence[Outcome] = ()

    @property
    def learn_gain(self) -> float:
        """How much lower the mean loss on the window is."""
        return mean_loss(self.learn_before) - mean_loss(self.learn_after)

    @property
    def held_gain(self) -> float:
        """How much lower the mean loss on the held-out slice is; 0 without a slice."""
        return mean_loss(self.held_before) - mean_loss(self.held_after) if self.held_before else 0.0

    @property
    def gain(self) -> float:
        """How much lower the mean loss over both is."""
        before, after = [*self.learn_before, *self.held_before], [*self.learn_after, *self.held_after]
        return mean_loss(before) - mean_loss(after)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A decision and its reason, in one sentence with its figures."""

    accepted: bool
    reason: str


class Acceptance(Protocol):
    """Decides on one trial; it sees every outcome, before and after."""

    def judge(self, trial: Trial) -> Verdict:
        """Accept or refuse, with the reason."""
        ...


class AcceptAll:
    """Takes every edit, as the paper does. For comparison."""

    def judge(self, trial: Trial) -> Verdict:
        """Accept."""
        return Verdict(True, f"taken without a test (mean loss {-trial.gain:+.3f})")


class ImprovesBoth:
    """Accepts an edit that lowers the loss over all interactions enough and makes neither part worse.

    Args:
        minimum_effect: Least gain in mean loss over window and slice together.
        tolerance: How much worse each part alone may get.
    """

    def __init__(self, minimum_effect: float = 0.02, tolerance: float = 0.0) -> None:
        self.minimum_effect = minimum_effect
        self.tolerance = tolerance

    def judge(self, trial: Trial) -> Verdict:
        """Accept if it helps on both parts."""
        figures = f"mean loss {-trial.learn_gain:+.3f} on the window"
        if trial.held_before:
            figures += f", {-trial.held_gain:+.3f} held out"
        if trial.learn_gain < -self.tolerance:
            return Verdict(False, f"worse on the window it was derived from: {figures}")
        if trial.held_gain < -self.tolerance:
            return Verdict(False, f"worse on interactions it was not derived from: {figures}")
        if trial.gain < self.minimum_effect:
            return Verdict(False, f"too small an effect (below {self.minimum_effect:g}): {figures}")
        return Verdict(True, f"helps: {figures}")


def mean_loss(outcomes: Sequence[Outcome]) -> float:
    """The mean loss; 0 for none."""
    return math.fsum(outcome.loss for outcome in outcomes) / len(outcomes) if outcomes else 0.0
