import asyncio
import copy
import itertools
import pickle
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import dspy
import pytest
from chat_server import Answer, chat_server
from dspy.lm15 import StreamDeltaEvent, StreamStartEvent, TextDelta
from dspy.utils.exceptions import LMRateLimitError, LMTimeoutError
from hashed_words import HashedWords
from scripted_lm import RuleObeyingEngine, Rules, scripted_lm

import personaopt as po
from personaopt.lm import limits
from personaopt.lm.limiter import Limiter
from personaopt.lm.limits import limited
from personaopt.lm.local import is_small_local
from personaopt.lm.metering import Meter

RULES = Rules(sign_off="Best, Kim", lower=True, words=8)
QUESTION = dspy.Predict("question -> answer")


@pytest.fixture(autouse=True)
def prices_at_hand(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def ask(lm, count, *, awaited=False, threads=16):
    """So many questions at once; the answers, or the errors."""

    async def gather():
        with dspy.context(lm=lm, adapter=None):
            return await asyncio.gather(
                *(QUESTION.acall(question=f"number {n}") for n in range(count)), return_exceptions=True
            )

    def one(n):
        try:
            with dspy.context(lm=lm, adapter=None):
                return QUESTION(question=f"number {n}")
        except dspy.LMError as error:
            return error

    if awaited:
        return asyncio.run(gather())
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(count)))


def answers(results):
    return [result.answer for result in results]


@pytest.mark.parametrize("awaited", [False, True])
def test_never_more_than_so_many_at_once(awaited):
    with chat_server(lambda body, number: Answer(after=0.05)) as server:
        free = ask(server.lm(), 8, awaited=awaited)
        assert server.most_at_once > 3
        server.most_at_once = 0
        held = ask(limited(server.lm(), concurrent=3), 12, awaited=awaited)
    assert server.most_at_once == 3
    assert answers(free) + answers(held) == ["yes"] * 20


def test_threads_and_tasks_and_copies_share_one_limiter():
    with chat_server(lambda body, number: Answer(after=0.03)) as server:
        lm = limited(server.lm(), concurrent=2)
        others = [lm.copy(temperature=0.5), copy.deepcopy(lm), lm]
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(ask, other, 4, awaited=awaited) for other in others for awaited in (False, True)]
            assert [answers(future.result()) for future in waiting] == [["yes"] * 4] * 6
    assert server.most_at_once == 2


@pytest.mark.parametrize("awaited", [False, True])
def test_no_window_holds_more_requests_than_its_limit(awaited):
    window = 0.4
    with chat_server() as server:
        lm = limited(server.lm(), limiter=Limiter(requests=4, window=window))
        ask(lm, 11, awaited=awaited)
    assert len(server.times) == 11
    # What is measured is when requests arrive; on their way they may be held up a little.
    assert all(later - first > window - 0.1 for first, later in zip(server.times, server.times[4:], strict=False))
    assert server.times[-1] - server.times[0] < 2 * window + 0.6


def test_tokens_are_reserved_and_then_corrected():
    usage = {"prompt_tokens": 40, "completion_tokens": 10, "total_tokens": 50}
    with chat_server(lambda body, number: Answer(usage=usage)) as server:
        reserved = []
        limiter = Limiter(tokens=10_000, window=0.5)
        lm = limited(server.lm(max_tokens=600), limiter=limiter)
        lm._estimate = lambda *asked: reserved.append(type(lm)._estimate(lm, *asked)) or reserved[-1]
        ask(lm, 1)
        assert 650 < reserved[0] < 900  # the prompt and what the answer may take
        assert limiter._taken == 50
        limiter.tokens = reserved[0] + 120  # room for one that runs, and for two that were answered
        began = time.monotonic()
        ask(lm, 3)
        assert len(limiter._begun) <= 3
        assert time.monotonic() - began > 0.3
        heavy = limited(server.lm(max_tokens=5000), limiter=Limiter(tokens=100, window=0.3))
        assert answers(ask(heavy, 2)) == ["yes", "yes"]  # more than the limit alone: in an empty window
        assert server.times[-1] - server.times[-2] > 0.2


