"""`personaopt align` and `personaopt export` on a small folder in LaMP's format, and everything that they refuse."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from command_line import Command

import personaopt as po
from personaopt.evals.exams import Exam, replay
from personaopt.evals.lamp.data import load_lamp
from personaopt.evals.lift import measure
from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import MovieTag, TagMovie

LABELS = ", ".join(get_args(MovieTag))
ASKED = (
    "Which tag does this movie relate to among the following tags? Just answer with the tag name without further "
    f"explanation. tags: [{LABELS}] description: "
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two users with 14 films each; the last 6 of the first and the last 2 of the second are asked."""
    records, golds = [], []
    for user, asked in zip(synthetic_users("tags", users=2, interactions=14, seed=5), (6, 2), strict=True):
        items = [{"id": i.id, "date": i.time, **dict(i.inputs), **dict(i.ground_truth)} for i in user.history]
        for place in range(14 - asked, 14):
            question = items[place]
            records.append(
                {
                    "id": question["id"],
                    "user_id": user.user_id,
                    "date": question["date"],
                    "input": ASKED + question["description"],
                    "profile": items[:place],
                }
            )
            golds.append({"id": question["id"], "output": question["tag"]})
    path = tmp_path / "LaMP_2M_own"
    path.mkdir()
    write(path, records, golds)
    return path


def write(path: Path, records: Any, golds: Any) -> None:
    (path / "questions.json").write_text(json.dumps(records))
    (path / "outputs.json").write_text(json.dumps({"task": "LaMP_2M", "golds": golds}))


