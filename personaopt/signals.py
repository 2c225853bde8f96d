"""How an answer was taken: what the user said or did about it, what that tells of the truth, and how much it weighs.

PersonaAgent's loss knows the user's real response only; its authors name signals that are not said as a limit. Here an
interaction may also say that its answer was accepted, which makes the answer the ground truth with a lower weight, or
that it was rejected: then the truth is not known, and the loss is low when the answer is not repeated.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, TypeGuard

from personaopt.errors import ConfigurationError, DataError
from personaopt.interaction import Interaction

Stance = Literal["accepted", "rejected"]
"""What a signal says of the answer that was given."""

KINDS = ("correction", "edited", "rating", "thumbs", "accepted", "dwell_seconds", "comment", "weight")
"""What may be said of an answer, in the order of `Signals`."""

TRUTH, LOG = "truth", "log"
_OWN_WORDS = ("correction", "edited")
MOST_AMENDED = 100
"""How often the signals of one interaction may be added to; every time is kept."""

SECONDS_A_WORD, FEWEST_SECONDS = 0.1, 1.0
"""Who leaves before so much time has passed did not read the answer: silent reading takes 0.25 seconds a word (238
words a minute; Brysbaert 2019), and nobody takes in a text two and a half times as fast."""


_MOST = 1e308


def _number(value: Any) -> TypeGuard[float]:
    # As text a whole number may be longer than any float is large.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_MOST <= value <= _MOST


def _fraction(value: Any) -> TypeGuard[float]:
    return _number(value) and 0.0 <= value <= 1.0


@dataclasses.dataclass(frozen=True)
class SignalWeights:
    """How much an interaction counts in the loss, by what is known of its answer. Give your own where yours differ.

    The figures are an order of trust that was set by hand, not fitted.

    Attributes:
        truth: What the user really said or chose, as recorded by the application.
        correction: The user's own words in the place of the answer.
        edited: The answer as the user left it after editing: they may have stopped before it was perfect, but they
            used it.
        thumbs_up: The answer was good; another one might have been better.
        thumbs_down: The answer was wrong, and the right one is not known: it rules out one answer of many.
        rating: Of the best and the worst rating. Those between count by their distance from the middle, which says
            nothing.
        used: The answer was copied, sent or applied. Done in passing, so less than a thumb.
        ignored: Nothing was done with the answer. There are many other reasons for that.
        left: The user was gone before the answer could be read. The weakest of all: a telephone may have rung.

    Raises:
        ConfigurationError: A weight is not a number from 0 to 1.
    """

    truth: float = 1.0
    correction: float = 1.0
    edited: float = 1.0
    thumbs_up: float = 0.5
    thumbs_down: float = 0.3
    rating: float = 0.5
    used: float = 0.4
    ignored: float = 0.1
    left: float = 0.05

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not _fraction(weight := getattr(self, field.name)):
                raise ConfigurationError(f"The weight {field.name} of a signal lies in [0, 1]; it is {weight!r}.")


DEFAULT_WEIGHTS = SignalWeights()


@dataclasses.dataclass(frozen=True, slots=True)
class Signals:
    """What is said of one answer at one time; what is None is not said.

    Attributes:
        correction: The right outputs, by name; those that are not named were right as they are.
        edited: The outputs as the user left them after editing, by name. Unchanged ones count as used.
        rating: From 1 to `of`, the best.
        of: The best rating.
        thumbs: `up` or `down`.
        accepted: True: the answer was used (copied, sent, applied). False: it was seen and not used.
        dwell_seconds: How long the user stayed with the answer.
        comment: What the user said of the answer, for the critic to read.
        weight: Replaces the weight of what else was said.

    Raises:
        DataError: Nothing is said, or a value is outside its range.
    """

    correction: Mapping[str, Any] | None = None
    edited: Mapping[str, Any] | None = None
    rating: float | None = None
    of: float = 5
    thumbs: Literal["up", "down"] | None = None
    accepted: bool | None = None
    dwell_seconds: float | None = None
    comment: str | None = None
    weight: float | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, kind) is None for kind in KINDS):
            raise DataError(f"Feedback says at least one of {', '.join(KINDS)}.")
        for kind in _OWN_WORDS:
            said = getattr(self, kind)
            if said is not None and (not isinstance(said, Mapping) or not said):
                raise DataError(f"The {kind} of an answer names its outputs: {{'output': 'what it should be'}}.")
        if self.thumbs not in (None, "up", "down"):
            raise DataError(f"Thumbs are 'up' or 'down', not {self.thumbs!r}.")
        if self.accepted is not None and not isinstance(self.accepted, bool):
            raise DataError(f"Whether an answer was accepted is True or False, not {self.accepted!r}.")
        if not _number(self.of) or self.of <= 1:
            raise DataError(f"The best rating is a number above 1, the worst; it is {self.of!r}.")
        if self.rating is not None and not (_number(self.rating) and 1 <= self.rating <= self.of):
            raise DataError(f"A rating lies between 1 and {self.of:g}; it is {self.rating!r}.")
        if self.dwell_seconds is not None and not (_number(self.dwell_seconds) and self.dwell_seconds >= 0):
            raise DataError(f"The time spent is a number of seconds, not {self.dwell_seconds!r}.")
        if self.comment is not None and (not isinstance(self.comment, str) or not self.comment.strip()):
            raise DataError("A comment is a text with something in it.")
        if self.weight is not None and not _fraction(self.weight):
            raise DataError(f"A weight lies in [0, 1]; it is {self.weight!r}.")

    def values(self) -> dict[str, Any]:
        """The signals as they stand in a record: what the user wrote stands in its ground truth, and only there."""
        said = {kind: value for kind in KINDS if (value := getattr(self, kind)) is not None}
        if "rating" in said:
            said["rating"] = {"value": self.rating, "of": self.of}
        return {kind: sorted(value) if kind in _OWN_WORDS else value for kind, value in said.items()}


def amended(interaction: Interaction, said: Signals, now: float) -> Interaction:
    """An interaction with what was said of its answer, and with the ground truth that follows from it.

    The newest of each kind counts. A ground truth that the application recorded, or that is in the user's own words,
    is replaced by other words of the user only. Every change is kept under `signals["log"]`: when, which kinds, and
    the ground truth before it where that changed.

    Args:
        interaction: The record.
        said: What is said now.
        now: When, in seconds.

    Raises:
        DataError: There is no answer to speak of, too much was said of it already, or the time is none.
    """
    if not _number(now):
        raise DataError(f"The time at which something was said of an answer is in seconds, not {now!r}.")
    if not interaction.response and said.correction is None and said.edited is None:
        raise DataError(f"Interaction {interaction.id!r} has no answer that something could be said of.")
    log = list(interaction.signals.get(LOG, ()))
    if len(log) >= MOST_AMENDED:
        raise DataError(f"Interaction {interaction.id!r} was given feedback {len(log)} times, which is the most.")
    new = said.values()
    kept = {kind: value for kind, value in interaction.signals.items() if kind not in (*new, LOG, TRUTH)}
    signals: dict[str, Any] = {**kept, **new}
    truth, origin = _truth(interaction, said, signals)
    change: dict[str, Any] = {"time": now, "said": list(new)}
    if truth != dict(interaction.ground_truth):
        change["ground_truth_before"] = dict(interaction.ground_truth)
    if origin:
        signals[TRUTH] = origin
    return dataclasses.replace(interaction, ground_truth=truth, signals={**signals, LOG: [*log, change]})


def settled(interaction: Interaction) -> Interaction:
    """An interaction with its answer as the ground truth, where its signals say that it was accepted."""
    if interaction.ground_truth or stance_of(interaction) != "accepted":
        return interaction
    return dataclasses.replace(
        interaction, ground_truth=interaction.response, signals={**interaction.signals, TRUTH: "accepted"}
    )


def is_rejected(interaction: Interaction) -> bool:
    """Whether all that is known of the truth is that it is not what was answered."""
    return not interaction.ground_truth and bool(interaction.response) and stance_of(interaction) == "rejected"


def in_own_words(interaction: Interaction, before: float = math.inf) -> bool:
    """Whether the user put the answer into other words, earlier than a time in seconds."""
    if interaction.signals.get(TRUTH) not in _OWN_WORDS:
        return False
    said = [change["time"] for change in interaction.signals.get(LOG, ()) if set(_OWN_WORDS) & set(change["said"])]
    return max(said, default=0.0) < before


def stance_of(interaction: Interaction) -> Stance | None:
    """What the signals say of the answer that was given; None where they say nothing. The weightiest decides."""
    stance, weight = _strongest(interaction.signals, interaction.response, DEFAULT_WEIGHTS)
    return stance if weight > 0 else None


def weight_of(interaction: Interaction, weights: SignalWeights = DEFAULT_WEIGHTS) -> float:
    """How much an interaction counts in the loss; 0 where nothing is known of the truth.

    Args:
        interaction: The record.
        weights: By kind of signal.
    """
    signals = interaction.signals
    known = interaction.ground_truth or stance_of(interaction)
    if known and _fraction(signals.get("weight")):
        return float(signals["weight"])
    origin = signals.get(TRUTH)
    if interaction.ground_truth and origin != "accepted":
        return {"correction": weights.correction, "edited": weights.edited}.get(str(origin), weights.truth)
    return _strongest(signals, interaction.response, weights)[1] if known else 0.0


def _truth(interaction: Interaction, said: Signals, signals: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The ground truth under all signals, and which kind of signal it is from; none where it was recorded."""
    response, before = dict(interaction.response), dict(interaction.ground_truth)
    origin = str(interaction.signals.get(TRUTH, ""))
    own = said.correction if said.correction is not None else said.edited
    if own is not None:
        truth = {**response, **(before if origin != "accepted" else {}), **own}
        if said.correction is not None or truth != response:
            return truth, "correction" if said.correction is not None else "edited"
    stance, weight = _strongest(signals, response, DEFAULT_WEIGHTS)
    accepted = stance == "accepted" and weight > 0
    if before and origin != "accepted" and not (own is not None and accepted):
        return before, origin
    return (response, "accepted") if accepted else ({}, "")


