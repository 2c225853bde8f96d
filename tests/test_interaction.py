"""Interactions are immutable records of JSON values."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from datetime import datetime, timedelta, timezone

import pytest

from personaopt.errors import DataError
from personaopt.interaction import Interaction, query_text


def test_nothing_of_it_can_be_changed():
    inputs = {"text": "a", "options": ["x", "y"]}
    interaction = Interaction(inputs, ground_truth={"tag": "b"}, id="i1")
    inputs["text"] = "changed"
    inputs["options"].append("z")
    assert dict(interaction.inputs) == {"text": "a", "options": ["x", "y"]}
    with pytest.raises(TypeError):
        interaction.inputs["text"] = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        interaction.time = 3.0
    assert copy.deepcopy(interaction) is interaction
    assert pickle.loads(pickle.dumps(interaction)) == interaction


def test_ids_are_made_and_are_different():
    first, second = Interaction({"q": "a"}), Interaction({"q": "a"})
    assert first.id
    assert first.id != second.id
    assert first != second
    assert Interaction({"q": "a"}, id="x") == Interaction({"q": "a"}, id="x")
    assert len({Interaction({"q": "a"}, id="x"), Interaction({"q": "a"}, id="x")}) == 1


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, None),
        (3, 3.0),
        (2.5, 2.5),
        ("1970-01-01T00:01:00+00:00", 60.0),
        ("1970-01-02", 86400.0),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0.0),
        (datetime(1970, 1, 1, 0, 0, 5), 5.0),
    ],
)
def test_times_become_seconds(given, seconds):
    assert Interaction({"q": "a"}, time=given).time == seconds


@pytest.mark.parametrize(
    "values",
    [
        {"inputs": {}},
        {"inputs": None},
        {"inputs": "text"},
        {"inputs": {1: "a"}},
        {"inputs": {"q": object()}},
        {"inputs": {"q": float("nan")}},
        {"inputs": {"q": "half \ud800"}},
        {"inputs": {"q": "a"}, "ground_truth": ["b"]},
        {"inputs": {"q": "a"}, "metadata": {"when": datetime(2020, 1, 1)}},
        {"inputs": {"q": "a"}, "time": "yesterday"},
        {"inputs": {"q": "a"}, "time": True},
        {"inputs": {"q": "a"}, "time": float("inf")},
        {"inputs": {"q": "a"}, "time": 10**400},
        {"inputs": {"q": "a"}, "id": 3},
    ],
)
def test_bad_values_are_refused_in_one_sentence(values):
    with pytest.raises(DataError) as refused:
        Interaction(**values)
    assert "\n" not in str(refused.value)


def test_json_and_back():
    interaction = Interaction(
        {"text": "naïve 👍", "score": 3},
        {"tag": "a"},
        {"tag": "b"},
        time=5,
        session="s",
        id="i1",
        metadata={"task": "films"},
    )
    assert Interaction.from_dict(json.loads(json.dumps(interaction.to_dict()))) == interaction
    assert Interaction.from_dict({"inputs": {"q": "a"}, "id": "x"}) == Interaction({"q": "a"}, id="x")
    for values in (None, {}, {"inputs": {"q": "a"}, "user": "u"}, ["inputs"]):
        with pytest.raises(DataError):
            Interaction.from_dict(values)


def test_similar_ones_are_looked_up_by_the_inputs():
    interaction = Interaction({"title": "A film", "options": ["x", "ü"]}, ground_truth={"tag": "secret"})
    assert interaction.query_text() == 'A film\n["x", "ü"]' == query_text(interaction.inputs)
