"""Free text: users who differ in length, wording and tone, and nothing to count."""

from __future__ import annotations

import asyncio

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

from personaopt.agent import PersonaAgent
from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import WriteReply
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.memory import open_store
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.critics import LMCritic
from personaopt.optimizers.editors import LMEditor
from personaopt.optimizers.losses import TextLikelihoodObjective, agreement, objective_for, text_similarity
from personaopt.persona import Persona

STYLES = [
    Rules(sign_off="Best, Kim"),
    Rules(lower=True, words=5),
    Rules(sign_off="- t", lower=True),
    Rules(sign_off='Yours & "truly" <M>', words=9),
    Rules(words=3),
    Rules(),
]


def message(number: int) -> str:
    return f"Can you come to the {('lake', 'station', 'office')[number % 3]} on day {number}"


@pytest.fixture
def store():
    with open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


@pytest.mark.parametrize("style", STYLES, ids=lambda rules: "; ".join(rules.lines()) or "plain")
@pytest.mark.parametrize("awaited", [False, True])
def test_the_known_best_persona_is_reached(store, style, awaited):
    user = store.user("u")
    user.record(
        Interaction({"message": message(n)}, ground_truth={"reply": style.reply(message(n))}, time=n) for n in range(12)
    )
    lm = scripted_lm()
    with dspy.context(lm=lm, adapter=None):
        agent = PersonaAgent("message -> reply", user=user, retrieve=2)
        aligner = PersonaAligner(latest=6, held_out=3, epochs=4, critic=LMCritic(), editor=LMEditor())
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
        new = [message(n) for n in range(50, 56)]
        replies = [aligned(message=text).reply for text in new]
    assert Rules.of(aligned.persona.render()) == style
    assert replies == [style.reply(text) for text in new]
    results = aligned.detailed_results
    assert results.losses[-1] == 0.0
    assert len(results.accepted) == len(style.lines())
    assert all(earlier > later for earlier, later in zip(results.losses, results.losses[1:], strict=False))


def test_users_do_not_learn_from_each_other(store):
    with dspy.context(lm=scripted_lm(), adapter=None):
        for number, style in enumerate(STYLES[:3]):
            store.user(f"u{number}").record(
                Interaction({"message": message(n)}, ground_truth={"reply": style.reply(message(n))}) for n in range(9)
            )
        for number, style in enumerate(STYLES[:3]):
            agent = PersonaAgent("message -> reply", user=store.user(f"u{number}"))
            aligned = PersonaAligner(latest=5, held_out=3, epochs=4).compile(agent)
            assert Rules.of(aligned.persona.render()) == style


def test_similarity_of_texts_sees_words_marks_and_case():
    assert text_similarity("See you then!", "See you then!") == 1.0
    assert text_similarity("", "") == 1.0
    assert text_similarity("abc def", "uvw xyz") == 0.0
    assert text_similarity("See you then!", "See you then.") < 1.0
    assert text_similarity("See you then", "see you then") < 1.0
    assert 0.4 < text_similarity("See you then, Kim", "See you then") < 1.0


@pytest.mark.parametrize(
    ("truth", "answer", "decided", "score"),
    [
        ("dark comedy", "comedy", ["out"], 0.0),
        ("dark comedy", "dark comedy", ["out"], 1.0),
        ("dark comedy", "comedy", [], 2 / 3),
        ("comedy", "comedy ", [], 1.0),
        (3, "3", [], 1.0),
        (True, True, [], 1.0),
        (False, "true", [], 0.0),
        ([1, 2], [1, 2], [], 1.0),
        ("a text", None, [], 0.0),
    ],
)
def test_labels_are_right_or_wrong_and_texts_more_or_less(truth, answer, decided, score):
    example = dspy.Example(question="q", out=truth).with_inputs("question")
    assert agreement(example, dspy.Prediction(out=answer), decided=decided) == pytest.approx(score)


@pytest.mark.local_model
def test_the_small_model_learns_from_the_likelihood_of_the_users_own_texts(store, local_lm):
    (invented,) = synthetic_users("replies", users=1, interactions=20, seed=3)
    user = store.user("u")
    user.record(invented.history)
    with dspy.context(lm=local_lm, adapter=LocalAdapter()):
        agent = PersonaAgent(WriteReply, user=user, retrieve=1, persona=Persona())
        assert isinstance(objective_for(agent), TextLikelihoodObjective)
        aligner = PersonaAligner(latest=4, held_out=2, epochs=2, candidates=2)
        aligned = aligner.compile(agent)
        again = aligner.compile(agent.deepcopy()) if not aligned.persona else None
    results = aligned.detailed_results
    assert len(results.losses) >= 2
    assert results.losses[-1] <= results.losses[0]
    assert all(loss > 0 for loss in results.losses)
    simulations = sum(len(step.candidates) for step in results.steps)
    assert results.usage.calls == 6 + 6 * simulations
    assert results.usage.tokens > 0
    assert bool(results.accepted) == (results.losses[-1] < results.losses[0])
    assert user.version == (1 if results.accepted else 0)
    assert again is None or again.persona == aligned.persona
