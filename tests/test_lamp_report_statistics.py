"""Comparisons of methods: Holm's correction, and the paired bootstrap against an enumeration of all resamples."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from personaopt.errors import DataError
from personaopt.evals.statistics import compare, holm, paired_bootstrap


def test_holm_as_in_a_worked_example() -> None:
    # R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm").
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.005, 0.01]) == pytest.approx([0.04, 0.015, 0.02])  # in the order that they were given in
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
    with pytest.raises(DataError, match="between 0 and 1"):
        holm([0.2, 1.2])


def test_holm_keeps_the_order_and_is_never_below_what_it_corrects() -> None:
    dice = random.Random(0)
    for _ in range(50):
        values = [dice.random() ** 3 for _ in range(dice.randint(1, 9))]
        corrected = holm(values)
        assert all(value <= after <= 1 for value, after in zip(values, corrected, strict=True))
        assert np.argsort(values).tolist() == sorted(range(len(values)), key=lambda k: (corrected[k], values[k]))
        assert min(corrected) == pytest.approx(min(1.0, min(values) * len(values)))


def test_the_p_value_and_the_interval_are_those_of_all_resamples() -> None:
    a = {"u": [1.0, 0.0, 1.0], "v": [1.0], "w": [0.0, 1.0], "x": [1.0, 1.0], "y": [0.0]}
    b = {"u": [0.0, 0.0, 0.0], "v": [1.0], "w": [1.0, 1.0], "x": [0.0, 1.0], "y": [0.0]}
    users = sorted(a)
    sums = {user: sum(a[user]) - sum(b[user]) for user in users}
    means = np.array(
        [sum(sums[u] for u in drawn) / sum(len(a[u]) for u in drawn) for drawn in itertools.product(users, repeat=5)]
    )
    found = compare(a, b, resamples=60_000)
    assert found.difference.mean == pytest.approx(2 / 9)
    assert (found.difference.n_users, found.difference.n) == (5, 9)
    exact = 2 * min((means <= 0).mean(), (means >= 0).mean())
    assert 0.1 < exact < 0.6
    assert found.p == pytest.approx(exact, abs=0.01)
    assert [found.difference.low, found.difference.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)
    assert found.difference == paired_bootstrap(a, b, resamples=60_000)


def test_the_p_value_says_what_the_interval_says() -> None:
    dice = random.Random(1)
    said = set()
    for _ in range(60):
        shift = dice.uniform(-0.6, 0.6)
        values = {str(user): [dice.gauss(shift, 1) for _ in range(3)] for user in range(12)}
        found = compare(values, resamples=2000)
        if abs(found.p - 0.05) > 0.01:  # at the very edge the interpolated quantile may lie on either side
            assert found.difference.excludes_zero == (found.p < 0.05)
            said.add(found.difference.excludes_zero)
    assert said == {True, False}


def test_no_difference_and_a_clear_one() -> None:
    same = {str(user): [0.5, 1.0] for user in range(8)}
    assert compare(same, same).p == 1.0
    better = {user: [value + 1 for value in values] for user, values in same.items()}
    clear = compare(better, same, resamples=999)
    assert clear.p == pytest.approx(2 / 1000)  # never nil
    assert clear.difference.excludes_zero


def test_one_user_says_nothing_of_others() -> None:
    alone = compare({"u": [1.0, 1.0]}, {"u": [0.0, 0.0]})
    assert alone.p == 1.0
    assert not alone.difference.excludes_zero