def test_first_come_first_served():
    limiter, order = Limiter(concurrent=1), []

    def run(number):
        with limiter.turn():
            order.append(number)
            time.sleep(0.01)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    with limiter.turn():
        for thread in threads:
            thread.start()
            while len(limiter._waiting) <= threads.index(thread):
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_is_cancelled_leaves_the_queue():
    limiter = Limiter(concurrent=1)

    async def have():
        async with limiter.aturn():
            return "had"

    async def run():
        async with limiter.aturn():
            first, second = asyncio.create_task(have()), asyncio.create_task(have())
            await asyncio.sleep(0.01)
            first.cancel()
            await asyncio.sleep(0.01)
        return await asyncio.wait_for(second, 2)

    assert asyncio.run(run()) == "had"
    assert limiter._running == 0
    assert not limiter._waiting


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("form", ["seconds", "date", "reset"])
def test_a_rate_limit_is_waited_for_as_the_provider_says(awaited, form):
    def answer(body, number):
        if number > 1:
            return Answer()
        until = datetime.now(UTC) + timedelta(seconds=2)  # a date has whole seconds
        headers = {
            "seconds": {"Retry-After": "0.6"},
            "date": {"Retry-After": format_datetime(until, usegmt=True)},
            "reset": {"x-ratelimit-reset-requests": "600ms", "x-ratelimit-remaining-requests": "0"},
        }
        return Answer(status=429, headers=headers[form])

    with chat_server(answer) as server:
        lm = limited(server.lm(num_retries=1))
        assert answers(ask(lm, 1, awaited=awaited)) == ["yes"]
        waited = server.times[1] - server.times[0]
    assert 0.6 <= waited < 3.0


def test_while_a_provider_asks_for_patience_nobody_else_asks():
    def answer(body, number):
        return Answer(status=429, headers={"Retry-After": "0.5"}) if number == 1 else Answer()

    with chat_server(answer) as server:
        lm = limited(server.lm(num_retries=1), concurrent=1)
        assert answers(ask(lm, 4)) == ["yes"] * 4
    assert len(server.times) == 5
    assert all(later - server.times[0] >= 0.5 for later in server.times[1:])


@pytest.mark.parametrize("awaited", [False, True])
def test_a_server_error_is_tried_again_with_jitter(awaited, monkeypatch):
    drawn = []
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: drawn.append((low, high)) or 0.05)
    with chat_server(lambda body, number: Answer(status=503 if number <= 2 else 200)) as server:
        lm = limited(server.lm(num_retries=2))
        assert answers(ask(lm, 1, awaited=awaited)) == ["yes"]
    assert len(server.times) == 3
    assert drawn == [(0.5, 1.0)] * 2
    assert 0.1 <= server.times[2] - server.times[1] < 1  # 2 s times what was drawn


@pytest.mark.parametrize(("status", "retries", "attempts"), [(503, 0, 1), (503, 1, 2), (400, 3, 1), (401, 3, 1)])
def test_what_lasts_is_not_tried_again_and_what_passes_no_more_than_asked(status, retries, attempts, monkeypatch):
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: 0.01)
    with chat_server(lambda body, number: Answer(status=status)) as server:
        (error,) = ask(limited(server.lm(num_retries=retries)), 1)
    assert isinstance(error, dspy.LMError)
    assert len(server.times) == attempts


def test_a_provider_that_asks_for_an_hour_is_not_asked_again():
    with chat_server(lambda body, number: Answer(status=429, headers={"Retry-After": "3600"})) as server:
        began = time.monotonic()
        (error,) = ask(limited(server.lm(num_retries=3)), 1)
    assert isinstance(error, LMRateLimitError)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        ("6m0s", 360.0),
        ("250ms", 0.25),
        ("1h2m", 3720.0),
        ("soon", None),
        ("2026-01-01", None),
    ],
)
def test_times_until_a_reset(text, seconds):
    assert limits._seconds(text) == seconds


def test_a_reset_at_a_time_of_day():
    until = datetime.now(UTC) + timedelta(seconds=30)
    assert limits._seconds(until.isoformat().replace("+00:00", "Z")) == pytest.approx(30, abs=2)


class HangingEngine:
    """Never answers."""

    def __init__(self):
        self.ever = threading.Event()

    def complete(self, request):
        self.ever.wait()
        raise RuntimeError("woken")


class AsyncHangingEngine:
    async def complete(self, request):
        await asyncio.Event().wait()


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("custom", [False, True])
def test_a_hanging_call_times_out_and_others_have_their_turn(awaited, custom):
    with chat_server(lambda body, number: Answer(after=30 if number == 1 else 0)) as server:
        engine = HangingEngine()
        hanging = dspy.LM("a/b", engine=engine, async_engine=AsyncHangingEngine(), num_retries=0, cache=False)
        lm = limited(hanging if custom else server.lm(num_retries=0), concurrent=1, timeout=0.4)
        began = time.monotonic()
        (error,) = ask(lm, 1, awaited=awaited)
        assert 0.4 <= time.monotonic() - began < 2
        assert isinstance(error, LMTimeoutError)
        assert "0.4 seconds" in str(error)
        if not custom:
            assert answers(ask(lm, 1, awaited=awaited)) == ["yes"]
        engine.ever.set()


