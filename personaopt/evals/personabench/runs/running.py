"""Runs an experiment: sittings side by side, a row on the disk as soon as it is there, nothing asked twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from personaopt.errors import ConfigurationError
from personaopt.evals.meters import Stop
from personaopt.evals.personabench.rows import ROLES, Row
from personaopt.evals.personabench.runs.experiment import Experiment
from personaopt.evals.personabench.runs.processes import in_processes
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.sittings import Sitting, sit
from personaopt.evals.results import Results
from personaopt.evals.tally import Tally
from personaopt.evals.turns import in_threads
from personaopt.lm.metering import Usage
from personaopt.lm.patience import give_back_memory

UNANSWERED = 10
"""After so many sessions in a row in which the LM itself failed, a run ends: it would only write down errors."""

Turn = tuple[Sitting, int]
"""A sitting, and the first of its sessions that has no row yet."""
Listener = Callable[[Row, Tally], None]
"""Told of every row, in the thread that wrote it, one at a time."""


class Run:
    """One run of an experiment into a folder.

    Args:
        experiment: What is run.
        results: Where the rows go; what is there is not run again.
        concurrency: Sittings under way at once.
        processes: In how many processes they are; 0 for threads of this one. Threads suit LMs that are waited for,
            processes one that computes in Python.
        make: Makes the experiment once more in another process; it has to be a value that can be sent there.
        stop: Ends the run early, in a state that another run goes on from.
        failed_again: Whether sittings in which a session ended in an error are run again from there.
        listen: Told of every row.

    Raises:
        ConfigurationError: The numbers make no sense.
    """

    def __init__(
        self,
        experiment: Experiment,
        results: Results[Row],
        *,
        concurrency: int = 1,
        processes: int = 0,
        make: Callable[[], Experiment] | None = None,
        stop: Stop | None = None,
        failed_again: bool = False,
        listen: Listener = lambda row, tally: None,
    ) -> None:
        if concurrency < 1 or processes < 0 or (processes and make is None):
            raise ConfigurationError(
                f"At least 1 sitting is under way at once, in 0 or more processes that can make the experiment; not "
                f"{concurrency} in {processes}."
            )
        self.experiment, self.results = experiment, results
        self.concurrency, self.processes, self.make = concurrency, processes, make
        self.stop = stop or Stop()
        self.tally = Tally()
        self._failed_again = failed_again
        self._listen = listen
        self._lock = threading.Lock()
        self._unanswered = 0

    def count(self) -> Tally:
        """How many sessions there are and how many are held already; nothing is run."""
        self.tally = Tally()
        for sitting in self.experiment.sittings():
            self.tally.whole += len(sitting.sessions)
            self.tally.before += _first_open(sitting, self.results.rows, self._failed_again)
        self.tally.done = self.tally.before
        return self.tally

    def go(self) -> Tally:
        """Run everything that is not known yet.

        Returns:
            How far it came; `stop.reason` says why no farther.

        Raises:
            PersonaOptError: A language model cannot be had, or the folder cannot be written.
            KeyboardInterrupt: As it comes; the sessions that were held are kept.
        """
        self.count()
        for sitting in self.experiment.sittings():
            self._let_go(sitting)
        turns = list(open_turns(self.experiment, self.results.rows, self._failed_again))
        if turns and not self.stop.over:
            if self.processes and self.make is not None:
                in_processes(turns, self.make, self.results.folder, self._told, self.processes, self.stop)
            else:
                roles = self.experiment.roles()
                in_threads(turns, lambda turn: self._sit(turn, roles), self.concurrency, self.stop)
        return self.tally

    def _sit(self, turn: Turn, roles: Roles) -> None:
        sitting, first = turn
        open_ = {session.number for session in sitting.sessions[first:]}

        def tell(row: Row) -> None:
            if row.number in open_:
                self._tell([row])

        sit(sitting, roles, sitting.tape(self.results.folder), self.stop, tell)
        self._let_go(sitting)
        give_back_memory()

    def _told(self, sitting: Sitting, rows: Sequence[Row]) -> None:
        self._tell(rows)
        self._let_go(sitting)

    def _let_go(self, sitting: Sitting) -> None:
        """Nobody asks again what was asked in a sitting of which all rows are on the disk, none with an error."""
        rows = (self.results.rows.get(sitting.row(session).key) for session in sitting.sessions)
        if all(row is not None and not row.error for row in rows):
            sitting.tape(self.results.folder).remove()

    def _tell(self, rows: Sequence[Row]) -> None:
        with self._lock:
            self.results.append(rows)
            for row in rows:
                if _unreachable(row.error):
                    self._unanswered += 1
                    if self._unanswered >= UNANSWERED:
                        self.stop.now(f"the LM failed in {UNANSWERED} sessions in a row ({row.error})", failed=True)
                else:
                    self._unanswered = 0
                self.tally.count(row.error, _spent(row))
                self._listen(row, self.tally)


def open_turns(
    experiment: Experiment, known: Mapping[tuple[Any, ...], Row], failed_again: bool = False
) -> Iterator[Turn]:
    """The sittings that are not finished.

    Args:
        experiment: What is run.
        known: The rows there are, by key.
        failed_again: As for `Run`.
    """
    for sitting in experiment.sittings():
        if (first := _first_open(sitting, known, failed_again)) < len(sitting.sessions):
            yield sitting, first


def _first_open(sitting: Sitting, known: Mapping[tuple[Any, ...], Row], failed_again: bool) -> int:
    """The first session that has to be held; what comes after one that failed rests on it, and is held again."""
    rows = [known.get(sitting.row(session).key) for session in sitting.sessions]
    end = next((place for place, row in enumerate(rows) if row is None), len(rows))
    if end < len(rows) or failed_again:
        return next((place for place, row in enumerate(rows[:end]) if row and row.error), end)
    return end


def _unreachable(error: str) -> bool:
    return error.startswith(("LMError", "Unreachable"))


def _spent(row: Row) -> Iterator[Usage]:
    for role in ROLES:
        cost = getattr(row, role)
        yield Usage(cost.calls, cost.input_tokens, cost.output_tokens, cost.seconds, cost.cached_tokens, cost.usd)
