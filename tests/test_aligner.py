"""The alignment loop with an LM that obeys the persona in its prompt: what it costs, keeps and survives."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import math
import re
import threading
from typing import Any, Literal

import dspy
import pytest
from dspy.lm15 import ServerError
from dspy.utils.callback import BaseCallback
from hashed_words import HashedWords
from scripted_lm import Rules, measuring_lm, scripted_lm

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, DataError, ModelError, PersonaOptError, VersionConflict
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.memory import open_store
from personaopt.optimizers.acceptance import AcceptAll
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import ChainedCritic, LMCritic
from personaopt.optimizers.editors import LMEditor
from personaopt.optimizers.starts import EmptyStart, ProfileStart
from personaopt.optimizers.windows import (
    HardestWindow,
    LatestWindow,
    ReplayWindow,
    StratifiedWindow,
    latest_with_slice,
)
from personaopt.persona import Edit, Persona, Statement


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "dark comedy", "drama", "musical"] = dspy.OutputField()


KIM = Rules(sign_off="Best, Kim", lower=True, words=8)
NUMBER = re.compile(r"house (\d+)")


def message(number: int) -> str:
    return f"Shall we meet tomorrow at house {number}"


def interactions(count: int, rules: Rules = KIM) -> list[Interaction]:
    # Times are equal in pairs, so that the order of recording counts.
    return [
        Interaction(
            {"message": message(n)}, ground_truth={"reply": rules.reply(message(n))}, time=n // 2, id=f"i{n:02}"
        )
        for n in range(count)
    ]


@pytest.fixture
def store():
    with open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


@pytest.fixture
def user(store):
    user = store.user("u")
    user.record(interactions(14))
    return user


def aligned_by(user, lm, *, awaited=False, retrieve=2, persona=None, trainset=None, **settings):
    with dspy.context(lm=lm, adapter=None):
        agent = PersonaAgent("message -> reply", user=user, retrieve=retrieve, persona=persona)
        aligner = PersonaAligner(**settings)
        if awaited:
            return asyncio.run(aligner.acompile(agent, trainset=trainset))
        return aligner.compile(agent, trainset=trainset)


def always_wrong(count=itertools.count):
    """An editor whose edits are all different and change no answer."""
    numbers = count()
    return {"edit": lambda given: {"edits": [{"action": "add", "text": f"Likes house {next(numbers)}."}]}}


def record_of(aligned) -> dict:
    record = aligned.detailed_results.to_dict()
    del record["seconds"], record["run"]
    return record


def most_calls(n, h, epochs, k, start=1, c=1, tested=True):
    trials = epochs if tested else epochs - 1
    return start + (n + h) + epochs * (c * n + k) + trials * k * (n + h)


@pytest.mark.parametrize("awaited", [False, True])
def test_it_learns_what_makes_every_answer_right(user, awaited):
    lm = scripted_lm()
    aligned = aligned_by(user, lm, awaited=awaited, latest=5, held_out=3, epochs=5)
    assert set(KIM.lines()) <= {statement.text for statement in aligned.persona.statements}
    results = aligned.detailed_results
    assert results.losses[-1] == 0.0
    assert list(results.losses) == sorted(results.losses, reverse=True)
    assert results.stopped == "nothing to learn: every answer was right"
    assert len(results.accepted) == 3
    assert results.usage.calls == lm.engine.count() <= most_calls(5, 3, 5, 1)
    assert results.usage.tokens > 0
    with dspy.context(lm=lm):
        assert aligned(message="Something new at house 99").reply == KIM.reply("Something new at house 99")


SIZES = pytest.mark.parametrize(("n", "h", "epochs", "k"), [(3, 2, 2, 1), (4, 2, 1, 3), (2, 0, 3, 1), (5, 3, 2, 2)])


def calls_made(store, acceptance, **settings):
    user = store.user("u")
    user.record(interactions(12))
    lm = scripted_lm(replies=always_wrong())
    results = aligned_by(user, lm, acceptance=acceptance, **settings).detailed_results
    assert results.usage.calls == lm.engine.count()
    assert results.usage.repeats == 0
    return lm.engine


@SIZES
@pytest.mark.parametrize("acceptance", [AcceptAll(), None])
@pytest.mark.parametrize("critic", [LMCritic(), ChainedCritic()])
def test_the_cost_is_the_formula_when_every_step_runs_in_full(store, n, h, epochs, k, acceptance, critic):
    settings = {"latest": n, "held_out": h, "epochs": epochs, "candidates": k, "critic": critic, "recriticise": True}
    engine = calls_made(store, acceptance, **settings)
    # Without acceptance the last change of a single candidate need not be tried.
    tested = acceptance is None or k > 1
    assert engine.count() == most_calls(n, h, epochs, k, c=critic.calls, tested=tested)
    assert engine.count("profile") == 1
    assert engine.count("critique") == epochs * n
    assert engine.count("loss") == epochs * n * (critic.calls - 1)
    assert engine.count("edit") == epochs * k


@SIZES
def test_nothing_is_computed_twice_when_a_step_changed_nothing(store, n, h, epochs, k):
    engine = calls_made(store, None, latest=n, held_out=h, epochs=epochs, candidates=k)
    assert engine.count("critique") == n
    assert engine.count() == most_calls(n, h, epochs, k) - (epochs - 1) * n
    asked = [call.user for call in engine.calls if call.kind == "edit"]
    assert len(set(asked)) == len(asked)  # what was refused is shown, and candidates have a focus each


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(("critic", "ranks"), [(LMCritic(), [8]), (ChainedCritic(), [8, 8])])
def test_four_dependent_levels_a_step_and_one_more_when_chained(user, awaited, critic, ranks):
    lm = scripted_lm(gather=0.4, replies=always_wrong())
    settings = {"latest": 8, "held_out": 4, "epochs": 2, "candidates": 2, "critic": critic, "recriticise": True}
    aligned_by(user, lm, awaited=awaited, **settings)
    start, simulate, editors, trials = [1], [12], [2], [2 * 12]
    assert lm.engine.levels == start + simulate + 2 * (ranks + editors + trials)
    assert lm.engine.most_at_once == 24


@pytest.mark.parametrize("awaited", [False, True])
def test_three_levels_a_step_without_acceptance(user, awaited):
    lm = scripted_lm(gather=0.4, replies=always_wrong())
    results = aligned_by(
        user, lm, awaited=awaited, latest=8, held_out=0, epochs=1, acceptance=AcceptAll(), start=EmptyStart()
    ).detailed_results
    assert lm.engine.levels == [8, 8, 1]
    (record,) = results.accepted
    assert record["reason"] == "taken without a test"
    assert len(results.losses) == 1


def test_thirty_two_go_at_once(store):
    user = store.user("u")
    user.record(interactions(48))
    aligned_by(user, scripted_lm(), epochs=0)  # what is imported with the first call takes its time
    lm = scripted_lm(gather=0.4)
    aligned_by(user, lm, latest=32, held_out=16, epochs=1, start=EmptyStart())
    assert lm.engine.levels == [48, 32, 1, 48]


def test_threads_bound_what_goes_at_once(user):
    for awaited in (False, True):
        lm = scripted_lm(gather=0.03)
        aligned_by(user, lm, awaited=awaited, latest=8, held_out=4, epochs=1, threads=3)
        assert lm.engine.most_at_once <= 3


def test_the_same_seed_gives_the_same_persona(store):
    def result(name, **settings):
        user = store.user(name)
        user.record(interactions(14))
        return aligned_by(user, scripted_lm(), latest=5, held_out=3, candidates=2, **settings)

    first, again, awaited = result("a"), result("b"), result("c", awaited=True)
    assert first.persona == again.persona == awaited.persona
    assert record_of(first) == record_of(again) == record_of(awaited)
    assert result("d", seed=5).detailed_results.held_out != first.detailed_results.held_out


def test_compile_works_inside_a_running_loop(user):
    async def notebook():
        return aligned_by(user, scripted_lm(), latest=4, held_out=2)

    assert "Best, Kim" in asyncio.run(notebook()).persona.render()


def saboteur(given):
    return {"edits": [{"action": "add", "text": 'Always signs with "Yours, nobody of that name".'}]}


def test_a_harmful_edit_is_refused_and_a_paper_like_loop_takes_it(user):
    plain = [
        Interaction({"message": message(n)}, ground_truth={"reply": "Agree with all of it."}, id=f"p{n}")
        for n in range(9)
    ]
    settings = {"latest": 4, "held_out": 2, "epochs": 2, "start": EmptyStart(), "trainset": plain}
    refusing = aligned_by(user, scripted_lm(replies={"edit": saboteur}), **settings)
    assert refusing.persona == Persona()
    assert refusing.persona_version == user.version == 0
    results = refusing.detailed_results
    assert results.accepted == []
    assert [record["edit"] for record in results.refused] == ['+ Always signs with "Yours, nobody of that name".'] * 2
    assert all("worse" in record["reason"] for record in results.refused)
    taking = aligned_by(user, scripted_lm(replies={"edit": saboteur}), acceptance=AcceptAll(), **settings)
    assert "nobody of that name" in taking.persona.render()
    assert taking.detailed_results.losses[1] > taking.detailed_results.losses[0]


def test_the_editor_hears_what_was_refused(user):
    plain = [
        Interaction({"message": message(n)}, ground_truth={"reply": "Agree with all of it."}, id=f"p{n}")
        for n in range(9)
    ]
    lm = scripted_lm(replies={"edit": saboteur})
    aligned_by(user, lm, latest=4, held_out=2, epochs=2, trainset=plain)
    first, second = (call.sections["refused"] for call in lm.engine.calls if call.kind == "edit")
    assert first == "[]"
    assert "nobody of that name" in second


@pytest.mark.parametrize("held_out", [3, 0])
def test_the_held_out_slice_catches_what_helps_the_window_only(store, held_out):
    user = store.user("u")
    films = [f"A comedy with crime, number {n}" for n in range(9)]
    window = latest_with_slice([Interaction({"description": f}, id=f) for f in films], 9 - held_out, held_out, 0)
    held = {item.id for item in window.hold_out}
    user.record(
        Interaction({"description": film}, ground_truth={"tag": "comedy" if film in held else "dark"}, time=n)
        for n, film in enumerate(films)
    )
    with dspy.context(lm=scripted_lm(), adapter=None):
        agent = PersonaAgent("description -> tag", user=user, retrieve=0)
        aligned = PersonaAligner(latest=9 - held_out, held_out=held_out, start=EmptyStart()).compile(agent)
    if held_out:
        assert aligned.persona == Persona()
        assert "not derived from" in aligned.detailed_results.refused[0]["reason"]
    else:
        assert aligned.persona.render() == '- Calls every comedy with crime "dark".'


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("limit", [1, 5, 6, 9, 13, 14, 22, 30])
def test_a_budget_of_calls_is_never_passed(user, limit, awaited):
    def spoil(kind, number, prompt):
        return "I would rather not." if number % 3 == 0 else None

    lm = scripted_lm(spoil=spoil)
    try:
        results = aligned_by(
            user, lm, awaited=awaited, latest=4, held_out=2, epochs=4, budget=Budget(calls=limit)
        ).detailed_results
    except ModelError:
        results = None  # so small a budget that not even one answer could be asked for again
    assert lm.engine.count() <= limit
    if results and limit < 22:
        assert f"budget of {limit} calls" in results.stopped or "of no use" in results.stopped
    if limit == 1:
        assert results.after == Persona()
        assert user.version == 0


def test_when_the_budget_is_spent_the_best_persona_so_far_is_returned(user):
    n, h = 4, 2
    lm = scripted_lm()
    calls = most_calls(n, h, 1, 1) + n + 1
    aligned = aligned_by(user, lm, latest=n, held_out=h, epochs=9, budget=Budget(calls=calls))
    assert lm.engine.count() == calls
    assert "budget" in aligned.detailed_results.stopped
    assert [s.text for s in aligned.persona.statements] == ["Answers in English.", 'Always signs with "Best, Kim".']
    assert user.persona == aligned.persona


@pytest.mark.parametrize("count", [1, 2])
def test_from_fewer_than_three_nothing_is_learnt(store, count):
    user = store.user("u")
    user.record(interactions(count))
    lm = scripted_lm()
    aligned = aligned_by(user, lm)
    assert lm.engine.count() == 0
    assert "fewer than 3" in aligned.detailed_results.stopped
    assert aligned.persona == Persona()
    assert user.version == 0


def test_without_any_ground_truth_there_is_one_sentence(store):
    user = store.user("u")
    user.record(Interaction({"message": "hi"}))
    user.record(Interaction({"other": "hi"}, ground_truth={"reply": "x"}))
    with pytest.raises(DataError, match="'u' has no interaction with the inputs message"):
        aligned_by(user, scripted_lm())


@pytest.mark.parametrize("awaited", [False, True])
def test_a_model_that_only_decides_may_be_taught_by_one_that_writes(store, awaited):
    user = store.user("u")
    truth = Rules(labels=(("comedy", "crime", "dark comedy"), ("drama", "music", "musical")))
    films = [f"A {('comedy with crime', 'drama with music', 'comedy with dogs')[n % 3]}, number {n}" for n in range(15)]
    user.record(
        Interaction({"description": f}, ground_truth={"tag": truth.label(f)}, time=n) for n, f in enumerate(films)
    )

    def obeys(prompt, answer):
        return 9.0 * (Rules.of(prompt).label(prompt.rpartition("Description:")[2]) == answer)

    writer = scripted_lm()
    with dspy.context(lm=measuring_lm(obeys), adapter=LocalAdapter()):
        agent = PersonaAgent(TagFilm, user=user, retrieve=0, calibration=None)
        aligner = PersonaAligner(
            latest=9, held_out=6, critic=LMCritic(writer), editor=LMEditor(writer), start=ProfileStart(writer)
        )
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
        assert [aligned(description=film).tag for film in films] == [truth.label(film) for film in films]
    assert set(truth.lines()) < {statement.text for statement in aligned.persona.statements}
    assert {call.kind for call in writer.engine.calls} == {"profile", "critique", "edit"}
    assert all("Say how the persona" in call.system for call in writer.engine.calls if call.kind == "critique")


def test_a_short_history_shrinks_both_parts_and_says_so(store):
    for count in range(3, 12):
        user = store.user(f"u{count}")
        user.record(interactions(count))
        results = aligned_by(user, scripted_lm(), latest=8, held_out=4, epochs=1).detailed_results
        assert len(results.window) + len(results.held_out) == count
        assert len(results.held_out) >= min(4, math.ceil(count / 3))
        assert f"has {count} interactions" in results.notes[0]
        assert len(results.accepted) == 1


def test_when_all_is_right_there_is_nothing_to_learn(user):
    persona = Persona.from_text("\n".join(KIM.lines()))
    user.save_persona(persona, parent=0, author="me")
    lm = scripted_lm()
    aligned = aligned_by(user, lm, latest=5, held_out=3)
    assert lm.engine.count() == lm.engine.count("answer") == 8
    assert aligned.detailed_results.stopped.startswith("nothing to learn")
    assert aligned.persona == persona
    assert aligned.persona_version == user.version == 1


@pytest.mark.parametrize("bad", ["", "Sorry, no.", "[[ ## edits ## ]]\n[{not json\n\n[[ ## completed ## ]]"])
def test_an_edit_that_cannot_be_read_is_asked_for_again_and_then_skipped(user, bad):
    lm = scripted_lm(spoil=lambda kind, number, prompt: bad if kind == "edit" else None)
    results = aligned_by(user, lm, latest=4, held_out=2).detailed_results
    assert lm.engine.count("edit") == 3
    assert "of no use" in results.stopped
    (step,) = results.steps
    assert "AdapterParseError" in step.skipped[0]
    assert len(step.gradients) == 4
    once = scripted_lm(spoil=lambda kind, number, prompt: bad if kind == "edit" and number == 1 else None)
    assert aligned_by(user, once, latest=4, held_out=2, epochs=1).detailed_results.accepted
    assert once.engine.count("edit") == 2
    assert any("JSON object" in call.user for call in once.engine.calls if call.kind == "edit")


@pytest.mark.parametrize("bad", ["", "No."])
def test_one_bad_critique_does_not_lose_the_others(user, bad):
    def spoil(kind, number, prompt):
        return bad if kind == "critique" and "house 13" in prompt else None

    lm = scripted_lm(spoil=spoil)
    window = latest_with_slice(user.history(), 4, 2, 0)
    assert "i13" in {item.id for item in window.learn}  # else the test tests nothing
    results = aligned_by(user, lm, latest=4, held_out=2, epochs=1).detailed_results
    (step,) = results.steps
    assert len(step.gradients) == 3
    assert len(step.skipped) == 1
    assert results.accepted
    assert "i13" not in results.accepted[0]["evidence"]
    assert results.to_dict()["steps"][0]["skipped"] == list(step.skipped)


def test_an_interaction_that_cannot_be_simulated_is_left_out(user):
    def spoil(kind, number, prompt):
        return "No." if kind == "answer" and "house 13\n\nRespond" in prompt else None

    results = aligned_by(user, scripted_lm(spoil=spoil), latest=5, held_out=3, epochs=4).detailed_results
    assert results.losses[-1] == 0.0
    assert "1 interactions could not be simulated" in results.notes[0]


def failing(kind, number, prompt):
    raise ServerError("the machine is on fire")


@pytest.mark.parametrize("spoil", [failing, lambda kind, number, prompt: "No."])
@pytest.mark.parametrize("awaited", [False, True])
def test_an_lm_that_always_fails_is_one_sentence(user, spoil, awaited):
    with pytest.raises(ModelError) as failed:
        aligned_by(user, scripted_lm(spoil=spoil), awaited=awaited)
    assert "\n" not in str(failed.value)
    assert "answered none of 12 interactions" in str(failed.value)
    assert user.version == 0


def test_without_an_lm_there_is_one_sentence(user):
    with pytest.raises(ModelError, match="No LM is configured"):
        aligned_by(user, None)


def at_once(user, *settings):
    """Alignments that began on the same version, each with arguments of its own."""
    ends: dict[int, Any] = {}
    barrier = threading.Barrier(len(settings))

    def align(place, arguments, agent):
        lm = scripted_lm(gather=0.02, replies=arguments.pop("replies", None))
        barrier.wait()
        try:
            with dspy.context(lm=lm, adapter=None):
                ends[place] = PersonaAligner(**{"latest": 4, "held_out": 2, "epochs": 1} | arguments).compile(agent)
        except PersonaOptError as error:
            ends[place] = error

    agents = [PersonaAgent("message -> reply", user=user, retrieve=0) for _ in settings]
    threads = [
        threading.Thread(target=align, args=(place, dict(arguments), agents[place]))
        for place, arguments in enumerate(settings)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [ends[place] for place in range(len(settings))]


def adding(text):
    return {"edit": lambda given: {"edits": [{"action": "add", "text": text}]}}


def test_of_two_alignments_at_once_that_learn_the_same_one_version_is_stored(user):
    first, second = at_once(user, {}, {})
    assert [version.persona for version in user.personas()] == [first.persona]
    assert first.persona == second.persona
    assert first.persona_version == second.persona_version == 1
    notes = " ".join((*first.detailed_results.notes, *second.detailed_results.notes))
    assert "version 1, which was stored meanwhile, says all that was learnt" in notes


def test_of_two_alignments_at_once_both_are_kept(user):
    loose = {"acceptance": AcceptAll(), "start": EmptyStart()}
    ends = at_once(user, {"replies": adding("Likes tea."), **loose}, {"replies": adding("Likes rain."), **loose})
    assert {statement.text for statement in user.persona.statements} == {"Likes tea.", "Likes rain."}
    assert [version.parent for version in user.personas()] == [None, 1]
    later = next(end for end in ends if end.persona_version == 2)
    assert later.persona == user.persona
    assert later.detailed_results.notes == (
        "rebased on version 1, which was stored meanwhile; together they were not tried",
    )
    assert later.detailed_results.after == user.persona


def test_what_does_not_fit_is_refused_and_nothing_is_lost(user):
    user.save_persona(Persona.from_text("Likes tea."), parent=0, author="me")

    def replacing(text):
        return {"edit": lambda given: {"edits": [{"action": "replace", "statement": 1, "text": text}]}}

    ends = at_once(
        user,
        {"replies": replacing("Likes coffee."), "acceptance": AcceptAll()},
        {"replies": replacing("Likes milk."), "acceptance": AcceptAll()},
    )
    (refused,) = [end for end in ends if isinstance(end, VersionConflict)]
    (kept,) = [end for end in ends if isinstance(end, PersonaAgent)]
    assert "call agent.refresh() and align again" in str(refused)
    assert user.persona == kept.persona
    assert user.version == 2
    assert user.store.unfinished_runs(user.id) == []


def test_the_student_is_left_alone_and_the_new_version_says_where_it_comes_from(user):
    first = Persona((Statement("Is called Kim.", source="stated", pinned=True),))
    user.save_persona(first, parent=0, author="me")
    with dspy.context(lm=scripted_lm(), adapter=None):
        agent = PersonaAgent("message -> reply", user=user)
        before = agent.dump_state()
        aligned = PersonaAligner(latest=5, held_out=3).compile(agent)
    assert agent.dump_state() == before
    assert (agent.persona, agent.persona_version) == (first, 1)
    assert not hasattr(agent, "detailed_results")
    stored = user.personas()[-1]
    assert (stored.version, stored.parent, stored.author) == (2, 1, "PersonaAligner")
    assert stored.persona == aligned.persona
    assert first.apply(stored.edits) == stored.persona
    assert aligned.persona_version == aligned.detailed_results.version == 2
    assert stored.reason == str(aligned.detailed_results)
    window = set(aligned.detailed_results.window)
    learnt = [statement for statement in stored.persona.statements if statement.source == "learnt"]
    assert len(learnt) == 3
    for statement in learnt:
        assert statement.evidence
        assert set(statement.evidence) <= window
    assert not window & set(aligned.detailed_results.held_out)


def test_what_is_pinned_is_not_touched_by_any_editor(user):
    class Remover:
        def propose(self, request):
            from personaopt.lm.asks import Ask

            return [Ask.done((Edit("remove", target=request.persona.statements[0].id),))]

    for editor in (Remover(), LMEditor()):
        persona = Persona((Statement("Stays.", pinned=True),))
        lm = scripted_lm(replies={"edit": lambda given: {"edits": [{"action": "remove", "statement": 1}]}})
        aligned = aligned_by(user, lm, persona=persona, editor=editor, acceptance=AcceptAll(), latest=4, held_out=2)
        assert aligned.persona == persona


def test_the_record_is_json_and_holds_no_texts_of_interactions(user):
    aligned = aligned_by(user, scripted_lm(), latest=5, held_out=3, epochs=5)
    text = json.dumps(aligned.detailed_results.to_dict())
    assert "house" not in text
    assert "thank you for your message" not in text.lower()
    assert "capital letters" in text  # the feedback is there
    assert "changes kept" in str(aligned.detailed_results)
    assert "house" not in aligned.detailed_results._repr_html_()


def examples(count, recorded=True):
    made = interactions(count) if recorded else interactions(count, KIM)
    return [
        dspy.Example(message=item.inputs["message"], reply=item.ground_truth["reply"]).with_inputs("message")
        for item in made
    ]


def test_a_trainset_of_examples_is_found_in_the_history(user):
    lm = scripted_lm()
    aligned = aligned_by(user, lm, trainset=examples(14), latest=5, held_out=3, retrieve=9)
    assert set(aligned.detailed_results.window) <= {item.id for item in user.history()}
    assert_nothing_leaks(lm, retrieved=True)
    plain = aligned_by(user, scripted_lm(), latest=5, held_out=3, retrieve=9, persona=Persona(), trainset=None)
    assert plain.detailed_results.window == aligned.detailed_results.window


def test_a_trainset_that_is_not_recorded(store):
    results = [
        aligned_by(store.user(name), scripted_lm(), trainset=examples(9) * 2, latest=5, held_out=3) for name in "ab"
    ]
    assert results[0].persona == results[1].persona
    assert len(results[0].detailed_results.accepted) == 3
    assert store.user("a").count() == 0
    with pytest.raises(DataError, match=r"dspy\.Examples"):
        aligned_by(store.user("c"), scripted_lm(), trainset=[{"message": "x"}])


def assert_nothing_leaks(lm, retrieved: bool) -> None:
    shown = 0
    for call in lm.engine.calls:
        if call.kind == "answer":
            asked = int(NUMBER.search(call.sections["message"])[1])
            memories = [int(number) for number in NUMBER.findall(call.sections["memories"])]
            assert all(number < asked for number in memories)
            assert not NUMBER.search(call.system)
            shown += len(memories)
    assert bool(shown) == retrieved


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("retrieve", [0, 3, 50])
def test_no_prompt_shows_an_interaction_what_comes_at_or_after_it(user, retrieve, awaited):
    lm = scripted_lm()
    aligned_by(user, lm, awaited=awaited, retrieve=retrieve, latest=6, held_out=4)
    assert_nothing_leaks(lm, retrieved=retrieve > 0)


def test_an_unrecorded_interaction_remembers_what_was_before_its_time(user):
    late = [
        Interaction({"message": message(n)}, ground_truth={"reply": KIM.reply(message(n))}, time=3) for n in (6, 7, 8)
    ]
    lm = scripted_lm()
    aligned_by(user, lm, retrieve=50, trainset=late, epochs=1)
    for call in lm.engine.calls:
        if call.kind == "answer":
            assert max(int(n) for n in NUMBER.findall(call.sections["memories"])) == 5


def test_what_is_held_out_is_never_derived_from(user):
    lm = scripted_lm()
    results = aligned_by(user, lm, latest=6, held_out=4).detailed_results
    held = {user.interaction(i).inputs["message"] for i in results.held_out}
    asked = {call.sections["question"] for call in lm.engine.calls if call.kind == "critique"}
    profiles = "".join(call.user for call in lm.engine.calls if call.kind in ("profile", "edit"))
    assert asked
    assert not asked & held
    assert not any(f'"{text}"' in profiles for text in held)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_window_chosen_by_losses_is_simulated_once(user, awaited):
    lm = scripted_lm(gather=0.1)
    results = aligned_by(
        user, lm, awaited=awaited, window=HardestWindow(4, 2, consider=10), epochs=1, start=EmptyStart()
    ).detailed_results
    assert lm.engine.levels == [10, 4, 1, 6]  # the pool, and nothing of it again
    assert (len(results.window), len(results.held_out)) == (4, 2)
    assert results.accepted


class Peeking(LatestWindow):
    """Holds out what went best."""

    def pool(self, history, seed):
        return history

    def choose(self, history, losses, seed):
        window = super().choose(history, losses, seed)
        return dataclasses.replace(window, learn=window.hold_out, hold_out=window.learn) if losses else window


def test_losses_may_not_decide_what_is_held_out(user):
    with pytest.raises(ConfigurationError, match="Peeking lets the losses decide what is held out"):
        aligned_by(user, scripted_lm(), window=Peeking(4, 2))


@pytest.mark.parametrize("window", [StratifiedWindow(4, 2), ReplayWindow(4, 2, older=3), HardestWindow(4, 2)])
def test_nothing_is_derived_from_the_slice_of_any_window(user, window):
    lm = scripted_lm()
    results = aligned_by(user, lm, window=window).detailed_results
    held = {user.interaction(i).inputs["message"] for i in results.held_out}
    asked = {call.sections["question"] for call in lm.engine.calls if call.kind == "critique"}
    profile = next(call.user for call in lm.engine.calls if call.kind == "profile")
    assert asked
    assert not asked & held
    assert not any(f'"{text}"' in profile for text in held)
    assert not set(results.window) & set(results.held_out)


def by_three(example, prediction, trace=None):
    return float(example.reply == prediction.reply)


def by_five(gold, pred, trace, pred_name, pred_trace):
    return dspy.Prediction(score=float(gold.reply == pred.reply), feedback="It must be signed, said the metric.")


def keyword_only(example, prediction, trace=None, *, scale=1.0):
    return scale * (example.reply == prediction.reply)


class Callable:
    def __call__(self, example, prediction, trace=None):
        return example.reply == prediction.reply


@pytest.mark.parametrize("metric", [by_three, by_five, keyword_only, Callable()])
def test_a_metric_of_either_shape(user, metric):
    user.save_persona(Persona.from_text("\n".join(KIM.lines()[1:])), parent=0, author="me")
    lm = scripted_lm()
    results = aligned_by(user, lm, latest=4, held_out=2, metric=metric).detailed_results
    assert results.losses == (1.0, 0.0)
    critiques = [call.user for call in lm.engine.calls if call.kind == "critique"]
    assert all(("said the metric" in text) == (metric is by_five) for text in critiques)


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), None, "good", {"feedback": "no score"}])
def test_a_metric_out_of_range_is_named_and_not_asked_again(user, value):
    lm = scripted_lm()
    with pytest.raises(ConfigurationError, match="The metric gave"):
        aligned_by(user, lm, latest=4, held_out=2, metric=lambda example, prediction, trace=None: value)
    assert lm.engine.count("answer") <= 6


class Listener(BaseCallback):
    def __init__(self):
        self.heard = []

    def on_compile_start(self, call_id, instance, inputs):
        self.heard.append(("start", type(instance), type(inputs["student"])))

    def on_compile_end(self, call_id, outputs, exception=None):
        self.heard.append(("end", type(outputs), exception))


@pytest.mark.parametrize("awaited", [False, True])
def test_dspys_compile_callbacks_are_called(user, awaited):
    listener = Listener()
    with dspy.context(callbacks=[listener]):
        aligned_by(user, scripted_lm(), awaited=awaited, latest=4, held_out=2, epochs=1)
        with pytest.raises(ModelError):
            aligned_by(user, None, awaited=awaited)
    assert listener.heard[:2] == [("start", PersonaAligner, PersonaAgent), ("end", PersonaAgent, None)]
    assert [event[0] for event in listener.heard] == ["start", "end", "start", "end"]
    assert isinstance(listener.heard[3][2], ModelError)


def test_parameters_are_plain_and_hold_no_secret():
    secret = dspy.LM("openai/gpt-4.1-mini", api_key="sk-very-secret")
    aligner = PersonaAligner(
        critic=LMCritic(secret),
        editor=LMEditor(secret),
        start=ProfileStart(secret),
        metric=by_three,
        budget=Budget(calls=9),
    )
    parameters = aligner.get_params()
    text = json.dumps(parameters)
    assert "sk-very-secret" not in text + repr(aligner) + repr(vars(aligner))
    assert parameters["critic"] == "LMCritic"
    assert parameters["metric"] == "by_three"
    assert parameters["budget"]["calls"] == 9
    assert parameters["latest"] == 8


@pytest.mark.parametrize(
    "settings",
    [
        {"latest": 0},
        {"latest": 2.0},
        {"held_out": -1},
        {"epochs": True},
        {"candidates": 0},
        {"threads": 0},
        {"latest": "8"},
    ],
)
def test_arguments_out_of_range_are_refused(settings):
    with pytest.raises(ConfigurationError, match=next(iter(settings))):
        PersonaAligner(**settings)


@pytest.mark.parametrize("limits", [{"calls": 0}, {"tokens": -1}, {"seconds": "9"}, {"calls": True}])
def test_a_budget_is_above_nothing(limits):
    with pytest.raises(ConfigurationError, match=next(iter(limits))):
        Budget(**limits)


@pytest.mark.parametrize("limits", [{"tokens": 500}, {"seconds": 1e-6}])
def test_tokens_and_seconds_end_it_too(user, limits):
    results = aligned_by(user, scripted_lm(), budget=Budget(**limits)).detailed_results
    assert "budget" in results.stopped


def test_a_window_that_could_not_be_answered_is_not_called_right(store):
    user = store.user("silent")
    user.record(
        Interaction({"message": f"Are you there, {n}"}, ground_truth={"reply": "yes I am"}, time=n) for n in range(8)
    )
    unread = {item.inputs["message"] for item in LatestWindow(3, 2).choose(user.history(), {}, 0).learn}
    lm = scripted_lm(spoil=lambda kind, number, prompt: "No." if any(text in prompt for text in unread) else None)
    with dspy.context(lm=lm, adapter=None):
        agent = PersonaAgent("message -> reply", user=user, retrieve=0)
        results = PersonaAligner(latest=3, held_out=2, start=EmptyStart()).compile(agent).detailed_results
    assert results.stopped == "nothing to learn: no interaction of the window could be answered"


def test_the_record_names_no_window_that_the_budget_had_no_room_for(store):
    user = store.user("thrifty")
    user.record(
        Interaction({"message": f"Are you there, {n}"}, ground_truth={"reply": "yes I am"}, time=n) for n in range(20)
    )
    with dspy.context(lm=scripted_lm(), adapter=None):
        agent = PersonaAgent("message -> reply", user=user, retrieve=0)
        settings = {"latest": 3, "held_out": 2, "windows": 3, "start": EmptyStart()}
        window = LatestWindow(3, 2).choose(user.history(), {}, 0)
        budget = Budget(calls=5 + 3 + 1 + 5 + 4)  # an epoch, and one call less than another window takes
        results = PersonaAligner(**settings, budget=budget).compile(agent).detailed_results
    assert "no room for 5 more" in results.stopped
    assert len(results.steps) == 1
    assert results.window == tuple(item.id for item in window.learn)
    assert results.held_out == tuple(item.id for item in window.hold_out)
