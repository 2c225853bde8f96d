"""Checkpoints of alignments: kept until the alignment is finished, four of a user at most."""

import math
import subprocess
import sys
import threading

import pytest

from personaopt.errors import DataError, VersionConflict
from personaopt.interaction import Interaction
from personaopt.memory import UnfinishedRun, open_store
from personaopt.persona import Persona


def test_calls_are_kept_until_the_run_is_finished(store):
    store.start_run("u", "r", {"model": "m", "window": ["a", "b"]})
    assert store.record_call("u", "r", "b", {"text": "zwei", "nul": "a\x00b"})
    assert store.record_call("u", "r", "a", {"text": "one"})
    assert store.record_call("u", "r", "a", {"text": "one again"})
    (run,) = store.unfinished_runs("u")
    assert isinstance(run, UnfinishedRun)
    assert (run.run_id, run.fingerprint) == ("r", {"model": "m", "window": ["a", "b"]})
    assert store.recorded_calls("u", "r") == {"a": {"text": "one again"}, "b": {"text": "zwei", "nul": "a\x00b"}}
    store.finish_run("u", "r")
    store.finish_run("u", "r")
    assert store.unfinished_runs("u") == []
    assert store.recorded_calls("u", "r") == {}
    assert not store.record_call("u", "r", "late", {})
    assert store.recorded_calls("u", "r") == {}


def test_runs_are_their_users_alone(store):
    store.start_run("u", "r", {})
    store.start_run("v", "r", {"other": 1})
    store.record_call("u", "r", "k", {"of": "u"})
    assert store.recorded_calls("v", "r") == {}
    store.finish_run("v", "r")
    assert store.recorded_calls("u", "r") == {"k": {"of": "u"}}
    assert not store.record_call("w", "r", "k", {})
    assert store.users() == ["u", "v"]


def test_the_oldest_runs_make_room(store, monkeypatch):
    for number in range(6):
        monkeypatch.setattr("time.time", lambda number=number: 1000.0 - number)  # a clock that goes backwards
        store.start_run("u", f"r{number}", {"n": number})
        store.record_call("u", f"r{number}", "k", {"n": number})
    assert [run.run_id for run in store.unfinished_runs("u")] == ["r5", "r4", "r3", "r2"]
    assert store.recorded_calls("u", "r0") == {}
    assert not store.record_call("u", "r0", "k", {})
    assert store.recorded_calls("u", "r2") == {"k": {"n": 2}}


def test_starting_again_changes_nothing_and_another_fingerprint_is_refused(store):
    store.start_run("u", "r", {"a": 1, "b": 2})
    store.record_call("u", "r", "k", {})
    store.start_run("u", "r", {"b": 2, "a": 1})
    assert store.recorded_calls("u", "r") == {"k": {}}
    with pytest.raises(DataError, match="'r'"):
        store.start_run("u", "r", {"a": 2})


def test_saving_a_persona_finishes_its_run(store):
    user = store.user("u")
    for run in ("mine", "another"):
        store.start_run("u", run, {})
        store.record_call("u", run, "k", {})
    saved = user.save_persona(Persona.from_text("One."), parent=0, author="a", run="mine")
    assert saved.run == user.personas()[0].run == "mine"
    assert [run.run_id for run in store.unfinished_runs("u")] == ["another"]
    with pytest.raises(VersionConflict):
        user.save_persona(Persona.from_text("Two."), parent=0, author="a", run="another")
    assert [run.run_id for run in store.unfinished_runs("u")] == ["another"]
    assert user.save_persona(Persona(), parent=1, author="a").run == ""


@pytest.mark.parametrize(
    ("run_id", "key", "value"),
    [("", "k", {}), ("r", " ", {}), ("r", None, {}), ("r", "k", [1]), ("r", "k", {"a": math.nan}), ("r", "k", {1: 2})],
)
def test_what_cannot_be_kept(store, run_id, key, value):
    store.start_run("u", "r", {})
    with pytest.raises(DataError):
        store.record_call("u", run_id, key, value)
    assert store.recorded_calls("u", "r") == {}
    with pytest.raises(DataError):
        store.start_run("u", "r2", {"a": "\ud800"})
    assert len(store.unfinished_runs("u")) == 1


def test_another_process_goes_on_with_a_run(address):
    script = (
        "import sys; from personaopt.memory import open_store\n"
        "store = open_store(sys.argv[1]); store.start_run('u', 'r', {'a': 1})\n"
        "store.record_call('u', 'r', 'k', {'answer': 42}); import os; os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, address], check=False, timeout=60).returncode == 9
    with open_store(address) as store:
        assert store.unfinished_runs("u")[0].fingerprint == {"a": 1}
        assert store.recorded_calls("u", "r") == {"k": {"answer": 42}}


def test_threads_record_calls_beside_interactions(store):
    store.start_run("u", "r", {})

    def work(thread):
        for number in range(20):
            store.record_call("u", "r", f"{thread} {number}", {"thread": thread})
            store.user("u").record(Interaction({"text": "x"}, id=f"{thread} {number}"))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.recorded_calls("u", "r")) == store.user("u").count() == 80
