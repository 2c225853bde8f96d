"""What listeners hear of an alignment: everything, in order, from one thread, and nothing a user said."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.optimizers import events
from personaopt.optimizers.critics import ChainedCritic, LMCritic

KIM = Rules(sign_off="Best, Kim", lower=True, words=8)
SECRET = "the yellow lighthouse"


@pytest.fixture
def agent():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for number in range(9):
            text = f"Shall we meet at {SECRET} number {number}"
            user.record(
                po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, time=number, id=f"i{number}")
            )
        yield po.PersonaAgent("message -> reply", user=user, retrieve=0)


def heard(agent, *, awaited=False, lm=None, listeners=None, **settings):
    told: list = []
    settings = {"latest": 4, "held_out": 2, "epochs": 4, "callbacks": [told.append, *(listeners or [])]} | settings
    with dspy.context(lm=lm or scripted_lm(), adapter=None):
        aligner = po.PersonaAligner(**settings)
        aligned = asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)
    return told, aligned


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("critic", [LMCritic(), ChainedCritic()])
def test_the_events_of_an_alignment_in_their_order(agent, awaited, critic):
    told, aligned = heard(agent, awaited=awaited, critic=critic)
    results = aligned.detailed_results
    assert {(event.run, event.user) for event in told} == {(results.run, "u")}
    first, *_, stored, last = told
    assert isinstance(first, events.RunStarted)
    assert (first.window, first.held_out, first.epochs, first.resumed) == (results.window, results.held_out, 4, 0)
    assert first.parameters["latest"] == 4
    assert stored == events.VersionStored(results.run, "u", 1, 0, aligned.persona)
    assert last == events.RunEnded(results.run, "u", results)
    levels = [(event.epoch, event.level) for event in of(told, events.LevelStarted)]
    step = ["loss", "critique", "edit", "trial"] if critic.calls == 2 else ["critique", "edit", "trial"]
    expected = [(0, "start"), (0, "simulate"), *((n, name) for n in (1, 2, 3) for name in step)]
    assert levels == expected == [(event.epoch, event.level) for event in of(told, events.LevelEnded)]
    assert [event.loss for event in of(told, events.EpochStarted)] == list(results.losses[:-1])
    assert [event.loss for event in of(told, events.EpochEnded)] == list(results.losses[1:])
    assert of(told, events.EpochEnded)[-1].persona == aligned.persona
    candidates = [candidate for step in results.steps for candidate in step.candidates]
    assert [event.candidate for event in of(told, events.CandidateJudged)] == candidates
    assert [event.edits for event in of(told, events.CandidateProposed)] == [c.edits for c in candidates]
    assert of(told, events.LevelEnded)[-1].usage.calls == results.usage.calls


@pytest.mark.parametrize("awaited", [False, True])
def test_every_call_is_reported_as_it_comes_back(agent, awaited):
    told, aligned = heard(agent, awaited=awaited, lm=scripted_lm(gather=0.03))
    counts: dict = {}
    for event in told:
        if isinstance(event, events.LevelStarted):
            counts[event.epoch, event.level] = []
            current, calls = counts[event.epoch, event.level], event.calls
        elif isinstance(event, events.CallEnded):
            current.append(event.done)
            assert event.calls == calls
    assert all(done == list(range(1, len(done) + 1)) for done in counts.values())
    assert sum(map(len, counts.values())) == aligned.detailed_results.usage.calls


def test_they_come_from_the_thread_that_compiles(agent):
    threads: set = set()
    heard(agent, listeners=[lambda event: threads.add(threading.current_thread())])
    assert threads == {threading.current_thread()}


def test_a_listener_that_fails_costs_nothing_and_its_error_is_not_logged(agent, caplog):
    def fails(event):
        raise ValueError(f"no room for {SECRET}")

    told, aligned = heard(agent, listeners=[fails])
    assert aligned.detailed_results.accepted
    assert len(of(told, events.RunEnded)) == 1
    assert "A listener failed on RunStarted with ValueError." in caplog.text
    assert SECRET not in caplog.text
    assert all(record.exc_info is None for record in caplog.records)


@pytest.mark.parametrize("awaited", [False, True])
def test_a_run_that_fails_says_so_without_its_message(agent, awaited):
    told: list = []

    def metric(example, prediction, trace=None):
        raise ZeroDivisionError(SECRET)

    with pytest.raises(ZeroDivisionError):
        heard(agent, awaited=awaited, metric=metric, listeners=[told.append])
    assert isinstance(told[-1], events.RunFailed)
    assert told[-1].error == "ZeroDivisionError"
    assert SECRET not in repr(told)
    assert not of(told, events.RunEnded)


def test_events_hold_nothing_a_user_said(agent):
    told, _ = heard(agent, lm=scripted_lm())
    assert SECRET not in repr(told)
    assert SECRET not in json.dumps([dataclasses.asdict(event) for event in told], default=str)


def test_nothing_is_stored_where_nothing_changed(agent):
    told, _ = heard(agent, epochs=0, start=po.PersonaAligner().start, lm=scripted_lm())
    told, aligned = heard(agent.refresh(), epochs=0)
    assert not of(told, events.VersionStored)
    assert isinstance(told[-1], events.RunEnded)
    assert aligned.detailed_results.version == agent.persona_version
