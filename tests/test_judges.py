"""An LM as the metric: what it is shown, how its verdicts are put together, and what becomes of bad replies."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
import warnings

import dspy
import pytest
from dspy.lm15 import Message, Response, TextPart, Usage
from dspy.utils.exceptions import LMServerError
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm, sections

import personaopt as po
from personaopt.errors import ConfigurationError, DataError, ModelError
from personaopt.lm.metering import Meter

EXAMPLE = dspy.Example(message="Shall we meet on Monday?", reply="monday at ten. cheers, k").with_inputs("message")
OTHER = dspy.Prediction(reply="Dear colleague, I am afraid that Monday will not do.")


class Engine:
    """Judges by a function of the two texts, and keeps what it was shown."""

    def __init__(self, verdict, seconds=0.0):
        self.verdict, self.seconds = verdict, seconds
        self.shown, self.configs = [], []
        self.under_way = self.most = 0
        self.lock = threading.Lock()

    def complete(self, request):
        given = sections(request.messages[-1].parts[0].text)
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.shown.append(given)
            self.configs.append(request.config)
            number = len(self.shown)
        time.sleep(self.seconds)
        with self.lock:
            self.under_way -= 1
        verdict = self.verdict(given, number)
        text = verdict if "##" in verdict else reply(verdict)
        return Response(None, "scripted/judge", Message.assistant([TextPart(text)]), "stop", Usage(10, 5))


class AsyncEngine:
    def __init__(self, engine):
        self.engine = engine

    async def complete(self, request):
        return await asyncio.to_thread(self.engine.complete, request)


def reply(verdict, difference="Text A is short, text B is formal."):
    return f"[[ ## difference ## ]]\n{difference}\n\n[[ ## verdict ## ]]\n{verdict}\n\n[[ ## completed ## ]]"


def judging_lm(verdict, seconds=0.0, cache=False):
    engine = Engine(verdict, seconds)
    name = f"scripted/judge-{id(engine)}"
    return dspy.LM(name, engine=engine, async_engine=AsyncEngine(engine), cache=cache, num_retries=0), engine


def answered(verdicts):
    """An LM that gives these verdicts in the order of the requests."""
    return judging_lm(lambda given, number: verdicts[number - 1])


@pytest.mark.parametrize(
    ("verdicts", "median", "mean"),
    [
        (["same", "same", "different"], 1.0, 2 / 3),
        (["different", "same", "different"], 0.0, 1 / 3),
        (["close", "close", "same"], 0.5, 2 / 3),
        (["close"], 0.5, 0.5),
        (["same", "different", "??", "??"], 0.5, 0.5),
    ],
)
def test_the_verdicts_are_put_together(verdicts, median, mean):
    for combine, expected in (("median", median), ("mean", mean)):
        lm, engine = answered(verdicts)
        judge = po.LMJudge(lm, len(verdicts), combine=combine)
        assert judge.calls == len(verdicts)
        assert judge(EXAMPLE, OTHER, None, "predict", None).score == pytest.approx(expected)
        assert len(engine.shown) == len(verdicts)


def test_the_judge_does_not_know_which_text_is_the_users():
    lm, engine = judging_lm(lambda given, number: "different")
    feedback = po.LMJudge(lm, repeats=4)(EXAMPLE, OTHER).feedback
    firsts = [shown["text_a"] for shown in engine.shown]
    assert sorted(set(firsts)) == sorted([EXAMPLE.reply, OTHER.reply])
    assert firsts.count(EXAMPLE.reply) == 2
    names = {name for shown in engine.shown for name in shown}
    assert names == {"criteria", "question", "text_a", "text_b"}
    assert all(shown["question"] == EXAMPLE.message for shown in engine.shown)
    assert "the expected answer" in feedback
    assert "the given answer" in feedback
    assert not re.search("text [ab]", feedback, re.IGNORECASE)


def test_a_lean_to_the_first_text_does_not_decide():
    """A judge that says 'text A is the user's' by position alone comes out in the middle, whichever text is whose."""
    favoured = EXAMPLE.reply
    lm, _ = judging_lm(lambda given, number: "same" if given["text_a"] == favoured else "different")
    assert po.LMJudge(lm, repeats=4, combine="mean")(EXAMPLE, OTHER).score == 0.5


def test_the_feedback_calls_the_texts_by_what_they_are():
    def verdict(given, number):
        short, long_ = ("A", "B") if given["text_a"] == EXAMPLE.reply else ("B", "A")
        return reply("different", f"Text {short} is in lower case, text {long_} is not.")

    lm, _ = judging_lm(verdict)
    for repeats in (1, 2, 3):
        feedback = po.LMJudge(lm, repeats)(EXAMPLE, OTHER).feedback
        assert feedback == "the expected answer is in lower case, the given answer is not."


