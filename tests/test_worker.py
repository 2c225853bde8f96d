"""Alignments in the background: when they begin, what they leave alone, and what becomes of what goes wrong."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.errors import ConfigurationError, DataError, ModelError, VersionConflict
from personaopt.evals.synthetic import synthetic_users

RULES = Rules(sign_off="Cheers, K")
HAND = {"triggers": [po.ByHand()], "debounce": 0.0}


@pytest.fixture
def store(tmp_path):
    with po.open_store(tmp_path / "people.db", embedder=HashedWords()) as opened:
        yield opened


@pytest.fixture
def lm():
    made = scripted_lm()
    with dspy.context(lm=made):
        yield made


def talk(store, user_id, *, start=0, count=8, session=None):
    user = store.user(user_id)
    for number in range(start, start + count):
        message = f"Please look at item number {number}"
        said = {"reply": RULES.reply(message)}
        user.record(
            po.Interaction({"message": message}, ground_truth=said, time=number, session=session or f"s{number // 3}")
        )
    return user


def maker(store):
    return lambda user_id: po.PersonaAgent("message -> reply", user=store.user(user_id), retrieve=2)


def aligner(**settings):
    return po.PersonaAligner(**{"latest": 4, "held_out": 2, "epochs": 1, **settings})


class Aligner:
    """In the place of the aligner where only the worker's own rules are looked at: records when it ran and on whom."""

    def __init__(self, seconds=0.05, fail=None):
        self.seconds, self.fail = seconds, fail
        self.spans, self.versions = [], []
        self.at_once = self.most = 0

    async def acompile(self, student):
        began = time.monotonic()
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.versions.append(student.persona_version)
        try:
            await asyncio.sleep(self.seconds)
            if self.fail:
                self.fail(student)
        finally:
            self.at_once -= 1
        self.spans.append((student.user.id, began, time.monotonic()))
        return student.deepcopy()

    def of(self, user_id):
        return [span for span in self.spans if span[0] == user_id]


def test_a_persona_is_learnt_in_the_background(store, lm):
    talk(store, "u")
    aligned = []
    with po.AlignmentWorker(
        aligner(), maker(store), debounce=0.01, triggers=[po.EverySessions(2)], on_aligned=aligned.append
    ) as worker:
        worker.notify("u")
    assert not worker.failures
    (agent,) = aligned
    assert "Cheers, K" in agent.persona.render()
    assert store.user("u").persona == agent.persona
    assert agent.detailed_results.version == store.user("u").version == 1


