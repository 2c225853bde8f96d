"""What `personaopt eval lamp run` does: reads the data, makes the experiment, runs it, and says how to go on."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.cli.output import message
from personaopt.cli.run_notes import circumstances, go_on, run_of
from personaopt.errors import ConfigurationError, DataError, ModelError

if TYPE_CHECKING:
    from personaopt.evals.lamp.calibrating import Calibrations
    from personaopt.evals.lamp.experiment import DataSet
    from personaopt.evals.lamp.results import Results
    from personaopt.evals.lamp.running import Experiment
    from personaopt.evals.tasks import Task

FIXED = ("settings", "data", "lms", "calibrations")
"""What must not change while a folder grows: other methods, studies, users and models may be added to it."""
WHOLE = ("calibrations",)
"""Of these nothing may be added or left out either: where a method has none of its own, another one's is taken."""
AT_ONCE = 8
ANSWERED = "questions are answered"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; the options of `run` say what each is."""

    data: Sequence[str]
    out: Path
    lms: Sequence[str]
    methods: str
    studies: Sequence[str]
    tasks: Sequence[str]
    users: int | None
    per_user: int
    who: str
    retrieve: int
    retriever: str
    max_actions: int
    online: bool
    calibration: str
    dtype: str
    seed: int
    concurrency: int | None
    limit_seconds: float | None
    retry_failed: bool
    split: str | None
    columns: Sequence[str]
    skip_bad: bool
    api_base: str | None

    def at_once(self) -> int:
        """Users under way at once: the local model has the machine's cores to itself, others wait elsewhere."""
        return self.concurrency or (2 if "local" in self.lms else AT_ONCE)

    def read(self) -> list[DataSet]:
        """The data sets.

        Raises:
            PersonaOptError: They cannot be read as they are named.
        """
        from personaopt.cli.lamp_data import data_sets

        return data_sets(self.data, self.tasks, split=self.split, columns=self.columns, skip_bad=self.skip_bad)

    def of_lm(self, name: str) -> dict[str, Any]:
        """The settings of a language model; answers of other runs are never taken from DSPy's cache."""
        if name == "local":
            return {"dtype": self.dtype}
        return {"cache": False, **({"api_base": self.api_base} if self.api_base else {})}

    def settings(self) -> dict[str, Any]:
        """What makes rows comparable and stands in no row."""
        names = ("per_user", "who", "retrieve", "retriever", "max_actions")
        return {name: getattr(self, name) for name in names}


def carry_out(wanted: Wanted, json: bool) -> dict[str, Any]:
    """Run it.

    Raises:
        PersonaOptError: Something asked for cannot be had.
    """
    from personaopt.cli.run_progress import Shown
    from personaopt.evals.lamp.results import Results
    from personaopt.evals.lamp.running import Run
    from personaopt.evals.meters import Stop

    stop = Stop(wanted.limit_seconds)
    data = wanted.read()
    with Results(wanted.out) as results:
        experiment = experiment_of(wanted, data, results)
        results.configure(config_of(wanted, experiment), FIXED, WHOLE)
        with Shown(sys.stderr, "questions") as shown:
            run = Run(
                experiment, results, concurrency=wanted.at_once(), stop=stop, failed_again=wanted.retry_failed,
                listen=lambda row, tally: shown.row(f"{row.task} {row.method}", tally),
            )  # fmt: skip
            shown.begin(run.count())
            try:
                tally = run.go()
            except KeyboardInterrupt:
                shown.end()
                message(go_on(run.tally, "it was interrupted", ANSWERED))
                raise
        if stop.reason:
            message(go_on(tally, stop.reason, ANSWERED))
        summary = reported(wanted.out, json, [each.task for each in data]) if results.rows else {}
        if stop.failed:
            raise ModelError(f"The run ended early: {stop.reason}.")
        if tally.all_failed:
            raise ModelError(f"Every question failed, the last one with: {tally.last_error.rstrip('.')}.")
    ended = {"out": str(wanted.out), "finished": tally.done == tally.whole, "stopped": stop.reason}
    return {**ended, "run": run_of(tally, "questions"), "summary": summary}


def reported(folder: Path, json: bool, tasks: Sequence[Task] = ()) -> dict[str, Any]:
    """Write summary, tables and plots of a run's folder; what `summary.json` holds.

    Args:
        folder: Of the run.
        json: Whether stdout is kept for one JSON document.
        tasks: Those that are not the benchmark's own; how others are measured is told from their rows, and said.

    Raises:
        DataError: There are no rows.
    """
    from personaopt.evals.lamp.report import TABLES, write_report
    from personaopt.evals.lamp.results import read_rows
    from personaopt.evals.tasks import TASKS

    if not read_rows(folder):
        raise DataError(f"{folder} holds no rows yet; `personaopt eval lamp run` writes them.")
    report = write_report(folder, tasks=tasks)
    measured = {each.section.task: each.section.measure for each in report.tasks}
    for name in sorted(measured.keys() - TASKS.keys() - {task.name for task in tasks}):
        found = ", ".join(measured[name].metrics.names)
        message(f"How {name} is measured was told from its rows ({found}); --task FILE.py:NAME says it.")
    if not json:
        print((folder / TABLES).read_text(encoding="utf-8"))
    message(f"The rows, the summary, the tables and the plots are in {folder}.")
    return report.to_dict()


