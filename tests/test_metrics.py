"""Metrics against values worked out by hand, and intervals against what is known of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.metrics import (
    classification,
    expected_calibration_error,
    nll,
    rating,
    rating_error,
    rouge,
)
from personaopt.evals.statistics import bootstrap_mean, paired_bootstrap


def test_accuracy_strips_and_counts_everything_else_as_wrong():
    figures = classification([" a\n", "B", "the label is c", "d"], ["a", "b", "c", "d"], ["a", "b", "c", "d"])
    assert figures["accuracy"] == 0.5


def test_macro_f1_is_over_the_whole_label_list():
    predictions, golds = ["a", "b", "b"], ["a", "a", "b"]
    # F1 of a and of b is 2/3 each; c is never right and counts as 0.
    assert classification(predictions, golds, ["a", "b"]) == pytest.approx({"accuracy": 2 / 3, "f1": 2 / 3})
    assert classification(predictions, golds, ["a", "b", "c"])["f1"] == pytest.approx(4 / 9)
    assert classification(["a", "nonsense", "b"], golds, ["a", "b"])["f1"] == pytest.approx((2 / 3 + 1) / 2)
    assert classification(["", "", ""], golds, ["a", "b"]) == {"accuracy": 0.0, "f1": 0.0}
    # Predictions come first: precision and recall change places otherwise.
    assert classification(["a", "a", "c"], ["a", "b", "c"], ["a", "b", "c"])["f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    with pytest.raises(DataError, match="'z' is not one of"):
        classification(["a"], ["z"], ["a", "b"])


def test_ratings_are_unclipped_and_nonsense_counts_as_the_farther_end():
    assert rating_error("7", "4") == 3.0
    assert rating_error("none", "4") == -3.0
    assert rating_error("nan", "2") == 3.0
    assert rating_error("", "3") == 2.0
    assert rating_error(4, " 5 ") == -1.0
    assert rating(["2", "5", "?"], ["1", "5", "3"]) == pytest.approx(
        {"mae": (1 + 0 + 2) / 3, "rmse": math.sqrt((1 + 0 + 4) / 3)}
    )
    for wrong in ("five", "nan", ""):
        with pytest.raises(DataError, match="not a number"):
            rating(["5", "5"], ["1", wrong])


def test_nll_is_natural_and_floored():
    assert nll("a", {"a": 0.25, "b": 0.75}) == pytest.approx(math.log(4))
    assert nll("a", {"a": 0.0, "b": 1.0}) == nll("a", {"b": 1.0}) == pytest.approx(-math.log(1e-12))
    assert nll("a", {"a": 1.0 + 1e-9}) == 0.0
    with pytest.raises(DataError, match=r"must lie in \[0, 1\]"):
        nll("a", {"a": 1.5})


def test_calibration_error():
    sure = [{"a": 0.9, "b": 0.1}] * 10
    assert expected_calibration_error(["a"] * 9 + ["b"], sure) == pytest.approx(0.0)
    assert expected_calibration_error(["a"] * 4 + ["b"] * 6, sure) == pytest.approx(0.5)
    # Two bins with gaps of 0.1 (weight 1/2) and 0.4 (weight 1/2).
    mixed = [{"a": 0.9, "b": 0.1}] * 2 + [{"a": 0.6, "b": 0.4}] * 2
    assert expected_calibration_error(["a", "a", "a", "a"], mixed) == pytest.approx(0.25)
    with pytest.raises(ConfigurationError):
        expected_calibration_error(["a"], [{"a": 1.0}], bins=0)
    with pytest.raises(DataError):
        expected_calibration_error(["a"], [{}])
    with pytest.raises(DataError, match="one prediction for each gold answer"):
        expected_calibration_error([], [])


def test_rouge():
    scores = rouge(["the cat ran away"], ["the cat sat"])
    assert scores["rouge_1"] == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    reordered = rouge(["three two one"], ["one two three"])
    assert reordered["rouge_1"] == 1.0
    assert reordered["rouge_l"] == pytest.approx(1 / 3)
    assert rouge(["a b", "d"], ["a b", "c"])["rouge_1"] == 0.5
    assert rouge(["a b", ""], ["a b", "c"])["rouge_l"] == 0.5
    assert rouge(["running"], ["runs"])["rouge_1"] == 0.0  # no stemming, as in LaMP


@pytest.mark.parametrize("metric", [lambda *pair: classification(*pair, ["1"]), rating, rouge])
def test_metrics_refuse_what_does_not_pair_up(metric):
    for predictions, golds in (([], []), (["1"], [])):
        with pytest.raises(DataError, match="one prediction for each gold answer"):
            metric(predictions, golds)


def _draws(seed, users=40):
    generator = np.random.default_rng(seed)
    return {f"u{n}": list(generator.normal(0.3, 1.0, size=int(generator.integers(1, 6)))) for n in range(users)}


def test_the_mean_is_over_questions_and_users_with_more_weigh_more():
    interval = bootstrap_mean({"a": [1.0, 1.0, 1.0], "b": [0.0]}, resamples=2000)
    assert interval.mean == 0.75
    assert (interval.low, interval.high, interval.n_users, interval.n) == (0.0, 1.0, 2, 4)


def test_users_are_resampled_and_not_questions():
    # Every user's questions agree with each other: 10 facts, however many questions repeat them.
    once = {f"u{n}": [float(n % 2)] for n in range(10)}
    often = {user: values * 50 for user, values in once.items()}
    narrow, wide = bootstrap_mean(once), bootstrap_mean(often)
    assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high))
    assert wide.high - wide.low > 0.5


def test_the_interval_is_that_of_the_normal_approximation_for_many_users():
    values = {f"u{n}": [float(value)] for n, value in enumerate(np.random.default_rng(3).normal(size=400))}
    flat = np.array([own[0] for own in values.values()])
    interval = bootstrap_mean(values, resamples=20_000)
    half = 1.96 * flat.std() / math.sqrt(len(flat))
    assert interval.low == pytest.approx(flat.mean() - half, abs=0.01)
    assert interval.high == pytest.approx(flat.mean() + half, abs=0.01)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    intervals = [bootstrap_mean(_draws(seed), resamples=500) for seed in range(200)]
    assert 0.88 <= np.mean([interval.low <= 0.3 <= interval.high for interval in intervals]) <= 0.99


def test_intervals_depend_on_the_seed_and_on_nothing_else():
    by_user = _draws(1)
    backwards = dict(reversed(by_user.items()))
    assert bootstrap_mean(by_user, seed=5) == bootstrap_mean(backwards, seed=5)
    assert bootstrap_mean(by_user, seed=5) != bootstrap_mean(by_user, seed=6)


def test_pairing_removes_what_users_share():
    hard = {f"u{n}": [float(n)] * 2 for n in range(30)}
    easier = {user: [value - 0.1 for value in values] for user, values in hard.items()}
    difference = paired_bootstrap(hard, easier)
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.1, 0.1, 0.1))
    assert difference.excludes_zero
    assert difference == paired_bootstrap(
        {user: [a - b for a, b in zip(hard[user], easier[user], strict=True)] for user in hard}
    )
    assert not bootstrap_mean({"a": [1.0], "b": [-1.0]}).excludes_zero


def test_bootstrap_refuses_bad_input():
    with pytest.raises(DataError, match="user 'b'"):
        paired_bootstrap({"a": [1.0], "b": [1.0]}, {"a": [1.0]})
    with pytest.raises(DataError, match="user 'a'"):
        paired_bootstrap({"a": [1.0]}, {"a": [1.0, 2.0]})
    for bad in ({}, {"a": []}, {"a": [math.nan]}):
        with pytest.raises(DataError, match="bootstrap needs"):
            bootstrap_mean(bad)
    for arguments in ({"resamples": 0}, {"confidence": 1.0}):
        with pytest.raises(ConfigurationError):
            bootstrap_mean({"a": [1.0]}, **arguments)
