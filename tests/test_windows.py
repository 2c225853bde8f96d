"""Which interactions are learnt from and which are judged by, whatever the strategy and however short the history."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import pytest

import personaopt as po
from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.optimizers.windows import FEWEST, by_answer, by_day, by_session, latest_with_slice

LABELS = "aaaaaabbbbccd"


def history(count, seed=0):
    draw = random.Random(seed)
    return [
        Interaction(
            {"q": str(n)}, ground_truth={"a": draw.choice(LABELS)}, time=n * 3600.0, session=f"s{n // 5}", id=f"i{n}"
        )
        for n in range(count)
    ]


def losses_of(items, seed=0):
    draw = random.Random(seed)
    return {item.id: draw.choice([0.0, 0.0, 0.5, 1.0]) for item in items}


STRATEGIES = {
    "latest": po.LatestWindow,
    "stratified": po.StratifiedWindow,
    "hardest": po.HardestWindow,
    "replay": po.ReplayWindow,
}


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("seed", range(40))
def test_window_and_slice_are_parts_of_the_history_of_the_promised_size(name, seed):
    draw = random.Random(seed)
    count, n, h = draw.randint(0, 60), draw.randint(1, 10), draw.randint(0, 6)
    items = history(count, seed)
    strategy = STRATEGIES[name](n, h)
    losses = losses_of(strategy.pool(items, seed), seed)
    window = strategy.choose(items, losses, seed)
    ids = [item.id for item in window.all]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {item.id for item in items}
    for part in (window.learn, window.hold_out):
        places = [items.index(item) for item in part]
        assert places == sorted(places)
    extra = min(3, max(0, count - n - h)) if name == "replay" else 0
    if count >= n + h:
        held = h + (math.ceil(extra * h / (n + h)) if extra else 0)
        assert (len(window.all), len(window.hold_out)) == (n + h + extra, held)
        assert not window.note
    else:
        assert len(ids) == count
        assert len(window.hold_out) == (min(h, math.ceil(count / 3)) if count >= FEWEST else 0)
        assert bool(window.note) == bool(h)
    assert window == strategy.choose(items, losses, seed)
    assert len(strategy.choose(items, {}, seed).all) == len(ids)  # a preview knows the size before any loss


@pytest.mark.parametrize("strategy", [po.LatestWindow(), po.StratifiedWindow(), po.ReplayWindow()])
def test_only_the_hardest_need_losses(strategy):
    assert not strategy.pool(history(60), 0)


def test_the_latest_are_what_they_were():
    for seed in range(10):
        assert po.LatestWindow(8, 4).choose(history(40), {}, seed) == latest_with_slice(history(40), 8, 4, seed)


def test_the_seed_decides_the_slice():
    for make in STRATEGIES.values():
        slices = {make(8, 4).choose(history(60), {}, seed).hold_out for seed in range(20)}
        assert len(slices) > 5


def with_labels(labels):
    return [Interaction({"q": str(n)}, ground_truth={"a": label}, id=f"i{n}") for n, label in enumerate(labels)]


def test_every_label_has_its_share_however_alike_the_latest_are():
    items = with_labels("bbbbbbccc" + "a" * 20 + "d")
    assert {item.ground_truth["a"] for item in po.LatestWindow(8, 4).choose(items, {}, 0).all} == {"a", "d"}
    window = po.StratifiedWindow(8, 4).choose(items, {}, 0)
    # One place each; of the other eight seven go to 20/3, 20/5 ... 20/15 and one to 6/3.
    assert Counter(item.ground_truth["a"] for item in window.all) == {"a": 8, "b": 2, "c": 1, "d": 1}
    newest = [item.id for item in items if item.ground_truth["a"] == "b"][-2:]
    assert [item.id for item in window.all if item.id in newest] == newest


def test_the_slice_is_stratified_too():
    items = with_labels("ab" * 12)
    for seed in range(20):
        window = po.StratifiedWindow(6, 6).choose(items, {}, seed)
        assert Counter(item.ground_truth["a"] for item in window.hold_out) == {"a": 3, "b": 3}


def test_strata_are_sessions_days_or_anything_else():
    items = history(40)
    sessions = {item.session for item in po.StratifiedWindow(4, 4, by=by_session, consider=40).choose(items, {}, 0).all}
    assert len(sessions) == 8
    assert len({by_day(item) for item in po.StratifiedWindow(2, 0, by=by_day).choose(items, {}, 0).all}) == 1
    assert {by_day(item) for item in items} == {"1970-01-01", "1970-01-02"}
    assert by_day(Interaction({"q": "?"})) is None
    parity = po.StratifiedWindow(4, 2, by=lambda item: int(item.id[1:]) % 2).choose(items, {}, 0)
    assert Counter(int(item.id[1:]) % 2 for item in parity.all) == {0: 3, 1: 3}
    assert by_answer(items[0]) == by_answer(Interaction({"q": "other"}, ground_truth=items[0].ground_truth))


def test_where_every_answer_is_its_own_the_strata_are_the_latest():
    items = [Interaction({"q": "?"}, ground_truth={"a": f"text {n}"}, id=f"i{n}") for n in range(30)]
    window = po.StratifiedWindow(8, 4).choose(items, {}, 0)
    assert sorted(window.all, key=items.index) == items[-12:]


def test_what_is_too_old_is_not_considered():
    items = with_labels("b" * 10 + "a" * 12)
    assert {item.ground_truth["a"] for item in po.StratifiedWindow(8, 4, consider=12).choose(items, {}, 0).all} == {"a"}


def test_the_hardest_are_learnt_from_and_the_slice_is_drawn_whatever_the_losses():
    items = history(60)
    strategy = po.HardestWindow(4, 4)
    pool = strategy.pool(items, 0)
    assert list(pool) == items[-16:]
    losses = {item.id: float(place) for place, item in enumerate(pool)}
    window = strategy.choose(items, losses, 0)
    rest = [item for item in pool if item not in window.hold_out]
    assert list(window.learn) == rest[-4:]
    turned = strategy.choose(items, {key: -value for key, value in losses.items()}, 0)
    assert list(turned.learn) == rest[:4]
    assert turned.hold_out == window.hold_out


def test_the_slice_of_the_hardest_is_no_harder_than_the_pool():
    items, strategy = history(200), po.HardestWindow(8, 4, consider=40)
    pool = strategy.pool(items, 0)
    losses = losses_of(pool, 1)
    chosen = [strategy.choose(items, losses, seed) for seed in range(300)]

    def mean(parts):
        found = [losses[item.id] for part in parts for item in part]
        return sum(found) / len(found)

    assert mean([window.hold_out for window in chosen]) == pytest.approx(mean([pool]), abs=0.04)
    assert mean([window.learn for window in chosen]) > mean([pool]) + 0.3


def test_of_equals_the_newest_and_what_could_not_be_simulated_last():
    items = history(30)
    strategy = po.HardestWindow(3, 0, consider=6)
    pool = [item.id for item in strategy.pool(items, 0)]
    losses = dict.fromkeys(pool, 0.5)
    assert [item.id for item in strategy.choose(items, losses, 0).learn] == pool[-3:]
    del losses[pool[-1]]
    assert [item.id for item in strategy.choose(items, losses, 0).learn] == pool[-4:-1]


def test_a_few_older_ones_are_added_and_spread():
    items = history(112)
    window = po.ReplayWindow(8, 4, older=6).choose(items, {}, 0)
    older = [items.index(item) for item in window.all if items.index(item) < 100]
    assert len(older) == 6
    assert sorted(place * 6 // 100 for place in older) == list(range(6))
    assert sum(items.index(item) < 100 for item in window.hold_out) == 2
    assert {item.id for item in items[-12:]} < {item.id for item in window.all}
    assert po.ReplayWindow(8, 4, older=0).choose(items, {}, 0) == po.LatestWindow(8, 4).choose(items, {}, 0)


@pytest.mark.parametrize("make", STRATEGIES.values())
@pytest.mark.parametrize("sizes", [(0, 4), (8, -1), (8.0, 4), (True, 4)])
def test_sizes_that_make_no_sense_are_refused(make, sizes):
    with pytest.raises(ConfigurationError):
        make(*sizes)


def test_a_pool_smaller_than_the_window_is_refused():
    for make, wrong in itertools.product((po.HardestWindow, po.StratifiedWindow), (11, 0, 20.5)):
        with pytest.raises(ConfigurationError, match="consider"):
            make(8, 4, consider=wrong)
    with pytest.raises(ConfigurationError, match="older"):
        po.ReplayWindow(8, 4, older=-1)
