"""PersonaBench's judge, and its examination: a biased, a content and a drawing judge are found out."""

import asyncio
import dataclasses
from random import Random

import dspy
import pytest
from scripted_lm import scripted_lm

import personaopt as po
from personaopt.errors import DataError, ModelError
from personaopt.evals.guessing import vectors
from personaopt.evals.personabench import OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.measuring.examination import drawn_examination, most_verdicts
from personaopt.evals.personabench.measuring.judge_checks import JudgeReport, examine
from personaopt.evals.personabench.measuring.judging import Judge, ReplyScores, Similarity, called
from personaopt.evals.personabench.measuring.made_answers import right_answer, wrong_answer
from personaopt.evals.personabench.measuring.rule_judge import RuleJudge
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.methods.method import Setting
from personaopt.evals.personabench.methods.registry import METHODS
from personaopt.evals.personabench.records import Call
from personaopt.evals.personabench.runs.preview import NOTES, foretell, rehearsing
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.sittings import Sitting
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import ATTEMPTS, Failure, always, one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.memory.embedding import CallableEmbedder
from personaopt.persona import Persona, Statement


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    generate(folder, OfflineBackend(), Size(personas=12, sessions=20, seed=5))
    whole = load_bench(folder)
    # What form an answer has, the scripted judges below cannot see.
    return dataclasses.replace(whole, sessions=[each for each in whole.sessions if each.checks[0].kind != "form"])


@pytest.fixture(scope="module")
def examination(bench):
    return drawn_examination(bench, [(each.id, right_answer(each)) for each in bench.sessions], replies=24)


def judging_lm(scores, **dials):
    """An LM that scores by a function of the prompt's parts."""
    return scripted_lm(replies={"answer": scores}, **dials)


def scored(helpfulness, personalization):
    return {"reason": "So it is.", "helpfulness": str(helpfulness), "personalization": str(personalization)}


def compared(given):
    """Coverage and correctness by lines; None where a reply is judged."""
    if "true_profile" not in given:
        return None
    true, learned = ({*given[name].splitlines()} for name in ("true_profile", "learned_profile"))
    both = len(true & learned)
    return {
        "reason": "Some.",
        "coverage": str(round(10 * both / len(true))),
        "correctness": str(round(10 * both / len(learned))),
    }


def honest(given):
    fits = given["reply"].rstrip(".").lower() in given.get("expected", "").lower() if "reply" in given else False
    return compared(given) or (scored(9, 9) if fits else scored(5, 1))


def content(given):
    return compared(given) or scored(9, 9)


