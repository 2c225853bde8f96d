"""A user's data as one file, and back."""

import json
import os
import stat
import threading

import pytest
from hashed_words import HashedWords

from personaopt.errors import ConsentError, DataError, ForgottenError, StoreError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.facts import Fact
from personaopt.memory.portability import read
from personaopt.memory.retention import Retention
from personaopt.persona import Persona, Statement


@pytest.fixture
def user(store):
    """Everything a user can have."""
    user = store.user("ünï ☃")
    user.record(
        [
            Interaction(
                {"q": f"text {n} 😀\u2028"},
                {"a": n},
                {"a": [n, None]},
                time=float(n % 3),
                id=f"i{n}",
                session="s",
                task="t",
                actions=[{"tool": "x"}],
                signals={"stars": 4},
                metadata={"m": {"k": 1}},
                source="app",
            )
            for n in range(7)
        ]
    )
    first = Persona((Statement("Likes it.", evidence=("i1",)), Statement("Pinned.", pinned=True, source="written")))
    user.save_persona(first, parent=0, author="t", run="run1")
    second = Persona((*first.statements, Statement("More.", field="preference.x", confidence=0.5)), token_limit=99)
    user.save_persona(second, parent=1, author="t", reason="why", edits=first.diff(second))
    user.rollback(1)
    store.save_facts(user.id, [Fact(Statement("A fact.", evidence=("i2", "i3"), valid_to=4.0), 1.0, 2.0, "later")])
    store.start_run(user.id, "r1", {"seed": 1})
    store.record_call(user.id, "r1", "k", {"gave": "x"})
    store.start_run(user.id, "r2", {"seed": 2})
    user.consent = "learn"
    user.retention = Retention(max_count=100)
    return user


def everything(user):
    store = user.store
    return {
        "history": [item.to_dict() for item in user.history()],
        "personas": user.personas(),
        "facts": user.facts(),
        "runs": [(run.run_id, run.fingerprint) for run in store.unfinished_runs(user.id)],
        "calls": store.recorded_calls(user.id, "r1"),
        "promised": (user.consent, user.retention),
    }


def test_everything_comes_back(user, tmp_path):
    path = user.export_data(tmp_path / "u.json")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open_store(":memory:", embedder=HashedWords(), consent="required") as other:
        report = other.import_data(path)
        assert (report.user_id, report.interactions, report.personas, report.facts) == (user.id, 7, 3, 1)
        twin = other.user(user.id)
        assert everything(twin) == everything(user)
        assert [m.interaction.id for m in twin.search("text 3", 7)] == [
            m.interaction.id for m in user.search("text 3", 7)
        ]
        again = other.import_data(path)
        assert (again.interactions, again.personas, again.facts, again.left_out) == (0, 0, 0, ())
        assert everything(twin) == everything(user)
        other.import_data(twin.export_data(tmp_path / "twin.json"))
        assert everything(twin) == everything(user)
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_user_with_nothing(store, tmp_path):
    path = store.user("nobody").export_data(tmp_path / "n.json")
    with open_store(":memory:") as other:
        assert other.import_data(path).interactions == 0
    assert store.users() == []


def test_the_file_is_as_documented(user, tmp_path):
    document = json.loads(user.export_data(tmp_path / "u.json").read_text("utf-8"))
    assert list(document) == ["kind", "schema", "checksum", "content"]
    assert (document["kind"], document["schema"]) == ("personaopt user data", 1)
    content = document["content"]
    assert list(content) == [
        "user_id",
        "exported",
        "consent",
        "retention",
        "interactions",
        "personas",
        "facts",
        "unfinished_runs",
        "allowed_tools",
    ]
    assert content["retention"] == {"max_age": None, "max_count": 100}
    assert content["unfinished_runs"][0] == {"run_id": "r1", "fingerprint": {"seed": 1}, "calls": {"k": {"gave": "x"}}}


def damages(document):
    good = json.dumps(document)
    changed = json.loads(good)
    changed["content"]["interactions"][0]["inputs"]["q"] = "changed"
    lacking = json.loads(good)
    del lacking["content"]["personas"]
    yield "damaged", json.dumps(changed)
    yield "damaged", json.dumps(lacking)
    yield "damaged", good[:-40]
    yield "not a user's data", json.dumps({"kind": "personaopt program", "schema": 1})
    yield "not a user's data", "[]"
    yield "schema 7 and", json.dumps({**document, "schema": 7})
    yield "no schema version", json.dumps({**document, "schema": "1"})
    yield "damaged", "[" * 100_000
    yield "damaged", ""


def test_damaged_and_newer_files_are_refused_in_one_sentence(user, tmp_path):
    document = json.loads(user.export_data(tmp_path / "u.json").read_text("utf-8"))
    with open_store(":memory:") as other:
        for number, (reason, text) in enumerate(damages(document)):
            path = tmp_path / f"bad{number}.json"
            path.write_text(text, "utf-8")
            with pytest.raises(DataError, match=reason) as caught:
                other.import_data(path)
            assert "\n" not in str(caught.value)
            assert other.users() == []
        with pytest.raises(DataError, match="cannot be read"):
            other.import_data(tmp_path / "none.json")
        with pytest.raises(StoreError, match="could not be written"):
            user.export_data(tmp_path / "none" / "u.json")


