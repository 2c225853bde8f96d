"""Forgetting: rows, vectors, personas and their history, checkpoints, LM calls, and the bytes on the disk."""

import gc
import json
import random
import sqlite3
import subprocess
import sys
import threading
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import RuleObeyingEngine, scripted_lm

import personaopt as po
from personaopt.errors import DataError, ForgottenError
from personaopt.interaction import Interaction
from personaopt.memory import open_store, residue
from personaopt.memory.facts import Fact
from personaopt.memory.quoting import Quotations
from personaopt.persona import Edit, Persona, Statement


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "drama", "dark comedy"] = dspy.OutputField()


def said(text, tag="comedy", **values):
    return Interaction({"description": text}, ground_truth={"tag": tag}, **values)


def statement(text, *evidence, **values):
    return Statement(text, evidence=evidence, **values)


@pytest.fixture
def user(store):
    """Three interactions, and a persona of three versions that rests on them."""
    user = store.user("u")
    user.record(
        [
            said("A baker in Zanzibar loses her zebra", id="a", session="s1"),
            said("Two sailors repair a clock", "drama", id="b", session="s1"),
            said("A clock falls in love", "dark comedy", id="c", session="s2"),
        ]
    )
    first = Persona((statement("Likes zebras.", "a"), statement("Likes clocks.", "b", "c")))
    second = Persona((*first.statements, statement('Says comedy of "a baker in Zanzibar loses".', "a", "c")))
    third = Persona((*second.statements, Statement("Answers in English.", source="written")))
    user.save_persona(first, parent=0, author="t")
    user.save_persona(second, parent=1, author="t", edits=first.diff(second), reason="Zanzibar came up.")
    user.save_persona(third, parent=2, author="t", edits=second.diff(third))
    return user


def everything(store, user):
    """All that can be read of a user, as one text."""
    versions = [version.to_dict() for version in user.personas()]
    found = [item.to_dict() for item in user.history()]
    with store.transaction(user.id) as connection:
        vectors = connection.execute("SELECT count(*) FROM embeddings")
    runs = {run.run_id: store.recorded_calls(user.id, run.run_id) for run in store.unfinished_runs(user.id)}
    facts = [fact.to_dict() for fact in user.facts()]
    return json.dumps([versions, found, runs, facts, vectors], ensure_ascii=False)


def test_an_interaction_goes_with_what_rests_on_it(store, user):
    user.search("baker", 3)
    store.start_run("u", "r", {"window": ["a"]})
    store.record_call("u", "r", "1", {"gave": "zebra"})
    store.save_facts("u", [Fact(statement("Keeps a zebra.", "a"), 1, 2), Fact(statement("Owns a clock.", "b"), 1, 2)])
    report = user.forget("a")
    assert report.interactions == ("a",)
    assert [lost.text for lost in report.statements] == [
        "Likes zebras.",
        'Says comedy of "a baker in Zanzibar loses".',
    ]
    assert (report.versions, report.facts, report.runs, report.version) == ((1, 2, 3), 1, ("r",), 4)
    assert [item.id for item in user.history()] == ["b", "c"]
    assert {memory.interaction.id for memory in user.search("baker zebra", 3)} == {"b", "c"}
    assert [line.text for line in user.persona.statements] == ["Likes clocks.", "Answers in English."]
    assert [fact.statement.text for fact in user.facts()] == ["Owns a clock."]
    left = everything(store, user)
    assert "ebra" not in left
    assert "Zanzibar" not in left
    assert '"a"' not in left
    assert [version.redacted for version in user.personas()] == [True, True, True, False]
    assert store.unfinished_runs("u") == []
    assert "Forgot: 1 interaction, 2 statements" in str(report)


def test_a_statement_with_other_evidence_loses_the_id_only(store, user):
    report = user.forget("b")
    assert (report.statements, report.versions, report.version) == ((), (), None)
    assert user.version == 3
    for version in user.personas():
        assert version.persona.statements[1] == statement("Likes clocks.", "c")
        assert not version.redacted
    user.forget("c")
    assert "Likes clocks." not in user.persona.render()
    assert user.version == 4


def test_a_dry_run_changes_nothing(store, user):
    before = everything(store, user)
    report = user.forget("a", dry_run=True)
    assert report.dry_run
    assert (report.interactions, len(report.statements), report.versions) == (("a",), 2, (1, 2, 3))
    assert str(report).startswith("Would forget: 1 interaction,")
    assert everything(store, user) == before
    assert store.last_forgetting("u") == 0
    whole = store.forget("u", dry_run=True)
    assert whole.interactions == ("a", "b", "c")
    assert everything(store, user) == before


