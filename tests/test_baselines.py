"""What is said without a language model: every result is a distribution, and says what it should."""

from __future__ import annotations

import math

import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.baselines import (
    label_frequencies,
    most_frequent,
    nearest_response,
    neighbour_vote,
    recent_label_frequencies,
)

LABELS = ["a", "b", "c"]


def test_frequencies_are_smoothed_counts():
    assert label_frequencies(["a", "a", "b"], LABELS, add=0.3) == pytest.approx(
        {"a": 2.3 / 3.9, "b": 1.3 / 3.9, "c": 0.3 / 3.9}
    )
    assert label_frequencies([], LABELS) == pytest.approx(dict.fromkeys(LABELS, 1 / 3))


def test_recent_choices_weigh_more():
    history = ["a"] * 10 + ["b"] * 3
    whole, recent = label_frequencies(history, LABELS), recent_label_frequencies(history, LABELS, half_life=2)
    assert whole["a"] > whole["b"]
    assert recent["b"] > recent["a"] > recent["c"] > 0
    assert recent_label_frequencies(history, LABELS, half_life=math.inf) == pytest.approx(whole)
    # One half life lies between the two choices, so the later one has twice the weight: 2/3 and 1/3 of 1.8 votes.
    two = recent_label_frequencies(["a", "b"], LABELS, half_life=1, add=0.3)
    assert two == pytest.approx({"a": (0.6 + 0.3) / 2.7, "b": (1.2 + 0.3) / 2.7, "c": 0.3 / 2.7})


def test_recent_choices_of_a_long_history_do_not_underflow():
    shares = recent_label_frequencies(["a"] * 50_000 + ["b"], LABELS, half_life=0.01)
    assert max(shares, key=shares.__getitem__) == "b"
    assert math.fsum(shares.values()) == pytest.approx(1)


def test_neighbours_vote_by_similarity():
    vote = neighbour_vote([0.9, 0.2, 0.2], ["a", "b", "b"], LABELS)
    assert vote["a"] > vote["b"] > vote["c"] > 0
    assert neighbour_vote([0.9, 0.2, 0.2], ["a", "b", "b"], LABELS, sharpness=0)["b"] > 0.5
    # One neighbour has one vote beside the two that the frequencies cast, here (1 + 1) / (1 + 3) for its label.
    assert neighbour_vote([0.1], ["a"], LABELS)["a"] == pytest.approx((1 + 2 * 0.5) / 3)
    assert neighbour_vote([0.1], ["a"], LABELS, backing=1e9)["a"] == pytest.approx(0.5)
    assert neighbour_vote([], [], LABELS) == pytest.approx(dict.fromkeys(LABELS, 1 / 3))


def test_far_neighbours_are_heard_through_the_frequencies_alone():
    near = neighbour_vote([0.9, 0.8], ["a", "b"], LABELS, sharpness=50, backing=1e-9)
    far = neighbour_vote([0.9, 0.8, *[-0.5] * 100], ["a", "b", *["c"] * 100], LABELS, sharpness=50, backing=1e-9)
    assert far == pytest.approx(near, abs=1e-8)
    backed = neighbour_vote([0.9, 0.8, *[-0.5] * 100], ["a", "b", *["c"] * 100], LABELS, sharpness=50)
    assert backed["c"] > 0.5


@pytest.mark.parametrize("sharpness", [0, 8, 500])
def test_every_result_is_a_distribution_in_the_order_of_the_labels(sharpness):
    for shares in (
        label_frequencies(["b"] * 100, LABELS, add=1e-6),
        recent_label_frequencies(["b", "a"] * 50, LABELS, 3),
        neighbour_vote([0.1 * n for n in range(10)], list("abcabcabca"), LABELS, sharpness=sharpness),
    ):
        assert list(shares) == LABELS
        assert math.fsum(shares.values()) == pytest.approx(1)
        assert all(share > 0 for share in shares.values())


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="'z'"):
        label_frequencies(["z"], LABELS)
    with pytest.raises(DataError, match="one each"):
        neighbour_vote([0.1], ["a", "b"], LABELS)
    with pytest.raises(DataError, match="finite"):
        neighbour_vote([math.nan], ["a"], LABELS)
    for call in (
        lambda: label_frequencies([], []),
        lambda: label_frequencies([], ["a", "a"]),
        lambda: label_frequencies([], LABELS, add=0),
        lambda: recent_label_frequencies([], LABELS, half_life=0),
        lambda: recent_label_frequencies([], LABELS, half_life=math.nan),
        lambda: neighbour_vote([], [], LABELS, sharpness=-1),
        lambda: neighbour_vote([], [], LABELS, backing=0),
        lambda: most_frequent(["a"], -1),
    ):
        with pytest.raises(ConfigurationError):
            call()


def test_most_frequent_prefers_the_recent_among_equals():
    assert most_frequent(["a", "b", "b", "c", "c"], 2) == ["c", "b"]
    assert most_frequent(["a", "b"], 5) == ["b", "a"]
    assert most_frequent([], 3) == most_frequent(["a"], 0) == []


def test_nearest_response_is_the_last_among_equals():
    assert nearest_response([0.1, 0.9, 0.9, 0.3], ["w", "x", "y", "z"]) == "y"
    for similarities, responses in (([], []), ([0.1], [])):
        with pytest.raises(DataError, match="one each"):
            nearest_response(similarities, responses)