def read(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return json.loads((path / "questions.json").read_text()), json.loads((path / "outputs.json").read_text())["golds"]


def is_one_sentence(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith(".\n")


QUICK = ("--latest", 3, "--epochs", 1, "--retrieve", 2)


@pytest.mark.local_model
def test_one_document_with_everything(
    command: Command, folder: Path, tmp_path: Path, local_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: local_lm)  # the same model, loaded once
    out = tmp_path / "u1.json"
    code, stdout, stderr = command("align", "--data", folder, "--user", "u1", *QUICK, "--out", out, "--json")
    assert code == 0, stderr
    report = json.loads(stdout)
    keys = "user persona before after baselines accepted refused calls tokens seconds version"
    assert set(keys.split()) <= set(report)
    assert set(report["baselines"]) == {"frequent", "frequencies", "neighbours"}
    for row in (report["before"], report["after"], *report["baselines"].values()):
        assert set(row) == {"accuracy", "nll", "n"}
        assert row["n"] == 5
        assert 0 <= row["accuracy"] <= 1
        assert 0 < row["nll"] < 20
    assert report["history"] == 9  # the profile of the sixth question from the end, and that question
    tried = report["accepted"] + report["refused"]
    assert tried
    assert all(set(record) == {"edit", "evidence", "reason"} and record["reason"] for record in tried)
    known = {f"u1-{n:03d}" for n in range(1, 10)}
    assert all(set(record["evidence"]) <= known for record in tried)  # nothing of what is asked
    assert report["calls"] > report["alignment"]["calls"] > 0
    assert report["tokens"] > 0
    assert report["version"] == (1 if report["accepted"] else 0)
    program = po.load(out, lm=local_lm)
    assert program.persona.render() == report["persona"]
    assert {item.id for item in program.user.history()} == known
    assert "aligning on 9 interactions" in stderr


def test_a_table_for_people_and_a_store_that_may_be_used_again(
    command: Command, folder: Path, tmp_path: Path, tiny_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: tiny_lm)
    store = tmp_path / "p.db"
    for _ in range(2):
        code, stdout, stderr = command("align", "--data", folder, "--user", "u2", *QUICK, "--store", store)
        assert code == 0, stderr
        assert "User u2: 12 interactions to learn from, 2 questions after them" in stdout
        for row in ("empty persona", "aligned persona", "persona of frequent labels", "vote of similar interactions"):
            assert f"\n{row}  " in stdout
        assert f"personaopt export u2 --store {store}" in stdout
        assert max(map(len, stdout.splitlines())) <= max(80, len(str(store)) + 60)
        with po.open_store(store) as opened:
            assert opened.user("u2").count() == 12
            assert opened.users() == ["u2"]


def test_a_question_sees_nothing_from_after_it(folder: Path) -> None:
    (user, _) = load_lamp(folder)
    exam = Exam.of_lamp(user)
    ids = [f"u1-{n:03d}" for n in range(1, 15)]
    assert [item.id for item in exam.history] == ids[:9]
    assert [item.id for item in exam.questions] == ids[9:]
    agent = po.PersonaAgent(TagMovie, user=po.open_store(":memory:").user("u1"), retrieve=50)
    cases = replay(agent, exam)
    assert agent.user.count() == 0
    for place, case in enumerate(cases):
        assert [memory.interaction.id for memory in case.recalled.earlier] == ids[: 9 + place]
        assert {memory.interaction.id for memory in case.recalled.memories} == set(ids[: 9 + place])


def test_a_persona_is_from_before_the_first_question(folder: Path, tiny_lm: Any) -> None:
    import dspy

    exam = Exam.of_lamp(load_lamp(folder)[0])
    with dspy.context(lm=tiny_lm):
        agent = po.PersonaAgent(TagMovie, user=po.open_store(":memory:").user("u1"), retrieve=2)
        lift = measure(agent, exam, po.PersonaAligner(latest=3, held_out=2, epochs=1))
    record = lift.aligned.detailed_results
    before = {item.id for item in exam.history}
    assert {*record.window, *record.held_out} <= before
    assert {item.id for item in agent.user.history()} == before
    assert [answer.truth for answer in lift.rows["after"]] == [i.ground_truth["tag"] for i in exam.questions]


def lacking(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).unlink()


def replaced(name: str, text: str) -> Callable[[Path], None]:
    return lambda path: (path / name).write_text(text) and None


def changed(change: Callable[[Any, Any], Any]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        records, golds = read(path)
        change(records, golds)
        write(path, records, golds)

    return apply


BAD_DATA = {
    "questions are missing": (lacking("questions.json"), "questions.json is missing"),
    "golds are missing": (lacking("outputs.json"), "outputs.json is missing"),
    "not JSON": (replaced("questions.json", "[{"), "cannot be read as JSON"),
    "not a list": (replaced("questions.json", "{}"), "must hold a list of questions"),
    "no golds": (replaced("outputs.json", '{"task": "LaMP_2M"}'), "'golds'"),
    "nothing but no task": (replaced("outputs.json", '{"golds": []}'), "no gold output"),
    "unknown task": (replaced("outputs.json", '{"task": "LaMP_9", "golds": []}'), "'LaMP_9' is not known"),
    "no gold": (changed(lambda records, golds: golds.pop(0)), "has no gold output"),
    "empty history": (changed(lambda records, golds: records[0].update(profile=[])), "at least one item"),
    "label of a gold": (changed(lambda records, golds: golds[0].update(output="boring")), "'boring' is not one of"),
    "label of an item": (
        changed(lambda records, golds: records[0]["profile"][0].update(tag="boring")),
        "'boring' is not one of",
    ),
    "other labels": (
        changed(lambda records, golds: records[0].update(input=records[0]["input"].replace("classic", "old"))),
        "labels",
    ),
    "the future": (changed(lambda records, golds: records[0]["profile"][0].update(date=9e9)), "not older"),
    "no input": (changed(lambda records, golds: records[0].pop("input")), "'input'"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused_in_one_sentence(command: Command, folder: Path, tmp_path: Path, case: str) -> None:
    spoil, reason = BAD_DATA[case]
    spoil(folder)
    refused(command, folder, tmp_path, reason)


def refused(command: Command, folder: Path, tmp_path: Path, reason: str, *arguments: object) -> None:
    """The command ends with 1 or 2 and one sentence, and writes nothing."""
    places = ("--out", tmp_path / "o.json", "--store", tmp_path / "s.db")
    given = {"--data": folder, "--user": "u1", **dict(zip(places[::2], places[1::2], strict=True))}
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    before = listed(tmp_path)
    code, stdout, stderr = command("align", *(part for pair in given.items() for part in pair), "--json")
    stages = [line for line in stderr.splitlines() if line.startswith(("reading", "loading"))]
    sentence = "\n".join(line for line in stderr.splitlines() if line not in stages) + "\n"
    assert code in (1, 2)
    assert is_one_sentence(sentence), stderr
    assert reason in sentence
    assert json.loads(stdout) == {"error": sentence.strip()}
    assert listed(tmp_path) == before


def test_an_interrupted_alignment_goes_on(
    command: Command, folder: Path, tmp_path: Path, tiny_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: tiny_lm)
    asked = ("align", "--data", folder, "--user", "u2", *QUICK, "--store", tmp_path / "p.db", "--json")

    def interrupted(*arguments: Any, **settings: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("personaopt.optimizers.loop.try_out", interrupted)
        code, _, stderr = command(*asked)
    assert code == 130, stderr
    code, stdout, stderr = command(*asked, "--resume")
    assert code == 0, stderr
    assert json.loads(stdout)["alignment"]["resumed"] > 0
    code, stdout, _ = command(*asked, "--resume")
    assert code == 0
    assert "there was no unfinished alignment to go on with" in json.loads(stdout)["notes"]
    code, _, stderr = command("align", "--data", folder, "--user", "u2", "--resume")
    assert code == 2
    assert "--store FILE" in stderr


def listed(path: Path) -> list[str]:
    """Every file below a folder, but for those that SQLite keeps beside a database while it reads it."""
    return sorted(str(file) for file in path.rglob("*") if not file.name.endswith(("-wal", "-shm")))


def test_bad_arguments_are_refused_in_one_sentence(
    command: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    refused(command, folder, tmp_path, "no user 'u9'", "--user", "u9")
    refused(command, folder, tmp_path, "is missing", "--data", tmp_path / "none")
    refused(command, folder, tmp_path, "does not exist", "--out", tmp_path / "none" / "o.json")
    refused(command, folder, tmp_path, "is a folder", "--out", tmp_path)
    refused(command, folder, tmp_path, "'nonsense' is not known", "--lm", "nonsense")
    refused(command, folder, tmp_path, "openai/some-model does not answer", "--lm", "openai/some-model")
    refused(command, folder, tmp_path, "--latest", "--latest", "0")
    refused(command, folder, tmp_path, "--retrieve", "--retrieve", "many")


def test_stores_that_cannot_be_used_are_left_alone(command: Command, folder: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    po.open_store(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    held = newer.read_bytes()
    refused(command, folder, tmp_path, "schema 99", "--store", newer)
    assert newer.read_bytes() == held
    other = tmp_path / "other.db"
    other.write_text("not a database")
    refused(command, folder, tmp_path, "is not a store", "--store", other)


def test_papers_are_nothing_to_align_on(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "LaMP_1_own"
    path.mkdir()
    asked = (
        'For an author who has written the paper with the title "A", which reference is related? Just answer with [1] '
        'or [2] without explanation. [1]: "B" [2]: "C"'
    )
    write(path, [{"id": "1", "input": asked, "profile": [{"id": "p", "title": "D"}]}], [{"id": "1", "output": "[1]"}])
    (path / "outputs.json").write_text(json.dumps({"task": "LaMP_1", "golds": [{"id": "1", "output": "[1]"}]}))
    refused(command, path, tmp_path, "nothing to align on", "--user", "1")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "kept.db"
    with po.open_store(path) as opened:
        user = opened.user("u1")
        user.record(synthetic_users("tags", users=1, interactions=4, seed=1)[0].history)
        user.save_persona(po.Persona.from_text("Likes it dark."), parent=0, author="a person")
        opened.user("new").record(po.Interaction(inputs={"q": "a"}, ground_truth={"x": "b"}))
        opened.user("odd").record(po.Interaction(inputs={"q": "a"}, ground_truth={"x": "b"}))
        opened.user("odd").save_persona(po.Persona.from_text("Odd."), parent=0, author="a person")
    return path


def test_export_from_a_store(command: Command, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "u1.json"
    code, stdout, stderr = command("export", "u1", "--store", store, "--out", out, "--task", "TagFilm", "--json")
    assert code == 0, stderr
    report = json.loads(stdout)
    assert (report["version"], report["memories"], report["task"]) == (1, 4, "TagFilm")
    program = po.load(out, lm=object())
    assert program.persona.render() == "- Likes it dark."
    assert program.task.__name__ == "TagFilm"
    code, stdout, _ = command("export", "u1", "--store", store, "--out", out, "--no-memories")
    assert code == 0
    assert stdout.startswith("Wrote version 1 of u1's persona, for TagMovie")
    assert po.load(out, lm=object()).user.count() == 0
    code, _, _ = command("export", "u1", "--store", store, "--out", tmp_path / "u.md", "--format", "markdown")
    assert code == 0
    assert "Likes it dark." in (tmp_path / "u.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nobody",), "no user 'nobody'"),
        (("new",), "no persona"),
        (("odd",), "--task"),
        (("u1", "--task", "LaMP-77"), "'LaMP-77' is not known"),
        (("u1", "--format", "pickle"), "--format"),
        (("u1", "--store", "none.db"), "no store at none.db"),
        (("u1", "--out", "none/u.json"), "does not exist"),
    ],
)
def test_what_export_refuses(
    command: Command, store: Path, tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    out = tmp_path / "u.json"
    places = [] if "--store" in arguments else ["--store", store]
    places += [] if "--out" in arguments else ["--out", out]
    code, _, stderr = command("export", *arguments, *places)
    assert code in (1, 2)
    assert is_one_sentence(stderr), stderr
    assert reason in stderr
    assert not out.exists()
