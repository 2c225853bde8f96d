"""The bench with a known answer: rules and their wordings, users, the stand-in's errors, and every method on it."""

import asyncio
import html
import json
import math
from random import Random

import dspy
import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.testbed import (
    METHODS,
    NOISE,
    Judge,
    Noise,
    Rule,
    Trial,
    invented_users,
    rules_in,
    scored,
    sentence,
    stand_in_lm,
)
from personaopt.evals.testbed import prompts as forms
from personaopt.evals.testbed.rules import (
    ASPECTS,
    FEATURE_OF,
    agreement,
    in_force,
    read_reply,
    situation_of,
    touched,
    wanted,
    written_reply,
)
from personaopt.evals.testbed.scoring import median_calls, wilson
from personaopt.evals.testbed.stand_in import NOTHING, StandIn, supported
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.critics import contrast
from personaopt.optimizers.losses import Outcome
from personaopt.persona import Persona, Statement
from personaopt.signatures.edit import FOCUSES

ALL_RULES = [
    Rule(situation, aspect, value)
    for aspect, (feature, values) in ASPECTS.items()
    for situation in FEATURE_OF
    if FEATURE_OF[situation] == feature
    for value in ("", *values)
]


@pytest.fixture(scope="module")
def users():
    return invented_users(20, seed=11)


def persona_of(rules, seed=0):
    draw = Random(seed)
    return Persona(tuple(Statement(sentence(rule, draw)) for rule in rules))


def test_every_wording_of_every_rule_is_read_back():
    draw = Random(5)
    for rule in ALL_RULES:
        wordings = {sentence(rule, draw) for _ in range(40)}
        assert len(wordings) > 5
        assert all(rules_in(text) == [rule] for text in wordings), rule
    some = draw.sample(ALL_RULES, 12)
    texts = [sentence(rule, draw) for rule in some]
    assert rules_in(" ".join(texts)) == some
    assert rules_in("\n".join(f"        - {text}" for text in texts)) == some


@pytest.mark.parametrize("text", ["", "Handles invoices.", 'Signs with "M."', "Be brief.", "A customer is right."])
def test_what_is_no_rule_is_not_read_as_one(text):
    assert rules_in(text) == []


def test_replies_show_their_aspects():
    draw = Random(1)
    for _ in range(300):
        aspects = {aspect: draw.choice(("", *values)) for aspect, (_, values) in ASPECTS.items()}
        assert read_reply(*written_reply(aspects, draw)) == aspects


def test_users_are_the_same_for_the_same_seed_and_follow_their_rules(users):
    assert invented_users(3, seed=11) == users[:3]
    assert invented_users(3, seed=12) != users[:3]
    assert len({len(user.rules) for user in users}) > 2
    for user in users:
        assert 6 <= len(user.rules) <= 10
        assert set(user.known) <= set(user.rules)
        assert set(rules_in(user.start.render())) == set(user.known)
        for item in user.history:
            situation = situation_of(item.inputs["message"])
            assert 1 <= len(touched(user.held, situation)) <= 3
            assert read_reply(**item.ground_truth) == wanted(user.held, situation)
    with pytest.raises(ConfigurationError, match="at least 1"):
        invented_users(0)