def test_sessions_texts_and_several_ids(store, user):
    assert user.forget(session="s2").interactions == ("c",)
    assert user.forget(matching="BAKER  in").interactions == ("a",)
    assert user.forget(["b"], matching="nothing like it").interactions == ()
    assert user.forget(["b"], session="s1").interactions == ("b",)
    assert user.count() == 0
    for wrong in ({}, {"interaction_id": "nope"}, {"matching": "  "}, {"session": ""}):
        with pytest.raises(DataError):
            user.forget(**wrong)


def test_a_text_goes_from_the_persona_even_if_no_interaction_has_it(store):
    user = store.user("u")
    user.record(said("x", id="x"))
    user.save_persona(Persona.from_text("Lives in Timbuktu.\nIs brief."), parent=0, author="person")
    report = user.forget(matching="timbuktu")
    assert (report.interactions, report.versions, report.version) == ((), (1,), 2)
    assert user.persona.render() == "- Is brief."
    assert "imbuktu" not in everything(store, user)


def test_labels_that_others_share_are_no_quotation(store):
    user = store.user("u")
    user.record(said(f"story {n}", "dark comedy" if n % 2 else "drama", id=str(n)) for n in range(8))
    line = statement("This user mostly uses: dark comedy, drama.", *map(str, range(8)), id="tag:mostly")
    only = statement("For films the user says drama.", "0", "2", "4", "6", id="tag:case:drama")
    user.save_persona(Persona((line, only)), parent=0, author="t")
    user.forget(["1", "2"])
    assert [s.text for s in user.persona.statements] == [line.text, only.text]
    assert user.persona.statements[1].evidence == ("0", "4", "6")
    user.forget(["0", "4"])
    user.forget("6")  # nobody said drama any more
    assert user.persona.statements == ()
    assert "drama" not in everything(store, user)


def test_what_is_a_quotation():
    gone = [said("My cat Mimi sleeps under the old piano, code k9-77251", id="g")]
    staying = [said("The old piano is out of tune", id="s")]
    found = Quotations(gone, staying).among(
        {
            "Has a cat.": True,  # derived from it, and the cat is named nowhere else
            "Mentions the old piano.": True,  # said elsewhere too
            "Has a cat that is loud.": False,
            "Likes that Mimi sleeps under the piano.": False,  # a run of words
            "Uses the code 77251.": False,
            "Prefers short answers.": True,
        }
    )
    assert found == {"Has a cat.", "Likes that Mimi sleeps under the piano.", "Uses the code 77251."}
    japanese = Quotations([said("猫はピアノの下で眠る", id="j")], []).among(
        {"猫はピアノが好き": False, "犬が好き": False}
    )
    assert japanese == {"猫はピアノが好き"}


def test_an_agent_of_a_redacted_version_refuses_until_it_is_refreshed(store, user):
    lm = scripted_lm()
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=2)
    with dspy.context(lm=lm):
        assert agent(description="A comedy with crime").tag
        twin = agent.deepcopy()
        user.forget("a")
        for old in (agent, twin):
            with pytest.raises(ForgottenError, match=r"version 3 of user 'u' .* agent\.refresh\(\)"):
                old(description="A comedy with crime")
        assert agent.refresh()(description="A comedy with crime").persona_version == 4
        user.forget("b")  # nothing of the persona's text goes
        assert agent(description="A comedy with crime").tag


async def _awaited(agent):
    return await agent.aforward(description="A comedy with crime")


def test_an_awaited_agent_refuses_too(store, user):
    import asyncio

    agent = po.PersonaAgent(TagFilm, user=user, retrieve=0)
    user.forget("a")
    with dspy.context(lm=scripted_lm()), pytest.raises(ForgottenError):
        asyncio.run(_awaited(agent))


def test_an_agent_of_a_forgotten_user_refuses_even_if_the_user_comes_back(store, user):
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=0)
    store.forget("u")
    with dspy.context(lm=scripted_lm()):
        with pytest.raises(ForgottenError, match="is gone"):
            agent(description="A comedy with crime")
        for parent in range(3):
            user.save_persona(Persona.from_text(f"New {parent}."), parent=parent, author="t")
        with pytest.raises(ForgottenError, match="is gone"):
            agent(description="A comedy with crime")
        assert agent.refresh()(description="A comedy with crime").persona_version == 3


