"""What is special about a store in a SQLite file: how it is opened, made, migrated and refused."""

import dataclasses
import hashlib
import json
import os
import sqlite3
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
from personaopt.memory.schema import APPLICATION_ID, MIGRATIONS, SCHEMA
from personaopt.persona import Persona


def said(text, **values):
    return Interaction({"text": text}, **values)


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_only_its_owner_may_read_a_new_file(tmp_path):
    with open_store(tmp_path / "a.db") as store:
        store.user("u").record(said("x"))
        modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in os.listdir(tmp_path)}
    assert {modes["a.db"], modes["a.db-wal"], modes["a.db-shm"]} == {0o600}


def test_the_file_is_written_safely(tmp_path):
    with open_store(tmp_path / "a.db") as store, store._database.guarded() as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
        assert connection.execute("PRAGMA busy_timeout").fetchone()[0] >= 30_000
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "newer.db"
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = digest(path)
    with pytest.raises(StoreError, match="schema 99") as caught:
        open_store(path)
    assert "\n" not in str(caught.value)
    assert digest(path) == before
    assert sorted(os.listdir(tmp_path)) == ["newer.db", "newer.db.lock"]


def test_a_newer_schema_still_in_the_log_is_seen(tmp_path):
    path = tmp_path / "newer.db"
    open_store(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA wal_autocheckpoint = 0")
    holder.execute("PRAGMA user_version = 99")
    before = digest(path)
    with pytest.raises(StoreError, match="schema 99"):
        open_store(path)
    assert digest(path) == before
    holder.close()


def foreign_database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "make",
    [
        foreign_database,
        lambda path: path.write_text("not a database"),
        lambda path: path.write_bytes(b"x"),
        lambda path: path.write_bytes(os.urandom(10_000)),
        lambda path: path.write_bytes(b"SQLite format 3\x00" + os.urandom(5_000)),
    ],
    ids=["foreign", "text", "one byte", "noise", "noise after the magic"],
)
def test_what_is_not_a_store_is_refused_and_left_as_it_is(tmp_path, make):
    path = tmp_path / "thing.db"
    make(path)
    before = digest(path)
    with pytest.raises(StoreError, match=r"thing\.db"):
        open_store(path)
    assert digest(path) == before
    assert os.listdir(tmp_path) == ["thing.db"]


def test_opening_a_store_twice_does_not_lose_what_the_first_one_writes(tmp_path):
    """Whoever opens the file itself and closes it gives up SQLite's locks on it, and others delete the log."""
    path = tmp_path / "a.db"
    code = "import sys; from personaopt.memory import open_store; print(open_store(sys.argv[1]).user('u').count())"
    with open_store(path) as first:
        first.user("u").record(said("1"))
        with open_store(path):
            pass
        open_store(path).close()
        log = os.stat(f"{path}-wal").st_ino
        for count in (1, 2):
            done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
            assert done.stdout == f"{count}\n"
            assert os.stat(f"{path}-wal").st_ino == log
            first.user("u").record(said("more"))


def test_a_damaged_store_is_reported(tmp_path):
    path = tmp_path / "damaged.db"
    with open_store(path) as store:
        store.user("u").record([said(f"text {n} " * 50, id=str(n)) for n in range(200)])
    content = bytearray(path.read_bytes())
    content[8192:-4096] = os.urandom(len(content) - 4096 - 8192)
    path.write_bytes(content)
    with open_store(path) as store:
        assert store.health()["integrity"] != "ok"
        with pytest.raises(StoreError, match=r"damaged\.db"):
            store.user("u").history()


def test_a_truncated_store_is_reported(tmp_path):
    path = tmp_path / "cut.db"
    with open_store(path) as store:
        store.user("u").record([said(f"text {n} " * 50) for n in range(200)])
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StoreError, match=r"cut\.db"):  # noqa: SIM117
        with open_store(path) as store:
            store.user("u").history()