def verbose(given):
    """Whatever is longer is better, whoever the user is."""
    return compared(given) or scored(9, min(10, len(given["reply"]) // 4))


def report_of(judge, examination):
    with one_call_an_attempt():
        return drive(examine(judge, examination), threads=4)


class TestJudge:
    def test_it_scores_a_reply_under_the_golden_persona_of_the_time(self, bench):
        lm = judging_lm(honest)
        session = next(each for each in bench.sessions if each.calls and each.number > 10)
        profile = bench.profiles[session.persona]
        first = right_answer(session)
        scores = Judge(lm).reply(session, profile, first).now(always)
        assert scores == ReplyScores(9.0, 9.0)
        (call,) = lm.engine.calls
        given = call.sections
        assert given["persona"] == profile.persona_at(session.time).render()
        assert given["expected"] == session.expected
        assert given["reply"] == first.reply
        assert first.calls[0].name in given["calls_made"]
        later = {each.value for each in profile.held if each.valid_from > session.time}
        earlier = {each.value for each in profile.held_at(session.time)}
        assert not any(f": {value}\n" in given["persona"] for value in later - earlier)

    def test_it_compares_personas(self, bench):
        lm = judging_lm(honest)
        session = bench.sessions[7]
        profile = bench.profiles[session.persona]
        golden = profile.persona_at(session.time)
        half = Persona(golden.statements[: len(golden.statements) // 2], golden.token_limit)
        judge = Judge(lm)
        assert judge.similarity(session, profile, golden).now(always).score == 10.0
        found = judge.similarity(session, profile, half).now(always)
        assert (found.coverage, found.correctness, found.score) == (5.0, 10.0, 7.5)
        assert found.parts == {"coverage": 5.0, "correctness": 10.0}

    def test_an_empty_persona_needs_no_call(self, bench):
        lm = judging_lm(honest)
        session = bench.sessions[7]
        ask = Judge(lm).similarity(session, bench.profiles[session.persona], Persona())
        assert (ask.calls, ask.now(always)) == (0, Similarity(0.0, 0.0))
        assert not lm.engine.calls

    @pytest.mark.parametrize(
        "prose",
        [
            "I would say this is quite good: 2 of the 3 options fit, perhaps 8 out of 10.",
            "[[ ## reason ## ]]\nFine.\n\n[[ ## helpfulness ## ]]\nabout 8\n\n[[ ## personalization ## ]]\n8",
            "[[ ## reason ## ]]\nFine.\n\n[[ ## helpfulness ## ]]\n11\n\n[[ ## personalization ## ]]\n8",
            "[[ ## reason ## ]]\nFine.\n\n[[ ## helpfulness ## ]]\n-1\n\n[[ ## personalization ## ]]\n8",
            "[[ ## reason ## ]]\nFine.\n\n[[ ## helpfulness ## ]]\n8",
            '{"reason": "Fine.", "helpfulness": "eight", "personalization": "eight"}',
            "",
        ],
    )
    def test_what_is_no_score_is_asked_for_again_and_then_left_out(self, bench, prose):
        session = bench.sessions[0]
        profile, first = bench.profiles[session.persona], right_answer(session)
        once = judging_lm(honest, spoil=lambda kind, number, prompt: prose if number == 1 else None)
        with one_call_an_attempt():
            assert Judge(once).reply(session, profile, first).now(always) == ReplyScores(9.0, 9.0)
        assert len(once.engine.calls) == 2
        always_so = judging_lm(honest, spoil=lambda kind, number, prompt: prose)
        with one_call_an_attempt():
            failure = Judge(always_so).reply(session, profile, first).now(always)
        assert isinstance(failure, Failure)
        assert not failure.unreachable
        assert len(always_so.engine.calls) == ATTEMPTS

    def test_it_is_asked_in_its_own_form_whatever_the_agents(self, bench):
        session = bench.sessions[0]
        lm = judging_lm(honest)
        with dspy.context(lm=None, adapter=po.LocalAdapter()):
            scores = Judge(lm).reply(session, bench.profiles[session.persona], right_answer(session)).now(always)
        assert scores == ReplyScores(9.0, 9.0)

    def test_it_says_why_before_it_scores_unless_told_not_to(self, bench):
        session = bench.sessions[0]
        for reasons, named in ((None, True), (False, False)):
            lm = judging_lm(honest)
            Judge(lm, reasons=reasons).reply(session, bench.profiles[session.persona], right_answer(session)).now(
                always
            )
            assert ("`reason`" in lm.engine.calls[0].system) == named

    def test_it_says_which_lm_is_missing(self, bench):
        session = bench.sessions[0]
        with dspy.context(lm=None), pytest.raises(ModelError, match="give Judge one"):
            Judge().reply(session, bench.profiles[session.persona], right_answer(session))

    def test_refused_calls_are_called_so(self):
        call = Call(name="get_weather", arguments='{"city": "Atlantis"}', exact=["city"])
        assert called(Exchange("?", "!", (call, call), ("", "no such city"))) == [
            'get_weather({"city": "Atlantis"})',
            'get_weather({"city": "Atlantis"}) - refused',
        ]


class TestRuleJudge:
    def test_right_and_wrong(self, bench):
        judge = RuleJudge()
        for session in bench.sessions:
            profile = bench.profiles[session.persona]
            assert judge.reply(session, profile, right_answer(session)).now(always) == ReplyScores(10.0, 10.0)
            if (wrong := wrong_answer(session)) is not None:
                assert judge.reply(session, profile, wrong).now(always) == ReplyScores(5.0, 0.0)
            # Who is told nothing is not helped, whatever was called.
            for silent in (Exchange("?", ""), Exchange("?", " ", right_answer(session).calls)):
                assert judge.reply(session, profile, silent).now(always) == ReplyScores(0.0, 0.0)
            anybody = Exchange("?", "Tell me more.")
            assert judge.reply(session, profile, anybody).now(always) == ReplyScores(0.0, 5.0)

    def test_similarity_is_ten_times_recall_and_precision(self, bench):
        session = bench.sessions[7]
        profile = bench.profiles[session.persona]
        golden = profile.persona_at(session.time).statements
        held = Persona((*golden[:12], Statement("Is interested in: x", field="personality.interests")), 10_000)
        found = RuleJudge().similarity(session, profile, held).now(always)
        assert found.coverage == pytest.approx(120 / len(golden))
        assert found.correctness == pytest.approx(120 / 13)
        assert RuleJudge().similarity(session, profile, Persona()).now(always) == Similarity(0.0, 0.0)


class TestExamination:
    def test_it_takes_the_number_of_verdicts_that_it_says(self, bench, examination):
        lm = judging_lm(honest)
        report = report_of(Judge(lm), examination)
        assert len(lm.engine.calls) == examination.verdicts == report.verdicts
        assert examination.verdicts <= most_verdicts(24)
        assert (report.replies, report.made) == (24, len(examination.right))
        assert (report.pairs, report.twins) == (len(examination.pairs), len(examination.twins))
        assert report.pairs >= 6
        assert report.twins >= 4

    def test_a_preview_says_what_it_takes(self, bench):
        guess = rehearsing(dspy.LM("openai/some"))
        profile = next(iter(bench.profiles.values()))
        sessions = bench.of(profile.id)[:2]
        telling, embedder = Telling.of(profile, sessions), CallableEmbedder("preview", vectors)
        sitting = Sitting(
            method="none",
            make=METHODS["none"],
            profile=profile,
            sessions=sessions,
            telling=telling,
            setting=Setting(),
            lm="openai/some",
            turns=3,
            embedder=embedder,
        )
        notes = {
            judge.name: foretell([(sitting, 0)], Roles(guess, judge=judge), lambda *each: 0.0).notes
            for judge in (Judge(guess), RuleJudge())
        }
        assert notes["rules"] == NOTES
        assert f"{most_verdicts()} calls more" in notes[guess.model][-1]

    def test_the_draw_is_the_seeds(self, bench):
        firsts = [(each.id, right_answer(each)) for each in bench.sessions]
        one = drawn_examination(bench, firsts, replies=10, seed=1)
        Random(0).shuffle(firsts)
        assert drawn_examination(bench, firsts, replies=10, seed=1) == one
        assert drawn_examination(bench, firsts, replies=10, seed=2) != one

    def test_pairs_exclude_each_other(self, examination):
        for pair in examination.pairs:
            assert pair.one.session.scene == pair.other.session.scene
            assert pair.one.profile.id != pair.other.profile.id
            rules = RuleJudge()
            for case, strange in ((pair.one, pair.other), (pair.other, pair.one)):
                assert rules.reply(case.session, case.profile, case.first).now(always).personalization == 10.0
                assert rules.reply(case.session, case.profile, strange.first).now(always).personalization == 0.0

    def test_a_run_without_replies_gives_an_empty_report(self, bench):
        nothing = drawn_examination(
            bench, [("unknown", Exchange("?", "Yes.")), (bench.sessions[0].id, Exchange("?", ""))]
        )
        report = report_of(RuleJudge(), nothing)
        assert nothing.verdicts == report.verdicts == 0
        assert (report.agreement, report.swap_right, report.wrong_passed, report.same_similarity) == (None,) * 4
        assert report.warnings == ()


class TestFoundOut:
    def test_an_honest_judge_has_no_warnings(self, examination):
        report = report_of(Judge(judging_lm(honest)), examination)
        assert report.warnings == ()
        assert (report.swap_right, report.swap_biased, report.swap_tied) == (1.0, 0.0, 0.0)
        assert (report.right_passed, report.wrong_passed, report.gap) == (1.0, 0.0, 8.0)
        assert (report.agreement, report.spread) == (1.0, 0.0)
        assert report.same_similarity == 10.0
        assert report.other_similarity < 5.0

    def test_one_that_is_content_with_everything(self, examination):
        report = report_of(Judge(judging_lm(content)), examination)
        assert (report.wrong_passed, report.gap, report.swap_tied, report.swap_right) == (1.0, 0.0, 1.0, 0.0)
        assert report.agreement == 1.0  # this alone would look well
        assert any("100% of deliberately wrong" in each for each in report.warnings)

    def test_one_that_is_content_with_nothing(self, examination):
        report = report_of(Judge(judging_lm(lambda given: compared(given) or scored(2, 2))), examination)
        assert (report.right_passed, report.wrong_passed) == (0.0, 0.0)
        assert any("only 0% of right" in each for each in report.warnings)

    def test_one_that_leans_to_what_is_longer(self, examination):
        report = report_of(Judge(judging_lm(verbose)), examination)
        assert report.swap_right == 0.0
        assert report.swap_biased >= 0.5
        assert report.swap_biased + report.swap_tied == 1.0
        assert any("prefers the same reply for both" in each for each in report.warnings)

    def test_one_that_finds_for_the_other(self, examination):
        """It errs under both personas: neither right, nor biased, nor tied."""

        def contrary(given):
            found = honest(given)
            return found if "coverage" in found else scored(5, 10 - int(found["personalization"]))

        report = report_of(Judge(judging_lm(contrary)), examination)
        assert (report.swap_right, report.swap_biased, report.swap_tied) == (0.0, 0.0, 0.0)
        assert (report.wrong_passed, report.right_passed) == (1.0, 0.0)

    def test_one_that_draws_lots(self, examination):
        draw = Random(1)
        lots = judging_lm(lambda given: compared(given) or scored(draw.randint(0, 10), draw.randint(0, 10)))
        report = report_of(Judge(lots), examination)
        assert report.agreement < 0.4
        assert report.spread > 3
        assert any("agree within 1 point" in each for each in report.warnings)

    def test_one_that_knows_no_profile(self, examination):
        def alike(given):
            return {**compared(given), "coverage": "7", "correctness": "7"} if compared(given) else honest(given)

        report = report_of(Judge(judging_lm(alike)), examination)
        assert report.same_similarity == report.other_similarity == 7.0
        assert report.warnings == ("The judge finds a profile no more similar to itself than to somebody else's.",)

    def test_one_that_answers_in_prose(self, examination):
        lm = judging_lm(honest, spoil=lambda kind, number, prompt: "Quite good, 8 out of 10 I would say.")
        report = report_of(Judge(lm), examination)
        assert report.unread == report.verdicts == examination.verdicts
        assert len(lm.engine.calls) == ATTEMPTS * examination.verdicts
        assert (report.replies, report.made, report.pairs, report.twins) == (0, 0, 0, 0)
        assert (report.agreement, report.wrong_passed, report.swap_right, report.same_similarity) == (None,) * 4
        assert report.warnings == (
            f"{report.unread} of {report.verdicts} verdicts could not be read and are left out.",
        )

    def test_some_prose_costs_those_verdicts_alone(self, examination):
        lm = judging_lm(
            honest, spoil=lambda kind, number, prompt: "Well." if "Sir" in prompt or "jazz" in prompt else None
        )
        report = report_of(Judge(lm), examination)
        assert 0 < report.unread < report.verdicts
        assert (report.swap_right, report.right_passed, report.wrong_passed) == (1.0, 1.0, 0.0)

    def test_one_that_cannot_be_reached_is_no_report(self, examination):
        def fail(kind, number, prompt):
            raise dspy.utils.exceptions.LMServerError("down")

        with pytest.raises(ModelError, match="cannot be reached"):
            report_of(Judge(judging_lm(honest, spoil=fail)), examination)

    def test_awaited_it_is_the_same(self, examination):
        async def awaited():
            return await adrive(examine(Judge(judging_lm(honest)), examination), threads=4)

        assert asyncio.run(awaited()) == report_of(Judge(judging_lm(honest)), examination)

    def test_a_report_can_be_kept(self, examination):
        report = report_of(Judge(judging_lm(content)), examination)
        kept = report.to_dict()
        assert kept["warnings"] == list(report.warnings)
        assert JudgeReport.from_dict(kept) == report
        for damaged in ({**kept, "mood": 1}, {}, []):
            with pytest.raises(DataError, match="judge's report"):
                JudgeReport.from_dict(damaged)


@pytest.mark.local_model
def test_the_local_model_gives_scores_that_can_be_read(bench, local_lm):
    session = bench.sessions[0]
    profile = bench.profiles[session.persona]
    # The agent's form need not be the judge's.
    with dspy.context(lm=None, adapter=dspy.ChatAdapter()):  # the agent's form need not be the judge's
        judge = Judge(local_lm)
        scores = judge.reply(session, profile, right_answer(session)).now(always)
        likeness = judge.similarity(session, profile, profile.persona_at(session.time)).now(always)
    assert 0.0 <= scores.helpfulness <= 10.0
    assert 0.0 <= scores.personalization <= 10.0
    assert 0.0 <= likeness.score <= 10.0
