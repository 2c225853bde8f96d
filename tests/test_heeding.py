"""Signals in the loss: what an accepted answer weighs, what a rejected one teaches, and turns with what came before."""

from __future__ import annotations

import json
import math
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, measuring_lm, scripted_lm
from talking import talking_lm

import personaopt as po
from personaopt.lm.driving import drive
from personaopt.memory.episodic import Recall
from personaopt.optimizers.acceptance import ImprovesBoth, PairedTest, Trial, mean_loss
from personaopt.optimizers.critics import ChainedCritic, ContrastiveCritic, LMCritic
from personaopt.optimizers.heeding import HeedingObjective, heeding
from personaopt.optimizers.losses import Case, Outcome, ResponseObjective, objective_for
from personaopt.optimizers.trainset import with_truth
from personaopt.persona import Persona

KIM = Rules(sign_off="Best, Kim", lower=True, words=8)


class Tag(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "drama"] = dspy.OutputField()


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened.user("u1")


def rejected(number: int = 0, **more) -> po.Interaction:
    return po.Interaction(
        {"description": f"A film, number {number}"}, response={"tag": "comedy"}, signals={"thumbs": "down"}, **more
    )


def measured(agent: po.PersonaAgent, item: po.Interaction, objective=None) -> Outcome:
    objective = objective or heeding(objective_for(agent), [item], po.SignalWeights())

    def one():
        return (yield [objective.ask(agent, Case(item, Recall((), ())), Persona())])

    with agent.speaking():
        (outcome,) = drive(one(), threads=1)
    return outcome


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_of_a_rejected_label_the_loss_is_that_of_repeating_it(user, p) -> None:
    agent = po.PersonaAgent(Tag, user=user, retrieve=0)
    agent.predict.lm = measuring_lm(lambda prompt, answer: math.log(p if answer == "comedy" else 1 - p))
    with dspy.context(adapter=po.LocalAdapter()):
        outcome = measured(agent, rejected())
        truth = measured(agent, po.Interaction({"description": "A film"}, ground_truth={"tag": "comedy"}))
    assert outcome.loss == pytest.approx(-math.log(1 - p))
    assert truth.loss == pytest.approx(-math.log(p))
    assert (outcome.weight, truth.weight) == (0.3, 1.0)
    assert outcome.interaction == rejected() or not outcome.interaction.ground_truth


def test_of_a_rejected_text_the_loss_is_high_only_where_it_is_repeated(user) -> None:
    agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
    texts = {
        "Thank you so much for your kind and long letter, Ann.": 1.0,
        "Thank you so much for your very kind letter, dear Ann.": pytest.approx(0.6, abs=0.25),
        "thx": 0.0,
    }
    item = po.Interaction({"message": "x"}, response={"reply": next(iter(texts))}, signals={"thumbs": "down"})
    for text, loss in texts.items():
        agent.predict.lm = talking_lm(lambda said, text=text: text)
        outcome = measured(agent, item)
        assert outcome.loss == loss
        assert outcome.right == (loss == 0.0)


def test_weights_in_means_and_tests() -> None:
    def outcomes(*pairs: tuple[float, float]) -> list[Outcome]:
        return [Outcome(rejected(), {}, 1.0 - loss, weight=weight) for loss, weight in pairs]

    assert mean_loss(outcomes((1, 1), (0, 1), (1, 1))) == pytest.approx(2 / 3)
    assert mean_loss(outcomes((1, 1), (0, 0.25))) == 0.8
    assert mean_loss(outcomes((1, 0))) == 0.0
    helps_the_sure = Trial(outcomes((1, 1), (0, 0.1)), outcomes((0, 1), (1, 0.1)))
    helps_the_unsure = Trial(outcomes((1, 0.1), (0, 1)), outcomes((0, 0.1), (1, 1)))
    assert ImprovesBoth().judge(helps_the_sure).accepted
    assert not ImprovesBoth().judge(helps_the_unsure).accepted
    many = [(1, 1.0)] * 4 + [(0, 0.1)] * 4
    turned = [(0, 1.0)] * 4 + [(1, 0.1)] * 4
    assert PairedTest().judge(Trial(outcomes(*many), outcomes(*turned))).accepted
    assert not PairedTest().judge(Trial(outcomes(*turned), outcomes(*many))).accepted