def test_a_forgotten_user_leaves_nothing(store, user):
    store.user("v").record(said("stays", id="a"))
    report = store.forget("u")
    assert report.interactions == ("a", "b", "c")
    assert report.versions == (1, 2, 3)
    assert store.users() == ["v"]
    assert (user.count(), user.version, user.personas()) == (0, 0, [])
    assert store.user("v").count() == 1
    assert store.forget("nobody").interactions == ()
    user.record(said("back again", id="a"))
    assert user.count() == 1


def test_others_are_left_alone(store, user):
    other = store.user("v")
    other.record(said("A baker in Zanzibar loses her zebra", id="a"))
    other.save_persona(Persona((statement("Likes zebras.", "a"),)), parent=0, author="t")
    before = everything(store, other)
    user.forget("a")
    store.forget("u")
    assert everything(store, other) == before


def test_nothing_is_learnt_from_what_was_forgotten_meanwhile(store, user):
    as_of = store.last_forgetting("u")
    user.forget("c")
    version = user.version
    with pytest.raises(ForgottenError, match="forgotten while"):
        user.save_persona(Persona((statement("x", "c"),)), parent=version, author="t")
    with pytest.raises(ForgottenError, match="forgotten while"):
        user.save_persona(Persona((statement("x", "b"),)), parent=version, author="t", as_of=as_of)
    with pytest.raises(ForgottenError, match="forgotten while"):
        store.save_facts("u", [Fact(statement("x", "c"), 1, 2)])
    user.save_persona(Persona((statement("x", "b"),)), parent=version, author="t", as_of=store.last_forgetting("u"))
    user.record(said("A clock falls in love", "dark comedy", id="c"))  # recorded again on purpose
    user.save_persona(Persona((statement("y", "c"),)), parent=version + 1, author="t")


def test_an_alignment_during_which_something_is_forgotten_stores_nothing(store):
    user = store.user("u")
    user.record(said(f"A comedy with crime {n}", "comedy", id=str(n)) for n in range(8))
    forgot = []

    def forget_once(kind, number, prompt):
        if kind == "critique" and not forgot:
            forgot.append(user.forget("7"))

    engine = RuleObeyingEngine(
        spoil=forget_once,
        replies={"answer": lambda given: {"tag": "drama"}, "critique": lambda given: {"feedback": "No."}},
    )
    lm = dspy.LM("scripted/forgets", engine=engine, cache=False)
    before = user.version
    engine.replies["edit"] = lambda given: {"edits": [{"action": "add", "text": "Likes crime.", "feedback": [1]}]}
    aligner = po.PersonaAligner(latest=4, held_out=2, epochs=1, acceptance=po.AcceptAll())
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=0, persona=Persona.from_text("Is brief."))
    with dspy.context(lm=lm), pytest.raises(ForgottenError, match="align again"):
        aligner.compile(agent)
    assert forgot
    assert user.version == before
    assert store.unfinished_runs("u") == []


def test_what_is_forgotten_before_the_first_call_came_back_is_not_kept_as_unfinished(store):
    user = store.user("u")
    user.record(said(f"A comedy with crime {n}", "comedy", id=str(n)) for n in range(8))
    forgot = []

    def forget_once(kind, number, prompt):
        if not forgot:
            forgot.append(store.forget("u"))

    replies = {
        "answer": lambda given: {"tag": "drama"},
        "critique": lambda given: {"feedback": "No."},
        "edit": lambda given: {"edits": [{"action": "add", "text": "Likes crime.", "feedback": [1]}]},
    }
    lm = dspy.LM("scripted/early", engine=RuleObeyingEngine(spoil=forget_once, replies=replies), cache=False)
    aligner = po.PersonaAligner(latest=4, held_out=2, epochs=1, acceptance=po.AcceptAll(), checkpoint=True)
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=0, persona=Persona.from_text("Is brief."))
    with dspy.context(lm=lm), pytest.raises(ForgottenError):
        aligner.compile(agent)
    assert forgot
    assert (store.users(), store.unfinished_runs("u")) == ([], [])


# What LM calls leave behind in the process.