class BreakingEngine:
    """Its streams break off, after a word or before it."""

    supports_response_schema = False

    def __init__(self, after):
        self.after = after
        self.streams = 0

    def complete(self, request):
        raise NotImplementedError

    async def events(self):
        self.streams += 1
        yield StreamStartEvent(model="a/b")
        if self.after:
            yield StreamDeltaEvent(TextDelta(text="word", part_index=0))
        raise dspy.lm15.ServerError("gone")


class AsyncBreakingEngine:
    def __init__(self, engine):
        self.engine = engine

    async def complete(self, request):
        raise NotImplementedError

    def stream(self, request):
        return self.engine.events()


@pytest.mark.parametrize(("after", "streams"), [(True, 1), (False, 3)])
def test_a_stream_that_was_seen_is_not_begun_again(after, streams, monkeypatch):
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: 0.01)
    engine = BreakingEngine(after)
    plain = dspy.LM("a/b", engine=engine, async_engine=AsyncBreakingEngine(engine), num_retries=2, cache=False)
    program = dspy.streamify(QUESTION, async_streaming=True, is_async_program=True)

    async def read():
        with dspy.context(lm=limited(plain, concurrent=1, timeout=20), adapter=None):
            async for _ in program(question="why?"):
                pass

    with pytest.raises(Exception):  # noqa: B017, PT011 - a group of tasks wraps it
        asyncio.run(read())
    assert engine.streams == streams


def test_a_crowd_of_threads_and_tasks_gets_through():
    limiter, lock, count = Limiter(concurrent=3), threading.Lock(), Counter()

    def step(change):
        with lock:
            count["now"] += change
            count["most"] = max(count["most"], count["now"])
            count["done"] += change < 0

    def visits(number):
        for _ in range(number):
            with limiter.turn():
                step(1)
                step(-1)

    async def visit():
        async with limiter.aturn():
            step(1)
            try:
                await asyncio.sleep(0)
            finally:
                step(-1)

    async def crowd():
        tasks = [asyncio.create_task(visit()) for _ in range(100)]
        for place, task in enumerate(tasks[::5]):
            asyncio.get_running_loop().call_later(place / 1000, task.cancel)
        return await asyncio.gather(*tasks, return_exceptions=True)

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(visits, 200) for _ in range(6)] + [pool.submit(asyncio.run, crowd()) for _ in range(3)]
        for future in waiting:
            future.result(30)
    assert count["most"] <= 3
    assert count["now"] == limiter._running == len(limiter._waiting) == 0
    assert count["done"] >= 1200 + 3 * 80


def test_cached_answers_wait_for_nothing_and_cost_nothing():
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    try:
        with chat_server() as server, Meter().running() as meter:
            lm = limited(server.lm("openai/gpt-4.1-mini", cache=True), limiter=Limiter(requests=1, window=60))
            for awaited in (False, False, True):
                if awaited:  # DSPy keeps answers that were awaited apart
                    lm = limited(server.lm("openai/gpt-4.1-mini", cache=True), limiter=Limiter(requests=1, window=60))
                    ask(lm, 1, awaited=True)
                assert answers(ask(lm, 1, awaited=awaited)) == ["yes"]
            assert len(server.times) == 2
            assert meter.usage.calls == 1  # the meter's own; threads of a bare pool do not inherit it
    finally:
        dspy.configure_cache()


def test_it_is_the_same_lm_otherwise():
    plain = dspy.LM("openai/gpt-4.1-mini", api_key="secret", temperature=0.3, num_retries=5)
    lm = limited(plain, concurrent=2)
    assert lm.dump_state() == plain.dump_state()
    assert type(dspy.LM.load_state(lm.dump_state())) is dspy.LM
    assert (lm.model, lm.kwargs, lm.supports_response_schema) == (plain.model, plain.kwargs, True)
    assert lm.retries == 5
    assert lm.copy(num_retries=2).retries == 2
    assert type(plain) is dspy.LM
    assert plain.num_retries == 5
    loaded = pickle.loads(pickle.dumps(lm))
    assert loaded.limiter.concurrent == 2


