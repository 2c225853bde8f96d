"""Alignments that are killed, and go on: nothing finished is paid for twice, and the persona is the same."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Literal

import dspy
import pytest
from dspy.lm15 import ServerError
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.lm.asks import Ask
from personaopt.lm.codec import TEXT
from personaopt.lm.driving import adrive
from personaopt.lm.metering import Usage
from personaopt.lm.watching import Watch
from personaopt.optimizers import events
from personaopt.optimizers.checkpoint import Checkpoint, digest
from personaopt.optimizers.critics import ChainedCritic, Gradient
from personaopt.persona import Persona

KIM = Rules(sign_off="Best, Kim", lower=True, words=8)
TESTS = Path(__file__).parent


class ChooseTag(dspy.Signature):
    """Choose the tag this user would give the film."""

    film: str = dspy.InputField()
    tag: Literal["comedy", "drama"] = dspy.OutputField()


# Children of a process that has imported everything: each is one life of an application, and most are killed.
LIVES = """
import asyncio, itertools, json, os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import dspy
import personaopt as po
from hashed_words import HashedWords
from scripted_lm import MODEL, RuleObeyingEngine
from test_checkpoint import interactions
from personaopt.lm.quiet_textgrad import textgrad
textgrad()

class Mortal:
    def __init__(self, folder, kill_at):
        self.folder, self.kill_at, self.numbers = folder, kill_at, itertools.count(1)
        self.engine = RuleObeyingEngine()

    def asked(self):
        number = next(self.numbers)
        self.note("asked")
        return number == self.kill_at

    def note(self, name):
        with open(os.path.join(self.folder, name), "a") as file:
            print("call", file=file)

    def complete(self, request):
        if self.asked():
            time.sleep(0.8)  # what came back before is on disk by now
            os.kill(os.getpid(), signal.SIGKILL)
        self.note("answered")
        return self.engine.complete(request)

class AsyncMortal:
    def __init__(self, mortal):
        self.mortal = mortal

    async def complete(self, request):
        if self.mortal.asked():
            await asyncio.sleep(0.8)
            os.kill(os.getpid(), signal.SIGKILL)
        self.mortal.note("answered")
        return self.mortal.engine.complete(request)

def live(folder, kill_at, resume, awaited, threads):
    mortal = Mortal(folder, kill_at)
    lm = dspy.LM(MODEL, engine=mortal, async_engine=AsyncMortal(mortal), cache=False, num_retries=0)
    with po.open_store(os.path.join(folder, "store.db"), embedder=HashedWords()) as store:
        user = store.user("u")
        user.record(interactions(14))
        aligner = po.PersonaAligner(latest=5, held_out=3, epochs=5, threads=threads)
        with dspy.context(lm=lm, adapter=None):
            agent = po.PersonaAgent("message -> reply", user=user, retrieve=2)
            if awaited:
                aligned = asyncio.run(aligner.acompile(agent, resume=resume))
            else:
                aligned = aligner.compile(agent, resume=resume)
        results = aligned.detailed_results
        found = {"persona": aligned.persona.to_dict(), "version": user.version, "calls": results.usage.calls,
                 "tokens": results.usage.tokens, "resumed": results.resumed, "losses": results.losses,
                 "run": user.personas()[-1].run, "unfinished": len(store.unfinished_runs("u"))}
        with open(os.path.join(folder, "found.json"), "w") as file:
            json.dump(found, file)