def _chosen(named: str, known: Collection[str]) -> list[str]:
    """The methods of a list with commas."""
    methods = [name.strip() for name in named.split(",") if name.strip()]
    if unknown := [name for name in methods if name not in known]:
        raise ConfigurationError(f"There is no method {unknown[0]!r}; there are {', '.join(known)}, and `all`.")
    return methods


def experiment_of(wanted: Wanted, data: Sequence[DataSet], results: Results | None) -> Experiment:
    """The experiment that the options describe.

    Raises:
        ConfigurationError: A method, study or calibration is not there.
    """
    from personaopt.evals.exams import KnownTexts
    from personaopt.evals.lamp.experiment import ABLATION, Protocol
    from personaopt.evals.lamp.methods import personaagent, personaopt
    from personaopt.evals.lamp.methods.method import Setting
    from personaopt.evals.lamp.methods.registry import METHODS
    from personaopt.evals.lamp.rows import Point
    from personaopt.evals.lamp.running import Experiment
    from personaopt.memory.embedding import local_embedder

    protocol = Protocol(
        wanted.users, wanted.per_user, wanted.who, wanted.seed, wanted.retrieve, wanted.online  # type: ignore[arg-type]
    )  # fmt: skip
    named = wanted.methods != "all"
    methods = _chosen(wanted.methods, METHODS) if named else list(METHODS)
    for each in data:
        if not protocol.tested(each.users):
            raise ConfigurationError(
                f"None of the {len(each.users)} users of {each.name} is a {wanted.who} user (a hash of the id says who "
                "is); --tuning takes the others, and --all-users all."
            )
    own = {
        **dict.fromkeys(ABLATION, Point(retrieve=personaopt.RETRIEVE)),
        "personaopt": Point(personaopt.LATEST, personaopt.EPOCHS, personaopt.RETRIEVE),
        "personaagent": Point(personaagent.LATEST, personaagent.EPOCHS),
    }
    jobs = protocol.jobs(wanted.studies, methods, named=named, own=own)
    if not jobs:
        raise ConfigurationError(
            f"There is nothing to run: {', '.join(methods) or 'no method'} for {', '.join(wanted.studies)}; there are "
            f"{', '.join(METHODS)}, and `all`."
        )
    setting = Setting(
        data[0].task, max_actions=wanted.max_actions, retriever=wanted.retriever, seed=wanted.seed  # type: ignore[arg-type]
    )  # fmt: skip
    return Experiment(
        data=data,
        lms={name: _maker(name, wanted, results) for name in dict.fromkeys(wanted.lms)},
        jobs=jobs,
        protocol=protocol,
        methods=METHODS,
        setting=setting,
        calibrations=calibrations_of(wanted.calibration),
        embedder=KnownTexts(local_embedder()),
        own=own,
    )


def calibrations_of(name: str) -> Calibrations:
    """Those of a file, the shipped ones, or none.

    Raises:
        ConfigurationError: The file holds none.
    """
    from personaopt.evals.lamp.calibrating import Calibrations

    if name == "none":
        return Calibrations({})
    return Calibrations.load(None if name == "shipped" else Path(name))


def _maker(name: str, wanted: Wanted, results: Results | None) -> Callable[[], Any]:
    def make() -> Any:
        from personaopt.cli.lm import language_model

        message(f"Loading the LM {name}")
        lm = language_model(name, **wanted.of_lm(name))
        if results is not None:  # which model a name stands for is known only now
            results.configure({"lms": {name: {**wanted.of_lm(name), "model": lm.model}}}, FIXED)
        return lm

    return make


def config_of(wanted: Wanted, experiment: Experiment) -> dict[str, Any]:
    """How the rows are made, for `config.json`."""
    protocol = experiment.protocol
    return {
        "settings": wanted.settings(),
        "data": {data.name: {"task": data.task.name, "sha256": data.digest} for data in experiment.data},
        "lms": {name: wanted.of_lm(name) for name in experiment.lms},
        "calibrations": {
            f"{task}: {method}": each.to_dict() for (task, method), each in experiment.calibrations.known.items()
        },
        "calibration": wanted.calibration,
        "methods": sorted({job.method for job in experiment.jobs}),
        "studies": list(wanted.studies),
        "seeds": {str(wanted.seed): time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        "online": wanted.online,
        "users": {data.name: len(protocol.tested(data.users)) for data in experiment.data},
        "concurrency": wanted.at_once(),
        **circumstances(),
    }
