"""Critics and editors by themselves: what they show an LM, what they take from it, and how candidates differ."""

from __future__ import annotations

import json

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.lm.asks import Failure
from personaopt.lm.driving import drive
from personaopt.optimizers.checkpoint import digest
from personaopt.optimizers.critics import Chained, ChainedCritic, ContrastiveCritic, Gradient, LMCritic
from personaopt.optimizers.editors import EditRequest, LMEditor
from personaopt.optimizers.losses import Outcome, ResponseObjective
from personaopt.optimizers.results import Candidate
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.edit import FOCUSES

KIM = Rules(sign_off="Best, Kim")


@pytest.fixture
def agent():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        yield po.PersonaAgent("message -> reply", user=store.user("u"), retrieve=0)


def outcome(number=0, score=0.5, feedback=""):
    text = f"Shall we meet at house {number}"
    interaction = po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, id=f"i{number}")
    return Outcome(interaction, {"reply": Rules().reply(text)}, score, feedback=feedback)


def run(lm, asks, **settings):
    def steps():
        return (yield asks)

    with dspy.context(lm=lm, adapter=None):
        return drive(steps(), threads=8, **settings)


def test_which_critics_write_the_loss_first():
    assert isinstance(ChainedCritic(), Chained)
    assert not isinstance(LMCritic(), Chained)
    assert not isinstance(ContrastiveCritic(), Chained)
    assert [(c.calls, c.levels) for c in (LMCritic(), ChainedCritic(), ContrastiveCritic())] == [(1, 1), (2, 2), (0, 0)]


def test_another_lm_may_write_the_loss(agent):
    losses, gradients = scripted_lm(), scripted_lm()
    critic = ChainedCritic(gradients, loss_lm=losses)
    (words,) = run(None, [critic.loss(agent, outcome())])
    (gradient,) = run(None, [critic.gradient_of(words, agent, Persona(), outcome())])
    assert isinstance(gradient, Gradient)
    assert [call.kind for call in losses.engine.calls] == ["loss"]
    assert [call.kind for call in gradients.engine.calls] == ["critique"]


def test_a_critic_hears_what_the_metric_said(agent):
    lm = scripted_lm()
    said = outcome(feedback="It must be signed.")
    run(lm, [LMCritic().gradient(agent, Persona(), said), ChainedCritic().loss(agent, said)])
    assert all("It must be signed." in call.sections["answer"] for call in lm.engine.calls)


def test_results_are_kept_and_read_back(agent):
    for critic in (LMCritic(), ChainedCritic()):
        ask = critic.gradient(agent, Persona(), outcome())
        gradient = Gradient(outcome(), "Say less.")
        assert ask.codec.read(json.loads(json.dumps(ask.codec.write(gradient)))).text == "Say less."
        with pytest.raises(TypeError):
            ask.codec.read({"text": 1})


class Judging:
    """A metric that asks an LM, in both ways."""

    calls = 2

    def __init__(self):
        self.asked = []

    def __call__(self, example, prediction, trace=None):
        self.asked.append("called")
        return 0.5

    async def acall(self, example, prediction):
        self.asked.append("awaited")
        return dspy.Prediction(score=0.5, feedback="no")


@pytest.mark.parametrize("awaited", [False, True])
def test_a_metric_that_asks_an_lm_is_counted_and_awaited(awaited):
    import asyncio

    metric = Judging()
    with po.open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=scripted_lm(), adapter=None):
        user = store.user("u")
        user.record([outcome(number).interaction for number in range(6)])
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
        told: list = []
        aligner = po.PersonaAligner(metric=metric, budget=po.Budget(calls=17), callbacks=[told.append])
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    # Six answers with two verdicts each are 18 calls, which the budget has no room for.
    assert "no room for 18 more" in aligned.detailed_results.stopped
    assert metric.asked == []
    ask = ResponseObjective(metric)
    assert getattr(ask.metric, "calls", 0) == 2