def test_an_answer_does_not_wait_for_an_alignment(store):
    """The aligner's LM takes 0.3 s a call; the agent answers with its own, quick one, while that is under way."""
    user = talk(store, "u")
    with dspy.context(lm=scripted_lm(gather=0.3)):
        worker = po.AlignmentWorker(aligner(), maker(store), **HAND)
    with dspy.context(lm=scripted_lm()):
        agent = maker(store)("u")
        agent(message="warm up")
        alone = [seconds_of(agent, message=f"hello {number}") for number in range(20)]
        noticed = [seconds_of(worker.notify, "u", force=True) for _ in range(9)]
        time.sleep(0.1)
        beside = []
        while user.version == 0 and len(beside) < 2000:
            beside.append(seconds_of(agent, message=f"hello again {len(beside)}"))
    assert sorted(noticed)[4] < 0.02
    assert len(beside) > 20  # many answers in the time of one alignment
    assert sorted(beside)[len(beside) // 2] < 0.05 + 5 * sorted(alone)[10]
    assert worker.close()
    assert user.version == 1
    assert agent.persona_version == 0  # it is a snapshot until it is refreshed
    assert "Cheers, K" in agent.refresh().persona.render()


def seconds_of(call, *args, **kwargs):
    begun = time.perf_counter()
    call(*args, **kwargs)
    return time.perf_counter() - begun


def test_many_notifications_make_one_alignment(store):
    talk(store, "u", count=1)
    stub = Aligner()
    with po.AlignmentWorker(stub, maker(store), triggers=[po.EveryInteractions(1)], debounce=0.15) as worker:
        for _ in range(10):
            worker.notify("u")
            time.sleep(0.01)
        assert not stub.spans
        time.sleep(0.4)
        assert len(stub.spans) == 1


def test_notifications_that_keep_coming_do_not_put_it_off_for_ever(store):
    talk(store, "u", count=1)
    stub = Aligner(seconds=0)
    with po.AlignmentWorker(stub, maker(store), triggers=[po.EveryInteractions(1)], debounce=0.03) as worker:
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            worker.notify("u")
            time.sleep(0.005)
        assert stub.spans  # begun at 0.3 s, not at the end


def test_a_user_is_aligned_once_at_a_time_and_several_users_at_once(store):
    for user_id in "abc":
        talk(store, user_id, count=1)
    stub = Aligner(seconds=0.15)
    with po.AlignmentWorker(stub, maker(store), workers=2, **HAND) as worker:
        for user_id in "abc":
            worker.notify(user_id, force=True)
        time.sleep(0.05)
        for _ in range(5):
            worker.notify("a", force=True)  # while it is under way: one more, afterwards
    assert stub.most == 2
    assert [len(stub.of(user_id)) for user_id in "abc"] == [2, 1, 1]
    (_, _, first_end), (_, second_begin, _) = stub.of("a")
    assert second_begin >= first_end


def test_only_what_is_due_is_aligned_and_what_was_seen_counts_no_more(store):
    talk(store, "u", count=3, session="s")
    stub = Aligner(seconds=0)
    with po.AlignmentWorker(
        stub, maker(store), triggers=[po.ByHand(), po.EveryInteractions(4)], debounce=0.0
    ) as worker:
        worker.notify("u")
        worker.flush()
        assert not stub.spans
        talk(store, "u", start=3, count=1)
        worker.notify("u")
        worker.flush()
        assert len(stub.spans) == 1
        worker.notify(store.user("u"))
        worker.flush()
        assert len(stub.spans) == 1
        talk(store, "u", start=4, count=4)
        worker.notify("u")
        worker.flush()
        assert len(stub.spans) == 2
        assert worker.flush()


def test_an_agent_may_be_given_and_is_left_alone(store, lm):
    talk(store, "u")
    agent = maker(store)("u")
    with po.AlignmentWorker(aligner(), **HAND) as worker:
        worker.notify(agent, force=True)
        with pytest.raises(ConfigurationError, match="make_agent"):
            worker.notify("u")
    assert agent.persona_version == 0
    assert store.user("u").version == 1


def test_the_context_is_that_in_which_the_worker_was_made(store):
    talk(store, "u", count=2)
    seen = []
    stub = Aligner(seconds=0, fail=lambda student: seen.append(dspy.settings.lm))
    made, other = scripted_lm(), scripted_lm()
    with dspy.context(lm=made):
        worker = po.AlignmentWorker(stub, maker(store), **HAND)
    with dspy.context(lm=other):
        worker.notify("u", force=True)
        worker.flush()
        worker.notify("u", force=True)
        worker.close()
    assert seen == [made, made]


def test_after_a_conflict_it_is_made_again_on_the_new_version(store):
    user = talk(store, "u", count=1)

    def meanwhile(student):
        if user.version < 2:
            user.save_persona(po.Persona((po.Statement(f"Line {user.version}."),)), parent=user.version, author="me")
            raise VersionConflict("changed")

    stub = Aligner(seconds=0, fail=meanwhile)
    with po.AlignmentWorker(stub, maker(store), retries=2, **HAND) as worker:
        worker.notify("u", force=True)
    assert stub.versions == [0, 1, 2]
    assert not worker.failures


def test_conflicts_without_end_are_given_up(store):
    talk(store, "u", count=1)

    def always(student):
        raise VersionConflict("changed")

    stub = Aligner(seconds=0, fail=always)
    with po.AlignmentWorker(stub, maker(store), retries=1, **HAND) as worker:
        worker.notify("u", force=True)
    assert len(stub.versions) == 2
    assert [failure.kind for failure in worker.failures] == ["VersionConflict"]


def test_a_real_conflict_keeps_both_changes(store, lm):
    """Somebody writes a statement while the aligner thinks; the alignment is made again on top of it."""
    user = talk(store, "u")
    written = threading.Event()

    def write(kind, number, prompt):
        if kind == "edit" and not written.is_set():
            written.set()
            user.save_persona(po.Persona((po.Statement("Likes tea."),)), parent=0, author="me")

    with dspy.context(lm=scripted_lm(spoil=write)):
        worker = po.AlignmentWorker(aligner(), maker(store), **HAND)
    worker.notify("u", force=True)
    worker.close()
    assert not worker.failures
    assert "Likes tea." in user.persona.render()
    assert "Cheers, K" in user.persona.render()


def test_failures_are_kept_told_and_logged_by_name_and_end_nothing(store, caplog):
    talk(store, "bad", count=1)
    talk(store, "good", count=1)

    def fail(student):
        if student.user.id == "bad":
            raise ModelError("the user said: my secret")

    told = []

    def on_failed(failure):
        told.append(failure)
        raise ZeroDivisionError("my secret")

    stub = Aligner(seconds=0, fail=fail)
    with (
        caplog.at_level(logging.DEBUG, logger="personaopt"),
        po.AlignmentWorker(stub, maker(store), on_failed=on_failed, **HAND) as worker,
    ):
        for user_id in ("bad", "good", "bad"):
            worker.notify(user_id, force=True)
            worker.flush()
    assert [(failure.user, failure.kind) for failure in worker.failures] == [("bad", "ModelError")] * 2
    assert list(worker.failures) == told
    assert worker.failures[0].error.__traceback__ is None
    assert isinstance(worker.failures[0].error, ModelError)
    assert "secret" not in repr(worker.failures)
    assert len(stub.of("good")) == 1
    assert "ModelError" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_callback_or_a_maker_that_fails_is_a_failure_too(store):
    talk(store, "u", count=1)

    def broken(*_):
        raise RuntimeError("mistake")

    with po.AlignmentWorker(Aligner(seconds=0), maker(store), on_aligned=broken, **HAND) as worker:
        worker.notify("u", force=True)
    with po.AlignmentWorker(Aligner(seconds=0), broken, **HAND) as second:
        second.notify("u", force=True)
    assert [failure.kind for failure in (*worker.failures, *second.failures)] == ["RuntimeError"] * 2


def test_a_user_without_ground_truth_is_a_failure_of_its_own_kind(store, lm):
    store.user("u").record(po.Interaction({"message": "hello"}))
    with po.AlignmentWorker(aligner(), maker(store), **HAND) as worker:
        worker.notify("u", force=True)
    assert isinstance(worker.failures[0].error, DataError)


def test_close_finishes_what_is_wanted_without_its_debounce(store):
    talk(store, "u", count=1)
    stub = Aligner()
    worker = po.AlignmentWorker(stub, maker(store), triggers=[po.EveryInteractions(1)], debounce=60.0)
    worker.notify("u")
    begun = time.monotonic()
    assert worker.close()
    assert time.monotonic() - begun < 2
    assert len(stub.spans) == 1
    assert worker.close()  # again does nothing
    for call in (lambda: worker.notify("u"), worker.flush):
        with pytest.raises(ConfigurationError, match="closed"):
            call()


def test_close_cancels_when_told_and_nothing_is_stored(store):
    talk(store, "u")
    talk(store, "v")
    slow = scripted_lm(gather=5.0)
    with dspy.context(lm=slow):
        worker = po.AlignmentWorker(aligner(), maker(store), workers=1, **HAND)
    worker.notify("u", force=True)
    worker.notify("v", force=True)
    time.sleep(0.3)
    begun = time.monotonic()
    assert not worker.close(cancel=True)
    assert time.monotonic() - begun < 2
    assert not worker.failures
    assert store.user("u").version == store.user("v").version == 0


def test_a_timeout_cancels_the_rest(store):
    talk(store, "u", count=1)
    stub = Aligner(seconds=30)
    worker = po.AlignmentWorker(stub, maker(store), **HAND)
    worker.notify("u", force=True)
    assert not worker.flush(timeout=0.1)
    assert stub.at_once == 1  # flush cancels nothing
    assert not worker.close(timeout=0.1)
    assert stub.at_once == 0
    assert not stub.spans


def test_an_error_in_the_block_cancels(store):
    talk(store, "u", count=1)
    stub = Aligner(seconds=30)
    begun = time.monotonic()

    def block():
        with po.AlignmentWorker(stub, maker(store), **HAND) as worker:
            worker.notify("u", force=True)
            time.sleep(0.05)
            raise KeyError

    with pytest.raises(KeyError):
        block()
    assert time.monotonic() - begun < 5


def test_a_callback_cannot_wait_for_its_own_worker(store):
    talk(store, "u", count=1)
    with po.AlignmentWorker(
        Aligner(seconds=0), maker(store), on_aligned=lambda agent: worker.flush(), **HAND
    ) as worker:
        worker.notify("u", force=True)
    assert [failure.kind for failure in worker.failures] == ["ConfigurationError"]


def worker_threads():
    return sum(thread.name == "personaopt-alignment" for thread in threading.enumerate())


def test_no_thread_is_left_behind(store):
    talk(store, "u", count=1)
    before = worker_threads()
    with po.AlignmentWorker(Aligner(seconds=0), maker(store), **HAND) as worker:
        worker.notify("u", force=True)
        assert worker_threads() == before + 1
    assert worker_threads() == before


@pytest.mark.parametrize("wrong", [{"debounce": -1.0}, {"workers": 0}, {"retries": -1}])
def test_what_makes_no_sense_is_refused(store, wrong):
    with pytest.raises(ConfigurationError):
        po.AlignmentWorker(aligner(), maker(store), **wrong)


@pytest.mark.parametrize("hanging", ["await asyncio.sleep(600)", "await asyncio.to_thread(time.sleep, 600)"])
def test_a_process_ends_while_an_lm_hangs(tmp_path, hanging):
    script = textwrap.dedent(
        f"""
        import asyncio, sys, time
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import dspy
        import personaopt as po
        from hashed_words import HashedWords
        from scripted_lm import RuleObeyingEngine

        class Hanging:
            begun = False
            async def complete(self, request):
                Hanging.begun = True
                {hanging}

        dspy.configure(lm=dspy.LM("scripted/x", engine=RuleObeyingEngine(), async_engine=Hanging(), cache=False))
        user = po.open_store({str(tmp_path / "u.db")!r}, embedder=HashedWords()).user("u")
        for n in range(6):
            user.record(po.Interaction({{"m": str(n)}}, ground_truth={{"r": "x"}}, time=n))
        agent = po.PersonaAgent("m -> r", user=user)
        worker = po.AlignmentWorker(po.PersonaAligner(), debounce=0.0)
        worker.notify(agent, force=True)
        while not Hanging.begun:
            time.sleep(0.01)
        print("ended", time.time())
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert time.time() - float(done.stdout.split()[1]) < 5
    assert "Traceback" not in done.stderr


@pytest.mark.local_model
def test_the_local_model_aligns_in_the_background_and_answers_meanwhile(store, local_lm):
    invented = synthetic_users("tags", users=1, interactions=20, seed=1)[0]
    user = store.user(invented.user_id)
    user.record(invented.history[:-1])
    labels = sorted({str(item.ground_truth["tag"]) for item in invented.history})
    task = dspy.Signature("description -> tag").with_updated_fields("tag", type_=Literal[tuple(labels)])
    aligned = []
    with dspy.context(lm=local_lm):
        agent = po.PersonaAgent(task, user=user, retrieve=1)
        small = po.PersonaAligner(latest=4, held_out=2, epochs=1, candidates=1)
        with po.AlignmentWorker(
            small, triggers=[po.EveryInteractions(8)], debounce=0.0, on_aligned=aligned.append
        ) as worker:
            worker.notify(agent)
            assert agent(**invented.history[-1].inputs).tag in labels
    assert not worker.failures
    (better,) = aligned
    assert better.detailed_results.usage.calls >= 6
    assert better.persona == user.persona


def test_what_would_end_a_program_is_a_failure_and_ends_nothing_else(store):
    def leave(student):
        if student.user.id == "v":
            raise SystemExit(1)

    for name in ("u", "v"):
        talk(store, name)
    double = Aligner(fail=leave)
    worker = po.AlignmentWorker(double, maker(store), **HAND)
    worker.notify("v", force=True)
    assert worker.flush(timeout=20)
    worker.notify("u", force=True)
    assert worker.close(timeout=20)
    assert [(failure.user, failure.kind) for failure in worker.failures] == [("v", "SystemExit")]
    assert len(double.of("u")) == 1