class Echo:
    """Answers every task with the question's own words, so that a cache would hold them."""

    def __init__(self):
        self.calls = 0

    def complete(self, request):
        from dspy.lm15 import Message, Response, TextPart, Usage

        self.calls += 1
        text = "[[ ## reply ## ]]\nYou said: zebra-canary\n\n[[ ## completed ## ]]"
        return Response(None, "scripted/echo", Message.assistant([TextPart(text)]), "stop", Usage(5, 5))


@pytest.fixture
def dspy_cache(tmp_path):
    """DSPy's own cache, in a folder of this test."""
    before = vars(dspy).get("cache")
    dspy.configure_cache(disk_cache_dir=str(tmp_path / "dspy"), memory_max_entries=100)
    yield tmp_path / "dspy"
    vars(dspy).pop("cache", None)
    if before is not None:
        dspy.cache = before


def bytes_with(folder, *words):
    """Which words stand in files; another process looks, as closing a file here would give up SQLite's locks."""
    command = ["grep", "-rahoF", "-f", "-", str(folder)]
    found = subprocess.run(command, input="\n".join(words), capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return sorted(set(found.stdout.splitlines()))


def test_calls_for_a_user_stay_out_of_dspys_cache(dspy_cache, tmp_path):
    engine = Echo()
    lm = dspy.LM("scripted/echo", engine=engine, cache=True)
    with open_store(tmp_path / "a.db", embedder=HashedWords()) as store, dspy.context(lm=lm):
        agent = po.PersonaAgent("text -> reply", user=store.user("u"), retrieve=0)
        agent(text="my zebra-canary")
        agent(text="my zebra-canary")
        assert engine.calls == 2
        assert bytes_with(dspy_cache, "zebra-canary") == []
        plain = dspy.Predict("text -> reply")  # the application's own calls are cached as before
        plain(text="hello")
        plain(text="hello")
        assert engine.calls == 3
        dspy.configure_cache(disk_cache_dir=str(dspy_cache), memory_max_entries=100)  # a new cache is minded too
        agent(text="my zebra-canary")
        agent(text="my zebra-canary")
        assert engine.calls == 5


def test_a_store_may_share_dspys_cache(dspy_cache):
    engine = Echo()
    lm = dspy.LM("scripted/echo", engine=engine, cache=True)
    with open_store(":memory:", embedder=HashedWords(), lm_cache="shared") as store, dspy.context(lm=lm):
        agent = po.PersonaAgent("text -> reply", user=store.user("u"), retrieve=0)
        agent(text="my zebra")
        agent(text="my zebra")
    assert engine.calls == 1
    with pytest.raises(po.ConfigurationError, match="lm_cache"):
        open_store(":memory:", lm_cache="private")


def test_dspys_histories_are_emptied_of_a_users_calls():
    from dspy.clients.base_lm import GLOBAL_HISTORY

    lm = dspy.LM("scripted/echo", engine=Echo(), cache=False)
    with open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=lm):
        user, other = store.user("u"), store.user("v")
        user.record(Interaction({"text": "a long secret about zebras"}, ground_truth={"reply": "yes"}, id="a"))
        agent = po.PersonaAgent("text -> reply", user=user, retrieve=1)
        agent(text="question with a canary-one")
        po.PersonaAgent("text -> reply", user=other, retrieve=1)(text="question with a canary-two")
        dspy.Predict("text -> reply")(text="a long secret about zebras, told elsewhere")
        marked = list(GLOBAL_HISTORY[-3:])
        assert "canary-one" in repr(lm.history)
        user.forget("a")
        for history in (marked, lm.history, GLOBAL_HISTORY[-3:], agent.history):
            assert "canary-one" not in repr(history)
            assert "long secret" not in repr(history)
        assert "canary-two" in repr(lm.history)
        lm.inspect_history(n=3)
        assert lm.history[0]["model"] == "scripted/echo"
        del marked
        GLOBAL_HISTORY.clear()  # an LM's own history may go back further
        agent(text="question with a canary-three")
        GLOBAL_HISTORY.clear()
        store.forget("u")
        assert "canary-three" not in repr(lm.history)


# The bytes on the disk.