for folder, kill_at, resume, awaited, threads in json.loads(sys.argv[2]):
    os.makedirs(folder, exist_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            live(folder, kill_at, resume, awaited, threads)
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    wanted = -signal.SIGKILL if kill_at else 0
    ended = os.waitstatus_to_exitcode(status)
    assert ended == wanted, (folder, kill_at, ended)
"""


def interactions(count):
    texts = [f"Shall we meet tomorrow at house {number}" for number in range(count)]
    return [
        po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, time=number, id=f"i{number:02}")
        for number, text in enumerate(texts)
    ]


def lived(lives):
    done = subprocess.run(
        [sys.executable, "-c", LIVES, str(TESTS), json.dumps(lives)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]


def lines(folder, name):
    return (folder / name).read_text().split()


def found(folder):
    return json.loads((folder / "found.json").read_text())


def test_killed_at_every_level_it_goes_on_without_paying_twice(tmp_path):
    """SIGKILL at the first persona, in the simulation, the critiques, the edit, the trials, and in later epochs."""
    lives = [[str(tmp_path / "whole"), 0, False, False, 4]]
    cases = [
        ([1], False, 4),
        ([6], False, 1),
        ([12], True, 4),
        ([19, 9, 1], False, 4),  # killed three times
        ([36], True, 1),
    ]
    for number, (kills, awaited, threads) in enumerate(cases):
        for place, kill in enumerate([*kills, 0]):
            lives.append([str(tmp_path / str(number)), kill, place > 0, awaited, threads])
    lived(lives)
    whole = tmp_path / "whole"
    for number, (kills, _, threads) in enumerate(cases):
        folder = tmp_path / str(number)
        answered = len(lines(folder, "answered"))
        assert answered == len(lines(whole, "answered")), number
        # Asked twice is only what was under way when it was killed.
        assert answered + len(kills) <= len(lines(folder, "asked")) <= answered + threads * len(kills)
        ours, theirs = found(folder), found(whole)
        for name in ("persona", "version", "calls", "tokens", "losses", "unfinished"):
            assert ours[name] == theirs[name], name
        assert ours["unfinished"] == 0
        assert ours["run"]
    resumed = [found(tmp_path / str(number))["resumed"] for number in (0, 1, 2, 4)]
    assert resumed[:2] == [0, 5]
    assert resumed[2] >= 11  # others of its level came back while it was hanging
    assert resumed[3] == 35


@pytest.fixture
def store():
    with po.open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


@pytest.fixture
def user(store):
    user = store.user("u")
    user.record(interactions(14))
    return user


def compiled(user, lm, *, resume=False, awaited=False, trainset=None, retrieve=2, persona=None, **settings):
    settings = {"latest": 5, "held_out": 3, "epochs": 5, "threads": 1} | settings
    with dspy.context(lm=lm, adapter=None):
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=retrieve, persona=persona)
        aligner = po.PersonaAligner(**settings)
        if awaited:
            return asyncio.run(aligner.acompile(agent, resume=resume, trainset=trainset))
        return aligner.compile(agent, resume=resume, trainset=trainset)


class Stopped(BaseException):
    """As Ctrl-C does it."""


def stopping(at, error=Stopped):
    seen = [0]

    def spoil(kind, number, prompt):
        seen[0] += 1
        if seen[0] >= at:  # an application that stops makes no further calls
            raise error("stopped")

    return scripted_lm(spoil=spoil)


def interrupted(user, at, **settings):
    lm = stopping(at)
    with pytest.raises(Stopped):
        compiled(user, lm, **settings)
    return lm


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("at", [2, 5, 12, 15, 20, 30])
def test_an_interrupted_alignment_goes_on(store, user, at, awaited):
    other = store.user("other")
    other.record(interactions(14))
    whole = compiled(other, scripted_lm())
    first = interrupted(user, at, awaited=awaited)
    second = scripted_lm()
    aligned = compiled(user, second, resume=True, awaited=awaited)
    assert first.engine.count() == at - 1
    assert first.engine.count() + second.engine.count() == whole.detailed_results.usage.calls
    assert aligned.persona == whole.persona
    ours, theirs = aligned.detailed_results, whole.detailed_results
    assert (ours.usage.calls, ours.usage.tokens) == (theirs.usage.calls, theirs.usage.tokens)
    assert ours.resumed == ours.to_dict()["resumed"] == at - 1
    assert [step.gradients for step in ours.steps] == [step.gradients for step in theirs.steps]
    assert ours.accepted == theirs.accepted
    assert store.unfinished_runs("u") == []
    assert user.personas()[-1].run == ours.run


def test_with_nothing_unfinished_it_begins_with_a_note(user):
    aligned = compiled(user, scripted_lm(), resume=True)
    assert aligned.detailed_results.accepted
    assert aligned.detailed_results.resumed == 0
    assert "there was no unfinished alignment to go on with" in aligned.detailed_results.notes


def test_another_configuration_is_refused_with_what_differs(user):
    interrupted(user, 12, epochs=3)
    lm = scripted_lm()
    with pytest.raises(po.ConfigurationError, match=r"epochs 3 there, 2 here") as refused:
        compiled(user, lm, resume=True, epochs=2, seed=4)
    assert "seed 0 there, 4 here" in str(refused.value)
    assert "\n" not in str(refused.value)
    for settings, said in (
        ({"critic": ChainedCritic()}, "critic not set there, ChainedCritic here"),
        ({"budget": po.Budget(calls=90)}, "calls=90"),
        ({"acceptance": po.PairedTest(alpha=0.2)}, "alpha=0.2"),
        ({"retrieve": 3}, "memories 2 there, 3 here"),
        ({"persona": Persona.from_text("Likes tea.")}, "another persona"),
    ):
        with pytest.raises(po.ConfigurationError, match=said):
            compiled(user, lm, resume=True, **{"epochs": 3} | settings)
    assert lm.engine.count() == 0
    # What changes nothing about the result may differ.
    assert compiled(user, lm, resume=True, epochs=3, threads=7, callbacks=[print]).detailed_results.resumed == 11


def test_other_data_is_refused_with_what_differs(store, user):
    history = user.history()
    interrupted(user, 12, trainset=history)
    lm = scripted_lm()
    said = "Something else at house 13"
    changed = [*history[:-1], po.Interaction({"message": said}, ground_truth={"reply": "x"}, id="i13", time=13)]
    for trainset, words in (
        (changed, "1 interactions of the window changed"),
        (history[2:], "2 other interactions are gone"),
        (history[:-1], "1 interactions of the window are gone"),
        ([*history[1:], history[0]], "the interactions come in another order"),
    ):
        with pytest.raises(po.ConfigurationError, match=words) as refused:
            compiled(user, lm, resume=True, trainset=trainset)
        assert said not in str(refused.value)
    user.record(po.Interaction({"message": "new"}, ground_truth={"reply": "x"}, time=99))
    with pytest.raises(po.ConfigurationError, match="interactions of the window are new"):
        compiled(user, lm, resume=True)
    assert lm.engine.count() == 0
    assert compiled(user, lm, resume=True, trainset=history).detailed_results.resumed == 11


def test_a_result_whose_interaction_is_gone_is_not_used(user):
    interrupted(user, 12)
    gone = next(item.id for item in user.history()[-6:])
    user.forget(gone)
    aligned = compiled(user, scripted_lm(), resume=True)  # forgetting took what was kept of it along
    assert aligned.detailed_results.resumed == 0
    assert "no unfinished alignment" in " ".join(aligned.detailed_results.notes)
    assert gone not in aligned.detailed_results.window + aligned.detailed_results.held_out


def test_another_version_of_the_persona_is_refused(user):
    interrupted(user, 12)
    user.save_persona(Persona.from_text("Likes tea."), parent=0, author="me")
    with pytest.raises(po.ConfigurationError, match="persona version 0 there, 1 here"):
        compiled(user, scripted_lm(), resume=True)


def test_an_alignment_of_another_task_is_left_alone(store, user):
    interrupted(user, 12)
    user.record([po.Interaction({"q": f"q{n}"}, ground_truth={"a": f"a{n}"}, time=100 + n) for n in range(4)])
    with dspy.context(lm=scripted_lm(), adapter=None):
        other = po.PersonaAgent("q -> a", user=user, retrieve=0)
        aligned = po.PersonaAligner(epochs=1).compile(other, resume=True)
    assert "no unfinished alignment" in " ".join(aligned.detailed_results.notes)
    assert len(store.unfinished_runs("u")) == 1


def test_one_that_is_over_replaces_what_was_interrupted_before(store, user):
    interrupted(user, 12)
    interrupted(user, 9)
    assert len(store.unfinished_runs("u")) == 2
    compiled(user, scripted_lm())
    assert store.unfinished_runs("u") == []


def test_the_budget_counts_the_whole(store, user):
    other = store.user("other")
    other.record(interactions(14))
    budget = po.Budget(calls=30)
    whole = compiled(other, scripted_lm(), budget=budget).detailed_results
    assert "budget" in whole.stopped
    first = interrupted(user, 12, budget=budget)
    second = scripted_lm()
    results = compiled(user, second, resume=True, budget=budget).detailed_results
    assert first.engine.count() + second.engine.count() == results.usage.calls == whole.usage.calls <= 30
    assert results.stopped == whole.stopped
    assert results.after == whole.after


def test_a_reply_of_no_use_is_not_asked_for_again(user):
    seen: list = []

    def spoil(kind, number, prompt):
        seen.append(kind)
        if kind == "edit":
            raise Stopped
        return "No." if kind == "critique" and "house 13" in prompt else None

    with pytest.raises(Stopped):
        compiled(user, scripted_lm(spoil=spoil))
    assert seen.count("critique") == 5 + 2
    lm = scripted_lm()
    results = compiled(user, lm, resume=True).detailed_results
    assert "AdapterParseError" in results.steps[0].skipped[0]
    assert results.usage.repeats == 2
    assert len(results.steps[0].gradients) == 4


def test_an_lm_that_was_down_is_asked_again(user):
    lm = scripted_lm(spoil=lambda kind, number, prompt: down() if kind == "answer" else None)
    with pytest.raises(po.ModelError):
        compiled(user, lm)
    second = scripted_lm()
    results = compiled(user, second, resume=True).detailed_results
    assert results.resumed == second.engine.count("profile") + 1 == 1
    assert results.accepted


def test_what_came_back_beside_a_failure_is_kept_however_often_it_is_interrupted(user):
    def spoil(kind, number, prompt):
        if kind == "critique":
            raise Stopped
        return down() if not lives and kind == "answer" and number == 1 else None

    lives: list = []
    for _ in range(2):
        with pytest.raises(Stopped):
            compiled(user, scripted_lm(spoil=spoil), resume=bool(lives))
        lives.append("over")
    assert compiled(user, scripted_lm(), resume=True).detailed_results.resumed == 1 + 8


def test_what_came_back_together_with_an_interruption_is_heard_of():
    class Heard(Watch):
        def __init__(self):
            self.places = []

        def ended(self, place, result):
            self.places.append(place)

    async def break_off(attempt):
        raise Stopped

    def steps():
        yield [Ask.done(0), Ask(stop, break_off, str), Ask.done(2)]

    heard = Heard()
    with pytest.raises(Stopped):
        asyncio.run(adrive(steps(), threads=4, watch=heard))
    assert heard.places == [0, 2]


def test_what_comes_back_while_others_are_written_is_kept(store, user, monkeypatch):
    checkpoint = Checkpoint(user, "r", {}, {})
    ask = Ask.predict(dspy.Predict("question -> answer"), str, codec=TEXT, question="q")
    checkpoint.begin([ask, ask])
    write = type(store).record_call

    def late(*arguments):
        monkeypatch.setattr(type(store), "record_call", write)
        checkpoint.add(1, ask, "b")
        return write(*arguments)

    monkeypatch.setattr(type(store), "record_call", late)
    checkpoint.add(0, ask, "a")
    for _ in range(2):
        checkpoint.flush(Usage())
    results = [value["results"] for value in store.recorded_calls("u", "r").values()]
    assert [sorted(found) for found in results] == [["0"], ["1"]]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_judge_that_was_down_is_asked_again(user, awaited):
    judge = po.LMJudge(scripted_lm(spoil=lambda kind, number, prompt: down() if number > 12 else VERDICT), repeats=3)
    lm = scripted_lm()
    with pytest.raises(po.ModelError, match="None of 3 verdicts"):
        compiled(user, scripted_lm(), metric=po.LMJudge(scripted_lm(spoil=lambda *_: down())), awaited=awaited)
    results = compiled(user, lm, metric=judge, resume=True, epochs=5, awaited=awaited).detailed_results
    assert results.resumed == 1
    assert lm.engine.count("profile") == 0
    assert results.usage.repeats == 0
    assert "4 interactions could not be simulated: Unreachable" in results.notes[0]


VERDICT = "[[ ## difference ## ]]\nNone.\n\n[[ ## verdict ## ]]\nclose\n\n[[ ## completed ## ]]"


def down():
    raise ServerError("the machine is on fire")


def test_replies_that_were_all_of_no_use_are_not_kept(store, user):
    with pytest.raises(po.ModelError):
        compiled(user, scripted_lm(spoil=lambda kind, number, prompt: "No."))
    assert store.unfinished_runs("u") == []


class OwnCritic:
    """Without a codec."""

    def gradient(self, agent, persona, outcome):
        predict = dspy.Predict("expected -> feedback")
        expected = outcome.interaction.ground_truth["reply"]
        return Ask.predict(predict, lambda reply: Gradient(outcome, reply.feedback), expected=expected, lm=agent.lm)


def test_what_cannot_be_kept_is_asked_again(user):
    replies = {"critique": lambda given: {"feedback": "This user avoids capital letters altogether."}}
    lm = scripted_lm(replies=replies)
    lm.engine.spoil = lambda kind, number, prompt: stop() if kind == "edit" else None
    with pytest.raises(Stopped):
        compiled(user, lm, critic=OwnCritic(), epochs=1)
    second = scripted_lm(replies=replies)
    results = compiled(user, second, critic=OwnCritic(), epochs=1, resume=True).detailed_results
    assert second.engine.count("critique") == 5
    assert second.engine.count("profile") == 0
    assert results.resumed == 1 + 8
    assert results.usage.calls == lm.engine.count() + second.engine.count()


def stop():
    raise Stopped


def test_a_replay_that_asks_something_else_asks_the_lm(store, user):
    interrupted(user, 12)
    (run,) = store.unfinished_runs("u")
    for key, value in store.recorded_calls("u", run.run_id).items():
        for result in value["results"].values():
            result["asked"] = "0" * 16
        store.record_call("u", run.run_id, key, value)
    lm = scripted_lm()
    aligned = compiled(user, lm, resume=True)
    assert aligned.detailed_results.resumed == 0
    assert aligned.detailed_results.accepted


def test_what_is_damaged_is_asked_again(store, user):
    interrupted(user, 12)
    (run,) = store.unfinished_runs("u")
    for key, value in store.recorded_calls("u", run.run_id).items():
        for result in value["results"].values():
            result["gave"] = {"unknown": 1}
        store.record_call("u", run.run_id, key, value)
    assert compiled(user, scripted_lm(), resume=True).detailed_results.accepted


def test_without_a_checkpoint_nothing_is_written(store, user):
    lm = stopping(12)
    with pytest.raises(Stopped):
        compiled(user, lm, checkpoint=False)
    assert store.unfinished_runs("u") == []
    with pytest.raises(po.ConfigurationError, match="checkpoint"):
        compiled(user, lm, checkpoint=False, resume=True)


def test_a_store_that_cannot_be_written_does_not_end_it(store, user, monkeypatch):
    def full(*arguments):
        raise po.StoreError("The disk is full.")

    monkeypatch.setattr(type(store), "record_call", full)
    results = compiled(user, scripted_lm()).detailed_results
    assert results.accepted
    assert "could not be kept (StoreError)" in " ".join(results.notes)


def test_too_little_history_leaves_no_trace(store):
    user = store.user("u")
    user.record(interactions(2))
    assert compiled(user, scripted_lm(), resume=True).detailed_results.usage.calls == 0
    assert store.unfinished_runs("u") == []


def test_events_say_what_was_taken_over(user):
    interrupted(user, 12)
    heard: list = []
    compiled(user, scripted_lm(), resume=True, callbacks=[heard.append])
    assert heard[0].resumed == 11
    started = next(event for event in heard if isinstance(event, events.LevelEnded) and event.level == "critique")
    assert started.usage.calls >= 11


def test_it_holds_no_key_and_names_the_lm(store, user):
    interrupted(user, 3)
    (run,) = store.unfinished_runs("u")
    text = json.dumps(run.fingerprint)
    assert "scripted/rule-obeying" in text
    assert "house" not in text


def test_a_digest_tells_apart_what_is_asked():
    predict = dspy.Predict("question -> answer")

    def ask(**inputs):
        return digest(Ask.predict(predict, str, **inputs))

    assert ask(question="a") == ask(question="a", lm=dspy.LM("openai/x", api_key="k"))
    assert len({ask(question="a"), ask(question="b"), ask(question="a", config={"rollout_id": 1})}) == 3


@pytest.mark.local_model
def test_the_local_model_goes_on_with_what_it_measured(store, local_lm):
    user = store.user("u")
    films = ["A sad widow", "A funny dog", "A sad soldier", "A funny cook", "A sad king", "A funny thief", "A sad boy"]
    user.record(
        po.Interaction({"film": film}, ground_truth={"tag": "drama" if "sad" in film else "comedy"}, time=number)
        for number, film in enumerate(films)
    )

    def stop_after_the_trial(event):
        if isinstance(event, events.LevelEnded) and event.level == "trial":
            raise Stopped

    def aligned(*listeners, resume=False):
        with dspy.context(lm=local_lm, adapter=None):
            agent = po.PersonaAgent(ChooseTag, user=user, retrieve=0)
            return po.PersonaAligner(latest=3, held_out=2, epochs=1, callbacks=listeners).compile(agent, resume=resume)

    with pytest.raises(Stopped):
        aligned(stop_after_the_trial)
    results = aligned(resume=True).detailed_results
    assert results.resumed == results.usage.calls >= 10  # nothing was asked again
    assert results.losses[0] > 0.0
    assert all(candidate.loss is not None for candidate in results.steps[0].candidates)
