"""The small decisions of an alignment: what is held out, what is kept, what is asked again."""

from __future__ import annotations

import asyncio
import math
import random

import dspy
import pytest
from dspy.utils.exceptions import AdapterParseError, LMServerError

from personaopt.errors import ConfigurationError, ModelError
from personaopt.interaction import Interaction
from personaopt.lm.asks import ATTEMPTS, Ask, Failure, one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.optimizers.acceptance import AcceptAll, ImprovesBoth, Trial, mean_loss
from personaopt.optimizers.losses import Outcome
from personaopt.optimizers.windows import latest_with_slice

HISTORY = [Interaction({"q": str(n)}, id=f"i{n}") for n in range(40)]


@pytest.mark.parametrize("seed", range(60))
def test_a_window_and_its_slice_part_the_latest_interactions(seed):
    rng = random.Random(seed)
    count, n, h = rng.randint(0, 40), rng.randint(1, 12), rng.randint(0, 8)
    window = latest_with_slice(HISTORY[:count], n, h, seed)
    assert sorted(item.id for item in window.all) == sorted(item.id for item in HISTORY[:count][-(n + h) :])
    for part in (window.learn, window.hold_out):
        assert [HISTORY.index(item) for item in part] == sorted(HISTORY.index(item) for item in part)
    if count >= n + h:
        assert (len(window.learn), len(window.hold_out), window.note) == (n, h, "")
    elif h and count >= 3:
        assert len(window.hold_out) == min(h, math.ceil(count / 3))
        assert str(count) in window.note
    assert window == latest_with_slice(HISTORY[:count], n, h, seed)


def test_the_slice_is_spread_over_the_window_and_the_seed_decides_it():
    slices = {latest_with_slice(HISTORY, 8, 4, seed).hold_out for seed in range(20)}
    assert len(slices) > 5
    for held in slices:
        places = [HISTORY.index(item) - 28 for item in held]
        assert [place // 3 for place in places] == [0, 1, 2, 3]


def trial(window, held) -> Trial:
    def of(losses):
        return [Outcome(HISTORY[0], {"a": "b"}, 1.0 - loss) for loss in losses]

    return Trial(*(of(losses) for pair in (window, held) for losses in pair))


@pytest.mark.parametrize(
    ("window", "held", "accepted", "why"),
    [
        (([1, 1], [0, 0]), ([1], [0]), True, "helps"),
        (([1, 1], [0, 0]), ([0], [1]), False, "not derived from"),
        (([0, 0], [1, 0]), ([1], [0]), False, "window it was derived from"),
        (([1, 1], [1, 1]), ([1], [1]), False, "too small"),
        (([1, 1], [0.98, 1]), ([1], [1]), False, "too small"),
        (([1, 1], [0, 0]), ([], []), True, "helps"),
        (([1, 0], [0, 0]), ([0], [0]), True, "helps"),
    ],
)
def test_an_edit_must_help_and_harm_neither_part(window, held, accepted, why):
    judged = trial(window, held)
    verdict = ImprovesBoth(minimum_effect=0.02, tolerance=0.0).judge(judged)
    assert verdict.accepted == accepted
    assert why in verdict.reason
    assert AcceptAll().judge(judged).accepted


def test_a_tolerance_lets_a_part_get_a_little_worse():
    judged = trial(([1, 1, 1, 1], [0, 0, 0, 0]), ([0, 0], [0.1, 0]))
    assert not ImprovesBoth(tolerance=0.0).judge(judged).accepted
    assert ImprovesBoth(tolerance=0.05).judge(judged).accepted
    assert mean_loss([]) == 0.0


def asks_of(replies):
    """An ask whose attempts give these replies, errors among them, and the attempts it made."""
    made = []

    def call(attempt):
        made.append(attempt)
        if isinstance(replies[attempt], Exception):
            raise replies[attempt]
        return replies[attempt]

    async def acall(attempt):
        return call(attempt)

    def finish(reply):
        if reply == "useless":
            raise ModelError("of no use")
        return reply

    return Ask(call, acall, finish), made


UNREADABLE = AdapterParseError(adapter_name="A", signature=dspy.Signature("q -> a"), lm_response="text of a user")


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    ("replies", "result", "attempts"),
    [
        (["good"], "good", 1),
        (["useless", "good"], "good", 2),
        ([UNREADABLE, "useless", "good"], "good", 3),
        ([UNREADABLE] * 5, Failure, ATTEMPTS),
        ([LMServerError("down"), "good"], Failure, 1),
    ],
)
def test_a_useless_reply_is_asked_for_again_and_a_dead_lm_is_not(awaited, replies, result, attempts):
    ask, made = asks_of(replies)

    def steps():
        return (yield [ask])

    (given,) = asyncio.run(adrive(steps(), threads=2)) if awaited else drive(steps(), threads=2)
    assert made == list(range(attempts))
    if result is Failure:
        assert isinstance(given, Failure)
        assert "\n" not in given.reason
        assert "text of a user" not in given.reason
    else:
        assert given == result


def test_without_room_nothing_is_asked_again():
    ask, made = asks_of(["useless", "good"])
    assert isinstance(ask.now(lambda calls: False), Failure)
    assert made == [0]


@pytest.mark.parametrize("error", [ConfigurationError("mistake"), ZeroDivisionError("bug")])
@pytest.mark.parametrize("awaited", [False, True])
def test_the_callers_mistakes_are_not_taken_for_the_lms(error, awaited):
    ask, made = asks_of([error, "good"])

    def steps():
        return (yield [ask])

    with pytest.raises(type(error)):
        asyncio.run(adrive(steps(), threads=2)) if awaited else drive(steps(), threads=2)
    assert made == [0]


def test_results_come_in_the_order_of_the_asks():
    def steps():
        first = yield [Ask.done(n) for n in range(50)]
        second = yield []
        return first, second

    assert drive(steps(), threads=7) == (list(range(50)), [])
    assert asyncio.run(adrive(steps(), threads=7)) == (list(range(50)), [])


def test_dspys_own_second_call_is_off_while_calls_are_counted():
    mine = dspy.ChatAdapter()
    for adapter in (None, mine):
        with dspy.context(adapter=adapter), one_call_an_attempt():
            assert dspy.settings.adapter.use_json_adapter_fallback is False
    assert mine.use_json_adapter_fallback is True
    chosen = dspy.XMLAdapter()
    chosen.use_json_adapter_fallback = False
    with dspy.context(adapter=chosen), one_call_an_attempt():
        assert dspy.settings.adapter is chosen