class Quoting(dspy.LM):
    """A kind of LM of somebody else's."""

    def quoted(self):
        return f"<{self.model}>"


def test_a_kind_of_lm_stays_that_kind():
    with chat_server() as server:
        lm = limited(Quoting("openai/x", api_base=server.url, api_key="none", cache=False), concurrent=1)
        assert isinstance(lm, Quoting)
        assert lm.quoted() == "<openai/x>"
        assert lm.dump_state()["_dspy_lm_class"].endswith(".Quoting")
        assert answers(ask(lm, 2)) == ["yes", "yes"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"concurrent": 0}, "concurrent"),
        ({"requests_per_minute": 1.5}, "requests"),
        ({"tokens_per_minute": True}, "tokens"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"limiter": Limiter(concurrent=1), "concurrent": 2}, "not both"),
    ],
)
def test_limits_are_above_nothing(settings, said):
    with pytest.raises(po.ConfigurationError, match=said):
        limited(dspy.LM("openai/x"), **settings)


def test_what_cannot_be_limited():
    with pytest.raises(po.ConfigurationError, match="is a str"):
        limited("openai/x")
    with pytest.raises(po.ConfigurationError, match="limited already"):
        limited(limited(dspy.LM("openai/x")))


def alignment(lm, *, awaited=False, **settings):
    with po.open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=lm, adapter=None):
        user = store.user("u")
        texts = [f"Shall we meet tomorrow at house {n}" for n in range(10)]
        user.record(
            po.Interaction({"message": text}, ground_truth={"reply": RULES.reply(text)}, time=n, id=f"i{n}")
            for n, text in enumerate(texts)
        )
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=2)
        aligner = po.PersonaAligner(latest=4, held_out=2, **settings)
        return asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)


def obeying(spoil=lambda number: None):
    engine = RuleObeyingEngine()

    def answer(body, number):
        return spoil(number) or Answer(engine.complete(dspy.lm15.request_from_openai_chat(body)).text)

    return answer


@pytest.mark.parametrize("awaited", [False, True])
def test_an_alignment_within_limits_gives_the_same_persona(awaited, monkeypatch):
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: low / 10)
    plain = alignment(scripted_lm())

    def busy(number):
        return Answer(status=429, headers={"Retry-After": "0.1"}) if number % 9 == 0 else None

    with chat_server(obeying(busy)) as server:
        lm = limited(server.lm(num_retries=3), concurrent=3, requests_per_minute=10_000, timeout=20)
        held = alignment(lm, awaited=awaited)
    assert server.most_at_once <= 3
    assert held.persona == plain.persona
    assert held.detailed_results.losses == plain.detailed_results.losses
    assert held.detailed_results.usage.calls == plain.detailed_results.usage.calls < len(server.times)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_hanging_call_is_a_failure_of_one_interaction_and_not_of_the_run(awaited):
    hangs = itertools.count()
    lock = threading.Lock()

    def hang(number):
        with lock:
            return Answer(after=60) if next(hangs) == 3 else None  # one of the first answers

    with chat_server(obeying(hang)) as server:
        lm = limited(server.lm(num_retries=0), timeout=2.0)
        began = time.monotonic()
        aligned = alignment(lm, awaited=awaited, epochs=1)
        assert time.monotonic() - began < 20
    notes = " ".join(aligned.detailed_results.notes)
    assert "1 interactions could not be simulated" in notes
    assert "2 seconds" in notes
    assert aligned.detailed_results.accepted


def test_the_local_model_within_limits_still_measures(tiny_folder):
    plain = po.local_lm(tiny_folder)
    lm = limited(plain, concurrent=2, requests_per_minute=1000, timeout=60)
    predict = dspy.Predict("film -> liked: bool")
    with dspy.context(lm=lm, adapter=po.LocalAdapter()), Meter().running() as meter:
        held = predict(film="one")
        awaited = asyncio.run(predict.acall(film="one"))
    with dspy.context(lm=plain, adapter=po.LocalAdapter()):
        free = predict(film="one")
    for other in (free, awaited):  # the last digits depend on what the prefix cache holds
        assert held.probabilities["liked"] == pytest.approx(other.probabilities["liked"], rel=1e-4)
    assert meter.usage.calls == 2
    assert is_small_local(lm)


def test_what_ends_a_call_is_not_waited_for():
    def end(kind, number, prompt):
        raise SystemExit("over")

    began = time.monotonic()
    with pytest.raises(SystemExit):
        limited(scripted_lm(spoil=end), timeout=20)("hello")
    assert time.monotonic() - began < 10