@pytest.mark.parametrize("awaited", [False, True])
def test_the_verdicts_of_a_metric_arrive(awaited):
    import asyncio

    metric = Judging()
    with po.open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=scripted_lm(), adapter=None):
        user = store.user("u")
        user.record([outcome(number).interaction for number in range(6)])
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
        aligner = po.PersonaAligner(metric=metric, epochs=0)
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    assert aligned.detailed_results.losses == (0.5,)
    assert metric.asked == ["awaited" if awaited else "called"] * 6


def request(agent, *, count=1, refusals=0, tried=(), persona=None):
    gradients = [Gradient(outcome(n, score), f"Feedback {n}.") for n, score in enumerate((0.5, 0.1, 0.7))]
    persona = persona or Persona.from_text("Likes tea.")
    return EditRequest(agent, persona, gradients, [], list(tried), count, 7, refusals)


def test_candidates_differ_in_what_they_are_about_and_are_drawn(agent):
    lm = scripted_lm(replies={"edit": lambda given: {"edits": [{"action": "add", "text": "Likes rain."}]}})
    asks = LMEditor(temperature=0.8).propose(request(agent, count=4))
    assert len({digest(ask) for ask in asks}) == 4
    run(lm, asks)
    shown = sorted(call.sections.get("focus", "") for call in lm.engine.calls)
    worst = FOCUSES[1].replace("{worst}", "2")  # the feedback on the answer with the highest loss
    assert shown == sorted(["", FOCUSES[0], worst, FOCUSES[2]])
    configs = [ask.asked.get("config") for ask in asks]
    assert configs[0] is None
    assert [config["temperature"] for config in configs[1:]] == [0.8] * 3
    assert len({config["rollout_id"] for config in configs[1:]}) == 3


def test_after_a_step_that_changed_nothing_the_focus_moves(agent):
    editor = LMEditor()
    focuses = [editor.propose(request(agent, refusals=n))[0].asked.get("focus", "") for n in range(4)]
    assert focuses[0] == ""
    assert focuses[1] == FOCUSES[0]
    assert "{worst}" not in focuses[2]
    assert "numbered 2" in focuses[2]
    assert FOCUSES[2] not in focuses  # which may find nothing, and would then end the run


def test_an_empty_persona_is_not_searched_for_mistakes(agent):
    asks = LMEditor().propose(request(agent, count=4, persona=Persona()))
    assert len(asks) == 4
    empty = EditRequest(agent, Persona(), request(agent).gradients, [], [], 4, 0)
    assert FOCUSES[2] not in [ask.asked.get("focus") for ask in LMEditor().propose(empty)]


def test_without_focuses_they_differ_by_chance(agent):
    asks = LMEditor(focuses=()).propose(request(agent, count=3, refusals=2))
    assert all("focus" not in ask.asked for ask in asks)
    assert len({digest(ask) for ask in asks}) == 3


def test_what_was_refused_is_shown_once_with_its_last_reason(agent):
    edit = Edit("add", Statement("Likes snow. " + "Very " * 900))
    tried = [
        Candidate((edit,), False, "worse"),
        Candidate((edit,), False, "too small"),
        Candidate((Edit("add", Statement("Is kept.")),), True, "helps"),
    ]
    (ask,) = LMEditor().propose(request(agent, tried=tried))
    (shown,) = ask.asked["refused"]
    assert shown.startswith("+ Likes snow.")
    assert shown.endswith("(too small)")
    assert len(shown) < 2500


def test_an_editor_that_only_refuses_has_failed(agent):
    refusal = {"edits": [{"action": "add", "text": "I'm sorry, I can't help with that."}]}
    (failed,) = run(scripted_lm(replies={"edit": lambda given: refusal}), LMEditor().propose(request(agent)))
    assert isinstance(failed, Failure)
    assert "sorry" not in failed.reason
    assert not failed.unreachable
