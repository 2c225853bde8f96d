import asyncio

import dspy
import pytest
from chat_server import Answer, chat_server
from hashed_words import HashedWords
from scripted_lm import RuleObeyingEngine, Rules, scripted_lm

from personaopt import Budget, ConfigurationError, Interaction, PersonaAgent, PersonaAligner, open_store
from personaopt.lm.metering import Usage
from personaopt.lm.prices import price


@pytest.fixture(autouse=True)
def prices_at_hand(monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


@pytest.fixture
def user():
    rules = Rules(sign_off="Best, Kim", lower=True, words=8)
    with open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for n in range(14):
            text = f"Shall we meet tomorrow at house {n}"
            user.record(Interaction({"message": text}, ground_truth={"reply": rules.reply(text)}, time=n, id=f"i{n}"))
        yield user


def spent(**values):
    return Usage(**{"calls": 10, "input_tokens": 900, "output_tokens": 100, "usd": 0.1, "usd_known": 0.1, **values})


@pytest.mark.parametrize(
    ("limits", "usage", "next_calls", "reason"),
    [
        ({"calls": 12}, spent(), 2, ""),
        ({"calls": 12}, spent(), 3, "no room for 3 more"),
        ({"tokens": 1200}, spent(), 2, ""),
        ({"tokens": 1200}, spent(), 3, "no room for 3 more calls (1000 spent, about 300 needed)"),
        ({"tokens": 1000}, spent(), 1, "is spent (1000)"),
        ({"tokens": 1}, Usage(), 5, ""),
        ({"usd": 0.12}, spent(), 2, ""),
        ({"usd": 0.12}, spent(), 3, "no room for 3 more calls ($0.1000 spent, about $0.0300 needed)"),
        ({"usd": 0.1}, spent(), 1, "is spent ($0.1000)"),
        ({"usd": 5}, spent(usd=None), 1, "cannot be held: what a call has cost is not known"),
        ({"usd": 0.1}, spent(usd=None), 1, "is spent"),
        ({"usd": 5}, Usage(usd=0.0), 5, ""),
        ({"seconds": 3}, spent(seconds=2.9), 50, ""),
        ({"seconds": 3}, spent(seconds=3.0), 1, "is spent (3.0 s)"),
        ({}, spent(usd=None, seconds=1e9), 1000, ""),
    ],
)
def test_a_level_begins_where_every_limit_has_room(limits, usage, next_calls, reason):
    said = Budget(**limits).exceeded(usage, next_calls)
    assert reason in said
    assert bool(said) == bool(reason)


def test_the_price_of_a_call():
    lm = dspy.LM("openai/gpt-4.1-mini")
    assert price(lm, 1_000_000, 0) == pytest.approx(0.4)
    assert price(lm, 0, 1_000_000) == pytest.approx(1.6)
    assert price(dspy.LM("openai/nobody-knows"), 1, 1) is None
    assert price(scripted_lm(), 1, 1) is None


def test_a_limit_in_dollars_needs_a_price():
    known = dspy.LM("openai/gpt-4.1-mini")
    Budget(usd=1).check_prices([known])
    Budget(tokens=1).check_prices([scripted_lm()])
    with pytest.raises(ConfigurationError, match=r"\$0.5 .*rule-obeying is not known; limit calls or tokens"):
        Budget(usd=0.5).check_prices([known, scripted_lm()])
    with dspy.context(disable_history=True), pytest.raises(ConfigurationError, match="history"):
        Budget(usd=1).check_prices([known])


@pytest.mark.parametrize("limit", [0, -1, True, "1", float("nan")])
@pytest.mark.parametrize("field", ["calls", "tokens", "usd", "seconds"])
def test_a_limit_is_above_nothing(field, limit):
    with pytest.raises(ConfigurationError, match=field):
        Budget(**{field: limit})


@pytest.mark.parametrize("awaited", [False, True])
def test_dollars_end_an_alignment_with_the_best_persona_so_far(user, awaited):
    engine = RuleObeyingEngine()

    def answer(body, number):
        request = dspy.lm15.request_from_openai_chat(body)
        return Answer(engine.complete(request).text, usage={"prompt_tokens": 1000, "completion_tokens": 100})

    a_call = price(dspy.LM("openai/gpt-4.1-mini"), 1000, 100)
    limit = 20.5 * a_call  # the start, 6 answers, 4 critiques, an editor and 6 trials are 18; 4 critiques have no room
    with chat_server(answer) as server, dspy.context(lm=server.lm("openai/gpt-4.1-mini"), adapter=None):
        agent = PersonaAgent("message -> reply", user=user)
        aligner = PersonaAligner(latest=4, held_out=2, epochs=9, budget=Budget(usd=limit))
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    results = aligned.detailed_results
    assert results.usage.calls == len(server.times) == 18
    assert results.usage.usd == pytest.approx(18 * a_call)
    assert "no room for 4 more calls" in results.stopped
    assert 'Always signs with "Best, Kim".' in [statement.text for statement in user.persona.statements]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_limit_that_could_not_be_held_is_refused_before_the_first_call(user, awaited):
    lm = scripted_lm()
    with dspy.context(lm=lm, adapter=None):
        agent = PersonaAgent("message -> reply", user=user)
        aligner = PersonaAligner(latest=4, held_out=2, budget=Budget(usd=1.0))
        with pytest.raises(ConfigurationError, match="price"):
            asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    assert lm.engine.count() == 0