def test_plain_ground_truths_are_measured_as_before(user) -> None:
    plain = [po.Interaction({"message": "x"}, ground_truth={"reply": "y"}, signals={"copied": 2})]
    objective = ResponseObjective()
    assert heeding(objective, plain, po.SignalWeights()) is objective
    assert isinstance(heeding(objective, [*plain, rejected()], po.SignalWeights()), HeedingObjective)


def test_what_is_learnt_from_is_what_is_known_of_the_truth(user) -> None:
    agent = po.PersonaAgent(Tag, user=user)
    films = [
        po.Interaction({"description": "0"}, ground_truth={"tag": "drama"}),
        po.Interaction({"description": "1"}, response={"tag": "drama"}),
        po.Interaction({"description": "2"}, response={"tag": "drama"}, signals={"thumbs": "up"}),
        po.Interaction({"description": "3"}, response={"tag": "drama"}, signals={"thumbs": "down"}),
        po.Interaction({"description": "4"}, response={"tag": "drama"}, signals={"accepted": False}),
        po.Interaction({"description": "5"}, response={"other": "x"}, signals={"thumbs": "down"}),
    ]
    user.record(films)
    learnt = with_truth(agent, None)
    assert [item.inputs["description"] for item in learnt] == ["0", "2", "3", "4"]
    assert [dict(item.ground_truth) for item in learnt] == [{"tag": "drama"}, {"tag": "drama"}, {}, {}]
    sure = with_truth(agent, None, po.SignalWeights(ignored=0.0, thumbs_down=0.0))
    assert [item.inputs["description"] for item in sure] == ["0", "2"]


@pytest.mark.parametrize("critic", [LMCritic(), ChainedCritic(), ContrastiveCritic()])
def test_critics_are_told_that_it_was_rejected_and_no_more(user, critic) -> None:
    agent = po.PersonaAgent(Tag, user=user)
    item = po.Interaction(
        {"description": "A film, number 0"},
        response={"tag": "comedy"},
        signals={"thumbs": "down", "comment": "not funny at all"},
    )
    lm = scripted_lm(
        replies={
            kind: lambda given, kind=kind: {kind if kind == "loss" else "feedback": "x"}
            for kind in ("critique", "loss")
        }
    )
    agent.predict.lm = lm
    outcome = Outcome(item, {"tag": "comedy"}, 0.0, weight=0.3)

    def one():
        ask = critic.loss(agent, outcome) if hasattr(critic, "loss") else critic.gradient(agent, Persona(), outcome)
        return (yield [ask])

    (said,) = drive(one(), threads=1)
    if critic.calls:
        told = lm.engine.calls[-1].sections["expected"]
        assert "rejected" in told
        assert "unknown" in told
        assert "not funny at all" in told
    else:
        assert said.text == (
            "For 'A film, number 0' the user rejected the answer 'comedy' and did not say what is right; now it was "
            "'comedy'."
        )


def test_an_alignment_learns_from_corrections_thumbs_and_rejections(user) -> None:
    lm = scripted_lm()
    with dspy.context(lm=lm):
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=2)
        conversation = po.Conversation(user, agent)
        for number in range(12):
            said = f"Shall we meet tomorrow at house {number}"
            turn = conversation(message=said)
            if number % 4 == 3:
                conversation.feedback(turn, thumbs="down")
            else:
                conversation.feedback(turn, edited=KIM.reply(said))
        aligner = po.PersonaAligner(latest=8, held_out=4, epochs=4)
        preview = aligner.preview(agent)
        before = lm.engine.count()
        aligned = aligner.compile(agent)
    assert lm.engine.count() - before <= preview.maximal.calls
    assert 'Always signs with "Best, Kim".' in aligned.persona.render()
    assert aligned.detailed_results.losses[-1] < 0.3 * aligned.detailed_results.losses[0]
    simulated = [call.system for call in lm.engine.calls[before:] if call.kind == "answer"]
    assert sum("earlier_turns" in system for system in simulated) >= 10, "turns are simulated as turns"
    told = [call.sections["expected"] for call in lm.engine.calls if call.kind == "critique"]
    assert any("rejected" in text for text in told)