def test_an_empty_file_and_a_half_made_store_become_stores(tmp_path):
    (tmp_path / "empty.db").touch()
    connection = sqlite3.connect(tmp_path / "half.db")
    connection.execute("PRAGMA journal_mode = WAL")  # as far as a process gets that is killed while making a store
    connection.close()
    for name in ("empty.db", "half.db"):
        with open_store(tmp_path / name) as store:
            store.user("u").record(said("x"))
            assert store.user("u").count() == 1


def test_places_where_no_store_can_be(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "missing" / "a.db", tmp_path / "file" / "a.db", os.devnull, "", 7, None, b"a.db"):
        with pytest.raises(StoreError) as caught:
            open_store(path)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that even root cannot write to")
def test_a_folder_that_cannot_be_written():
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"/proc/a\.db"):
        open_store("/proc/a.db")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("address", ["mysql://host/db", "redis://host", "file:///store.db"])
def test_other_databases_are_refused(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="SQLite"):
        open_store(address)
    assert os.listdir(tmp_path) == []


def test_odd_file_names(tmp_path):
    path = tmp_path / "a?mode=ro#50% ü.db"
    with open_store(path) as store:
        store.user("u").record(said("x"))
    assert path.is_file()


def make_version_1(path):
    """A store as schema 1 made it, with data of two users."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    persona = json.dumps(Persona.from_text("Likes tea.").to_dict())
    for user in ("u", "v"):
        connection.execute("INSERT INTO users VALUES (?, 1.5)", (user,))
        for number in range(3):
            content = {
                "inputs": {"text": f"{user} {number}"},
                "response": {},
                "ground_truth": {"tag": "é"},
                "metadata": {},
            }
            row = connection.execute(
                "INSERT INTO interactions (user_id, interaction_id, time, session, content) VALUES (?, ?, ?, ?, ?) "
                "RETURNING row",
                (user, f"i{number}", 10 - number, "s" if number else None, json.dumps(content, ensure_ascii=False)),
            ).fetchone()[0]
            vector = HashedWords()([f"{user} {number}"])[0].tobytes()
            connection.execute(
                "INSERT INTO embeddings (row, embedder, vector) VALUES (?, 'hashed-words/1', ?)", (row, vector)
            )
        connection.execute("INSERT INTO personas VALUES (?, 1, NULL, ?, 2.5, 'me', 'why', '[]')", (user, persona))
    connection.close()


def check_migrated(path):
    embedder = HashedWords()
    with open_store(path, embedder=embedder) as store:
        assert store.health()["schema"] == SCHEMA
        assert store.health()["integrity"] == "ok"
        with store.transaction("u", write=False) as connection:
            assert connection.execute("PRAGMA foreign_key_check") == []
        for name in ("u", "v"):
            user = store.user(name)
            assert [item.id for item in user.history()] == ["i2", "i1", "i0"]
            item = user.interaction("i1")
            assert (item.inputs["text"], item.ground_truth["tag"], item.session) == (f"{name} 1", "é", "s")
            assert user.record(item) == item  # its hash is there
            with pytest.raises(DataError, match="another interaction"):
                user.record(dataclasses.replace(item, ground_truth={"tag": "e"}))
            assert user.search(f"{name} 2", 1)[0].interaction.id == "i2"
            (version,) = user.personas()
            assert (version.version, version.persona.render(), version.author) == (1, "- Likes tea.", "me")
            assert (version.run, version.redacted) == ("", False)
            user.save_persona(Persona(), parent=1, author="me", run="r")
            store.start_run(name, "r2", {})
        assert embedder.texts == ["u 2", "v 2"]  # only the queries: the vectors were kept


def test_a_store_of_schema_1_is_brought_up_to_date(tmp_path):
    make_version_1(tmp_path / "old.db")
    check_migrated(tmp_path / "old.db")


def test_processes_that_migrate_at_once_do_it_once(tmp_path):
    for attempt in range(3):
        path = tmp_path / f"old{attempt}.db"
        make_version_1(path)
        script = (
            "import sys; from personaopt.memory import open_store\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "with open_store(sys.argv[1]) as store: print(store.user('u').count())"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.communicate(timeout=60)[0] for process in processes] == ["3\n"] * 4
        check_migrated(path)


def test_a_migration_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "old.db"
    make_version_1(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE interactions SET content = 'no JSON' WHERE interaction_id = 'i1' AND user_id = 'v'")
    connection.close()
    with pytest.raises(StoreError, match=r"old\.db"):
        open_store(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert "row" in connection.execute("SELECT sql FROM sqlite_master WHERE name = 'interactions'").fetchone()[0]
    connection.close()


def test_writes_that_wait_for_each_other_share_a_commit(tmp_path):
    with open_store(tmp_path / "a.db") as store:
        store.user("u").record(said("first"))
        database, statements, failed = store._database, [], []
        database._connection.set_trace_callback(statements.append)

        def write(number):
            try:
                with store.transaction("u") as connection:
                    connection.execute("UPDATE users SET created = created + 1")
                    if number == 3:
                        raise KeyError(number)
            except KeyError as error:
                failed.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
        with store.transaction("u") as connection:
            before = connection.execute("SELECT created FROM users")[0][0]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 30
            while database._waiting < len(threads) and time.monotonic() < deadline:
                time.sleep(0.001)
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads)
        database._connection.set_trace_callback(None)
        assert len(failed) == 1
        assert [text for text in statements if text.startswith(("BEGIN", "COMMIT"))] == ["BEGIN IMMEDIATE", "COMMIT"]
        with sqlite3.connect(tmp_path / "a.db") as other:
            assert other.execute("SELECT created FROM users").fetchone()[0] == before + 5


def test_a_reader_sees_nothing_that_is_not_on_disk(tmp_path):
    with open_store(tmp_path / "a.db") as store:
        seen = []

        def record(number):
            store.user("u").record(said("x", id=str(number)))

        def read():
            for _ in range(200):
                ids = {item.id for item in store.user("u").history()}
                other = sqlite3.connect(tmp_path / "a.db")
                seen.append(ids <= {row[0] for row in other.execute("SELECT interaction_id FROM interactions")})
                other.close()

        threads = [threading.Thread(target=lambda n=n: [record(f"{n} {i}") for i in range(40)]) for n in range(6)]
        threads.append(threading.Thread(target=read))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 200
        assert all(seen)
        assert store.user("u").count() == 240


def test_a_store_is_not_used_within_its_own_transaction(tmp_path):
    with open_store(tmp_path / "a.db") as store:
        for write in (True, False):
            with store.transaction("u", write=write):
                with pytest.raises(StoreError, match="within a transaction"):
                    store.user("u").count()
                with pytest.raises(StoreError, match="within a transaction"):
                    store.user("u").record(said("x"))
        assert store.user("u").count() == 0


def test_a_commit_that_nobody_makes_is_made_by_those_who_wait(tmp_path):
    with open_store(tmp_path / "a.db") as store:
        store._database._waiting = 1  # as if the one who was to commit had been interrupted
        began = time.monotonic()
        store.user("u").record(said("x"))
        assert time.monotonic() - began < 5
        with sqlite3.connect(tmp_path / "a.db") as other:
            assert other.execute("SELECT count(*) FROM interactions").fetchone() == (1,)


OPENING = """
import os, random, sys, time
from personaopt.memory import open_store

failed = 0
for number in range(8):
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            try:
                time.sleep(random.random() * 0.01)
                for _ in range(3):
                    open_store(f"{sys.argv[1]}/{number}.db").close()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    failed += sum(os.waitpid(child, 0)[1] != 0 for child in children)
print(failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is a matter of POSIX")
def test_a_store_that_is_just_being_made_is_not_taken_for_another_database(tmp_path):
    script = [sys.executable, "-c", OPENING, str(tmp_path)]
    assert subprocess.run(script, capture_output=True, text=True, check=True, timeout=120).stdout == "0\n"
