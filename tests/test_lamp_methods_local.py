"""Every compared method with the small local model: it prepares, answers with a label, and says what was measured."""

from __future__ import annotations

from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords

from personaopt.evals.lamp.methods import writing
from personaopt.evals.lamp.methods.method import Setting
from personaopt.evals.lamp.methods.registry import METHODS
from personaopt.evals.tasks import Task
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.memory import open_store

pytestmark = pytest.mark.local_model


class FileLetter(dspy.Signature):
    """Choose the folder this user would put the letter into."""

    letter: str = dspy.InputField(desc="the first line")
    folder: Literal["bills", "friends", "work"] = dspy.OutputField(desc="the folder")


TASK = Task.of("letters", FileLetter)
SAID = [("You owe us", "bills"), ("Dear old pal", "friends"), ("The meeting moves", "work")] * 2
MEASURED = set(METHODS) - {"majority", "knn"}
REMEMBERING = MEASURED - {"prompt", "icl", "no-memory", "no-action"}


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_prepares_and_answers_with_the_local_model(name, local_lm, monkeypatch):
    monkeypatch.setattr(writing, "SMALL_TOKENS", 6)
    adapter = None if name in ("prompt", "pag", "membank") else LocalAdapter()  # the same where none is configured
    items = [
        Interaction(inputs={"letter": text}, ground_truth={"folder": said}, time=float(place), id=str(place))
        for place, (text, said) in enumerate(SAID)
    ]
    setting = Setting(TASK, retrieve=2, latest=1, epochs=1, examples=items[:2], max_actions=1)
    with open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=local_lm, adapter=adapter):
        user = store.user("u")
        user.record(items)
        method = METHODS[name](user, setting)
        preparation = method.prepare()
        answer = method(letter="You owe us a lot")
    assert answer.folder in TASK.labels
    assert not any("nothing was" in note or "no first persona" in note for note in preparation.notes)
    assert ("probabilities" in answer) == (name in MEASURED)
    if name in MEASURED:
        assert set(answer.probabilities["folder"]) == set(TASK.labels)
        assert sum(answer.probabilities["folder"].values()) == pytest.approx(1.0)
        assert (answer.get("earlier") is not None) == (name in REMEMBERING)
    if name in ("pag", "membank", "personaagent", "no-alignment"):
        assert preparation.personas[-1].startswith("- ")
    if name in ("react", "personaagent"):
        assert all(action["tool"] in ("recall", "recent", "profile") for action in answer.actions)
        assert len(answer.actions) <= 1