def resigned(path, change):
    """The file with another content and the right checksum."""
    from personaopt.memory import portability

    document = json.loads(path.read_text("utf-8"))
    change(document["content"])
    document["checksum"] = portability._checksum(document["content"])
    path.write_text(json.dumps(document), "utf-8")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(user_id=" "),
        lambda content: content.update(interactions=[{"id": "x"}]),
        lambda content: content["personas"][1].update(version=9),
        lambda content: content["personas"][0]["persona"].update(statements=[{"nope": 1}]),
        lambda content: content.update(retention={"max_age": -1, "max_count": None}),
        lambda content: content.update(facts=[{"statement": {"text": "x"}}]),
        lambda content: content.update(consent="maybe"),
        lambda content: content.update(personas=None),
        lambda content: content.update(exported=float("nan")),
        lambda content: content.update(unfinished_runs=[{"run_id": "r", "fingerprint": {}, "calls": [1]}]),
    ],
)
def test_wrong_parts_with_a_right_checksum_are_refused_whole(user, tmp_path, change):
    path = resigned(user.export_data(tmp_path / "u.json"), change)
    with open_store(":memory:") as other:
        with pytest.raises(Exception, match=r".") as caught:
            other.import_data(path)
        assert type(caught.value).__module__ == "personaopt.errors", repr(caught.value)
        assert other.users() == []


def test_another_history_under_the_same_id_is_refused_whole(user, tmp_path):
    path = user.export_data(tmp_path / "u.json")
    with open_store(":memory:") as other:
        twin = other.user(user.id)
        twin.save_persona(Persona.from_text("Another."), parent=0, author="x")
        with pytest.raises(DataError, match="another persona version 1"):
            other.import_data(path)
        assert twin.count() == 0
        twin.record(Interaction({"q": "other"}, id="i1"))
        with pytest.raises(DataError, match="'i1'"):
            other.import_data(path)
        assert (twin.count(), twin.version) == (1, 1)


def test_an_import_brings_back_nothing_that_was_forgotten(user, tmp_path):
    store = user.store
    path = user.export_data(tmp_path / "u.json")
    user.forget("i1")
    after = everything(user)
    report = store.import_data(path)
    assert report.left_out == ("i1",)
    assert (report.interactions, report.personas) == (0, 0)
    assert everything(user) | {"runs": [], "calls": {}} == after | {"runs": [], "calls": {}}
    assert "Likes it." not in json.dumps([version.to_dict() for version in user.personas()])
    restored = store.import_data(path, restore=True)
    assert (restored.interactions, restored.left_out) == (1, ())
    assert user.interaction("i1").inputs["q"].startswith("text 1")
    user.record(Interaction({"q": "again"}, id="i9"))
    user.forget("i9")
    user.record(Interaction({"q": "again"}, id="i9"))  # recording is no import


def test_persona_versions_that_come_with_the_forgotten_are_redacted(store, tmp_path):
    with open_store(":memory:") as origin:
        twin = origin.user("u")
        twin.record([Interaction({"q": "zebra"}, id="a"), Interaction({"q": "clock"}, id="b")])
        twin.save_persona(Persona((Statement("Likes zebra.", evidence=("a",)),)), parent=0, author="t")
        path = twin.export_data(tmp_path / "u.json")
    user = store.user("u")
    user.record(Interaction({"q": "zebra"}, id="a", time=twin_time(path, "a")))
    user.forget("a")
    report = store.import_data(path)
    assert (report.left_out, report.interactions, report.personas) == (("a",), 1, 1)
    assert [version.redacted for version in user.personas()] == [True, False]
    assert not user.persona


def twin_time(path, identifier):
    return next(item.time for item in read(path).interactions if item.id == identifier)


def test_a_forgotten_user_comes_back_only_if_asked(user, tmp_path):
    store, path = user.store, user.export_data(tmp_path / "u.json")
    before = everything(user)
    store.forget(user.id)
    with pytest.raises(ForgottenError, match="restore=True"):
        store.import_data(path)
    assert store.users() == []
    store.import_data(path, restore=True)
    assert everything(user) == before
    assert store.import_data(path).interactions == 0
    later = user.export_data(tmp_path / "later.json")
    store.forget(user.id)
    with pytest.raises(ForgottenError):
        store.import_data(later)


def test_consent_is_asked_of_an_import_too(store, tmp_path):
    user = store.user("u")
    user.record(Interaction({"q": "x"}))
    path = user.export_data(tmp_path / "u.json")
    with open_store(":memory:", consent="required") as other:
        with pytest.raises(ConsentError):
            other.import_data(path)
        assert other.users() == []
        other.user("u").consent = "record"
        assert other.import_data(path).interactions == 1
        assert other.user("u").consent == "record"


def test_what_was_learnt_is_not_imported_where_nothing_may_be_learnt(user, tmp_path):
    path = user.export_data(tmp_path / "u.json")
    with open_store(":memory:", embedder=HashedWords()) as other:
        twin = other.user(user.id)
        twin.consent = "record"
        with pytest.raises(ConsentError, match="must be 'learn'"):
            other.import_data(path)
        assert (twin.count(), twin.version, twin.facts()) == (0, 0, [])
        twin.consent = "learn"
        assert other.import_data(path).personas == 3
        twin.consent = "record"
        assert other.import_data(path).personas == 0  # what is there already


def test_imports_at_once(user, tmp_path):
    path = user.export_data(tmp_path / "u.json")
    with open_store(tmp_path / "b.db", embedder=HashedWords()) as other:
        reports = []
        threads = [threading.Thread(target=lambda: reports.append(other.import_data(path))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(report.interactions for report in reports) == [0, 0, 0, 7]
        assert everything(other.user(user.id)) == everything(user)
