"""Whether alignment teaches an agent where to look first, with a known answer; and what acting gives on LaMP's users.

    python benchmarks/personalised_action.py --lm scripted --users 50 --json action.json
    python benchmarks/personalised_action.py --lm local --users 8 --json action_local.json
    python benchmarks/personalised_action.py --lm local --data LaMP_2M_like --users 6 --json action_lamp.json

Users are `personaopt.evals.errands`': each keeps the codes of three kinds of appointments in a tool, and partly under
words, of their own, so that every question has one right first action. A persona is aligned on the latest of 24
interactions; nine later errands are asked before and after. The scripted LM reads nothing but its prompt and slips as
often as `--slips` and `--missed` say. Settings were chosen on users of seed 7001; report others.

With `--data` the users of a LaMP folder are asked their last questions by an agent that may search the user's memory
and by one that may not, each with the persona aligned for it in the policy's prompt and with none.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dspy

import personaopt as po
from personaopt.actions.policy import LMPolicy
from personaopt.evals.errands import looking_lm, seekers, shares_of
from personaopt.evals.exams import Exam, KnownTexts
from personaopt.evals.lamp import data as lamp
from personaopt.evals.statistics import bootstrap_mean
from personaopt.evals.tasks import Task

TUNING_SEED = 7001
COLUMNS = ("before", "after", "answered_before", "answered_after", "actions_before", "actions_after")


def main(arguments: list[str] | None = None) -> int:
    options = read(arguments)
    started = time.perf_counter()
    with dspy.context(lm=lm_of(options)):
        result = on_lamp(options) if options.data else on_errands(options)
    result |= {"lm": options.lm, "users": options.users, "seconds": round(time.perf_counter() - started, 1)}
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def on_errands(options: argparse.Namespace) -> dict[str, Any]:
    """Every user by itself: history, alignment, what came later."""
    rows = []
    for number, seeker in enumerate(seekers(options.users, seed=options.seed), 1):
        aligner = po.PersonaAligner(
            latest=8,
            held_out=4,
            epochs=options.epochs,
            candidates=options.candidates,
            windows=options.windows,
        )
        with po.open_store(":memory:", embedder=embedder_of(options)) as store:
            rows.append(shares_of(store, seeker, aligner, max_actions=options.max_actions, retrieve=options.retrieve))
        print(f"user {number} of {options.users}", file=sys.stderr)
    settings = ("seed", "epochs", "candidates", "windows", "max_actions", "retrieve", "slips", "missed")
    return {
        "settings": {name: getattr(options, name) for name in settings},
        **{name: interval({row.user_id: getattr(row, name) for row in rows}) for name in COLUMNS},
        "gain": interval({row.user_id: [b - a for a, b in zip(row.before, row.after, strict=True)] for row in rows}),
        "calls_of_alignment": [math.fsum(row.calls for row in rows) / len(rows), max(row.calls for row in rows)],
        "rows": [row.to_dict() for row in rows],
    }


def on_lamp(options: argparse.Namespace) -> dict[str, Any]:
    """With and without actions, with and without the persona in the policy, on the same questions of the same users."""
    loaded = lamp.load_lamp(options.data)
    users = [user for user in loaded if lamp.is_tuning_user(user.user_id) == (options.tuning == "yes")]
    embedder = KnownTexts(embedder_of(options))
    measured: dict[str, dict[str, list[dict[str, float]]]] = {name: {} for name in WAYS}
    for number, user in enumerate(users[: options.users], 1):
        exam = Exam.of_lamp(user, options.questions)
        for name, answers in exam_of(exam, loaded.task, embedder, options).items():
            measured[name][user.user_id] = answers
        print(f"user {number} of {min(options.users, len(users))}", file=sys.stderr)
    figures = {
        name: {figure: interval({u: [a[figure] for a in rows] for u, rows in by_user.items()}) for figure in FIGURES}
        for name, by_user in measured.items()
    }
    return {
        "data": options.data.name,
        "task": loaded.task.name,
        "settings": {"latest": options.latest, "epochs": options.epochs, "max_actions": options.max_actions},
        "ways": figures,
        "differences": {
            f"{first} - {second}": difference(measured[first], measured[second]) for first, second in COMPARED
        },
    }


WAYS = (
    "no actions, no persona",
    "no actions, persona",
    "actions, no persona in the policy",
    "actions, persona in the policy",
)
COMPARED = ((WAYS[2], WAYS[0]), (WAYS[3], WAYS[1]), (WAYS[3], WAYS[2]))
FIGURES = ("right", "nll", "actions")


def exam_of(exam: Exam, task: Task, embedder: Any, options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """The last questions of one user, answered in each way; nothing of a question is remembered before it."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    signature = task.signature
    with po.open_store(":memory:", embedder=embedder) as store:
        user = store.user(exam.user_id)
        user.record(exam.history)
        aligner = po.PersonaAligner(latest=options.latest, held_out=options.latest // 2, epochs=options.epochs)
        persona = aligner.compile(po.PersonaAgent(signature, user=user, retrieve=options.retrieve)).persona
        for place, question in enumerate(exam.questions):
            if place < len(exam.news):
                user.record(exam.news[place])
            for name in WAYS:
                found[name].append(answered(name, user, signature, persona, question, options))
            user.record(question)
    return found


def answered(
    name: str, user: Any, signature: Any, persona: Any, question: po.Interaction, options: argparse.Namespace
) -> dict[str, float]:
    """One question answered in one way: right or not, how unlikely the truth was, and how many actions there were."""
    acting = name.startswith("actions")
    agent = po.PersonaAgent(
        signature,
        user=user,
        retrieve=options.retrieve,
        max_actions=options.max_actions if acting else 0,
        persona=persona if "no persona" not in name or acting else po.Persona(),
        policy=Unpersonal() if "no persona in the policy" in name else None,
    )
    prediction = agent(**question.inputs)
    (field, truth), *_ = question.ground_truth.items()
    probabilities = prediction.get("probabilities") or {}
    likely = probabilities.get(field, {}).get(str(truth), 1e-6) if probabilities else math.nan
    return {
        "right": float(str(prediction[field]).strip() == str(truth).strip()),
        "nll": -math.log(max(likely, 1e-6)) if probabilities else 0.0,
        "actions": float(len(prediction.actions)),
    }


class Unpersonal:
    """The agent's own policy without the persona in its prompt; the answer has it all the same."""

    def choose(self, situation: Any) -> Any:
        """See `personaopt.actions.policy.Policy`."""
        moment = dataclasses.replace(situation.moment, persona=po.Persona())
        return (yield from LMPolicy().choose(dataclasses.replace(situation, moment=moment)))


def difference(first: Mapping[str, Sequence[Any]], second: Mapping[str, Sequence[Any]]) -> dict[str, list[float]]:
    """Paired over users: how much more often right, and how much likelier the truth."""
    return {
        figure: interval(
            {
                user: [a[figure] - b[figure] for a, b in zip(rows, second[user], strict=True)]
                for user, rows in first.items()
            }
        )
        for figure in ("right", "nll")
    }


def interval(by_user: Mapping[str, Sequence[float]]) -> list[float]:
    """Mean and 95 % bootstrap interval over users."""
    mean = bootstrap_mean(by_user)
    return [mean.mean, mean.low, mean.high]


def lm_of(options: argparse.Namespace) -> Any:
    if options.lm == "scripted":
        return looking_lm(options.slips, options.missed, options.seed)
    if options.lm == "local":
        return po.local_lm(dtype=options.dtype, max_tokens=24)  # codes and labels are short; it would ramble on
    return dspy.LM(options.lm)


def embedder_of(options: argparse.Namespace) -> Any:
    """What memories are found by; where none is retrieved none is loaded."""
    return po.local_embedder() if options.retrieve or options.data else None


def read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lm", default="scripted", help="scripted, local, or a name for dspy.LM (default scripted)")
    parser.add_argument("--users", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--seed", type=int, default=0, help="of users and slips; 7001 is for tuning (default 0)")
    parser.add_argument("--epochs", type=int, default=4, help="of each alignment (default 4)")
    parser.add_argument("--candidates", type=int, help="proposals an epoch; the aligner's own number by default")
    parser.add_argument("--windows", type=int, default=3, help="windows of an alignment at most (default 3)")
    parser.add_argument("--max-actions", type=int, default=4, help="before an answer (default 4)")
    parser.add_argument("--retrieve", type=int, help="memories in the prompt (0 for errands, 4 with --data)")
    parser.add_argument("--slips", type=float, default=0.02, help="the scripted policy passes over the persona")
    parser.add_argument("--missed", type=float, default=0.1, help="the scripted critic forgets the words to search for")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="a LaMP folder to ask instead of errands")
    parser.add_argument("--questions", type=int, default=3, help="of each user, with --data (default 3)")
    parser.add_argument("--latest", type=int, default=6, help="window of an alignment, with --data (default 6)")
    parser.add_argument("--tuning", choices=("yes", "no"), default="yes", help="users that settings are chosen on")
    parser.add_argument("--dtype", default="float32", help="of the local model (default float32)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    if options.retrieve is None:
        options.retrieve = 4 if options.data else 0
    if (
        min(options.users, options.windows, options.max_actions, options.questions, options.latest) < 1
        or options.epochs < 0
    ):
        parser.error("--users, --windows, --max-actions, --questions and --latest are at least 1, --epochs at least 0")
    if options.data and options.lm == "scripted":
        parser.error("the scripted LM knows errands alone; --data needs --lm local or another one")
    if options.data and not options.data.exists():
        parser.error(f"there is no {options.data}")
    return options


def show(result: Mapping[str, Any]) -> None:
    print(f"{result['users']} users, LM {result['lm']}, {result['seconds']:.0f} s; mean [95 % interval over users]")
    if "ways" in result:
        for name, figures in result["ways"].items():
            print(f"{name:34}" + "".join(f"{figure:>9} {text(values)}" for figure, values in figures.items()))
        for name, figures in result["differences"].items():
            print(f"{name}: " + ", ".join(f"{figure} {text(values)}" for figure, values in figures.items()))
        return
    for name, title in TITLES.items():
        print(f"{title:24}{text(result[name + 'before'])} -> {text(result[name + 'after'])}")
    mean, most = result["calls_of_alignment"]
    print(f"{'LM calls an alignment':24}{mean:.0f}, at most {most}")


TITLES = {"": "right first actions", "answered_": "right answers", "actions_": "actions an answer"}


def text(values: Sequence[float]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*values)


if __name__ == "__main__":
    sys.exit(main())
