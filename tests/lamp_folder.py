"""A small folder in LaMP's format, made of invented users."""

from __future__ import annotations

import json
from pathlib import Path

from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import LAMP_2M

ASKED = (
    "Which tag does this movie relate to among the following tags? Just answer with the tag name without further "
    f"explanation. tags: [{', '.join(LAMP_2M.labels)}] description: "
)


def write_lamp_folder(folder: Path, *, users: int = 1, interactions: int = 16, questions: int = 2) -> str:
    """Write questions.json and outputs.json of a tagging task and return the first user's id."""
    asked, golds = [], []
    people = synthetic_users("tags", users=users, interactions=interactions, seed=5)
    for user in people:
        items = [
            {"id": item.id, "date": str(int(item.time or 0)), **item.inputs, **item.ground_truth}
            for item in user.history
        ]
        for place in range(len(items) - questions, len(items)):
            question = items[place]
            asked.append(
                {
                    "id": question["id"],
                    "user_id": user.user_id,
                    "date": question["date"],
                    "input": ASKED + question["description"],
                    "profile": items[:place],
                }
            )
            golds.append({"id": question["id"], "output": question["tag"]})
    folder.mkdir(parents=True)
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "outputs.json").write_text(json.dumps({"task": "LaMP_2M", "golds": golds}), encoding="utf-8")
    return people[0].user_id