def _strongest(
    signals: Mapping[str, Any], response: Mapping[str, Any], weights: SignalWeights
) -> tuple[Stance | None, float]:
    """The stance of the weightiest signal, of equal ones the newest, and its weight.

    The order is that of the default weights, so that what an interaction says does not hang on how much it counts.
    """
    readings = [reading for kind, value in signals.items() if (reading := _reading(kind, value, response)) is not None]
    if not readings:
        return None, 0.0
    name, stance, share = max(reversed(readings), key=lambda one: getattr(DEFAULT_WEIGHTS, one[0]) * one[2])
    return stance, getattr(weights, name) * share


def _reading(kind: str, value: Any, response: Mapping[str, Any]) -> tuple[str, Stance, float] | None:
    """Which weight one signal has, what it says, and which share of the weight it is worth."""
    if kind == "thumbs" and value in ("up", "down"):
        return ("thumbs_up", "accepted", 1.0) if value == "up" else ("thumbs_down", "rejected", 1.0)
    if kind == "accepted" and isinstance(value, bool):
        return ("used", "accepted", 1.0) if value else ("ignored", "rejected", 1.0)
    if kind == "edited":  # where the text was changed the ground truth says so
        return "used", "accepted", 1.0
    if kind == "dwell_seconds" and _number(value):
        words = sum(len(str(text).split()) for text in response.values())
        return ("left", "rejected", 1.0) if value < max(FEWEST_SECONDS, SECONDS_A_WORD * words) else None
    if kind == "rating" and isinstance(value, Mapping):
        rating, best = value.get("value"), value.get("of")
        if _number(rating) and _number(best) and best > 1 and 1 <= rating <= best:
            middle = (best + 1) / 2
            share = (rating - middle) / (best - middle)
            return "rating", "accepted" if share > 0 else "rejected", abs(share)
    return None
