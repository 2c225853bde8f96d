"""Fit the calibrations that come with the library, on users that nothing is reported on.

    python benchmarks/fit_calibration.py --data LaMP_2N_like LaMP_3_like --out personaopt/lm/calibrations.json

Takes the tuning users of each folder, and invented users, with their last questions under no persona and under one that
names the frequent labels. Prints each calibration, and how it does on each source when it was fitted on the others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import personaopt as po
from personaopt.evals.answers import Decided
from personaopt.evals.exams import Exam, KnownTexts, replay
from personaopt.evals.lamp import data as lamp
from personaopt.evals.lift import evaluate, frequent_persona
from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import TagFilm, task_for
from personaopt.lm.calibration import Calibration, fit
from personaopt.persona import Persona

RETRIEVE = 8
# How many memories were shown, which features are weighed, and which one is mixed in.
FITTED: dict[str, tuple[int, tuple[str, ...], str | None]] = {
    "default": (RETRIEVE, ("model", "length"), "neighbours"),
    "model": (RETRIEVE, ("model", "length"), None),
    "model+frequencies": (RETRIEVE, ("model", "length", "frequencies"), None),
    "direct": (0, ("model", "length"), None),
    "direct+frequencies": (0, ("model", "length", "frequencies"), None),
    "frequencies": (RETRIEVE, ("frequencies",), None),
    "neighbours": (RETRIEVE, ("neighbours",), None),
}
Answers = dict[int, list[Decided]]


def main() -> None:
    """Measure, fit, check by transfer, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="folders in LaMP's format")
    parser.add_argument("--users", type=int, default=30, help="most users of a source")
    parser.add_argument("--questions", type=int, default=4, help="most questions of a user")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    po.configure_local(dtype=options.dtype)
    sources = {"invented": _answers(TagFilm, _invented(options.users, options.questions))}
    for folder in options.data:
        users = [user for user in lamp.load_lamp(folder) if lamp.is_tuning_user(user.user_id)][: options.users]
        exams = [Exam.of_lamp(user, options.questions) for user in users]
        sources[folder.name] = _answers(task_for(folder.name).signature, exams)
    shipped = {}
    for name, (retrieve, features, mixed) in FITTED.items():
        print(f"{name}: {_transfer(sources, retrieve, features, mixed)}")
        everything = [answer for answers in sources.values() for answer in answers[retrieve]]
        told = f"{len(everything)} answers: {', '.join(f'{len(a[retrieve])} of {s}' for s, a in sources.items())}"
        shipped[name] = _fitted(everything, features, mixed, f"{told}; tuning users only, {options.dtype}").to_dict()
        print(f"    { {key: value for key, value in shipped[name].items() if key != 'fitted_on'} }", flush=True)
    options.out.write_text(json.dumps(shipped, indent=1) + "\n", encoding="utf-8")


def _invented(users: int, questions: int) -> list[Exam]:
    sizes = (30, 40, 50)
    return [
        Exam.of_history(user.user_id, user.history[: sizes[place % 3] + questions], questions)
        for place, user in enumerate(synthetic_users("tags", users=users, interactions=max(sizes) + questions, seed=71))
    ]


def _answers(signature: type, exams: Sequence[Exam]) -> Answers:
    """The answers of all exams by how many memories were retrieved."""
    embedder = KnownTexts(po.local_embedder())
    found: Answers = {0: [], RETRIEVE: []}
    for exam in exams:
        user = po.open_store(":memory:", embedder=embedder).user(exam.user_id)
        user.record(exam.history)
        for retrieve, rows in found.items():
            agent = po.PersonaAgent(signature, user=user, retrieve=retrieve)
            personas = {"none": Persona(), "frequent": frequent_persona(agent, exam.history)}
            for answers in evaluate(agent, replay(agent, exam), personas).values():
                rows += [answer for answer in answers if isinstance(answer, Decided) and answer.features is not None]
    return found


def _fitted(answers: Sequence[Decided], features: Sequence[str], mixed: str | None, fitted_on: str = "") -> Calibration:
    places = [list(answer.measured or {}).index(answer.truth) for answer in answers]
    return fit([answer.features or {} for answer in answers], places, features, mixed=mixed, fitted_on=fitted_on)


def _transfer(sources: Mapping[str, Answers], retrieve: int, features: Sequence[str], mixed: str | None) -> str:
    """NLL and accuracy on each source of weights that were fitted on the others."""
    shown = []
    for name in sources:
        others = [answer for other, answers in sources.items() if other != name for answer in answers[retrieve]]
        calibration = _fitted(others or sources[name][retrieve], features, mixed)
        answers = [answer.calibrated(calibration) for answer in sources[name][retrieve]]
        nll, right = np.mean([a.nll for a in answers]), np.mean([a.right for a in answers])
        shown.append(f"{name} {nll:.3f}/{right:.2f}")
    return ", ".join(shown)


if __name__ == "__main__":
    main()