def test_an_alignment_that_goes_on_reads_weights_from_its_checkpoint(user) -> None:
    user.record(
        [
            po.Interaction({"message": f"m {n}"}, response={"reply": "a b c"}, signals={"thumbs": "down"})
            for n in range(4)
        ]
    )
    user.record([po.Interaction({"message": f"n {n}"}, ground_truth={"reply": KIM.reply("n")}) for n in range(4)])

    def spoil(kind: str, number: int, prompt: str) -> None:
        if kind == "edit":
            raise KeyboardInterrupt

    settings = {"latest": 5, "held_out": 3, "epochs": 1}
    with dspy.context(lm=scripted_lm(spoil=spoil)), pytest.raises(KeyboardInterrupt):
        po.PersonaAligner(**settings).compile(po.PersonaAgent("message -> reply", user=user))
    (run,) = user.store.unfinished_runs(user.id)
    kept = list(user.store.recorded_calls(user.id, run.run_id).values())
    assert {0.3, 1.0} <= {float(each) for each in _weights(kept)}
    lm = scripted_lm()
    with dspy.context(lm=lm):
        aligned = po.PersonaAligner(**settings).compile(po.PersonaAgent("message -> reply", user=user), resume=True)
    assert aligned.detailed_results.resumed
    other = po.PersonaAligner(**settings, signals=po.SignalWeights(thumbs_down=0.9))
    assert other.get_params()["signals"]["thumbs_down"] == 0.9


def _weights(values: object) -> list[object]:
    if isinstance(values, dict):
        own = [values["weight"]] if "weight" in values else []
        return own + [each for value in values.values() for each in _weights(value)]
    return [each for value in values for each in _weights(value)] if isinstance(values, list) else []


def test_turns_are_simulated_with_what_was_said_before_them_and_nothing_later(user) -> None:
    lm = talking_lm()
    with dspy.context(lm=lm):
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
        conversation = po.Conversation(user, agent)
        first = conversation(message="A poem about rain")
        second = conversation(message="Shorter")
        conversation.feedback(second, correction="drip")
        conversation.feedback(first, correction="It rains, it pours")
        (item,) = with_truth(agent, [user.interaction(second.turn)])
        outcome = measured(agent, item)
    assert outcome.interaction == item
    assert [text.split("## ]]\n")[1].split("\n\n")[0] for _, text in lm.engine.requests[-1].earlier] == [
        "A poem about rain",
        "Answer 1.",
    ], "the correction came later"
    user.forget(first.turn)
    with dspy.context(lm=lm):
        measured(agent, item)
    assert not lm.engine.requests[-1].earlier


@pytest.mark.local_model
def test_the_local_model_talks_and_learns_from_feedback(user, local_lm) -> None:
    with dspy.context(lm=local_lm):
        agent = po.PersonaAgent(Tag, user=user, retrieve=2)
        conversation = po.Conversation(user, agent)
        for number in range(4):
            turn = conversation(description=f"Two rivals inherit the same restaurant, part {number}")
            assert turn.tag in ("comedy", "drama")
            conversation.feedback(turn, **({"correction": "drama"} if number % 2 else {"thumbs": "down"}))
        aligned = po.PersonaAligner(latest=3, held_out=1, epochs=1, candidates=1).compile(agent)
        assert aligned.detailed_results.losses[0] > 0
        writer = po.PersonaAgent("message -> reply", user=user, retrieve=0)
        writer.predict.config = {"max_tokens": 8}
        talk = po.Conversation(user, writer)
        talk(message="Hello")
        said = talk(message="How are you?")
        talk.feedback(said, thumbs="down")
        assert measured(writer, user.interaction(said.turn)).likelihood_loss > 0
    state = json.dumps([item.to_dict() for item in user.history()])
    assert "Two rivals" in state
