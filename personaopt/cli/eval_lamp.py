"""`personaopt eval lamp`: the PersonaAgent experiment on histories in LaMP's format, its report, its calibrations."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personaopt.cli.lm import Dtype
from personaopt.cli.output import message, print_json
from personaopt.errors import ConfigurationError

if TYPE_CHECKING:
    from personaopt.evals.tasks import Task

app = typer.Typer(
    help="The PersonaAgent experiment on user histories in LaMP's format: methods, ablations, curves.",
    rich_markup_mode=None,
)


class Study(StrEnum):
    """What can be run."""

    main = "main"
    ablation = "ablation"
    scaling = "scaling"
    coldstart = "coldstart"
    personas = "personas"
    all = "all"


class Retriever(StrEnum):
    """How `rag` searches."""

    dense = "dense"
    bm25 = "bm25"


OwnTasks = Annotated[
    list[str] | None,
    typer.Option(help="A task of the run that is your own, FILE.py:NAME or MODULE:NAME; may be repeated."),
]
OutOption = Annotated[Path, typer.Option(help="The run's folder; an unfinished run in it is gone on with.")]


@app.command("run")
def run(
    data: Annotated[
        list[str],
        typer.Option(
            help="Folder or file in LaMP's or OPPU's format, a table, a data set's name, or a folder that holds "
            "several; may be repeated.",
            show_default=False,
        ),
    ],
    out: OutOption,
    lm: Annotated[
        list[str] | None, typer.Option(help="`local`, the default, or any LM as PROVIDER/MODEL; may be repeated.")
    ] = None,
    methods: Annotated[str, typer.Option(help="Names with commas between them, or `all`.")] = "all",
    study: Annotated[list[Study] | None, typer.Option(help="`main` without it; may be repeated.")] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Only data of this task, such as LaMP-2M; may be repeated.")
    ] = None,
    users: Annotated[
        int | None, typer.Option(min=1, help="Users of each data set, the first by hash; all without it.")
    ] = None,
    per_user: Annotated[int, typer.Option(min=1, help="How many of a user's last questions are asked.")] = 5,
    tuning: Annotated[
        bool, typer.Option("--tuning", help="The users that choices are made on, not the others.")
    ] = False,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="All users, of data on which nothing is ever chosen.")
    ] = False,
    retrieve: Annotated[int, typer.Option(min=0, help="K: memories in a prompt, where a study sets no other.")] = 8,
    retriever: Annotated[Retriever, typer.Option(help="How `rag` searches.")] = Retriever.dense,
    max_actions: Annotated[int, typer.Option(min=0, help="Actions before an answer, of methods that act.")] = 2,
    online: Annotated[bool, typer.Option("--online", help="Learn again after every question.")] = False,
    calibration: Annotated[
        str, typer.Option(help="How measured probabilities are calibrated: a FILE, `shipped` or `none`.")
    ] = "shipped",
    dtype: Annotated[Dtype, typer.Option(help="Of the local model.")] = Dtype.float32,
    seed: Annotated[int, typer.Option(help="For everything that is drawn.")] = 0,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Users under way at once; 2 for the local model, else 8.")
    ] = None,
    limit_seconds: Annotated[
        float | None, typer.Option(min=0, help="End after this time; the same command goes on later.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask questions again that ended in an error.")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Say what it would cost, and run nothing.")] = False,
    split: Annotated[str | None, typer.Option(help="Of data with several splits.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Of a table: WHAT=COLUMN, WHAT being user, time, answer, id or an input; may be repeated."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave records out that cannot be used, and say which.")
    ] = False,
    api_base: Annotated[
        str | None, typer.Option(help="Address of the server of PROVIDER/MODEL, such as vLLM's or Ollama's.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Run methods on users' last questions; every answer is kept as soon as it is there.

    Everything before a question is its history, nothing after it is seen. The same command again goes on with what is
    left, also after it was killed.
    """
    if tuning and all_users:
        raise typer.BadParameter("--tuning and --all-users exclude each other")
    from personaopt.cli.lamp_preview import previewed
    from personaopt.cli.lamp_run import Wanted, carry_out

    studies = [each.value for each in study or (Study.main,)]
    wanted = Wanted(
        data=data,
        out=out,
        lms=lm or ["local"],
        methods=methods,
        studies=[each for each in Study.__members__ if each != "all"] if "all" in studies else studies,
        tasks=task or [],
        users=users,
        per_user=per_user,
        who="tuning" if tuning else "all" if all_users else "reporting",
        retrieve=retrieve,
        retriever=retriever.value,
        max_actions=max_actions,
        online=online,
        calibration=calibration,
        dtype=dtype.value,
        seed=seed,
        concurrency=concurrency,
        limit_seconds=limit_seconds,
        retry_failed=retry_failed,
        split=split,
        columns=column or [],
        skip_bad=skip_bad,
        api_base=api_base,
    )
    result = previewed(wanted, json) if preview else carry_out(wanted, json)
    if json:
        print_json(result)


@app.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="What `run --out` wrote.", show_default=False)],
    task: OwnTasks = None,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json.")] = False,
) -> None:
    """Make summary, tables and plots anew, from results.jsonl alone."""
    from personaopt.cli.lamp_run import reported

    result = reported(folder, json, _tasks(task))
    if json:
        print_json(result)


@app.command("calibrate")
def calibrate(
    folders: Annotated[list[Path], typer.Argument(help="Runs with --tuning.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="The file to write; `run --calibration FILE` takes it.", show_default=False)
    ],
    json: Annotated[bool, typer.Option("--json", help="Print what was written.")] = False,
) -> None:
    """Fit the calibrations of all methods on the rows of tuning users."""
    from personaopt.evals.lamp.calibrating import calibrate as fitted
    from personaopt.evals.lamp.results import read_rows

    rows = [row for folder in folders for row in read_rows(folder)]
    calibrations = fitted(rows)
    try:
        calibrations.save(out)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}.") from error
    result: dict[str, Any] = {
        "out": str(out),
        "calibrations": [
            {"task": task, "method": method, **each.to_dict()} for (task, method), each in calibrations.known.items()
        ],
    }
    if json:
        print_json(result)
    message(f"Wrote {len(calibrations.known)} calibrations from {len(rows)} rows to {out}.")


@app.command("recalibrate")
def recalibrate(
    folder: Annotated[Path, typer.Argument(help="What `run --out` wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Another folder, for the rows and their report.", show_default=False)],
    calibration: Annotated[str, typer.Option(help="A FILE, `shipped` or `none`.")] = "shipped",
    task: OwnTasks = None,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json.")] = False,
) -> None:
    """Answer a run's questions anew by what was measured, under another calibration; no LM is asked."""
    from personaopt.cli.lamp_run import calibrations_of, reported
    from personaopt.evals.lamp.recalibrating import recalibrate as anew

    tasks = _tasks(task)
    anew(folder, out, calibrations_of(calibration), calibration, tasks)
    result = reported(out, json, tasks)
    if json:
        print_json(result)


def _tasks(names: list[str] | None) -> list[Task]:
    from personaopt.evals.tasks import task_for

    return [task_for(name) for name in names or ()]
