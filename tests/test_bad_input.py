"""What a store does with odd names, huge texts, clocks that go backwards, and disks that are full or read-only."""

import os
import subprocess
import sys

import pytest
from hashed_words import HashedWords

from personaopt.errors import DataError, PersonaOptError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.interactions import LONGEST_CONTENT
from personaopt.persona import Persona

ODD = [
    "../../etc/passwd",
    "C:\\users\\me",
    "u'; DROP TABLE interactions; --",
    "%",
    "_",
    "?",
    "%s",
    "$1",
    "{user}",
    "user\nid",
    " u ",
    "U",
    "u",
    "ü",
    "u\u0308",
    "👩‍👩‍👧",
    "\u202e",
    "null",
    "0",
    "x" * 512,
]


def said(text, **values):
    return Interaction({"text": text}, **values)


def test_odd_names_are_names_like_others(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ODD:
        user = store.user(name)
        user.record(said(f"tea of {name}", id=name, session=name, task=name))
        user.save_persona(Persona.from_text("x"), parent=0, author=name, reason=name, run=name)
        store.start_run(name, name, {name: name})
        store.record_call(name, name, name, {name: name})
    assert store.users() == sorted(ODD)
    for name in ODD:
        user = store.user(name)
        assert [item.inputs["text"] for item in user.history(session=name, task=name)] == [f"tea of {name}"]
        assert user.interaction(name).id == name
        assert [memory.interaction.id for memory in user.search("tea", 9)] == [name]
        assert (user.personas()[0].author, user.personas()[0].run) == (name, name)
        assert store.recorded_calls(name, name) == {name: {name: name}}
    assert not {path.name for path in tmp_path.iterdir()} - {
        f"personas.db{end}" for end in ("", "-wal", "-shm", ".lock")
    }


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u2003", None, 7, b"u", "a\x00b", "\ud800", "x" * 513, "é" * 257])
def test_names_that_are_refused(store, name):
    calls = [
        lambda: store.user(name),
        lambda: store.record(name, [said("x")]),
        lambda: store.interactions(name),
        lambda: store.search(name, "x", 1),
        lambda: store.persona(name),
        lambda: store.start_run(name, "r", {}),
        lambda: store.start_run("u", name, {}),
        lambda: store.user("u").record(said("x", session=name)) if name is not None else store.user(None),
    ]
    for call in calls:
        with pytest.raises(DataError) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
    assert store.users() == []


def test_a_huge_text_is_refused_and_a_large_one_kept(store):
    user = store.user("u")
    large = said("word " * (LONGEST_CONTENT // 5 - 50), id="large")
    large = user.record(large)
    assert user.interaction("large") == large
    with pytest.raises(DataError, match="characters") as caught:
        user.record([said("fine"), said("w" * (LONGEST_CONTENT + 1), id="huge")])
    assert len(str(caught.value)) < 300
    assert user.count() == 1
    assert len(user.search("word", 3)) == 1


def test_everything_that_is_said_is_kept(store):
    item = Interaction(
        {"text": "tea?"},
        task="drinks",
        actions=[{"tool": "kettle", "arguments": {"degrees": 80}}, {"tool": "pour"}],
        signals={"rating": 5, "copied": True},
        source="chat",
        session="s",
        time=1,
        id="i",
    )
    user = store.user("u")
    user.record(item)
    assert user.interaction("i") == item
    assert user.record(item) == item
    assert user.interaction("i").content_hash() == item.content_hash()
    for changed in ({"task": None}, {"actions": ()}, {"signals": {"rating": 4}}, {"source": "mail"}):
        with pytest.raises(DataError, match="another interaction"):
            user.record(Interaction.from_dict({**item.to_dict(), **changed}))
    for wrong in ({"task": 7}, {"task": " "}, {"source": 3}):
        with pytest.raises(DataError):
            user.record(said("x", **wrong))


def test_a_clock_that_goes_backwards_changes_no_order(store, monkeypatch):
    user = store.user("u")
    for number, now in enumerate([1000.0, 2000.0, 1500.0, 900.0, 3000.0]):
        monkeypatch.setattr("time.time", lambda now=now: now)
        user.record(said("x", id=str(number)))
        version = user.write_persona(f"Version {number}.")
        assert version.version == number + 1
    assert [item.id for item in user.history()] == ["0", "1", "2", "3", "4"]
    assert [item.time for item in user.history()] == [1000, 2000, 2000, 2000, 3000]
    assert user.latest(1)[0].id == "4"
    assert user.persona.render() == "- Version 4."


FILLING = """
import os, sys, threading
from personaopt.errors import StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store

path, limit = sys.argv[1], int(sys.argv[2])
store = open_store(path)
user = store.user("u")
if limit:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
stored = []

def fill(thread):
    try:
        for number in range(100_000):
            stored.append(user.record(Interaction({"text": "x" * 2_000}, id=f"{thread}-{number}")).id)
    except StoreError as error:
        assert "\\n" not in str(error), error
    else:
        os._exit(5)  # the disk never was full

threads = [threading.Thread(target=fill, args=(thread,)) for thread in range(int(sys.argv[3]))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
there = {item.id for item in user.history()}
assert there == set(stored), "reading goes on, and nothing that was refused is there"
if not limit:
    os.unlink(os.path.join(os.path.dirname(path), "filler"))
    user.record(Interaction({"text": "there is room again"}, id="again"))
    stored.append("again")
store.close()
with open_store(path) as store:
    assert {item.id for item in store.user("u").history()} == set(stored)
    assert store.health()["integrity"] == "ok"
print(len(stored))
"""


@pytest.mark.parametrize("threads", ["1", "6"])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="limits of a process are a matter of POSIX")
def test_a_file_that_may_not_grow_loses_nothing(tmp_path, threads):
    script = [sys.executable, "-c", FILLING, str(tmp_path / "a.db"), "600000", threads]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte; only where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("this process may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("threads", ["1", "6"])
def test_a_full_disk_loses_nothing_and_is_used_again(small_disk, threads):
    (small_disk / "filler").write_bytes(b"x" * 200_000)
    script = [sys.executable, "-c", FILLING, str(small_disk / "a.db"), "0", threads]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


def test_a_disk_too_small_for_a_store_is_reported(small_disk):
    (small_disk / "filler").write_bytes(b"x" * 1_030_000)
    with pytest.raises(StoreError, match=r"a\.db"):
        open_store(small_disk / "a.db")


def test_a_read_only_file_system_is_reported(small_disk):
    with open_store(small_disk / "a.db") as store:
        store.user("u").record(said("x"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for name in ("a.db", "new.db"):
        with pytest.raises(StoreError, match=r"\.db.*cannot"):
            open_store(small_disk / name)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with open_store(small_disk / "a.db") as store:
        assert store.user("u").count() == 1


def test_a_file_without_permission_is_reported(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    open_store(path).close()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everything
    with pytest.raises(StoreError, match="no permission"):
        open_store(path)


def test_an_embedder_that_gives_no_numbers_stores_nothing(store):
    class Broken(HashedWords):
        def __call__(self, texts):
            return super().__call__(texts) * float("nan")

    user = store.user("u")
    user.record([said("tea"), said("jazz")])
    whole = store._search._embedder
    store._search._embedder = Broken()
    with pytest.raises(PersonaOptError, match="not finite"):
        user.search("tea", 1)
    assert store.health()["embeddings"] == 0
    store._search._embedder = whole
    assert user.search("tea", 1)[0].similarity == pytest.approx(1, abs=1e-5)
