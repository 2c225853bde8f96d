import asyncio
import contextlib

import dspy
import pytest

import personaopt as po
from personaopt.lm.metering import Meter


@pytest.fixture
def ask(tiny_folder, tmp_path):
    """A question to the tiny model, through DSPy, with a cache of its own."""
    lm = po.local_lm(tiny_folder)
    predict = dspy.Predict("film -> liked: bool")
    with dspy.context(lm=lm, adapter=po.LocalAdapter()):
        yield predict


def test_calls_tokens_and_time_are_counted(ask):
    with Meter().running() as meter:
        ask(film="one")
        first = meter.usage
        ask(film="two films")
    assert first.calls == 1
    assert meter.usage.calls == 2
    assert meter.usage.input_tokens > first.input_tokens > 5
    assert meter.usage.output_tokens == 2
    assert meter.usage.tokens == meter.usage.input_tokens + 2
    assert meter.usage.seconds > 0
    ask(film="three")
    assert meter.usage.calls == 2


def test_threads_lose_nothing(ask):
    with Meter().running() as meter:
        examples = [dspy.Example(film=f"film {n}").with_inputs("film") for n in range(20)]
        dspy.Parallel(num_threads=8, disable_progress_bar=True)([(ask, example) for example in examples])
    assert meter.usage.calls == 20


def test_tasks_lose_nothing(ask):
    async def gather():
        return await asyncio.gather(*(ask.acall(film=f"film {n}") for n in range(20)))

    with Meter().running() as meter:
        asyncio.run(gather())
    assert meter.usage.calls == 20


def test_a_tracker_inside_and_one_outside_see_the_same_calls(ask):
    with dspy.track_usage() as outer:
        ask(film="before")
        with Meter().running() as meter:
            ask(film="one")
            with dspy.track_usage() as inner:
                ask(film="two")
                ask(film="three")
    assert meter.usage.calls == 3
    assert len(next(iter(inner.usage_data.values()))) == 2
    assert len(next(iter(outer.usage_data.values()))) == 4
    assert outer.get_total_tokens()


def test_a_meter_that_runs_twice_hands_every_call_over_once(ask):
    meter = Meter()
    with dspy.track_usage() as outer:
        for film in ("one", "two"):
            with meter.running():
                ask(film=film)
    assert meter.usage.calls == 2
    assert len(next(iter(outer.usage_data.values()))) == 2


def test_calls_are_counted_when_the_block_fails(ask):
    meter = Meter()
    with dspy.track_usage() as outer, contextlib.suppress(ZeroDivisionError), meter.running():
        ask(film="one")
        ask(film=str(1 / 0))
    assert meter.usage.calls == 1
    assert len(next(iter(outer.usage_data.values()))) == 1


def test_cached_answers_cost_nothing(tiny_folder, tmp_path):
    lm = po.local_lm(tiny_folder, cache=True)
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    try:
        predict = dspy.Predict("film -> liked: bool")
        with dspy.context(lm=lm, adapter=po.LocalAdapter()), Meter().running() as meter:
            first = predict(film="asked twice")
            again = predict(film="asked twice")
        assert again.probabilities == first.probabilities
        assert meter.usage.calls == 1
    finally:
        dspy.configure_cache()
