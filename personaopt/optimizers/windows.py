"""Which interactions an alignment learns from, and which it is judged by.

A strategy chooses both parts from the whole history. Whatever it chooses, nothing leaks: an interaction is simulated
with what was recorded before it, and nothing is derived from the held-out slice. The slice is always drawn without a
look at the losses, so that what an edit does to it says what the edit does to interactions of its kind.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction

FEWEST = 3
"""Below this many interactions nothing is learnt: there would be nothing to judge an edit by."""


@dataclasses.dataclass(frozen=True)
class Window:
    """The interactions of one alignment.

    Attributes:
        learn: The window: feedback is derived from these, oldest first.
        hold_out: The held-out slice: edits are judged by these too, and nothing is derived from them.
        note: What was shrunk and why; empty when nothing was.
    """

    learn: tuple[Interaction, ...]
    hold_out: tuple[Interaction, ...]
    note: str = ""

    @property
    def all(self) -> tuple[Interaction, ...]:
        """Both, the window first."""
        return self.learn + self.hold_out


class WindowStrategy(Protocol):
    """Chooses the window and the slice. The same arguments give the same choice."""

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """What must be simulated under the starting persona before `choose`; empty where the losses do not matter.

        Args:
            history: Interactions with a ground truth, oldest first.
            seed: For what is drawn.
        """
        ...

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """The window and the slice, each oldest first and none of one in the other.

        Args:
            history: The same as for `pool`.
            losses: By interaction id, of the pool; what could not be simulated is missing. With none at all the choice
                has the size that it would have with them.
            seed: The same as for `pool`.
        """
        ...


class LatestWindow:
    """The latest interactions, every third or so of them held out: the paper's window, with a slice to judge by.

    The slice is interleaved, so that it sees the same recent habits as the window: the latest interactions are cut into
    h runs, and one of each is held out. A history that is shorter than n + h shrinks both; at least a third is kept for
    judging.

    Args:
        latest: n, the size of the window.
        held_out: h, the size of the slice; 0 for none.

    Raises:
        ConfigurationError: A size is not a whole number, or too small.
    """

    def __init__(self, latest: int = 8, held_out: int = 4) -> None:
        self.latest, self.held_out = _whole("latest", latest, 1), _whole("held_out", held_out, 0)

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """Nothing."""
        return ()

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """The latest n + h, parted."""
        return latest_with_slice(history, self.latest, self.held_out, seed)


class StratifiedWindow:
    """Recent interactions of every kind, each kind by its share: for users whose latest answers are all alike.

    Of each stratum the newest are taken. Every stratum gets a place, the largest first, and further places go by size
    (Sainte-Laguë's divisors), so that the mean loss stays close to that over all that is considered. Window and slice
    are both parted by stratum.

    Args:
        latest: n, the size of the window.
        held_out: h, the size of the slice; 0 for none.
        by: What an interaction's stratum is: `by_answer`, `by_session`, `by_day` or a function of your own.
        consider: How many of the latest interactions are looked at; 4 (n + h) when None.

    Raises:
        ConfigurationError: A size is not a whole number, or too small.
    """

    def __init__(
        self,
        latest: int = 8,
        held_out: int = 4,
        *,
        by: Callable[[Interaction], Hashable] | None = None,
        consider: int | None = None,
    ) -> None:
        self.latest, self.held_out = _whole("latest", latest, 1), _whole("held_out", held_out, 0)
        self.by = by or by_answer
        size = latest + held_out
        self.consider = 4 * size if consider is None else _whole("consider", consider, size)

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """Nothing."""
        return ()

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """The newest of each stratum, parted stratum by stratum."""
        strata: dict[Hashable, list[Interaction]] = {}
        for item in reversed(history[-self.consider :]):
            strata.setdefault(self.by(item), []).append(item)  # the stratum with the newest interaction first
        seats = dict.fromkeys(strata, 0)
        for _ in range(min(self.latest + self.held_out, len(history))):
            open_ = [key for key in strata if seats[key] < len(strata[key])]
            seats[max(open_, key=lambda key: _claim(len(strata[key]), seats[key]))] += 1
        chosen = [item for key, items in strata.items() for item in items[: seats[key]]]
        return _in_order(history, _parted(chosen, self.latest, self.held_out, seed))


class HardestWindow:
    """The interactions with the highest loss among the latest m: more to learn from where most answers are right.

    The slice is drawn first, interleaved as in `LatestWindow` and whatever the losses are: it judges without bias. The
    hardest n of the others are the window. They were chosen for their loss, so some of it is bad luck that passes by
    itself: their gain alone proves nothing, and without a slice this window should not be used with a lenient
    acceptance. Simulating the pool makes m - (n + h) calls more than `LatestWindow`.

    Args:
        latest: n, the size of the window.
        held_out: h, the size of the slice; 0 for none.
        consider: m, how many of the latest interactions are simulated; 2 (n + h) when None.

    Raises:
        ConfigurationError: A size is not a whole number, or too small.
    """

    def __init__(self, latest: int = 8, held_out: int = 4, *, consider: int | None = None) -> None:
        self.latest, self.held_out = _whole("latest", latest, 1), _whole("held_out", held_out, 0)
        size = latest + held_out
        self.consider = 2 * size if consider is None else _whole("consider", consider, size)

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """The latest m."""
        return history[-self.consider :]

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """The slice at random, then the hardest of the rest; of equals the newest. What has no loss comes last."""
        considered = self.pool(history, seed)
        parted = _parted(considered, max(self.latest, len(considered) - self.held_out), self.held_out, seed)
        newest_first = parted.learn[::-1]
        by_loss = sorted(newest_first, key=lambda item: -losses.get(item.id, -math.inf))
        hardest = tuple(by_loss[: self.latest])
        return _in_order(history, dataclasses.replace(parted, learn=hardest))


class ReplayWindow:
    """The latest interactions and a few older ones, so that a new habit does not cost what was learnt before.

    The older ones are drawn evenly over everything ahead of the latest n + h, some of them held out in proportion. They
    come on top of n and h. A user who has changed contradicts them: then keep them few.

    Args:
        latest: n, of the latest interactions in the window.
        held_out: h, of the latest interactions in the slice; 0 for none.
        older: How many older interactions are added to both together.

    Raises:
        ConfigurationError: A size is not a whole number, or too small.
    """

    def __init__(self, latest: int = 8, held_out: int = 4, *, older: int = 3) -> None:
        self.latest, self.held_out = _whole("latest", latest, 1), _whole("held_out", held_out, 0)
        self.older = _whole("older", older, 0)

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """Nothing."""
        return ()

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """The latest n + h parted, and the older ones parted in the same proportion."""
        size = self.latest + self.held_out
        recent = latest_with_slice(history, self.latest, self.held_out, seed)
        ahead = history[: max(0, len(history) - size)]
        replayed = _one_of_each_run(ahead, min(self.older, len(ahead)), random.Random(seed + 1))
        held = math.ceil(len(replayed) * self.held_out / size)
        old = _parted(replayed, len(replayed) - held, held, seed)
        return Window(old.learn + recent.learn, old.hold_out + recent.hold_out, recent.note)


def by_answer(interaction: Interaction) -> str:
    """A stratum for every answer that the user gave."""
    return json.dumps(dict(interaction.ground_truth), sort_keys=True, ensure_ascii=False)


def by_session(interaction: Interaction) -> str | None:
    """A stratum for every session, and one for what belongs to none."""
    return interaction.session


def by_day(interaction: Interaction) -> str | None:
    """A stratum for every day (UTC)."""
    if interaction.time is None:
        return None
    return datetime.fromtimestamp(interaction.time, UTC).date().isoformat()


def latest_with_slice(history: Sequence[Interaction], n: int, h: int, seed: int = 0) -> Window:
    """The choice of `LatestWindow`.

    Args:
        history: Interactions with a ground truth, oldest first.
        n: Size of the window.
        h: Size of the slice; 0 for none.
        seed: Decides which interaction of each run is held out.
    """
    return _parted(history[-(n + h) :] if n + h else (), n, h, seed)


def _parted(chosen: Sequence[Interaction], n: int, h: int, seed: int) -> Window:
    """One of each of h runs held out; both parts shrink where fewer than n + h were chosen."""
    learn, held = _sizes(len(chosen), n, h)
    drawn = {item.id for item in _one_of_each_run(chosen, held, random.Random(seed))}
    note = ""
    if h and len(chosen) < n + h:
        note = f"the history has {len(chosen)} interactions: {learn} to learn from, {held} held out"
    return Window(
        tuple(item for item in chosen if item.id not in drawn),
        tuple(item for item in chosen if item.id in drawn),
        note,
    )


def _sizes(count: int, n: int, h: int) -> tuple[int, int]:
    """How many of so many interactions are learnt from, and how many held out: a third at least where they are few."""
    if count >= n + h:
        return n, h
    held = min(h, math.ceil(count / 3)) if count >= FEWEST else 0
    return count - held, held


def _one_of_each_run(items: Sequence[Interaction], runs: int, draw: random.Random) -> list[Interaction]:
    if not runs:
        return []
    edges = [round(run * len(items) / runs) for run in range(runs + 1)]
    return [items[draw.randrange(start, end)] for start, end in itertools.pairwise(edges)]


def _in_order(history: Sequence[Interaction], window: Window) -> Window:
    place = {item.id: number for number, item in enumerate(history)}

    def ordered(items: Sequence[Interaction]) -> tuple[Interaction, ...]:
        return tuple(sorted(items, key=lambda item: place[item.id]))

    return dataclasses.replace(window, learn=ordered(window.learn), hold_out=ordered(window.hold_out))


def _claim(size: int, seats: int) -> tuple[float, int]:
    """How strong a stratum's claim to the next place is: without any it comes first, then by Sainte-Laguë."""
    return (size / (2 * seats + 1) if seats else math.inf, size)


def _whole(name: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}; it is {value!r}.")
    return value
