"""Rows of an invented run: every study of two tasks, with skills that are written down here."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

from personaopt.evals.lamp.rows import Point, Row
from personaopt.evals.tasks import task_for

SKILLS = {
    "majority": 0.35, "knn": 0.4, "prompt": 0.25, "icl": 0.3, "rag": 0.45, "pag": 0.47, "react": 0.3, "membank": 0.45,
    "personaagent": 0.5, "personaopt": 0.6, "no-alignment": 0.52, "no-persona": 0.5,
    "no-memory": 0.4, "no-action": 0.38,
}  # fmt: skip
MEASURING = {*SKILLS} - {"react"}
WORDS = ("space", "war", "love", "crime", "ghosts", "money", "doctors", "robots", "kings", "trains", "islands")


def row(user="u", question="q", prediction="a", gold="a", **values):
    """A row in which only what a test is about needs to be said."""
    known = {"study": "main", "task": "LaMP-2M", "data": "LaMP_2M_like", "lm": "local", "method": "rag", "place": 0}
    return Row(**(known | values), user=user, question=question, prediction=prediction, gold=gold)


def write(folder: Path, rows) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(each.to_dict(), ensure_ascii=False) + "\n" for each in rows)
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


@dataclasses.dataclass
class Invented:
    """Makes rows of one task: a method is right as often as its skill says, questions being as hard for all."""

    task: str = "LaMP-2M"
    users: int = 12
    questions: int = 4
    lm: str = "local"

    def cell(self, method, study="main", point=Point(), skill=None):  # noqa: B008
        labels = task_for(self.task).labels[:5]
        skill = SKILLS[method] if skill is None else skill
        for number in range(self.users):
            user = f"{self.task}-user-{number:02}"
            favourite = labels[number % 3]
            for place in range(self.questions):
                dice = random.Random(f"{user}/{place}")
                gold = favourite if dice.random() < 0.5 else dice.choice(labels)
                right = dice.random() < skill
                noise = random.Random(f"{user}/{place}/{method}/{point}")
                prediction = gold if right else noise.choice([label for label in labels if label != gold])
                sure = noise.uniform(0.35, 0.85)
                likely = {label: sure if label == prediction else (1 - sure) / 4 for label in labels}
                sharp = {label: p**3 / sum(q**3 for q in likely.values()) for label, p in likely.items()}
                measures = method in MEASURING
                yield Row(
                    study=study, task=self.task, data=f"{self.task.replace('-', '_')}_like", lm=self.lm,
                    method=method, user=user, question=f"{user}-{place}", place=place, gold=gold, point=point,
                    inputs={"description": f"A film <b>number {place}</b> & more"}, prediction=prediction,
                    probabilities=likely if measures else None, measured=sharp if measures else None,
                    calls=int(method not in ("majority", "knn")), input_tokens=300, output_tokens=4,
                    seconds=noise.uniform(0.2, 0.4), history_size=20 + place,
                    preparation=self.preparation(user, method, favourite, point) if place == 0 else None,
                )  # fmt: skip

    def preparation(self, user, method, favourite, point):
        if method not in ("personaopt", "personaagent"):
            return None
        dice = random.Random(f"persona {user} {method}")
        personas = [f"The user's most frequent choices of tag: {favourite}."]
        for _ in range(dice.randint(1, 3) if point.epochs is None else point.epochs):
            some, other, said = (dice.choice(WORDS) for _ in range(3))
            personas.append(f"{personas[-1]}\nFor films about {some} and {other} the user says {said}.")
        personas.append(personas[-1])
        losses = [2.0 - 0.2 * step for step in range(len(personas))]
        return {
            "personas": personas, "losses": losses, "accepted": len(personas) - 2, "refused": 2, "notes": [],
            "calls": 20, "input_tokens": 6000, "output_tokens": 80, "cached_tokens": 0, "usd": None, "seconds": 5.0,
        }  # fmt: skip

    def main(self):
        for method in SKILLS:
            if not method.startswith("no-"):
                yield from self.cell(method)

    def ablation(self):
        for method in ("personaopt", "no-alignment", "no-persona", "no-memory", "no-action"):
            yield from self.cell(method, "ablation")

    def scaling(self):
        gains = {"latest": (1, 2, 4, 8, 16), "epochs": (0, 1, 2, 3, 4, 5), "retrieve": (0, 1, 2, 4, 8, 16)}
        for name, values in gains.items():
            for place, value in enumerate(values):
                skill = 0.35 + 0.3 * min(place, 3) / 3
                yield from self.cell("personaopt", "scaling", Point(**{name: value}), skill)

    def coldstart(self):
        for method in ("rag", "personaagent", "personaopt"):
            for history in (5, 10, 20):
                skill = SKILLS[method] - 0.15 + history * 0.005
                yield from self.cell(method, "coldstart", Point(history=history), skill)

    def everything(self):
        for study in (self.main, self.ablation, self.scaling, self.coldstart):
            yield from study()