def test_quality_knows_the_optimum(users):
    for user in users[:5]:
        assert user.quality(persona_of(user.rules).render()) == 1.0
        assert user.quality("") == 0.0
        half = user.quality(persona_of(user.rules[: len(user.rules) // 2]).render())
        assert 0.0 < half < 1.0
        # One rule of the wrong value is worse than none.
        situation, aspect = user.rules[0].about
        value = next(value for value in ASPECTS[aspect][1] if value != user.rules[0].value)
        wrong = [*user.rules, Rule(situation, aspect, value)]
        assert user.quality(persona_of(wrong).render()) < user.quality(persona_of(user.rules[1:]).render()) + 1e-9


def test_the_stand_in_obeys_the_persona_it_is_shown_and_nothing_else(users):
    user = users[0]
    agent = Trial(user, Noise(), budget=1).agent()
    lm = stand_in_lm()
    with dspy.context(lm=lm):
        for persona in (Persona(), persona_of(user.rules[:3]), persona_of(user.rules)):
            agent.persona = persona
            told = in_force(rules_in(persona.render()))
            for item in user.history[:10]:
                answer = agent(**item.inputs)
                assert read_reply(answer.folder, answer.reply) == wanted(told, situation_of(item.inputs["message"]))
    assert lm.engine.calls == {"answer": 30}


def test_noise_comes_as_often_as_the_dials_say(users):
    item = users[0].history[0]
    n = 3000
    draw = Random(2)
    noisy = StandIn(Noise(0.05, 0.2, 0.1, 0.1, 0.1))
    system, message = html.escape(users[0].start.render()), item.inputs["message"]
    right = wanted(in_force(rules_in(users[0].start.render())), situation_of(message))
    wrong = sum(read_reply(*noisy._answer(system, message, draw)) != right for _ in range(n)) / n
    assert wrong == pytest.approx(0.05, abs=0.015)

    expected = forms.answer_text(**item.ground_truth)
    plain = forms.answer_text(*written_reply(dict.fromkeys(ASPECTS, ""), draw))
    differences = len([value for value in read_reply(**item.ground_truth).values() if value])
    true = [rule for rule in users[0].rules if rule.situation in message]
    critiques = [rules_in(noisy._critique(message, expected, plain, draw)) for _ in range(n)]
    said = [rule for critique in critiques for rule in critique]
    assert sum(rule in true for rule in said) / (n * differences) == pytest.approx(0.8, abs=0.03)
    assert sum(rule not in true for rule in said) / n == pytest.approx(0.1, abs=0.02)

    text = persona_of(users[0].rules).render()
    kept = sum(len(rules_in(noisy._rewritten(text, [], draw))) for _ in range(500))
    assert kept / (500 * len(users[0].rules)) == pytest.approx(0.9, abs=0.02)


def test_a_judge_errs_as_often_as_it_should_and_always_in_the_same_way(users):
    judge, item = Judge(0.1, seed=3), users[0].history[0]
    draw, situation = Random(4), situation_of(users[0].history[0].inputs["message"])
    example = dspy.Example(**item.inputs, **item.ground_truth)
    answers = [written_reply(wanted(users[0].held, situation), draw) for _ in range(3000)]
    verdicts = [judge(example, dspy.Prediction(folder=folder, reply=reply)) for folder, reply in answers]
    assert set(verdicts) == {0.0, 1.0}
    assert verdicts.count(0.0) / 3000 == pytest.approx(0.1, abs=0.02)
    again = [judge(example, dspy.Prediction(folder=folder, reply=reply)) for folder, reply in answers]
    assert again == verdicts
    assert Judge()(example, dspy.Prediction(folder=None, reply=None)) == 0.0
    told = Judge().with_feedback(example, dspy.Prediction(folder="x", reply="y"))
    assert told.score == 0.0
    assert item.ground_truth["reply"] in told.feedback


def test_rates_outside_their_range_are_refused():
    with pytest.raises(ConfigurationError, match="judge"):
        Noise(judge=1.5)


def test_agreement_counts_what_is_special_on_either_side():
    plain = dict.fromkeys(ASPECTS, "")
    assert agreement(plain, plain) == 1.0
    assert agreement(plain | {"case": "lower"}, plain | {"case": "lower", "folder": "red"}) == 0.5
    assert agreement(plain | {"case": "upper"}, plain | {"case": "lower"}) == 0.0


def test_feedback_that_contradicts_itself_goes_by_support():
    red, blue = Rule("invoices", "folder", "red"), Rule("invoices", "folder", "blue")
    short = Rule("travel", "length", "6")
    texts = [sentence(rule, Random(0)) for rule in (blue, red, red, short)]
    assert supported(texts) == [(red, [2, 3]), (short, [4])]


def test_the_editor_keeps_to_its_focus():
    red, short, low = Rule("invoices", "folder", "red"), Rule("travel", "length", "6"), Rule("night", "case", "lower")
    feedback = [sentence(rule, Random(0)) for rule in (red, red, short, low)]
    persona = [sentence(Rule("night", "case", "upper"), Random(0))]
    given = {"persona": json.dumps(persona), "feedback": json.dumps(feedback), "refused": "[]"}

    def edited(**more):
        edits = StandIn()._edits({**given, **more}, Random(0))
        return [(edit["action"], rules_in(edit["text"])) for edit in edits]

    complaints, worst, wrong = FOCUSES
    assert edited() == edited(focus=complaints) == [("add", [red])]
    assert edited(focus=worst.replace("{worst}", "3")) == [("add", [short])]
    assert edited(focus=wrong) == [("replace", [low])]
    single = json.dumps(feedback[1:])
    assert edited(feedback=single, focus=complaints) == []
    assert len(edited(feedback=single)) == 3
    assert [rules for _, rules in edited(feedback=single, refused=json.dumps(feedback))] == []


def test_a_contrast_is_read_as_a_critic_would(users):
    item = users[0].history[1]
    outcome = Outcome(item, {"folder": "general", "reply": 'It\'s "quoted"\nM.'}, 0.0)
    message, expected, given = forms.contrast(contrast(outcome))
    assert situation_of(message) == situation_of(item.inputs["message"])
    assert forms.read_answer(expected) == (item.ground_truth["folder"], item.ground_truth["reply"])
    assert forms.read_answer(given) == ("general", 'It\'s "quoted"\nM.')
    assert forms.contrast("This user is brief.") is None


def test_a_repeated_call_is_a_new_draw_and_the_seed_decides(users):
    def answers(seed):
        lm = stand_in_lm(NOISE["double"], seed)
        agent = Trial(users[0], Noise(), budget=1).agent()
        with dspy.context(lm=lm):
            return [agent(**users[0].history[0].inputs).reply for _ in range(5)]

    first = answers(1)
    assert len(set(first)) == 5
    assert answers(1) == first
    assert answers(2) != first


def test_threads_and_awaiting_change_nothing(users):
    def compiled(threads=1, awaited=False):
        trial = Trial(users[2], NOISE["medium"], budget=120, seed=9)
        lm, engine = trial.lm()
        aligner = PersonaAligner(metric=trial.judge, threads=threads, seed=9)
        with dspy.context(lm=lm):
            agent = trial.agent()
            done = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
        return done.persona, engine.calls

    assert compiled() == compiled() == compiled(threads=8) == compiled(awaited=True)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_learns_without_noise_and_gives_the_same_again(method, users):
    user = min(users, key=lambda user: len(user.known))
    trial = Trial(user, NOISE["off"], budget=160, seed=1)
    path = METHODS[method](trial)
    score = scored(user, path, user.history)
    assert score.end > score.start + 0.2
    assert score.recovered > 0.8
    assert score.lost == 0.0
    assert not score.worse
    assert score.calls <= trial.budget + 20  # GEPA looks at the budget between its steps
    assert [calls for calls, _ in path] == sorted(calls for calls, _ in path)
    assert METHODS[method](trial) == path


def test_scores(users):
    user = users[3]
    good, bad = persona_of(user.rules).render(), ""
    score = scored(user, [(0, bad), (10, good), (20, bad), (30, good), (40, good)], user.history[-5:])
    assert (score.calls_to_near, score.calls_to_stay, score.calls) == (10, 30, 40)
    assert (score.recovered, score.lost, score.invented, score.end) == (1.0, 0.0, 0, 1.0)
    assert 0.0 < score.visible < 1.0
    wrong = Rule(user.rules[0].situation, user.rules[0].aspect, "no such value")
    worse = scored(user, [(0, good), (5, sentence(wrong, Random(0)))], user.history)
    assert worse.worse
    assert (worse.recovered, worse.lost, worse.invented, worse.calls_to_stay) == (0.0, 1.0, 1, None)
    never = scored(user, [(0, bad), (9, bad)], user.history)
    assert median_calls([score, score, never]) == 10
    assert math.isinf(median_calls([score, never, never]))


def test_intervals_of_shares():
    low, high = wilson(0, 200)
    assert low == 0.0
    assert high == pytest.approx(0.0188, abs=5e-4)
    assert wilson(50, 100) == pytest.approx((0.404, 0.596), abs=1e-3)
    with pytest.raises(DataError, match="at least one"):
        wilson(0, 0)


def test_a_critic_with_nothing_to_say_says_so(users):
    item = users[0].history[0]
    text = forms.answer_text(**item.ground_truth)
    assert StandIn()._critique(item.inputs["message"], text, text, Random(0)) == NOTHING
    assert StandIn()._critique("Hello.", text, text, Random(0)) == NOTHING