def test_verdicts_are_drawn_anew_and_stay_the_same_when_asked_again():
    draw = random.Random(0)
    lm, engine = judging_lm(lambda given, number: draw.choice(["same", "different"]), cache=True)
    judge = po.LMJudge(lm, repeats=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = judge(EXAMPLE, OTHER).score
    assert len(engine.shown) == 8  # the cache did not answer for any of them
    assert {config.temperature for config in engine.configs} == {1.0}
    assert judge(EXAMPLE, OTHER).score == first
    assert len(engine.shown) == 8  # now it did for all


def test_the_verdicts_of_one_answer_are_asked_for_at_once_and_counted():
    lm, engine = judging_lm(lambda given, number: "same", seconds=0.2)
    judge = po.LMJudge(lm, repeats=4)
    with Meter().running() as meter:
        assert judge(EXAMPLE, OTHER).score == 1.0
    assert engine.most == 4
    assert meter.usage.calls == judge.calls == 4


def test_awaited_it_says_the_same():
    lm, engine = answered(["same", "close", "close"])
    judged = asyncio.run(po.LMJudge(lm).acall(EXAMPLE, OTHER))
    assert judged.score == 0.5
    assert len(engine.shown) == 3


def test_equal_texts_need_no_judge():
    lm, engine = answered([])
    assert po.LMJudge(lm)(EXAMPLE, dspy.Prediction(reply=f" {EXAMPLE.reply}\n")).score == 1.0
    assert not engine.shown


def test_without_one_readable_verdict_there_is_no_score():
    lm, engine = judging_lm(lambda given, number: "I would rather not say.")
    with pytest.raises(ModelError, match="None of 3 verdicts") as caught:
        po.LMJudge(lm)(EXAMPLE, OTHER)
    assert len(engine.shown) == 3  # not asked again by DSPy's own second attempt
    assert EXAMPLE.reply not in str(caught.value)


def test_an_lm_that_cannot_be_reached_gives_no_score():
    def down(given, number):
        raise LMServerError("down", model="scripted/judge")

    lm, _ = judging_lm(down)
    with pytest.raises(ModelError, match="None of 3"):
        po.LMJudge(lm)(EXAMPLE, OTHER)


def test_what_makes_no_sense_is_refused():
    for wrong in ({"repeats": 0}, {"repeats": 1.5}, {"combine": "mode"}, {"temperature": 0.0}):
        with pytest.raises(ConfigurationError):
            po.LMJudge(None, **wrong)
    with dspy.context(lm=None), pytest.raises(ModelError, match="No LM"):
        po.LMJudge()(EXAMPLE, OTHER)
    lm, _ = answered([])
    with pytest.raises(DataError, match="label"):
        po.LMJudge(lm)(dspy.Example(message="m").with_inputs("message"), OTHER)


def test_the_configured_lm_judges_where_none_is_given():
    lm, engine = judging_lm(lambda given, number: "close")
    with dspy.context(lm=lm):
        assert po.LMJudge(criteria="Only the day counts.")(EXAMPLE, OTHER).score == 0.5
    assert engine.shown[0]["criteria"] == "Only the day counts."


def test_dspy_evaluates_with_it():
    lm, _ = judging_lm(lambda given, number: "close")
    program = dspy.Predict("message -> reply")
    program.lm = scripted_lm()
    evaluate = dspy.Evaluate(devset=[EXAMPLE] * 4, metric=po.LMJudge(lm), num_threads=4, display_progress=False)
    assert evaluate(program).score == 50.0


def test_an_alignment_by_a_judge_that_errs(tmp_path):
    """A judge that errs on every tenth verdict: the sign-off is learnt all the same, and its words reach the critic."""
    rules = Rules(sign_off="Cheers, K")
    draw = random.Random(3)

    def verdict(given, number):
        agree = ("Cheers, K" in given["text_a"]) == ("Cheers, K" in given["text_b"])
        if draw.random() < 0.1:
            agree = not agree
        return "same" if agree else "different"

    judge_lm, _ = judging_lm(verdict)
    lm = scripted_lm()
    store = po.open_store(tmp_path / "u.db", embedder=HashedWords())
    with store, dspy.context(lm=lm):
        user = store.user("u")
        for number in range(12):
            message = f"Please send the report number {number}"
            truth = {"reply": rules.reply(message) + "!"}  # never equal, so that the judge is asked every time
            user.record(po.Interaction({"message": message}, ground_truth=truth, time=number))
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
        aligner = po.PersonaAligner(metric=po.LMJudge(judge_lm), acceptance=po.PairedTest(), epochs=2)
        aligned = aligner.compile(agent)
    assert "Cheers, K" in aligned.persona.render()
    critiques = [call for call in lm.engine.calls if call.kind == "critique"]
    assert any("is short" in call.sections["answer"] for call in critiques)
