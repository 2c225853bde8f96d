"""The levels of one alignment: within the budget, told to listeners, and kept in case it is interrupted."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

from personaopt.lm.asks import Ask, Steps
from personaopt.lm.metering import Meter, Usage
from personaopt.lm.watching import Watch
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.checkpoint import Checkpoint
from personaopt.optimizers.events import (
    CallEnded,
    EpochStarted,
    Event,
    LevelEnded,
    LevelName,
    LevelStarted,
    Listener,
    tell,
)


class OutOfBudget(Exception):
    """The next level must not begin; the message says why."""


class Levels(Watch):
    """Makes independent LM calls level by level.

    Args:
        run: Id of the alignment.
        user: Id of the user.
        budget: Hard limits.
        listeners: Told of every event.
        checkpoint: Where results are kept and taken from; None keeps nothing.

    Attributes:
        meter: Counts what is spent from now on.
        epoch: The epoch that is under way; 0 before the loop.
        resumed: Calls that were taken over instead of made.
    """

    def __init__(
        self, run: str, user: str, budget: Budget, listeners: Sequence[Listener], checkpoint: Checkpoint | None
    ) -> None:
        self.run, self.user = run, user
        self.budget = budget
        self.listeners = tuple(listeners)
        self.checkpoint = checkpoint
        self.meter = Meter()
        self.epoch = 0
        self.resumed = 0
        self._name: LevelName = "start"
        self._asks: list[tuple[int, Ask[Any]]] = []
        self._done = 0
        self._size = 0
        self._promised = 0
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What the whole alignment has cost, what was spent before it was interrupted included."""
        now = self.meter.usage
        return self.checkpoint.spent + now if self.checkpoint and self.checkpoint.spent.calls else now

    def tell(self, kind: type[Event], **values: Any) -> None:
        """Tell the listeners of an event."""
        if self.listeners:
            tell(self.listeners, kind(run=self.run, user=self.user, **values))

    def begin_epoch(self, epoch: int, loss: float) -> None:
        """The next pass of the loop begins.

        Args:
            epoch: Its number, from 1.
            loss: Mean loss over window and slice before it.
        """
        self.epoch = epoch
        self.tell(EpochStarted, epoch=epoch, loss=loss)

    def ask(self, name: LevelName, asks: Sequence[Ask[Any]]) -> Steps[list[Any]]:
        """Make independent calls, unless the budget has no room for them; results that are kept are taken over.

        Raises:
            OutOfBudget: It has none.
        """
        known = self.checkpoint.begin(asks) if self.checkpoint else {}
        self._asks = [(place, ask) for place, ask in enumerate(asks) if place not in known]
        calls = sum(ask.calls for _, ask in self._asks)
        usage = self.usage
        if calls and (reason := self._limits(begun=bool(known)).exceeded(usage, calls)):
            raise OutOfBudget(reason)
        self._promised = usage.calls + calls
        self.resumed += sum(asks[place].calls for place in known)
        self._name, self._done, self._size = name, len(known), len(asks)
        self.tell(LevelStarted, epoch=self.epoch, level=name, calls=len(asks))
        results = iter((yield [ask for _, ask in self._asks]) if self._asks else [])
        self.tell(LevelEnded, epoch=self.epoch, level=name, usage=self.usage)
        return [known[place] if place in known else next(results) for place in range(len(asks))]

    def may_repeat(self, calls: int) -> bool:
        """Whether the budget has room for another attempt at an ask of the level that is under way."""
        with self._lock:
            if self.budget.calls is not None and self._promised + calls > self.budget.calls:
                return False
            self._promised += calls
        self.meter.repeat()
        return True

    def ended(self, place: int, result: Any) -> None:
        """One of the level's calls came back."""
        self._done += 1
        if self.checkpoint:
            self.checkpoint.add(*self._asks[place], result)
        self.tell(CallEnded, level=self._name, done=self._done, calls=self._size)

    def due(self) -> float | None:
        """Seconds until what came back wants to be written."""
        return self.checkpoint.due() if self.checkpoint else None

    def flush(self) -> None:
        """Write what came back."""
        if self.checkpoint and self.checkpoint.due() is not None:
            self.checkpoint.flush(self.usage)

    def _limits(self, *, begun: bool) -> Budget:
        """A level that has begun is paid for: when it is gone on with only calls, which are known, are limited."""
        return dataclasses.replace(self.budget, tokens=None, usd=None, seconds=None) if begun else self.budget
