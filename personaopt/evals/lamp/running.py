"""Runs an experiment: sittings side by side, a row on the disk as soon as it is there, nothing computed twice."""

from __future__ import annotations

import dataclasses
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from personaopt.errors import ConfigurationError
from personaopt.evals.lamp.calibrating import Calibrations
from personaopt.evals.lamp.experiment import ABLATION, LEARNING, TOGETHER, DataSet, Job, Protocol, in_turns
from personaopt.evals.lamp.methods.method import MethodOf, Setting
from personaopt.evals.lamp.results import Results
from personaopt.evals.lamp.rows import Point, Row
from personaopt.evals.lamp.sittings import Sitting, sit
from personaopt.evals.meters import Stop
from personaopt.evals.tally import Tally
from personaopt.evals.turns import in_threads
from personaopt.lm.metering import Usage
from personaopt.lm.patience import give_back_memory
from personaopt.memory.embedding import Embedder

Listener = Callable[[Row, Tally], None]
"""Told of every row, in the thread that wrote it, one at a time."""

UNANSWERED = 10
"""After so many questions in a row that the LM itself failed on, a run ends: it would only write down errors."""

WITHOUT_VECTORS = ("majority", "prompt", "icl")
"""Methods that search nothing. For all others a user's texts are embedded beforehand, so that the first method to
search pays no more of it than the others."""

