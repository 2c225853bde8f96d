"""The commands that look into a store and change what is kept of one user."""

import json

import pytest
from hashed_words import HashedWords

from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.persona import Persona, Statement


@pytest.fixture
def place(address):
    """A store with one user of three persona versions, and another user."""
    with open_store(address, embedder=HashedWords()) as store:
        user = store.user("u1")
        user.record(
            Interaction(
                {"text": f"film {n} with a zebra{n}"}, ground_truth={"tag": "t"}, id=f"i{n}", session=f"s{n % 2}"
            )
            for n in range(4)
        )
        one = Persona((Statement("Likes zebra1.", evidence=("i1",)),))
        two = Persona((*one.statements, Statement("Is brief.", source="written", pinned=True)))
        user.save_persona(one, parent=0, author="PersonaAligner", reason="It helped.")
        user.save_persona(two, parent=1, author="a person", edits=one.diff(two))
        user.save_persona(Persona(two.statements[1:]), parent=2, author="a person")
        store.user("u2").record(Interaction({"text": "x"}, id="x"))
    return address


def document(outcome):
    code, stdout, stderr = outcome
    assert code == 0, stderr
    return json.loads(stdout)


def test_show(command, place):
    found = document(command("show", "u1", "--store", place, "--json"))
    assert (found["version"], found["interactions"], found["consent"]) == (3, 4, "learn")
    assert [line["text"] for line in found["persona"]["statements"]] == ["Is brief."]
    code, stdout, stderr = command("show", "u1", "--store", place)
    assert (code, stderr) == (0, "")
    assert "u1: 4 interactions, persona version 3, by a person, consent learn" in stdout
    assert "- Is brief.\n    written, no interactions, pinned" in stdout
    found = document(command("show", "u2", "--store", place, "--json"))
    assert (found["version"], found["persona"]) == (0, None)
    assert "no persona yet" in command("show", "u2", "--store", place)[1]


def test_history_and_diff(command, place):
    found = document(command("history", "u1", "--store", place, "--json"))
    assert [version["version"] for version in found["versions"]] == [1, 2, 3]
    _, stdout, _ = command("history", "u1", "--store", place)
    assert "by PersonaAligner, 1 statement\n    It helped." in stdout
    assert "> 3  " in stdout
    found = document(command("diff", "u1", "--store", place, "--json"))
    assert (found["from"], found["to"]) == (2, 3)
    assert [edit["action"] for edit in found["edits"]] == ["remove"]
    _, stdout, _ = command("diff", "u1", "--store", place, "--from", 0, "--to", 2)
    assert "version 0 to 2, 2 changes" in stdout
    assert "+ Likes zebra1.\n    from i1" in stdout
    _, stdout, _ = command("diff", "u1", "--store", place)
    assert "- Likes zebra1." in stdout
    assert command("diff", "u2", "--store", place)[1].strip() == "u2: version 0 to 0, 0 changes"


def test_rollback(command, place):
    found = document(command("rollback", "u1", 1, "--store", place, "--json"))
    assert found == {"user": "u1", "version": 4, "from": 3, "to": 1}
    code, stdout, _ = command("rollback", "u1", 2, "--store", place)
    assert (code, stdout) == (0, "Version 5 of u1's persona is version 2 again; it was 4.\n")


def test_forget_is_shown_first_and_wants_to_be_confirmed(command, place, monkeypatch):
    found = document(command("forget", "u1", "--store", place, "--id", "i1", "--dry-run", "--json"))
    assert found["dry_run"]
    assert (found["interactions"], found["versions"]) == (["i1"], [1, 2])
    code, _, stderr = command("forget", "u1", "--store", place, "--id", "i1")
    assert code == 2
    assert "give --yes" in stderr
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", _confirm(False))
    code, stdout, _ = command("forget", "u1", "--store", place, "--id", "i1")
    assert code == 130
    assert "interaction i1" in stdout
    with open_store(place) as store:
        assert store.user("u1").count() == 4
    monkeypatch.setattr("typer.confirm", _confirm(True))
    code, stdout, _ = command("forget", "u1", "--store", place, "--id", "i1")
    assert code == 0
    assert "Forgot: 1 interaction" in stdout
    with open_store(place) as store:
        assert store.user("u1").count() == 3


