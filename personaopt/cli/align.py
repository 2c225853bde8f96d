"""`personaopt align`: learn the persona of one user of a folder in LaMP's format, and report what it is worth."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personaopt.cli.output import (
    AlignmentOnStderr,
    Stage,
    evidence,
    figure,
    message,
    print_heading,
    print_item,
    print_json,
    print_table,
    stages_on_stderr,
)
from personaopt.errors import DataError

if TYPE_CHECKING:
    from personaopt.evals.exams import Exam
    from personaopt.evals.lamp.data import Loaded
    from personaopt.evals.lift import Lift
    from personaopt.evals.tasks import Task
    from personaopt.lm.metering import Usage
    from personaopt.memory import Store

SECONDS = 30.0
"""What the alignment itself may take; reading, and answering the questions, come on top of it."""

ROWS = {
    "before": "empty persona",
    "after": "aligned persona",
    "frequent": "persona of frequent labels",
    "frequencies": "the user's label frequencies",
    "neighbours": "vote of similar interactions",
}
FIGURES = {"accuracy": "accuracy", "nll": "NLL", "nll_per_token": "NLL a token", "similarity": "similarity"}


def align(
    data: Annotated[
        str,
        typer.Option(help="Folder or file in LaMP's or OPPU's format, a table, a data set.", show_default=False),
    ],
    user: Annotated[str, typer.Option(help="Whose persona to learn: a user_id of the data.", show_default=False)],
    lm: Annotated[str, typer.Option(help="`local`, or any LM as PROVIDER/MODEL.")] = "local",
    latest: Annotated[int, typer.Option(min=1, help="Interactions that feedback is derived from.")] = 8,
    epochs: Annotated[int, typer.Option(min=0, help="How many times the loop runs at most.")] = 3,
    retrieve: Annotated[int, typer.Option(min=0, help="Similar earlier interactions put into each prompt.")] = 8,
    seed: Annotated[int, typer.Option(help="For everything that is drawn.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the aligned program to this file.", show_default=False)
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Record into this store; in memory without it.", show_default=False)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an alignment in this store that was interrupted.")
    ] = False,
    task: Annotated[
        str | None, typer.Option(help="Such as LaMP-2M, or MODULE:NAME; told from the data without it.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Of data with several splits.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="WHAT=COLUMN of a table: user, time, answer, id or an input of the task; repeated."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out records that cannot be used, and say which.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Align a persona on everything before a user's last 5 questions, and report on those.

    Before is the empty persona, after the aligned one, with the same retrieval, calibration and priors.
    """
    began = time.monotonic()
    if resume and store is None:
        raise typer.BadParameter("an alignment can be gone on with where --store FILE kept it", param_hint="--resume")
    source = Source(data, task, split, column or (), skip_bad)
    wanted = Wanted(source, user, lm, latest, epochs, retrieve, seed, out, store, resume)
    with stages_on_stderr() as stage:
        result = report(*wanted.run(stage), began)
    if json:
        print_json(result)
        message(_next(wanted))
    else:
        _print(result)
        print(f"\n{_next(wanted)}")


@dataclasses.dataclass(frozen=True)
class Source:
    """Which data were asked for, and how they are read; the options say what each is."""

    path: str
    task: str | None
    split: str | None
    columns: Sequence[str]
    skip_bad: bool

    def load(self) -> Loaded:
        """Read them, and say what cannot be used.

        Raises:
            PersonaOptError: They cannot be read.
        """
        from personaopt.cli.lamp_data import columns_of, say_problems
        from personaopt.evals.lamp.data import load_lamp

        loaded = load_lamp(
            self.path,
            self.task,
            split=self.split,
            columns=columns_of(self.columns) if self.columns else None,
            on_error="report" if self.skip_bad else "raise",
        )
        say_problems(loaded)
        return loaded


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    source: Source
    user: str
    lm: str
    latest: int
    epochs: int
    retrieve: int
    seed: int
    out: Path | None
    store: Path | None
    resume: bool

    def run(self, stage: Stage) -> tuple[Lift, Usage]:
        """Do it; what can be refused is refused before anything is written.

        Raises:
            PersonaOptError: Something asked for cannot be had.
        """
        from personaopt.memory import open_store

        stage("reading the data")
        exam, task = self._exam()
        if self.out is not None:
            from personaopt.program import refuse_place

            refuse_place(self.out)
        if self.store is not None and self.store.exists():
            open_store(self.store).close()  # whether it can be used is better known before the LM is loaded
        stage(f"loading the LM {self.lm}")
        import dspy

        from personaopt.cli.lm import language_model
        from personaopt.evals.exams import KnownTexts
        from personaopt.lm.metering import Meter
        from personaopt.memory.embedding import local_embedder

        with (
            Meter().running() as meter,
            dspy.context(lm=language_model(self.lm)),
            open_store(self.store or ":memory:", embedder=KnownTexts(local_embedder())) as store,
        ):
            lift = self._measured(store, exam, task, stage)
            if self.out is not None:
                from personaopt.program import export

                export(lift.aligned, self.out)
        return lift, meter.usage

    def _exam(self) -> tuple[Exam, Task]:
        from personaopt.evals.exams import Exam

        loaded = self.source.load()
        histories, task = {history.user_id: history for history in loaded}, loaded.task
        if self.user not in histories:
            known = sorted(histories)
            more = f" and {len(known) - 3} more" if len(known) > 3 else ""
            raise DataError(f"{self.source.path} has no user {self.user!r}; it has {', '.join(known[:3])}{more}.")
        exam = Exam.of_lamp(histories[self.user])
        if not any(task.output in item.ground_truth for item in exam.history):
            raise DataError(f"A {task.name} profile does not say what the user chose: there is nothing to align on.")
        return exam, task

    def _measured(self, store: Store, exam: Exam, task: Task, stage: Stage) -> Lift:
        from personaopt.agent import PersonaAgent
        from personaopt.evals.lift import measure
        from personaopt.optimizers.aligner import PersonaAligner
        from personaopt.optimizers.budget import Budget
        from personaopt.optimizers.progress import Progress

        agent = PersonaAgent(task.signature, user=store.user(exam.user_id), retrieve=self.retrieve)
        budget = Budget(seconds=SECONDS) if self.lm == "local" else None
        progress = Progress(AlignmentOnStderr(stage))
        aligner = PersonaAligner(
            latest=self.latest, epochs=self.epochs, seed=self.seed, budget=budget, callbacks=[progress]
        )
        return measure(agent, exam, aligner, resume=self.resume, tell=stage)


