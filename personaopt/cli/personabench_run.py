"""What `personaopt eval personabench run` does: reads the bench, makes the experiment, runs it, says how to go on."""

from __future__ import annotations

import dataclasses
import functools
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.cli.output import message
from personaopt.cli.personabench_roles import LOCAL, Cast, roles_of
from personaopt.cli.run_notes import circumstances, go_on, run_of
from personaopt.errors import ConfigurationError, DataError, ModelError

if TYPE_CHECKING:
    from personaopt.evals.personabench.rows import Row
    from personaopt.evals.personabench.runs.experiment import Experiment
    from personaopt.evals.personabench.runs.roles import Roles
    from personaopt.evals.personabench.runs.running import Run
    from personaopt.evals.results import Results
    from personaopt.evals.tally import Tally

FIXED = ("settings", "lms")
"""What must not change while a folder grows: other methods, personas, seeds and agents may be added to it."""
METHODS_OF_THE_TABLE = ("none", "golden", "rag", "k1", "k3", "k5", "personaopt")
"""What `all` stands for: the paper's table, and personaopt."""
AT_ONCE = 8
WORTH_PROCESSES = 16
"""Sittings from which on other processes are worth their start."""
HELD = "sessions are held"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; the options of `run` say what each is."""

    bench: Path
    out: Path
    cast: Cast
    methods: str
    personas: int | None
    sessions: int | None
    turns: int
    retrieve: int
    seed: int
    concurrency: int | None
    processes: int | None
    limit_seconds: float | None
    retry_failed: bool

    def check_out(self) -> None:
        """See that the results do not go among the files of a bench.

        Raises:
            ConfigurationError: They would.
        """
        from personaopt.evals.personabench.files import SESSIONS

        if (self.out / SESSIONS).exists():
            raise ConfigurationError(f"The folder {self.out} has a bench; give another --out for the results.")

    def at_once(self) -> int:
        """Sittings under way at once in threads: the local model has the cores to itself, others wait elsewhere."""
        return self.concurrency or (1 if self.cast.computes else 2 if LOCAL in self.cast.names else AT_ONCE)

    def spread(self, sittings: int) -> int:
        """In how many processes sittings are held, 0 for threads of this one."""
        if self.processes is not None:
            return self.processes
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cores if self.cast.computes and cores > 1 and sittings >= WORTH_PROCESSES else 0


def carry_out(wanted: Wanted, json: bool) -> dict[str, Any]:
    """Run it.

    Raises:
        PersonaOptError: Something asked for cannot be had.
    """
    from personaopt.cli.run_progress import Shown
    from personaopt.evals.meters import Stop
    from personaopt.evals.personabench.rows import Row
    from personaopt.evals.personabench.runs.running import Run
    from personaopt.evals.results import Results

    stop = Stop(wanted.limit_seconds)
    loaded: dict[str, Any] = {}
    wanted.check_out()
    with Results(wanted.out, Row) as results:
        experiment = experiment_of(wanted, functools.partial(_cast, wanted, loaded, results))
        results.configure(config_of(wanted, experiment), FIXED)
        with Shown(sys.stderr, "sessions") as shown:
            run = Run(
                experiment, results, concurrency=wanted.at_once(), processes=_processes(wanted, experiment, results),
                make=functools.partial(experiment_of, wanted), stop=stop, failed_again=wanted.retry_failed,
                listen=lambda row, tally: shown.row(row.method, tally),
            )  # fmt: skip
            shown.begin(run.count())
            try:
                tally = run.go()
            except KeyboardInterrupt:
                shown.end()
                message(go_on(run.tally, "it was interrupted", HELD))
                raise
        if stop.reason:
            message(go_on(tally, stop.reason, HELD))
        elif results.rows:
            _examined(wanted, run, loaded)
        summary = reported(wanted.out, json) if results.rows else {}
        _said_of_errors(tally, stop.reason if stop.failed else "")
    ended = {"out": str(wanted.out), "finished": tally.done == tally.whole, "stopped": stop.reason}
    return {**ended, "run": run_of(tally, "sessions"), "summary": summary}


def _said_of_errors(tally: Tally, stopped: str) -> None:
    """Say what went wrong.

    Raises:
        ModelError: Nothing went well, or the run could not go on.
    """
    if stopped:
        raise ModelError(f"The run ended early: {stopped}.")
    if tally.all_failed:
        raise ModelError(f"Every session failed, the last one with: {tally.last_error.rstrip('.')}.")
    if tally.errors:
        raise ModelError(
            f"{tally.errors} of {tally.done - tally.before} sessions failed, the last one with: "
            f"{tally.last_error.rstrip('.')}; --retry-failed holds them again."
        )


def reported(folder: Path, json: bool) -> dict[str, Any]:
    """Write summary, tables and plots of a run's folder; what `summary.json` holds.

    Args:
        folder: Of the run.
        json: Whether stdout is kept for one JSON document.

    Raises:
        DataError: There are no rows.
    """
    from personaopt.evals.personabench.report import TABLES, write_report
    from personaopt.evals.personabench.rows import Row
    from personaopt.evals.results import read_rows

    if not read_rows(folder, Row):
        raise DataError(f"{folder} holds no rows yet; `personaopt eval personabench run` writes them.")
    summary = write_report(folder)
    if not json:
        print((folder / TABLES).read_text(encoding="utf-8"))
    message(f"The rows, the summary, the tables and the plots are in {folder}.")
    return summary


def experiment_of(wanted: Wanted, roles: Callable[[], Roles] | None = None) -> Experiment:
    """The experiment that the options describe.

    Args:
        wanted: The options.
        roles: Makes those who take part; by their names when None.

    Raises:
        PersonaOptError: There is no such bench or method.
    """
    from personaopt.evals.exams import KnownTexts
    from personaopt.evals.personabench.bench import load_bench
    from personaopt.evals.personabench.methods.method import Setting
    from personaopt.evals.personabench.methods.registry import METHODS
    from personaopt.evals.personabench.runs.experiment import Experiment, chosen
    from personaopt.memory.embedding import local_embedder

    methods = chosen(wanted.methods, METHODS, METHODS_OF_THE_TABLE)
    return Experiment(
        bench=load_bench(wanted.bench),
        methods=methods,
        lm=wanted.cast.agent,
        roles=roles or functools.partial(roles_of, wanted.cast),
        embedder=KnownTexts(local_embedder()),
        setting=Setting(retrieve=wanted.retrieve, seed=wanted.seed),
        personas=wanted.personas,
        sessions=wanted.sessions,
        turns=wanted.turns,
    )


def _cast(wanted: Wanted, loaded: dict[str, Any], results: Results[Row]) -> Roles:
    """Those who take part; which model a name stands for is known only now."""
    roles = roles_of(wanted.cast, loaded)
    models = {name: {**wanted.cast.of_lm(name), "model": lm.model} for name, lm in loaded.items()}
    results.configure({"lms": models}, FIXED)
    return roles


def config_of(wanted: Wanted, experiment: Experiment) -> dict[str, Any]:
    """How the rows are made, for `config.json`."""
    return {
        "settings": {
            "bench": bench_digest(wanted.bench),
            "sessions": wanted.sessions,
            "turns": wanted.turns,
            "retrieve": wanted.retrieve,
            **wanted.cast.settings(),
        },
        "lms": {name: wanted.cast.of_lm(name) for name in wanted.cast.names},
        "bench": {"folder": str(wanted.bench), "made": dict(experiment.bench.config)},
        "methods": {name: {} for name in experiment.methods},
        "seeds": {str(wanted.seed): time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
        **ends_of(experiment),
        "concurrency": wanted.at_once(),
        **circumstances(),
    }


def ends_of(experiment: Experiment) -> dict[str, Any]:
    """How many personas there are and which session is the last one: a report tells by it what is not there yet."""
    last = {sitting.profile.id: sitting.sessions[-1].number for sitting in experiment.sittings()}
    usual = statistics.mode(last.values())
    others = {persona: number for persona, number in last.items() if number != usual}
    return {"personas": len(last), "ends": {"usual": usual, "others": others}}


def bench_digest(folder: Path) -> str:
    """Names what a bench asks and knows."""
    import hashlib

    from personaopt.evals.personabench.files import PERSONAS, SESSIONS

    digest = hashlib.sha256()
    for name in (PERSONAS, SESSIONS):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _processes(wanted: Wanted, experiment: Experiment, results: Results[Row]) -> int:
    from personaopt.evals.personabench.runs.running import open_turns

    return wanted.spread(len(list(open_turns(experiment, results.rows, wanted.retry_failed))))


def _examined(wanted: Wanted, run: Run, loaded: dict[str, Any]) -> None:
    """Let the judge be judged on a sample of what it judged, once for a finished run; then say what came of it."""
    from personaopt.evals.meters import Stopped
    from personaopt.evals.personabench.runs.examining import JUDGE, examined

    if (wanted.out / JUDGE).exists() and run.tally.before == run.tally.whole:
        return
    roles, rows = roles_of(wanted.cast, loaded), list(run.results.rows.values())
    try:
        report = examined(roles, run.experiment.bench, rows, wanted.out, run.stop, threads=wanted.at_once())
    except Stopped:
        message(go_on(run.tally, run.stop.reason, HELD))
        return
    for warning in report.warnings if report else ():
        message(warning)
