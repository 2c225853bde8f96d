import asyncio
import contextlib

import dspy
import pytest
from chat_server import Answer, chat_server
from scripted_lm import scripted_lm

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


@pytest.fixture(autouse=True)
def prices_at_hand(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


QUESTION = dspy.Predict("question -> answer")


def test_dollars_and_cached_tokens_are_those_of_the_provider_and_its_price():
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 600},
    }
    with chat_server(lambda body, number: Answer(usage=usage)) as server:
        lm = server.lm("openai/gpt-4.1-mini")
        with dspy.context(lm=lm, adapter=None), Meter().running() as meter:
            nothing = meter.usage
            QUESTION(question="one")
            asyncio.run(QUESTION.acall(question="two"))
    assert (nothing.calls, nothing.usd) == (0, 0.0)
    spent = meter.usage
    assert (spent.calls, spent.input_tokens, spent.output_tokens, spent.cached_tokens) == (2, 2000, 200, 1200)
    # $0.40 a million read, $0.10 read from the provider's cache, $1.60 written
    assert spent.usd == pytest.approx(2 * (400 * 0.4 + 600 * 0.1 + 100 * 1.6) / 1e6)
    assert spent.usd == spent.usd_known == pytest.approx(sum(entry["cost"] for entry in lm.history))


def test_one_call_of_unknown_price_makes_the_whole_unknown():
    with chat_server() as server, Meter().running() as meter, dspy.context(adapter=None):
        QUESTION(question="one", lm=server.lm("openai/gpt-4.1-mini"))
        known = meter.usage
        QUESTION(question="two", lm=server.lm("openai/a-model-of-our-own"))
    assert known.usd > 0
    assert meter.usage.usd is None
    assert meter.usage.usd_known == known.usd
    assert meter.usage.calls == 2


@pytest.mark.parametrize("settings", [{"disable_history": True}, {"max_history_size": 0}])
def test_without_records_the_price_is_unknown_and_never_nothing(settings):
    with chat_server() as server, dspy.context(adapter=None, **settings), Meter().running() as meter:
        QUESTION(question="one", lm=server.lm("openai/gpt-4.1-mini"))
    assert meter.usage.calls == 1
    assert meter.usage.usd is None


def test_an_answer_without_usage_is_a_call_of_unknown_price():
    with chat_server(lambda body, number: Answer(usage=None)) as server, Meter().running() as meter:
        QUESTION(question="one", lm=server.lm("openai/gpt-4.1-mini"))
    assert meter.usage.calls == 1
    assert meter.usage.usd is None


def test_a_cached_answer_costs_no_dollars_either():
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    try:
        with chat_server() as server, Meter().running() as meter, dspy.context(adapter=None):
            lm = server.lm("openai/gpt-4.1-mini", cache=True)
            QUESTION(question="asked twice", lm=lm)
            once = meter.usage
            QUESTION(question="asked twice", lm=lm)
        assert len(server.times) == meter.usage.calls == 1
        assert meter.usage.usd == once.usd > 0
    finally:
        dspy.configure_cache()


def test_custom_engines_have_calls_and_no_price():
    with Meter().running() as meter, dspy.context(lm=scripted_lm(), adapter=None):
        QUESTION(question="one")
    assert meter.usage.calls == 1
    assert meter.usage.tokens > 0
    assert meter.usage.usd is None


def test_dollars_in_threads_tasks_and_under_trackers_are_all_there():
    async def gather(lm):
        await asyncio.gather(*(QUESTION.acall(question=f"task {n}", lm=lm) for n in range(5)))

    with chat_server() as server, dspy.context(adapter=None), Meter().running() as outer:
        lm = server.lm("openai/gpt-4.1-mini")
        QUESTION(question="before", lm=lm)
        each = outer.usage.usd
        with Meter().running() as meter:
            examples = [dspy.Example(question=f"thread {n}", lm=lm).with_inputs("question", "lm") for n in range(10)]
            dspy.Parallel(num_threads=4, disable_progress_bar=True)([(QUESTION, example) for example in examples])
            asyncio.run(gather(lm))
            with dspy.track_usage():
                QUESTION(question="tracked", lm=lm)
            asyncio.run(dspy.asyncify(QUESTION)(question="asyncified", lm=lm))
    assert meter.usage.calls == 17
    assert meter.usage.usd == pytest.approx(17 * each)
    assert outer.usage.calls == 18
    assert outer.usage.usd == pytest.approx(18 * each)


def test_streamed_answers_are_counted(tiny_folder):
    lm = po.local_lm(tiny_folder, max_tokens=5)
    predict = dspy.Predict("question -> answer")

    async def stream():
        with dspy.context(lm=lm, adapter=dspy.ChatAdapter(use_json_adapter_fallback=False)), Meter().running() as meter:
            with contextlib.suppress(Exception):  # the tiny model writes nothing that can be read
                async for _ in dspy.streamify(predict)(question="why?"):
                    pass
            return meter.usage

    usage = asyncio.run(stream())
    assert usage.calls == 1
    assert usage.output_tokens == 5


def test_repeats_are_counted_apart():
    meter = Meter()
    meter.repeat()
    meter.repeat()
    assert meter.usage.repeats == 2
    assert meter.usage.calls == 0
