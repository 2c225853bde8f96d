"""The stand-in, asked about single sentences that a first reading made nothing of."""

from __future__ import annotations

import json

import pytest

from personaopt.evals.personabench.stand_in.asked_about import stated
from personaopt.evals.personabench.stand_in.editing import changes
from personaopt.evals.personabench.stand_in.noise import Luck, Noise
from personaopt.evals.personabench.stand_in.reading import read

SURE = Luck(Noise(misses=0.0, invents=0.0), 0, "")


def found(sentence, **known):
    return [(each.path, each.value, each.old) for each in stated(sentence, known.get("known", {}))]


@pytest.mark.parametrize(
    ("sentence", "path", "value"),
    [("Vegan all the way.", "life.diet", "vegan"), ("Recife all along.", "life.home", "Recife"),
     ("Fairness runs through everything.", "personality.values", "fairness")],
)  # fmt: skip
def test_words_of_the_field_need_not_stand_with_a_value_that_is_asked_about(sentence, path, value):
    unasked = [(each.path, each.value) for each in read(sentence)]
    assert unasked + [each[:2] for each in found(sentence)] == [(path, value)]


@pytest.mark.parametrize(
    "sentence",
    ["My brother: vegan all the way.", "Is it vegan all the way?", "Vegan or vegetarian all the way.", "It is raining.",
     "I am a vegan.", "If only it were vegan all the way."],
)  # fmt: skip
def test_what_is_of_others_asked_supposed_not_clear_or_read_already_is_left(sentence):
    assert found(sentence) == []


def test_the_editor_answers_about_what_was_passed_over():
    given = {
        "persona": "{}",
        "slots": json.dumps(["life.diet: Eats"]),
        "sessions": json.dumps(["[session s1, 2024-01-01]", "1. User: Hello."]),
    }
    assert changes(given, SURE) == []
    (change,) = changes({**given, "passed_over": json.dumps(["1. Vegan all the way."])}, SURE)
    assert (change["value"], change["quote"], change["message"]) == ("vegan", "Vegan all the way.", 1)
    known = {**given, "persona": json.dumps({"life.diet": "vegan"})}
    assert changes({**known, "passed_over": json.dumps(["1. Vegan all the way."])}, SURE) == []