def test_what_balancing_leaves_behind_is_overwritten(tmp_path):
    """Copies in the unused parts of pages, which `secure_delete` leaves there."""
    path = tmp_path / "a.db"
    drawn = random.Random(0)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("CREATE TABLE t (key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
    keys = [f"{drawn.getrandbits(64):016x}" for _ in range(4_000)]
    connection.execute("BEGIN")
    for key in keys:
        said = f"zebra{key} " + "x" * drawn.randrange(600)
        connection.execute("INSERT INTO t VALUES (?, ?)", (key, said))
    gone = [key for key in keys if drawn.random() < 0.5]
    for key in gone:
        connection.execute("UPDATE t SET text = substr(text, 1, 30) WHERE key = ?", (key,))
        connection.execute("DELETE FROM t WHERE key = ?", (key,))
    connection.execute("COMMIT")
    rows = connection.execute("SELECT * FROM t").fetchall()
    connection.close()

    def left():
        return len(bytes_with(tmp_path, *(f"zebra{key}" for key in gone)))

    assert left() > 0
    assert residue.erase(str(path)) > 0
    assert left() == 0
    assert residue.erase(str(path)) == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT * FROM t").fetchall() == rows
    connection.close()
    (tmp_path / "text").write_text("text " * 100)
    with pytest.raises(ValueError, match="SQLite"):
        residue.erase(str(tmp_path / "text"))


def test_pages_that_others_have_read_do_not_bring_it_back(tmp_path):
    path = tmp_path / "a.db"
    with open_store(path, embedder=HashedWords()) as one, open_store(path, embedder=HashedWords()) as two:
        for number in range(60):
            user = one.user(f"user{number % 5}")
            user.record(said(canary(number), id=f"i{number}"))
            line = statement(f"Knows {canary(number)}.", f"i{number}")
            user.save_persona(Persona((*user.persona.statements[-4:], line)), parent=user.version, author="t")
        for name in two.users():
            two.user(name).personas()
        for number in range(5):
            one.user(f"user{number}").forget([f"i{each}" for each in range(0, 60, 2) if each % 5 == number])
        for name in two.users():  # these pages are written again by the other one
            user = two.user(name)
            user.save_persona(Persona.from_text("Is brief."), parent=user.version, author="t")
            user.record(said("x" * 500))
        assert two.scrub() == ""
        assert bytes_with(tmp_path, *map(canary, range(0, 60, 2))) == []
        assert one.health()["integrity"] == "ok"


def test_pages_that_cannot_be_overwritten_are_told_of(tmp_path, monkeypatch):
    with open_store(tmp_path / "a.db", embedder=HashedWords()) as store:
        store.user("u").record(said("x", id="x"))
        monkeypatch.setattr("personaopt.memory.residue.__file__", str(tmp_path / "none.py"))
        assert "could not be overwritten" in store.user("u").forget("x").remains
        monkeypatch.setattr("sys.executable", "")
        assert "no Python program" in store.scrub()
        assert store.user("u").count() == 0


def canary(number):
    return f"canary{number:04}x{number * 7919 % 10_007:05}"


COUNT = 60


def test_nothing_stands_in_the_files(tmp_path):
    path = tmp_path / "a.db"
    with open_store(path, embedder=HashedWords()) as store:
        users = [store.user(f"user{n}") for n in range(4)]
        for number in range(COUNT):
            user = users[number % 4]
            text = f"{canary(number)} " + "word " * (number % 40 * 30)  # some on overflow pages
            user.record(said(text, id=f"{canary(number)}-id", session=f"{canary(number)}-session"))
            if number % 5 == 0:
                lines = (*user.persona.statements[-9:], statement(f"Knows {canary(number)}.", f"{canary(number)}-id"))
                user.save_persona(Persona(lines), parent=user.version, author="t", reason=f"of {canary(number)}")
            if number % 9 == 0:
                store.start_run(user.id, f"run {number}", {"of": canary(number)})
                store.record_call(user.id, f"run {number}", "1", {"gave": canary(number)})
        users[0].search("word", 3)
        users[1].search("word", 3)
        assert bytes_with(tmp_path, canary(0))
        assert len(bytes_with(tmp_path, *map(canary, range(COUNT)))) == COUNT
        for start in range(0, COUNT, 12):
            for place in (0, 2):
                ids = [f"{canary(number)}-id" for number in range(start + place, min(start + 12, COUNT), 4)]
                assert users[place].forget(ids).remains == ""
        assert bytes_with(tmp_path, *map(canary, range(0, COUNT, 2))) == []
        store.forget("user1")
        store.forget("user3")
        assert bytes_with(tmp_path, *map(canary, range(COUNT))) == []


READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM interactions").fetchone()
print("reading", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("done", flush=True)
sys.stdin.readline()
"""


def test_a_reader_in_another_process_is_waited_for_and_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr("personaopt.memory.sqlite.SCRUB_SECONDS", 0.3)
    path = tmp_path / "a.db"
    with open_store(path, embedder=HashedWords()) as store:
        user = store.user("u")
        user.record(said(canary(1), id="a"))
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert reader.stdout.readline() == "reading\n"
            report = user.forget("a")
            assert "a.db-wal is in use" in report.remains
            assert "store.scrub()" in report.remains
            assert user.count() == 0
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == "done\n"
            assert store.scrub() == ""  # the other process still has the file open
            assert bytes_with(tmp_path, canary(1)) == []
        finally:
            reader.communicate("\n", timeout=20)


def test_other_stores_notice(tmp_path):
    path = tmp_path / "a.db"
    with open_store(path, embedder=HashedWords()) as one, open_store(path, embedder=HashedWords()) as two:
        one.user("u").record([said("zebra", id="a"), said("piano", id="b")])
        assert len(two.user("u").search("zebra", 5)) == 2
        one.user("u").forget("a")
        assert [memory.interaction.id for memory in two.user("u").search("zebra", 5)] == ["b"]


def test_forgetting_and_recording_at_once(store):
    user = store.user("u")
    user.record(said(f"text {n}", id=str(n)) for n in range(6))
    failures = []

    def forget(ids):
        try:
            for each in ids:
                user.forget(each)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=forget, args=([str(n) for n in range(start, 6, 3)],)) for start in range(3)]
    for thread in threads:
        thread.start()
    user.record(said(f"late {n}", id=f"late {n}") for n in range(10))
    for thread in threads:
        thread.join()
    assert failures == []
    assert user.count() == 10
    gc.collect()


def test_a_crash_before_the_log_is_emptied_is_mended_by_the_next_scrub(tmp_path):
    path = tmp_path / "a.db"
    code = f"""
import os
from personaopt.memory import open_store, residue
from personaopt.memory.sqlite import SqliteStore
from personaopt.interaction import Interaction
SqliteStore.scrub = lambda self: os._exit(9)
user = open_store({str(path)!r}, embedder=lambda texts: None).user("u")
user.record(Interaction({{"text": {canary(5)!r}}}, id="a"))
user.forget("a")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    with open_store(path, embedder=HashedWords()) as store:
        assert store.user("u").count() == 0
        assert store.scrub() == ""
        assert bytes_with(tmp_path, canary(5)) == []
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_edit_that_names_what_goes_is_dropped(store):
    user = store.user("u")
    user.record(said("zebra stripes", id="a"))
    old, new = statement("Likes zebra stripes.", "a"), statement("Likes stripes.", "a")
    user.save_persona(Persona((old,)), parent=0, author="t")
    user.save_persona(
        Persona((new,)), parent=1, author="t", edits=[Edit("replace", new, old.id, "because of the zebra stripes")]
    )
    user.forget("a")
    assert [version.edits for version in user.personas()] == [(), (), ()]
    assert "stripes" not in everything(store, user)


def test_reasons_of_what_came_and_went_go_too(store):
    user = store.user("u")
    user.record([said("I keep a parrot", id="a"), said("be short", id="b")])
    has, brief = statement("Has a parrot.", "a"), statement("Wants it brief.", "a", "b")
    user.save_persona(Persona((has,)), parent=0, author="t")
    user.write_persona("", reason="The parrot died.")
    why = Edit("add", brief, reason="Said it beside the parrot.")
    user.save_persona(Persona((brief,)), parent=2, author="t", reason="After the parrot.", edits=[why])
    user.forget("a")
    assert "parrot" not in everything(store, user)
    assert has.id not in everything(store, user)
    assert user.persona.statements[0].text == "Wants it brief."


def test_a_text_goes_from_unfinished_alignments_that_alone_hold_it(store, user):
    store.start_run("u", "r", {"window": ["a"]})
    store.record_call("u", "r", "1", {"gave": "Fond of Tortoise  soup"})
    store.start_run("u", "other", {"window": ["a"]})
    assert user.forget(matching="tortoise soup", dry_run=True).runs == ("r",)
    assert user.forget(matching="nowhere at all").runs == user.forget(session="none").runs == user.forget([]).runs == ()
    assert user.forget(matching="tortoise soup").runs == ("r",)
    assert [run.run_id for run in store.unfinished_runs("u")] == ["other"]