def _confirm(answer):
    import typer

    def confirm(question, **options):
        if not answer:
            raise typer.Abort
        return True

    return confirm


def test_forget_what_is_meant(command, place):
    found = document(command("forget", "u1", "--store", place, "--id", "i0", "--id", "i1", "--yes", "--json"))
    assert found["interactions"] == ["i0", "i1"]
    found = document(command("forget", "u1", "--store", place, "--matching", "ZEBRA2", "--yes", "--json"))
    assert found["interactions"] == ["i2"]
    found = document(command("forget", "u1", "--store", place, "--session", "s1", "--yes", "--json"))
    assert found["interactions"] == ["i3"]
    document(command("forget", "u1", "--store", place, "--everything", "--yes", "--json"))
    with open_store(place) as store:
        assert store.users() == ["u2"]


def test_an_empty_option_is_no_option(command, place):
    for option in ("--session", "--matching", "--id"):
        code, _, stderr = command("forget", "u1", "--store", place, "--everything", option, "", "--yes")
        assert code == 2
        assert "--everything alone" in stderr
    assert document(command("show", "u1", "--store", place, "--json"))["interactions"] == 4


def test_data_there_and_back(command, place, tmp_path):
    out = tmp_path / "u1.json"
    found = document(command("data", "export", "u1", "--store", place, "--out", out, "--json"))
    assert (found["interactions"], found["personas"]) == (4, 3)
    new = tmp_path / "new.db"
    open_store(new).close()
    found = document(command("data", "import", out, "--store", new, "--json"))
    assert (found["user_id"], found["interactions"], found["personas"]) == ("u1", 4, 3)
    assert document(command("show", "u1", "--store", new, "--json"))["version"] == 3
    assert command("forget", "u1", "--store", new, "--id", "i1", "--yes")[0] == 0
    _, stdout, _ = command("data", "import", out, "--store", new)
    assert stdout == "Imported 0 new interactions and 0 persona versions of u1, left 1 forgotten ones out.\n"
    _, stdout, _ = command("data", "import", out, "--store", new, "--restore")
    assert stdout == "Imported 1 new interactions and 0 persona versions of u1.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("show",), 2, "user"),
        (("show", "u1"), 2, "--store"),
        (("show", "u", "--store", "@"), 1, "no user 'u'; it has u1, u2"),
        (("history", "", "--store", "@"), 1, "no user ''"),
        (("show", "u1", "--store", "none.db"), 1, "no store at none.db"),
        (("diff", "u1", "--store", "@", "--to", "9"), 1, "no persona version 9"),
        (("rollback", "u1", "9", "--store", "@"), 1, "no persona version 9"),
        (("forget", "u1", "--store", "@", "--yes"), 2, "Say what to forget"),
        (("forget", "u1", "--store", "@", "--yes", "--everything", "--id", "i1"), 2, "Say what to forget"),
        (("forget", "u1", "--store", "@", "--yes", "--id", "nope"), 1, "no interaction 'nope'"),
        (("data",), 2, "Missing command"),
        (("data", "import", "none.json", "--store", "@"), 1, "cannot be read"),
        (("data", "export", "u1", "--store", "@", "--out", "none/x.json"), 1, "could not be written"),
    ],
)
def test_what_is_refused(command, place, arguments, code, reason):
    given = [place if each == "@" else each for each in arguments]
    found, stdout, stderr = command(*given)
    assert (found, stdout) == (code, "")
    assert reason in stderr
    assert len(stderr.strip().splitlines()) == 1
    with open_store(place) as store:
        assert (store.user("u1").count(), store.user("u1").version) == (4, 3)
