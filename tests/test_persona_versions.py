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


def test_a_persona_is_written_by_hand(user):
    learnt = Statement("Likes tea.", evidence=("i1", "i2"), confidence=0.7, pinned=True)
    user.save_persona(Persona((learnt, Statement("Old.")), token_limit=99), parent=0, author="PersonaAligner")
    saved = user.write_persona("- Likes tea.\n\nIs a pilot.", author="me", reason="asked on the phone")
    assert (saved.version, saved.parent, saved.author, saved.reason) == (2, 1, "me", "asked on the phone")
    assert user.persona.statements[0] == learnt
    assert (user.persona.statements[1].text, user.persona.statements[1].source) == ("Is a pilot.", "written")
    assert user.persona.token_limit == 99
    assert [str(edit) for edit in saved.edits] == [f"- {Statement('Old.').id}", "+ Is a pilot."]
    assert user.write_persona("").persona.statements == ()
    with pytest.raises(VersionConflict, match="version 3"):
        user.write_persona("From an older one.", parent=2)
    with pytest.raises(PersonaError, match="limit"):
        user.write_persona("word " * 100)
    for wrong in (None, b"text", ["line"]):
        with pytest.raises(DataError):
            user.write_persona(wrong)
    assert user.version == 3


def test_a_user_without_a_persona_can_be_given_one(user):
    saved = user.write_persona("Is a pilot.", parent=0)
    assert (saved.version, saved.author, user.persona.render()) == (1, "hand", "- Is a pilot.")


def test_pinning_is_a_new_version(user):
    user.write_persona("One.\nTwo.")
    name = user.persona.statements[1].id
    saved = user.pin(name, author="me")
    assert (saved.version, saved.author) == (2, "me")
    assert [statement.pinned for statement in user.persona.statements] == [False, True]
    assert [statement.pinned for statement in user.personas()[0].persona.statements] == [False, False]
    assert user.write_persona("Two.\nThree.").persona.statements[0].pinned
    assert not user.pin(name, False).persona.statements[0].pinned
    with pytest.raises(PersonaError, match="no statement"):
        user.pin("unknown")
    assert user.version == 4


def test_the_difference_of_two_versions(user):
    user.write_persona("One.")
    user.write_persona("One.\nTwo.")
    user.write_persona("Two.")
    assert [str(edit) for edit in user.diff(1, 2)] == ["+ Two."]
    assert [edit.action for edit in user.diff(1)] == ["remove", "add"]
    assert user.diff(3) == user.diff(2, 2) == ()
    assert [str(edit) for edit in user.diff(0, 1)] == ["+ One."]
    persona = user.personas()[0].persona
    assert persona.apply(user.diff(1, 3)) == user.persona
    for wrong in ((4, 1), (1, 4), (-1, 1), ("1", 2)):
        with pytest.raises(DataError):
            user.diff(*wrong)


def test_of_eight_that_write_at_once_each_is_kept_or_refused(address):
    stores = [open_store(address) for _ in range(8)]

    def work(number):
        return stores[number].user("u").write_persona(f"By {number}.")

    results = in_threads(8, work)
    kept = [result for result in results if isinstance(result, PersonaVersion)]
    assert kept
    assert all(isinstance(result, PersonaVersion | VersionConflict) for result in results)
    assert sorted(version.version for version in kept) == list(range(1, len(kept) + 1))
    assert stores[0].user("u").personas() == sorted(kept, key=lambda version: version.version)
    for store in stores:
        store.close()
