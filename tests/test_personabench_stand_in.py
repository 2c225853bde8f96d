"""The stand-in on PersonaBench: what it reads in how people talk, what it answers, and how it errs."""

from __future__ import annotations

import dspy
import pytest

from personaopt.evals.personabench.stand_in.reading import read

SENTENCES = [
    ("I live in Lyon.", [("life.home", "set", "Lyon", "")]),
    ("I've moved from Lyon to Graz.", [("life.home", "set", "Graz", "Lyon")]),
    ("My sister is vegetarian.", []),
    ("If I lived in Lyon, I would cycle to work.", []),
    ("I told you I work as a nurse. That was a joke. I am a florist.",
     [("demographics.career", "take_back", "florist", "nurse")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SENTENCES)
def test_it_reads_what_a_user_says_of_themselves(text: str, wanted: list[tuple[str, str, str, str]]) -> None:
    assert [(each.path, each.action, each.value, each.old) for each in read(text)] == wanted
