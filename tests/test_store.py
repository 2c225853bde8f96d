import hashlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hashed_words import HashedWords

from personaopt.errors import DataError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.schema import SCHEMA
from personaopt.persona import Persona

WRITER = r"""
import os, sys, threading
from personaopt.interaction import Interaction
from personaopt.memory import open_store

path, name, threads, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
store = open_store(path)
user = store.user("u")

def write(thread):
    for number in range(count):
        item = user.record(Interaction({"text": f"{name} {thread} {number}"}, id=f"{name}-{thread}-{number}"))
        os.write(1, f"{item.id}\n".encode())  # whole lines, whichever thread writes

workers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
store.close()
"""


def said(text, **values):
    return Interaction({"text": text}, **values)


def start_writer(path, name, *, threads=1, count=20):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(threads), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_what_is_recorded_is_read_back_as_it_was(store):
    item = Interaction(
        {"text": "naïve 🎬", "list": [1, {"b": None}]},
        response={"tag": "comedy"},
        ground_truth={"tag": "drama"},
        time="2024-05-01T10:00:00Z",
        session="s1",
        metadata={"source": "test", "nul": "a\x00b"},
    )
    assert store.user("u").record(item) == item
    read = store.user("u").interaction(item.id)
    assert read == item
    assert list(read.inputs) == ["text", "list"]


def test_a_missing_time_is_the_time_of_recording(store):
    before = time.time()
    item = store.user("u").record(said("hello"))
    assert before <= item.time <= time.time()
    assert store.user("u").interaction(item.id).time == item.time


def test_order_is_time_then_recording(store):
    user = store.user("u")
    user.record([said("c", time=2, id="c"), said("a", time=1, id="a")])
    user.record(said("b", time=1, id="b"))
    user.record(said("d", time=2, id="d"))
    assert [item.id for item in user.history()] == ["a", "b", "c", "d"]
    assert [item.id for item in user.latest(2)] == ["c", "d"]
    assert [item.id for item in user.latest(99)] == ["a", "b", "c", "d"]
    assert user.latest(0) == user.latest(-1) == []
    assert user.count() == 4


def test_before_is_strict(store):
    user = store.user("u")
    user.record([said(name, time=when, id=name) for name, when in [("a", 1), ("b", 1), ("c", 1), ("d", 2)]])

    def names(before):
        return [item.id for item in user.history(before=before)]

    assert names(user.interaction("a")) == []
    assert names(user.interaction("c")) == ["a", "b"]
    assert names(user.interaction("d")) == ["a", "b", "c"]
    assert names(1) == []
    assert names(1.5) == ["a", "b", "c"]
    assert [item.id for item in user.latest(1, before=user.interaction("c"))] == ["b"]


@pytest.mark.parametrize("before", [said("never recorded"), float("nan"), float("inf"), True, "1970-01-01", 10**400])
def test_a_wrong_before_is_refused(store, before):
    user = store.user("u")
    user.record(said("x"))
    with pytest.raises(DataError):
        user.history(before=before)


def test_before_an_interaction_of_another_user_is_refused(store):
    other = store.user("v").record(said("theirs"))
    with pytest.raises(DataError):
        store.user("u").history(before=other)


def test_recording_again_changes_nothing(store):
    user = store.user("u")
    item = said("hello", id="one", session="s")
    first = user.record(item)
    assert user.record(item) == first  # its time is still missing
    assert user.record(first) == first
    assert user.count() == 1


@pytest.mark.parametrize(
    "changed",
    [
        said("other", id="one", time=5, session="s"),
        said("hello", id="one", time=6, session="s"),
        said("hello", id="one", time=5),
        said("hello", id="one", time=5, session="s", ground_truth={"a": True}),
    ],
)
def test_another_content_under_an_id_is_refused(store, changed):
    user = store.user("u")
    first = user.record(said("hello", id="one", time=5, session="s", ground_truth={"a": 1}))
    with pytest.raises(DataError, match="'one'"):
        user.record(changed)
    assert user.history() == [first]


def test_a_batch_is_stored_whole_or_not_at_all(store):
    user = store.user("u")
    user.record(said("taken", id="taken"))
    with pytest.raises(DataError):
        user.record([said("new", id="new"), said("other", id="taken")])
    with pytest.raises(DataError):
        user.record([said("new", id="new"), {"inputs": {"text": "a mapping"}}])
    assert [item.id for item in user.history()] == ["taken"]
    assert user.record([]) == []
    assert [item.id for item in user.record(said(str(n), id=str(n)) for n in range(3))] == ["0", "1", "2"]


def test_a_batch_may_repeat_what_is_stored_and_itself(store):
    user = store.user("u")
    (known,) = user.record([said("known", id="known", time=3)])
    items = [said(f"{n}", id=f"{n}", time=n % 7) for n in range(1_200)]
    again = [*items[:600], known, items[5], *items[600:], said("no time", id="no time"), said("known", id="known")]
    stored = user.record(again)
    assert [item.id for item in stored] == [item.id for item in again]
    assert stored[5] == stored[601] == items[5]
    assert stored[600] == stored[-1] == known
    assert user.count() == 1_202
    same_time = [item.id for item in user.history() if item.time == 2]
    assert same_time == [f"{n}" for n in range(2, 1_200, 7)]  # in the order of recording
    with pytest.raises(DataError, match="'twice'"):
        user.record([said("a", id="twice"), said("b", id="twice")])
    assert user.count() == 1_202


@pytest.mark.parametrize("wrong", [{"inputs": {"text": "x"}}, "text", None, 3])
def test_only_interactions_can_be_recorded(store, wrong):
    with pytest.raises(DataError):
        store.user("u").record(wrong)
    assert store.users() == []


