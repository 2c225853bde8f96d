"""When a persona is aligned: every few sessions, every few interactions, on surprise, or by hand.

A trigger keeps nothing: it answers from what is stored, so that it says the same after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import dspy

from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.memory.store import PersonaVersion
from personaopt.memory.user import User
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.losses import agreement

PAGE = 64
"""Interactions that are read first; most users have no more new ones."""


class Trigger(Protocol):
    """Says whether an alignment is due."""

    def due(self, user: User, since: float | None) -> str:
        """Why an alignment is due, in a few words; empty when it is not.

        Args:
            user: Whose persona it is.
            since: The time (in seconds) up to which interactions were seen by the last alignment; None before the
                first. `last_alignment(user)` reads it off the store.
        """
        ...


class EverySessions:
    """After every k sessions, as AI PERSONA does (arXiv 2412.13103; it found k = 3 better than 1 and 5).

    Sessions are told apart by the interactions' `session`; interactions without one do not count, and neither do those
    without a ground truth where `truth` asks for it. A session is over when another has begun.

    Args:
        k: How many sessions.
        count_open: Count the latest session too, which may not be over: for applications that ask at the end of one.
        truth: Whether only sessions with a ground truth count; conversations that are learnt from by what the user says
            need none.

    Raises:
        ConfigurationError: `k` is not a whole number of at least 1.
    """

    def __init__(self, k: int = 3, *, count_open: bool = False, truth: bool = True) -> None:
        self.k = _whole("k", k)
        self.count_open, self.truth = count_open, truth

    def due(self, user: User, since: float | None) -> str:
        """Whether k sessions are over."""
        return _counted(user, since, lambda new: len(self._sessions(new)), self.k, "sessions")

    def _sessions(self, new: Sequence[Interaction]) -> set[str]:
        told = [item for item in new if item.ground_truth or not self.truth]
        sessions = {item.session for item in told if item.session is not None}
        return sessions if self.count_open or not new else sessions - {new[-1].session}


class EveryInteractions:
    """After every k interactions with a ground truth.

    Args:
        k: How many interactions.

    Raises:
        ConfigurationError: `k` is not a whole number of at least 1.
    """

    def __init__(self, k: int = 8) -> None:
        self.k = _whole("k", k)

    def due(self, user: User, since: float | None) -> str:
        """Whether there are k new ones."""
        return _counted(user, since, lambda new: sum(bool(item.ground_truth) for item in new), self.k, "interactions")


class OnSurprise:
    """When answers have become worse than they used to be: a Page-Hinkley test on the losses of live answers.

    Looks at the interactions since the last alignment that hold both a response and a ground truth. The defaults are
    for losses in [0, 1]. Measured on answers that are right or wrong (`tests/test_triggers.py`): while the share of
    wrong answers stays at 10 %, 30 % or 50 %, a false alarm comes within 100 answers in 1 %, 12 % or 17 % of the runs.
    When the share jumps from 30 % to 70 % after 30 answers, the alarm comes 13 answers later (median), within 30 in 89
    % of the runs; from 10 % to 90 % after 6; from 20 % to 40 % after 30, within 30 in 36 % only. A false alarm costs an
    alignment and nothing else, because acceptance decides what is kept.

    Args:
        delta: By how much the loss may drift above its mean without notice.
        threshold: How far the sum of what is above may rise over its minimum. Higher is slower and surer.
        minimum: No alarm before so many answers.
        loss: Of one interaction, in [0, 1]; 1 - agreement of response and ground truth when None.

    Raises:
        ConfigurationError: An argument is outside its range.
    """

    def __init__(
        self,
        delta: float = 0.1,
        threshold: float = 4.0,
        minimum: int = 8,
        *,
        loss: Callable[[Interaction], float] | None = None,
    ) -> None:
        if delta < 0.0 or not threshold > 0.0:
            raise ConfigurationError(
                f"delta is at least 0 and threshold above 0; they are {delta!r} and {threshold!r}."
            )
        self.delta, self.threshold, self.minimum = delta, threshold, _whole("minimum", minimum)
        self.loss = loss or live_loss

    def due(self, user: User, since: float | None) -> str:
        """Whether the test has given alarm since the last alignment."""
        losses = [self.loss(item) for item in fresh(user, since) if item.response and item.ground_truth]
        place = page_hinkley(losses, self.delta, self.threshold, self.minimum)
        if place is None:
            return ""
        return (
            f"answers have become worse (Page-Hinkley alarm at the {place + 1}th of {len(losses)} since the last one)"
        )


class ByHand:
    """Never by itself: only when the application asks for it (`AlignmentWorker.notify(..., force=True)`)."""

    def due(self, user: User, since: float | None) -> str:
        """Never."""
        return ""


def page_hinkley(losses: Iterable[float], delta: float, threshold: float, minimum: int = 1) -> int | None:
    """Where the mean of a stream is found to have risen; None where it is not.

    Page's cumulative sum (Biometrika 41, 1954) in Hinkley's form (Biometrika 58, 1971), with the running mean for the
    unknown one: m_t = sum of (x_i - mean of x_1..x_i - delta) for i up to t; alarm when m_t - min(m_1..m_t) passes the
    threshold.

    Args:
        losses: The stream.
        delta: What is allowed above the mean.
        threshold: Of the alarm.
        minimum: How many values come before the first alarm at the earliest.

    Returns:
        The place, from 0, of the first alarm.
    """
    mean = above = lowest = 0.0
    for place, loss in enumerate(losses):
        mean += (loss - mean) / (place + 1)
        above += loss - mean - delta
        lowest = min(lowest, above) if place else above
        if place + 1 >= minimum and above - lowest > threshold:
            return place
    return None


def live_loss(interaction: Interaction) -> float:
    """1 - agreement of what was answered with what the user said."""
    inputs = dict(interaction.inputs)
    truth = {name: value for name, value in interaction.ground_truth.items() if name not in inputs}
    example = dspy.Example(**inputs, **truth).with_inputs(*inputs)
    return 1.0 - agreement(example, dspy.Prediction(**dict(interaction.response)))


def last_alignment(user: User, author: str = PersonaAligner.__name__) -> float | None:
    """When the newest version that an alignment made was stored, in seconds; None where there is none.

    An alignment that changed nothing leaves no version and is not known after a restart.
    """
    newest = newest_version(user, author)
    return newest.created if newest else None


def newest_version(user: User, author: str) -> PersonaVersion | None:
    """The newest persona version that an author stored; however many there are, only those after it are read."""
    version = user.store.persona(user.id)
    while version is not None and version.author != author:
        version = user.store.persona(user.id, version.version - 1) if version.version > 1 else None
    return version


def fresh(user: User, since: float | None) -> Sequence[Interaction]:
    """What was recorded after a time, oldest first; everything without one."""
    if since is None:
        return user.history()
    return [item for item in user.history(since=since) if item.time is not None and item.time > since]


def _counted(user: User, since: float | None, count: Callable[[Sequence[Interaction]], int], k: int, what: str) -> str:
    """Whether k of something were recorded after a time; nothing more is read once there are."""
    read = PAGE
    while True:
        latest = user.latest(read, since=since)
        found = count([item for item in latest if since is None or (item.time is not None and item.time > since)])
        if found >= k:
            return f"{'at least ' * (len(latest) == read)}{found} {what} since the last alignment"
        if len(latest) < read:
            return ""
        read *= 4


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1; it is {value!r}.")
    return value
