"""What happens while a persona is aligned, as typed values for whoever watches: progress, MLflow, an application.

Events hold personas, edits and figures, and of interactions only their ids, never what a user said.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from personaopt.lm.metering import Usage
from personaopt.optimizers.results import Alignment, Candidate
from personaopt.persona import Edit, Persona

logger = logging.getLogger(__name__)

LevelName = Literal["start", "act", "simulate", "loss", "critique", "edit", "trial"]


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened in one alignment.

    Attributes:
        run: Id of the alignment.
        user: Id of the user.
    """

    run: str
    user: str


@dataclasses.dataclass(frozen=True)
class RunStarted(Event):
    """An alignment began.

    Attributes:
        window: Ids of the interactions it learns from.
        held_out: Ids of those it only judges by.
        epochs: How many times the loop runs at most.
        resumed: How many finished calls it takes over from a run that was interrupted.
        parameters: What the aligner was made with, as its `get_params` tells it: no LM, no key.
    """

    window: tuple[str, ...]
    held_out: tuple[str, ...]
    epochs: int
    resumed: int = 0
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class EpochStarted(Event):
    """A pass of the loop began; `epoch` counts from 1, `loss` is the mean over window and slice before it."""

    epoch: int
    loss: float


@dataclasses.dataclass(frozen=True)
class LevelStarted(Event):
    """Independent calls begin; `epoch` is 0 for what comes before the loop."""

    epoch: int
    level: LevelName
    calls: int


@dataclasses.dataclass(frozen=True)
class CallEnded(Event):
    """One call of the level that is under way came back; `done` of `calls` have."""

    level: LevelName
    done: int
    calls: int


@dataclasses.dataclass(frozen=True)
class LevelEnded(Event):
    """A level's calls have all come back; `usage` is what the alignment has spent so far."""

    epoch: int
    level: LevelName
    usage: Usage


@dataclasses.dataclass(frozen=True)
class CandidateProposed(Event):
    """An editor proposed a change."""

    epoch: int
    edits: tuple[Edit, ...]


@dataclasses.dataclass(frozen=True)
class CandidateJudged(Event):
    """A candidate was accepted or refused, with the reason."""

    epoch: int
    candidate: Candidate


@dataclasses.dataclass(frozen=True)
class EpochEnded(Event):
    """A pass of the loop is over; `persona` is the best so far and `loss` its mean loss."""

    epoch: int
    loss: float
    persona: Persona


@dataclasses.dataclass(frozen=True)
class VersionStored(Event):
    """A new version of the persona is in the store."""

    version: int
    parent: int
    persona: Persona


@dataclasses.dataclass(frozen=True)
class RunEnded(Event):
    """The alignment is over; `alignment` is its record. Sent also where nothing changed, not where it failed."""

    alignment: Alignment


@dataclasses.dataclass(frozen=True)
class RunFailed(Event):
    """The alignment ended with an error, or was interrupted; nothing was stored.

    Attributes:
        error: The name of the error's class; its message may quote what a user said.
    """

    error: str


Listener = Callable[[Event], None]
"""Called for each event, in order and from one thread, off the LM calls. What it raises is passed over."""


def tell(listeners: Sequence[Listener], event: Event) -> None:
    """Hand an event to every listener; one that fails does not end the alignment.

    Only the name of its error is logged: message and traceback may quote what a user said.
    """
    for listener in listeners:
        try:
            listener(event)
        except Exception as error:  # noqa: BLE001 - a watcher's mistake must not cost the run
            logger.warning("A listener failed on %s with %s.", type(event).__name__, type(error).__name__)