def test_text_that_cannot_be_stored_is_refused(store):
    for item in (said("x", id="\ud800"), said("x", session="\udfff"), said("x", session=7), said("x", id=" ")):
        with pytest.raises(DataError):
            store.user("u").record(item)
    assert store.user("u").count() == 0


@pytest.mark.parametrize("user_id", ["", "  ", None, 7, "\ud800"])
def test_a_user_id_is_required(store, user_id):
    with pytest.raises(DataError):
        store.user(user_id)
    with pytest.raises(DataError):
        store.interactions(user_id)


def test_users_are_apart(store):
    store.user("u").record(said("mine", id="same"))
    store.user("v").record(said("theirs", id="same"))
    store.user("w").save_persona(Persona(), parent=0, author="test")
    assert store.users() == ["u", "v", "w"]
    assert store.user("u").interaction("same").inputs["text"] == "mine"
    assert [item.inputs["text"] for item in store.user("v").history()] == ["theirs"]
    with pytest.raises(DataError):
        store.user("w").interaction("same")


def test_recording_never_embeds(store):
    store.user("u").record([said("a"), said("b")])
    assert store.embedder.texts == []


def test_stores_in_memory_are_separate_and_shared_by_threads():
    with open_store(":memory:") as one, open_store(":memory:") as two:
        thread = threading.Thread(target=lambda: one.user("u").record(said("from a thread")))
        thread.start()
        thread.join()
        assert one.user("u").count() == 1
        assert two.users() == []


def test_reopening_finds_everything(address):
    with open_store(address) as store:
        item = store.user("u").record(said("kept"))
        store.user("u").save_persona(Persona.from_text("Likes tea."), parent=0, author="test")
    with open_store(address) as store:
        assert store.user("u").history() == [item]
        assert store.user("u").persona.render() == "- Likes tea."


def test_a_failing_transaction_leaves_the_store_usable(store):
    user = store.user("u")

    def interrupted():
        with store.transaction("ghost") as connection:
            connection.execute("INSERT INTO users (user_id, created) VALUES ('ghost', 0)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    user.record(said("after"))
    assert store.users() == ["u"]


def test_health(store):
    store.user("u").record([said("a"), said("b")])
    store.user("v").record(said("c"))
    store.user("u").search("a", 1)
    store.start_run("v", "run", {})
    report = store.health()
    assert report["integrity"] == "ok"
    assert (report["users"], report["interactions"], report["embeddings"], report["persona_versions"]) == (2, 3, 2, 0)
    assert report["unfinished_runs"] == 1
    assert report["schema"] == SCHEMA
    assert str(report["path"])


def test_a_closed_store_says_so(store):
    user = store.user("u")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        user.count()


def test_threads_lose_nothing(store):
    user = store.user("u")

    def write(thread):
        for number in range(25):
            user.record(said(f"{thread} {number}", id=f"{thread}-{number}"))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {item.id for item in user.history()} == {f"{t}-{n}" for t in range(8) for n in range(25)}


def test_processes_that_make_and_fill_one_store_lose_nothing(address):
    path = address
    writers = [start_writer(path, name, threads=3, count=15) for name in "abc"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # all at once, so that they race for making the file as well
        writer.stdin.write("\n")
        writer.stdin.flush()
    outputs = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    expected = {f"{name}-{thread}-{number}" for name in "abc" for thread in range(3) for number in range(15)}
    assert {line for lines in outputs for line in lines} == expected
    with open_store(path) as store:
        assert {item.id for item in store.user("u").history()} == expected
        assert store.health()["integrity"] == "ok"


def test_a_killed_writer_loses_nothing_it_was_told_is_stored(address):
    path = address
    writer = start_writer(path, "k", threads=2, count=100_000)
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("\n")
    writer.stdin.flush()
    acknowledged = [writer.stdout.readline().strip() for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [line.strip() for line in writer.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    with open_store(path) as store:
        stored = {item.id for item in store.user("u").history()}
        assert set(acknowledged) <= stored
        assert len(stored) < 100_000  # it was killed at work
        assert store.health()["integrity"] == "ok"
        store.user("u").record(said("goes on"))


def test_a_store_travels_to_another_process_by_its_address(address):
    with open_store(address, embedder=HashedWords()) as store, open_store(":memory:") as memory:
        store.user("u").record(said("x"))
        with pytest.raises(StoreError, match="memory"):
            pickle.dumps(memory)
        user = store.user("u")
        with pytest.raises(TypeError):
            pickle.loads(pickle.dumps(HashedWords()))  # an embedder with a lock; a store's embedder must be one without
    with open_store(address) as store:
        copy = pickle.loads(pickle.dumps(store.user("u")))
        assert copy.count() == 1
        copy.store.close()
        assert user == user


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is a matter of POSIX")
def test_a_forked_child_opens_the_store_anew(address):
    script = f"""
import os
from personaopt.errors import StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store

store = open_store({address!r})
store.user("u").record(Interaction({{"text": "parent"}}))
child = os.fork()
if child == 0:
    try:
        store.user("u").count()
    except StoreError as error:
        assert "forked" in str(error)
        with open_store({address!r}) as mine:
            mine.user("u").record(Interaction({{"text": "child"}}))
            os._exit(0)
    os._exit(1)
assert os.waitpid(child, 0)[1] == 0
store.user("u").record(Interaction({{"text": "parent again"}}))
assert store.user("u").count() == 3
assert store.health()["integrity"] == "ok"
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
