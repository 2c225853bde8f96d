"""Rows of an invented PersonaBench run: methods that learn at a pace that is written down here."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

from personaopt.evals.personabench.rows import Row, Spent

SKILL = {"none": None, "rag": None, "k1": 0.82, "k3": 0.86, "k5": 0.78, "personaopt": 0.97, "golden": 1.0}
"""Which part of what is said a method knows at best; None for methods without a persona."""
KNOWS = {"none": 0.0, "rag": 0.45}
CHANGES = (5, 11)


def row(method="rag", persona="p0", number=0, **values):
    """A row in which only what a test is about needs to be said."""
    known = {"session": f"{persona}-{number}", "time": 1000.0 * number, "lm": "scripted", "utterances": 1}
    return Row(method=method, persona=persona, number=number, **(known | values))


def write(folder: Path, rows, **config) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(each.to_dict(), ensure_ascii=False) + "\n" for each in rows)
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
    if config:
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@dataclasses.dataclass
class Invented:
    """Makes rows: what is said grows with the sessions, and a method holds its part of it, less after a change."""

    personas: int = 12
    sessions: int = 16
    lm: str = "scripted"

    def rows(self, methods=tuple(SKILL)):
        for method in methods:
            yield from self.cell(method)

    def cell(self, method, sessions=None):
        for number in range(self.personas):
            f1 = 0.0
            for place in range(self.sessions if sessions is None else sessions):
                since = min((place - change for change in CHANGES if change <= place), default=None)
                f1, made = self.session(method, f"p{number:04}", place, since, f1)
                yield made

    def session(self, method, persona, place, since, f1):
        common = random.Random(f"{persona}/{place}")  # questions are as hard for all methods
        own = random.Random(f"{persona}/{place}/{method}")
        hard, said = common.random(), 1 - 0.8 * 0.75 ** (place + 1)
        knowable = common.random() < said
        skill = SKILL[method]
        if skill is not None:
            kept = f1 * (0.85 if since == 0 else 1.0)
            f1 = 1.0 if method == "golden" else kept + own.uniform(0.4, 0.9) * (skill - kept)
        knows = KNOWS.get(method, f1 * (1.0 if method == "golden" else said))
        right = hard < 0.15 + 0.8 * knows
        risk = knowable and since is not None and common.random() < 0.3
        good = round(6.5 + 2 * knows + own.uniform(-1, 1))
        answering = Spent(calls=1, input_tokens=700 + int(300 * knows), output_tokens=60, seconds=0.2)
        learns = skill is not None and method != "golden"
        return f1, row(
            method, persona, place, lm=self.lm,
            helpfulness=float(good), personalization=float(max(0, good - (not right))),
            utterances=1 if right else own.choice([2, 2, 3]), satisfied=True, knowable=knowable, at_risk=risk,
            stale=risk and not right and own.random() < 0.4, calls_expected=common.choice([0, 1, 2]),
            calls_right=int(right), field_f1=None if skill is None else said * f1, since_change=since,
            field_precision=None if skill is None else f1, field_recall=None if skill is None else said * f1,
            field_f1_said=None if skill is None else f1, similarity=None if skill is None else round(10 * said * f1),
            changes_said=int(skill is not None and since == 2), changes_learnt=int(skill is not None and since == 2),
            similarity_parts={} if skill is None else {"coverage": 10 * said * f1, "correctness": 10 * f1},
            persona_tokens=int(400 * said * f1), answering=answering,
            learning=Spent(calls=1, input_tokens=1500, output_tokens=90, seconds=0.4) if learns else Spent(),
            simulating=Spent(calls=1, input_tokens=400, output_tokens=30), seconds=own.uniform(0.2, 0.4),
        )  # fmt: skip