def report(lift: Lift, usage: Usage, began: float) -> dict[str, Any]:
    """What `--json` prints.

    Args:
        lift: What was measured.
        usage: LM calls and tokens of the whole command; those of the alignment alone stand under `alignment`.
        began: When the command began, by the monotonic clock.
    """
    from personaopt.evals.answers import summary

    alignment = lift.aligned.detailed_results
    rows = {name: summary(answers) for name, answers in lift.rows.items()}
    cost = alignment.usage
    return {
        "user": lift.exam.user_id,
        "persona": alignment.after.render(),
        "statements": [{"text": line.text, "evidence": list(line.evidence)} for line in alignment.after.statements],
        "before": rows.pop("before"),
        "after": rows.pop("after"),
        "baselines": rows,
        "accepted": alignment.accepted,
        "refused": alignment.refused,
        "calls": usage.calls,
        "tokens": usage.tokens,
        "seconds": round(time.monotonic() - began, 2),
        "version": alignment.version,
        "alignment": {
            "calls": cost.calls,
            "tokens": cost.tokens,
            "seconds": round(cost.seconds, 2),
            "resumed": alignment.resumed,
        },
        "history": len(lift.exam.history),
        "losses": list(alignment.losses),
        "stopped": alignment.stopped,
        "notes": list(alignment.notes),
    }


def _print(result: dict[str, Any]) -> None:
    rows = {"before": result["before"], "after": result["after"], **result["baselines"]}
    names = [name for name in result["before"] if name != "n"]
    asked = result["before"]["n"]
    print_heading(
        f"User {result['user']}: {result['history']} interactions to learn from, {asked} questions after them"
    )
    print_table(
        ["", *(FIGURES[name] for name in names), "n"],
        [[ROWS[row], *(figure(values[name]) for name in names), str(values["n"])] for row, values in rows.items()],
    )
    print_heading(f"Persona (version {result['version']})")
    for line in result["statements"]:
        print_item(line["text"], note=evidence(line["evidence"]))
    if not result["statements"]:
        print("empty: no change helped")
    print_changes("Kept", result["accepted"], "+")
    print_changes("Refused", result["refused"], "x")
    cost = result["alignment"]
    print_heading(f"Stopped: {result['stopped']}")
    for note in result["notes"]:
        print(f"Note: {note}")
    print(
        f"Alignment: {cost['calls']} LM calls, {cost['tokens']} tokens, {cost['seconds']:.1f} s. "
        f"In all: {result['calls']} calls, {result['tokens']} tokens, {result['seconds']:.1f} s."
    )


def print_changes(title: str, records: Sequence[Mapping[str, Any]], sign: str) -> None:
    """Print edits, each with the reason."""
    if not records:
        return
    print_heading(title)
    for record in records:
        print_item(record["edit"].removeprefix("+ "), sign=sign, note=record["reason"])


def _next(wanted: Wanted) -> str:
    if wanted.out is not None:
        return f"Next: python -c 'import personaopt as po; print(po.load(\"{wanted.out}\").persona)'"
    if wanted.store is not None:
        return f"Next: personaopt export {wanted.user} --store {wanted.store} --out {wanted.user}.json"
    return "Next: the same command with --out FILE writes the aligned program, with --store FILE keeps what was learnt."