WITHOUT_LM = ("majority", "knn")
"""Methods that ask no LM: where only they are left, none is loaded."""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything that a run is made of.

    Attributes:
        data: The data sets.
        lms: By the name that was asked for, what makes each language model; they are used one after the other.
        jobs: Methods and points.
        protocol: How users are tested.
        methods: What makes each method, by name.
        setting: Of every method; task, examples and the numbers of a point are filled in.
        calibrations: How all measurements are calibrated.
        embedder: One that remembers, such as `KnownTexts`: many memories hold the same texts.
        own: The methods' own points, where they are known.
    """

    data: Sequence[DataSet]
    lms: Mapping[str, Callable[[], Any]]
    jobs: Sequence[Job]
    protocol: Protocol
    methods: Mapping[str, MethodOf]
    setting: Setting
    calibrations: Calibrations
    embedder: Embedder
    own: Mapping[str, Point] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := sorted({job.method for job in self.jobs} - self.methods.keys()):
            raise ConfigurationError(f"There is no method {unknown[0]!r}; there are {', '.join(self.methods)}.")

    def sittings(self, name: str, lm: Any = None) -> Iterator[Sitting]:
        """All sittings under one language model.

        Study by study, a user of every data set in turn, and all methods of a user together: a run that ends early has
        complete users.
        """
        stages: dict[str, list[Job]] = {}
        for job in self.jobs:
            stages.setdefault(job.shown[0][0], []).append(job)
        tested = {data: self.protocol.tested(data.users) for data in self.data}
        shown = {data: self.protocol.examples(data.users) for data in self.data}
        learnt: dict[tuple[str, str], dict[Any, Any]] = defaultdict(dict)
        for jobs in stages.values():
            for data, user in in_turns([[(data, user) for user in tested[data]] for data in self.data]):
                examples = shown[data].apart_from(user.user_id)
                for job in jobs:
                    setting = dataclasses.replace(
                        self.setting,
                        task=data.task,
                        retrieve=self.protocol.retrieve if job.point.retrieve is None else job.point.retrieve,
                        latest=job.shown[0][1].latest,
                        epochs=job.shown[0][1].epochs,
                        examples=examples,
                        online=job.point.online,
                        seed=self.protocol.seed,
                        learnt=learnt[data.name, user.user_id],
                    )
                    yield Sitting(
                        data.name, name, lm, job, self.protocol.exam(user, job.point.history), setting,
                        self.methods[job.method], self.calibrations, self.embedder, self.protocol.seed,
                    )  # fmt: skip


class Known:
    """Which questions are answered, by what was computed and not by which study shows it.

    Args:
        experiment: Its protocol says when two points are the same.
        rows: What a folder holds.
        failed_again: Whether questions that ended in an error are asked again.
    """

    def __init__(self, experiment: Experiment, rows: Iterable[Row], failed_again: bool = False) -> None:
        self._protocol, self._own = experiment.protocol, experiment.own
        self._rows: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            if not (failed_again and row.error):
                self.add(row)

    def add(self, row: Row) -> None:
        """A question was answered."""
        self._rows[self._work(row)] = row

    def open_places(self, sitting: Sitting) -> list[int]:
        """The questions of a sitting that no study has an answer to."""
        return [
            place for place in range(len(sitting.exam.questions)) if self._work(sitting.row(place)) not in self._rows
        ]

    def copies(self, sitting: Sitting, keys: Collection[tuple[Any, ...]]) -> Iterator[Row]:
        """Rows that another study has computed and a study of this sitting does not have."""
        for place in range(len(sitting.exam.questions)):
            if row := self._rows.get(self._work(sitting.row(place))):
                yield from (shown for shown in sitting.shown(row) if shown.key not in keys)

    def _work(self, row: Row) -> tuple[Any, ...]:
        point = self._protocol.settled(row.method, row.point, self._own)
        return (row.task, row.data, row.lm, row.method, point, row.seed, row.user, row.question)


class Run:
    """One run of an experiment into a folder.

    Args:
        experiment: What is run.
        results: Where the rows go; what is there is not computed again.
        concurrency: Sittings under way at once.
        stop: Ends the run early, in a state that another run goes on from.
        failed_again: Whether questions that ended in an error are asked again.
        listen: Told of every row.
    """

    def __init__(
        self,
        experiment: Experiment,
        results: Results,
        *,
        concurrency: int = 2,
        stop: Stop | None = None,
        failed_again: bool = False,
        listen: Listener = lambda row, tally: None,
    ) -> None:
        if concurrency < 1:
            raise ConfigurationError(f"At least 1 sitting is under way at once, not {concurrency}.")
        self.experiment = experiment
        self.results = results
        self.concurrency = concurrency
        self.stop = stop or Stop()
        self.tally = Tally()
        self._known = Known(experiment, results.rows.values(), failed_again)
        self._listen = listen
        self._lock = threading.Lock()
        self._unanswered = 0

    def count(self) -> Tally:
        """How many questions there are and how many have an answer already; nothing is run."""
        self.tally = Tally()
        for name in self.experiment.lms:
            for sitting in self.experiment.sittings(name):
                size, left = len(sitting.exam.questions), len(self._known.open_places(sitting))
                self.tally.whole += size
                self.tally.before += size - left
        self.tally.done = self.tally.before
        return self.tally

    def go(self) -> Tally:
        """Run everything that is not known yet.

        Returns:
            How far it came; `stop.reason` says why no farther.

        Raises:
            PersonaOptError: A language model cannot be had, or the folder cannot be written.
            KeyboardInterrupt: As it comes; what was answered is kept.
        """
        self.count()
        for name, make in self.experiment.lms.items():
            todo = self._todo(name)
            methods = {sitting.job.method for sitting, _ in todo}
            if todo and not self.stop.over:
                lm = make() if methods.difference(WITHOUT_LM) else None
                self._load(methods)
                turns = _together([(dataclasses.replace(sitting, lm=lm), places) for sitting, places in todo])
                in_threads(turns, self._take, self.concurrency, self.stop)
        return self.tally

    def _load(self, methods: Iterable[str]) -> None:
        """Load beforehand what an alignment imports, so that it does not count as the first user's time."""
        if not {*ABLATION, *LEARNING}.isdisjoint(methods):
            from personaopt.lm.quiet_textgrad import textgrad

            textgrad()

    def _todo(self, name: str) -> list[tuple[Sitting, list[int]]]:
        """The sittings with questions that are open; of those that have none, what a study lacks is written now."""
        todo = []
        for sitting in self.experiment.sittings(name):
            if copies := list(self._known.copies(sitting, self.results.rows.keys())):
                self.results.append(copies)
            if places := self._known.open_places(sitting):
                todo.append((sitting, places))
        return todo

    def _take(self, turn: list[tuple[Sitting, list[int]]]) -> None:
        for sitting, places in turn:
            self._sit(sitting, places)

    def _sit(self, sitting: Sitting, places: list[int]) -> None:
        if sitting.job.method not in WITHOUT_VECTORS:
            items = (*sitting.exam.history, *sitting.exam.questions)
            self.experiment.embedder([item.query_text() for item in items])
        sit(sitting, places, self.stop, lambda row: self._tell(sitting, row))
        give_back_memory()

    def _tell(self, sitting: Sitting, row: Row) -> None:
        with self._lock:
            if "LMError" in row.error[:40]:
                self._unanswered += 1
                if self._unanswered >= UNANSWERED:
                    self.stop.now(f"the LM failed on {UNANSWERED} questions in a row ({row.error})", failed=True)
            else:
                self._unanswered = 0
            self.results.append(sitting.shown(row))
            self._known.add(row)
            self.tally.count(row.error, _spent(row))
            self._listen(row, self.tally)


def _spent(row: Row) -> Iterator[Usage]:
    """What a row cost: the question, and what was learnt before it."""
    for cost in (vars(row), row.preparation or {}):
        yield Usage(
            calls=cost.get("calls", 0),
            input_tokens=cost.get("input_tokens", 0),
            output_tokens=cost.get("output_tokens", 0),
            cached_tokens=cost.get("cached_tokens", 0),
            seconds=cost.get("seconds", 0.0),
            usd=cost.get("usd", 0.0),
        )


def _together(todo: Sequence[tuple[Sitting, list[int]]]) -> list[list[tuple[Sitting, list[int]]]]:
    """Sittings by turns: one each, and in one those of a user whose methods learn the same."""
    turns: dict[Any, list[tuple[Sitting, list[int]]]] = {}
    for place, (sitting, places) in enumerate(todo):
        method, (_, point) = sitting.job.method, sitting.job.shown[0]
        key = (sitting.data, sitting.exam.user_id, point) if method in TOGETHER else place
        turns.setdefault(key, []).append((sitting, places))
    return [sorted(turn, key=lambda each: each[0].job.method not in TOGETHER[:1]) for turn in turns.values()]
