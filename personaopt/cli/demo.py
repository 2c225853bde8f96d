"""`personaopt demo`: personas learnt for invented users, offline, and what they are worth on what came later."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

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

if TYPE_CHECKING:
    from personaopt.evals.lift import Lift
    from personaopt.evals.synthetic import SyntheticUser

QUESTIONS = {"tags": 15, "replies": 4}
SECONDS = 60.0
"""A slow machine stops an alignment there; otherwise the demo is the same everywhere."""

NEXT = """What to type next:
  personaopt align --data DIR --user ID --out FILE   your own data, in LaMP's format
  personaopt doctor                                  what is installed here
  python -c 'import personaopt as po; help(po.PersonaAligner)'"""


def demo(
    users: Annotated[int, typer.Option(min=1, help="How many users tag films; half as many write replies.")] = 2,
    interactions: Annotated[int, typer.Option(min=20, help="How many interactions each of them has.")] = 90,
    seed: Annotated[int, typer.Option(help="Another seed gives other users.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Learn personas of invented users with the small local model, and measure them on later interactions.

    Some users tag films, the others reply to messages in a style of their own. Takes about two minutes on two cores.
    """
    began = time.monotonic()
    with stages_on_stderr() as stage:
        shown, calls, tokens = _run(users, interactions, seed, stage)
    result = {**_report(shown), "calls": calls, "tokens": tokens, "seconds": round(time.monotonic() - began, 2)}
    if json:
        print_json(result)
        message(NEXT)
    else:
        _print(shown, result)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A user of the demo and what came out.

    Attributes:
        name: By which the user is called here.
        task: What the user does.
        user: The invented user, with the hidden habits.
        lift: What was measured.
    """

    name: str
    task: Literal["tags", "replies"]
    user: SyntheticUser
    lift: Lift


def _run(users: int, interactions: int, seed: int, stage: Stage) -> tuple[list[Shown], int, int]:
    stage("loading the local model")
    import dspy

    from personaopt.cli.lm import language_model
    from personaopt.evals.exams import KnownTexts
    from personaopt.lm.metering import Meter
    from personaopt.memory import open_store
    from personaopt.memory.embedding import local_embedder

    with Meter().running() as meter, dspy.context(lm=language_model("local")):
        with open_store(":memory:", embedder=KnownTexts(local_embedder())) as store:
            shown = list(_shown(store, users, interactions, seed, stage))
        usage = meter.usage
    return shown, usage.calls, usage.tokens


def _shown(store: Any, users: int, interactions: int, seed: int, stage: Stage) -> Iterator[Shown]:
    from personaopt.agent import PersonaAgent
    from personaopt.evals.exams import Exam
    from personaopt.evals.lift import measure
    from personaopt.evals.synthetic import synthetic_users
    from personaopt.evals.tasks import TagFilm, WriteReply
    from personaopt.lm.calibration import Calibration
    from personaopt.optimizers.aligner import PersonaAligner
    from personaopt.optimizers.budget import Budget
    from personaopt.optimizers.progress import Progress

    # Nothing is retrieved and nothing is mixed in: the persona is all that the model knows of a user here.
    alone = Calibration.shipped("direct")
    tasks: tuple[tuple[Literal["tags", "replies"], Any, str], ...] = (
        ("tags", TagFilm, "film"),
        ("replies", WriteReply, "text"),
    )
    for task, signature, prefix in tasks:
        count = users if task == "tags" else (users + 1) // 2
        for user in synthetic_users(task, users=count, interactions=interactions, seed=seed):
            name = f"{prefix}-{user.user_id}"
            exam = Exam.of_history(name, user.history, QUESTIONS[task])
            progress = Progress(AlignmentOnStderr(stage))
            aligner = PersonaAligner(seed=seed, budget=Budget(seconds=SECONDS), callbacks=[progress])
            agent = PersonaAgent(signature, user=store.user(name), retrieve=0, calibration=alone)
            yield Shown(name, task, user, measure(agent, exam, aligner, baselines=False, tell=stage))


def _report(shown: Sequence[Shown]) -> dict[str, Any]:
    from personaopt.evals.answers import summary

    def pooled(task: str, row: str) -> dict[str, Any]:
        return summary([answer for each in shown if each.task == task for answer in each.lift.rows[row]])

    return {
        "before": pooled("tags", "before"),
        "after": pooled("tags", "after"),
        "users": {each.name: _of_user(each) for each in shown},
        "text": {"before": pooled("replies", "before"), "after": pooled("replies", "after")},
    }


def _of_user(each: Shown) -> dict[str, Any]:
    from personaopt.evals.answers import summary

    alignment = each.lift.aligned.detailed_results
    return {
        "task": each.task,
        "interactions": len(each.lift.exam.history),
        "before": summary(each.lift.rows["before"]),
        "after": summary(each.lift.rows["after"]),
        "persona": alignment.after.render(),
        "diff": [
            {"edit": str(edit), "evidence": list(edit.statement.evidence) if edit.statement else []}
            for edit in alignment.before.diff(alignment.after)
        ],
        "accepted": alignment.accepted,
        "refused": alignment.refused,
        "hidden": list(each.user.hidden),
        "version": alignment.version,
        "losses": list(alignment.losses),
        "stopped": alignment.stopped,
        "calls": alignment.usage.calls,
        "tokens": alignment.usage.tokens,
        "seconds": round(alignment.usage.seconds, 2),
    }


def _print(shown: Sequence[Shown], result: Mapping[str, Any]) -> None:
    for each in shown:
        _print_user(each, result["users"][each.name])
    print_heading("Held-out interactions: empty persona against aligned persona, nothing else known of the user")
    films, texts = (result["before"], result["after"]), (result["text"]["before"], result["text"]["after"])
    print_table(
        ["", "before", "after", "n"],
        [
            *_compared("films: accuracy", "accuracy", films),
            *_compared("films: NLL of the user's tag", "nll", films),
            *_compared("replies: NLL a token of the user's text", "nll_per_token", texts),
            *_compared("replies: similarity of the written text", "similarity", texts),
        ],
    )
    asked = films[0]["n"] + texts[0]["n"]
    print(f"A demonstration, not a measurement: {asked} questions tell large differences from none, not more.")
    print(f"In all: {result['calls']} LM calls, {result['tokens']} tokens, {result['seconds']:.1f} s.")
    print(f"\n{NEXT}")


def _print_user(each: Shown, values: Mapping[str, Any]) -> None:
    does = "tags films" if each.task == "tags" else "replies to messages"
    print_heading(f"{each.name} {does}: learnt from {values['interactions']} interactions")
    for edit in values["diff"]:
        print_item(edit["edit"].removeprefix("+ "), sign="+", note=evidence(edit["evidence"]))
    if not values["diff"]:
        print("(no change helped)")
    print_item(f"What this invented user does: {' '.join(each.user.hidden)}", sign="=")
    names = [name for name in values["before"] if name != "n"]
    shortened = {"accuracy": "accuracy", "nll": "NLL", "nll_per_token": "NLL a token", "similarity": "similarity"}
    moved = [f"{shortened[n]} {figure(values['before'][n])} -> {figure(values['after'][n])}" for n in names]
    print(f"On the {values['before']['n']} interactions after them: {', '.join(moved)}")
    print(f"{values['calls']} LM calls, {values['tokens']} tokens, {values['seconds']:.1f} s; {values['stopped']}")


def _compared(title: str, name: str, rows: tuple[Mapping[str, Any], Mapping[str, Any]]) -> list[list[str]]:
    before, after = rows
    return [[title, figure(before[name]), figure(after[name]), str(before["n"])]]
