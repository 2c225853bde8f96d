import copy
import threading

import pytest

from personaopt.errors import DataError, PersonaError, StoreError, VersionConflict
from personaopt.interaction import Interaction
from personaopt.memory import PersonaVersion, open_store
from personaopt.persona import Edit, Persona, Statement


@pytest.fixture
def user(store):
    return store.user("u")


def in_threads(count, work):
    results = [None] * count
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        try:
            results[number] = work(number)
        except StoreError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_user_begins_with_an_empty_persona(user):
    assert user.persona == Persona()
    assert user.version == 0
    assert user.personas() == []


def test_versions_keep_everything(user):
    statement = Statement("Prefers metric units.", evidence=("i1", "i2"), field="preference.units", valid_from=3.5)
    edit = Edit("add", statement, reason="asked twice")
    persona = Persona((statement,), token_limit=77)
    saved = user.save_persona(persona, parent=0, author="PersonaAligner", reason="step 1", edits=[edit])
    assert saved == user.personas()[0]
    assert (saved.version, saved.parent, saved.author, saved.reason) == (1, None, "PersonaAligner", "step 1")
    assert saved.persona == persona
    assert saved.edits == (edit,)
    second = user.save_persona(Persona(), parent=1, author="me")
    assert (second.version, second.parent) == (2, 1)
    assert user.persona == Persona()
    assert user.version == 2
    assert [version.version for version in user.personas()] == [1, 2]
    assert saved.to_dict()["persona"] == persona.to_dict()


@pytest.mark.parametrize("parent", [0, 2, 5])
def test_a_parent_that_is_not_current_is_a_conflict(user, parent):
    user.save_persona(Persona.from_text("First."), parent=0, author="a")
    with pytest.raises(VersionConflict, match="version 1"):
        user.save_persona(Persona.from_text("Lost?"), parent=parent, author="b")
    assert [version.persona.render() for version in user.personas()] == ["- First."]


def test_users_have_their_own_versions(store):
    store.user("u").save_persona(Persona.from_text("U."), parent=0, author="a")
    store.user("v").save_persona(Persona.from_text("V."), parent=0, author="a")
    assert store.user("u").persona.render() == "- U."
    assert store.user("v").version == 1
    with pytest.raises(DataError):
        store.user("w").rollback(1)


def test_of_eight_at_once_one_wins(user):
    results = in_threads(8, lambda n: user.save_persona(Persona.from_text(f"Line {n}."), parent=0, author=str(n)))
    winners = [result for result in results if isinstance(result, PersonaVersion)]
    assert len(winners) == 1
    assert sum(isinstance(result, VersionConflict) for result in results) == 7
    assert user.personas() == winners


@pytest.mark.parametrize("shared", [True, False], ids=["one store", "a store each"])
def test_of_eight_that_retry_all_edits_are_kept(address, shared):
    path = address
    stores = [open_store(path)] * 8 if shared else [open_store(path) for _ in range(8)]

    def work(number):
        user = stores[number].user("u")
        while True:
            version, persona = user.version, user.persona
            if version != user.version:
                continue
            try:
                edit = Edit("add", Statement(f"Line {number}."))
                return user.save_persona(persona.apply(edit), parent=version, author=str(number), edits=[edit])
            except VersionConflict:
                continue

    results = in_threads(8, work)
    assert sorted(result.version for result in results) == list(range(1, 9))
    assert {statement.text for statement in stores[0].user("u").persona.statements} == {f"Line {n}." for n in range(8)}
    for store in stores:
        store.close()


def test_rollback_is_a_new_version(user):
    user.save_persona(Persona.from_text("One."), parent=0, author="a")
    user.save_persona(Persona.from_text("One.\nTwo."), parent=1, author="a")
    back = user.rollback(1)
    assert (back.version, back.parent) == (3, 2)
    assert user.persona.render() == "- One."
    assert [edit.action for edit in back.edits] == ["remove"]
    assert user.rollback(2).persona.render() == "- One.\n- Two."
    assert user.rollback(0).persona == Persona()
    assert [version.version for version in user.personas()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("version", [2, -1, 2**80, "1", None, 1.0])
def test_a_version_that_is_not_there_cannot_come_back(user, version):
    user.save_persona(Persona.from_text("One."), parent=0, author="a")
    with pytest.raises(DataError):
        user.rollback(version)
    assert user.version == 1


@pytest.mark.parametrize(
    ("error", "values"),
    [
        (PersonaError, {"persona": "a text"}),
        (PersonaError, {"edits": ["an edit"]}),
        (PersonaError, {"persona": Persona((Statement("x", valid_from=float("inf")),))}),
        (PersonaError, {"edits": [Edit("add", Statement("x"), reason="half \ud800")]}),
        (DataError, {"author": ""}),
        (DataError, {"reason": None}),
        (DataError, {"parent": "0"}),
        (DataError, {"parent": True}),
    ],
)
def test_what_cannot_be_saved_changes_nothing(user, error, values):
    with pytest.raises(error):
        user.save_persona(**{"persona": Persona(), "parent": 0, "author": "a", **values})
    assert user.version == 0


def test_a_handle_is_shared_by_copies_and_shows_itself_escaped(store):
    user = store.user("<u>")
    user.record(Interaction({"text": "<script>"}))
    user.save_persona(Persona.from_text("Writes <b>bold</b>."), parent=0, author="<me>")
    assert copy.deepcopy(user) is user
    assert copy.deepcopy(store) is store
    assert user == store.user("<u>")
    assert len({user, store.user("<u>"), store.user("v")}) == 2
    shown = user._repr_html_()
    assert "&lt;u&gt;" in shown
    assert "1 interactions" in shown
    assert "<script>" not in shown
    assert "<b>bold" not in shown
    assert repr(user) == "User('<u>')"
    assert "no persona yet" in store.user("v")._repr_html_()
