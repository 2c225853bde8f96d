"""Consent and retention: asked of every store, enforced where something is written."""

import time

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import scripted_lm

import personaopt as po
from personaopt.errors import ConfigurationError, ConsentError, DataError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.facts import Fact
from personaopt.memory.retention import Retention
from personaopt.persona import Persona, Statement

LEARNT = Persona((Statement("Learnt.", evidence=("1",)),))
WRITTEN = Persona((Statement("Written.", source="written"),))


def said(text, **values):
    return Interaction({"text": text}, ground_truth={"reply": f"{text}!"}, **values)


def test_consent_is_assumed_unless_it_is_required(address):
    with open_store(address, embedder=HashedWords()) as store:
        assert store.user("u").consent == "learn"
        store.user("u").record(said("x"))
    with open_store(address, embedder=HashedWords(), consent="required") as store:
        assert store.user("u").consent == "none"
        assert store.user("new").consent == "none"
        with pytest.raises(ConsentError, match=r"'new' has not agreed .* consent is 'none', .* must be 'record'"):
            store.user("new").record(said("x"))
        assert store.users() == ["u"]
        store.user("new").consent = "record"
        store.user("new").record(said("x"))
    with open_store(address, embedder=HashedWords()) as store:
        assert store.user("new").consent == "record"
    with pytest.raises(ConfigurationError, match="consent of a store"):
        open_store(address, consent="maybe")


def test_none_records_nothing(store):
    user = store.user("u")
    user.record(said("before", id="1"))
    user.consent = "none"
    for attempt in (
        lambda: user.record(said("x")),
        lambda: user.record([said("x")]),
        lambda: user.save_persona(WRITTEN, parent=0, author="a"),
        lambda: store.save_facts("u", [Fact(Statement("x"), 1, 2)]),
    ):
        with pytest.raises(ConsentError):
            attempt()
    assert (user.count(), user.version) == (1, 0)  # taking it back deletes nothing
    user.forget("1")
    assert user.count() == 0


def test_record_only_learns_nothing(store):
    user = store.user("u")
    user.consent = "record"
    user.record(said(f"text {n}", id=str(n)) for n in range(6))
    with pytest.raises(ConsentError, match="must be 'learn'"):
        user.save_persona(LEARNT, parent=0, author="a")
    with pytest.raises(ConsentError):
        store.save_facts("u", [Fact(Statement("x"), 1, 2)])
    user.save_persona(WRITTEN, parent=0, author="a person")
    agent = po.PersonaAgent("text -> reply", user=user, retrieve=2)
    with dspy.context(lm=scripted_lm()):
        with pytest.raises(ConsentError, match="must be 'learn'"):
            po.PersonaAligner(latest=2, held_out=2, epochs=1).compile(agent)
        assert agent(text="hello").reply
    user.consent = "learn"
    user.save_persona(Persona((*WRITTEN.statements, *LEARNT.statements)), parent=1, author="a")
    user.consent = "record"
    user.save_persona(LEARNT, parent=2, author="a person")  # less than there was


def test_going_back_needs_consent_but_to_nothing(store):
    user = store.user("u")
    user.save_persona(LEARNT, parent=0, author="a")
    user.save_persona(WRITTEN, parent=1, author="a")
    user.consent = "record"
    with pytest.raises(ConsentError, match="must be 'learn'"):
        user.rollback(1)
    user.consent = "none"
    with pytest.raises(ConsentError, match="must be 'record'"):
        user.rollback(2)
    assert user.version == 2
    assert not user.rollback(0).persona


def test_what_is_no_consent(store):
    for wrong in ("yes", "", None, True):
        with pytest.raises(ConfigurationError, match="Consent is one of"):
            store.user("u").consent = wrong
    with pytest.raises(DataError):
        store.set_consent(" ", "learn")
    store.user("u").require_consent("learn")


def test_the_latest_are_kept(store):
    user = store.user("u")
    user.record(said(f"text {n}", id=f"{n}", time=n) for n in range(10))
    user.retention = Retention(max_count=4)
    assert [item.id for item in user.history()] == ["6", "7", "8", "9"]
    user.record(said("late", id="late", time=20))
    user.record(said("early", id="early", time=1))  # gone at once: four are later
    assert [item.id for item in user.history()] == ["7", "8", "9", "late"]
    assert {memory.interaction.id for memory in user.search("text", 9)} == {"7", "8", "9", "late"}
    assert store.user("v").retention == Retention()
    user.retention = None
    assert user.retention == Retention()


def test_what_retention_took_is_not_left_in_the_files(tmp_path):
    with open_store(tmp_path / "p.db", embedder=HashedWords()) as store:
        user = store.user("u")

        def left():
            return [file.name for file in tmp_path.iterdir() if b"zebracanary" in file.read_bytes()]

        user.record([said("zebracanary", id="0", time=0), said("new", id="1", time=1)])
        assert left()
        user.retention = Retention(max_count=1)
        assert left() == []
        user.record(said("zebracanary", id="2", time=2))
        user.record(said("newer", id="3", time=3))
        assert left()  # recording does not wait for that
        assert store.apply_retention() == []
        assert left() == []


def test_what_is_too_old_goes(address):
    now = time.time()
    with open_store(address, embedder=HashedWords(), retention=Retention(max_age=3600)) as store:
        user, quiet = store.user("u"), store.user("quiet")
        user.record([said("old", id="old", time=now - 4000), said("new", id="new", time=now)])
        assert [item.id for item in user.history()] == ["new"]
        quiet.retention = Retention(max_age=86400)
        quiet.record(said("old", id="old", time=now - 4000))
        assert quiet.count() == 1
    with open_store(address, embedder=HashedWords(), retention=Retention(max_age=3600)) as store:
        store.user("quiet").retention = None
        assert store.user("quiet").count() == 0


def test_retention_is_applied_to_those_who_are_quiet(address):
    now = time.time()
    with open_store(address, embedder=HashedWords()) as store:
        for name in ("u", "v", "w"):
            store.user(name).record(said("old", id="old", time=now - 4000))
        store.user("w").record(said("new", id="new", time=now))
        store.user("u").save_persona(Persona((Statement("x", evidence=("old",)),)), parent=0, author="a")
    with open_store(address, embedder=HashedWords(), retention=Retention(max_age=3600)) as store:
        store.user("v").retention = Retention(max_age=86400)
        reports = store.apply_retention()
        assert [(report.user_id, report.interactions) for report in reports] == [("u", ("old",)), ("w", ("old",))]
        assert (store.user("u").version, bool(store.user("u").persona)) == (2, False)
        assert store.user("v").count() == 1
        assert store.apply_retention() == []
        store.user("u").record(said("old", id="old", time=now))  # it may come again


@pytest.mark.parametrize(
    "wrong", [{"max_age": 0}, {"max_age": "1"}, {"max_count": 0}, {"max_count": 1.5}, {"max_age": float("inf")}]
)
def test_what_is_no_retention(wrong):
    with pytest.raises(ConfigurationError):
        Retention(**wrong)
    with pytest.raises(ConfigurationError, match="is a Retention"):
        open_store(":memory:", retention=3)
