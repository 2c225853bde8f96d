"""The forms data come in besides LaMP's own files: what is read, what is told, and that it comes back the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lamp_folder import ASKED

from personaopt.cli.align import Source
from personaopt.cli.lamp_data import data_sets
from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.lamp.conversion import to_dataset, to_examples
from personaopt.evals.lamp.data import Columns, load_lamp
from personaopt.evals.tasks import LAMP_1, LAMP_2M, LAMP_2N


def movie(identifier, tag="comedy", **more):
    return {"id": identifier, "description": f"A film called {identifier}.", "tag": tag, **more}


def query(identifier, gold="action", **more):
    return {"id": identifier, "input": f"{ASKED}A film called {identifier}.", "gold": gold, **more}


def person(user_id, items=3, queries=2):
    return {
        "user_id": user_id,
        "profile": [movie(f"{user_id}-{n}", date=f"2020-01-0{n + 1}") for n in range(items)],
        "query": [query(f"{user_id}-q{n}", date=f"2020-02-0{n + 1}") for n in range(queries)],
    }


def dump(file: Path, content) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def told(loaded):
    return [(problem.position, problem.id, problem.sentence) for problem in loaded.problems]


# Lists of users


@pytest.mark.parametrize("place", ["user_top_100_history.json", "data/user_top_100_history.json"])
def test_a_list_of_users_in_a_file_or_a_folder(tmp_path, place):
    file = dump(tmp_path / place, [person("u1"), person(7)])
    for path in (file, file.parent):
        first, second = loaded = load_lamp(path)
        assert loaded.task is LAMP_2M
        assert loaded.problems == ()
        assert "users with profile and query" in loaded.found
        assert (first.user_id, second.user_id) == ("u1", "7")
        assert [question.id for question in first.questions] == ["u1-q0", "u1-q1"]
        assert [item.id for item in first.history_before("u1-q1")] == ["u1-0", "u1-1", "u1-2"]
        assert first.questions[0].ground_truth == {"tag": "action"}
        assert first.questions[0].time < first.questions[1].time


def test_gold_answers_of_a_list_of_users_may_stand_apart(tmp_path):
    owner = person("u1")
    for each in owner["query"]:
        del each["gold"]
    dump(tmp_path / "user_top_100_history.json", [owner])
    with pytest.raises(DataError, match=r"record 0, 'u1': query 0: question 'u1-q0' has no gold answer"):
        load_lamp(tmp_path)
    golds = [{"id": f"u1-q{n}", "output": "classic"} for n in range(2)]
    dump(tmp_path / "user_top_100_history_label.json", {"task": "LaMP_2M", "golds": golds})
    dump(tmp_path / "profile_user_100.json", [{"id": "u1", "output": "Likes films."}])
    loaded = load_lamp(tmp_path)
    assert [question.ground_truth for question in loaded[0].questions] == [{"tag": "classic"}] * 2
    assert ["profile_user_100.json" in str(problem) for problem in loaded.problems] == [True]


def test_two_files_of_users_and_one_user_alone(tmp_path):
    dump(tmp_path / "a.json", [person("u1")])
    dump(tmp_path / "b.json", person("u2"))
    assert [user.user_id for user in load_lamp(tmp_path)] == ["u1", "u2"]
    assert [user.user_id for user in load_lamp(tmp_path / "b.json")] == ["u2"]
    dump(tmp_path / "c.json", [person("u1")])
    with pytest.raises(DataError, match="user 'u1' stands there twice"):
        load_lamp(tmp_path)


# Splits of LaMP's files


def split(folder: Path, name: str, identifier: str, outputs=True) -> None:
    dump(folder / f"{name}_questions.json", [{**query(identifier), "profile": [movie("a")]}])
    if outputs:
        dump(folder / f"{name}_outputs.json", {"task": "LaMP_2", "golds": [{"id": identifier, "output": "comedy"}]})


def test_splits_are_told_by_the_files_names(tmp_path):
    split(tmp_path, "train", "in-train")
    split(tmp_path, "dev", "in-dev")
    split(tmp_path, "test", "in-test", outputs=False)
    assert load_lamp(tmp_path)[0].user_id == "in-dev"
    assert load_lamp(tmp_path, split="train")[0].user_id == "in-train"
    assert load_lamp(tmp_path / "train_questions.json")[0].user_id == "in-train"
    with pytest.raises(DataError, match="no split 'test'; it has 'dev', 'train'"):
        load_lamp(tmp_path, split="test")
    (tmp_path / "dev_outputs.json").unlink()
    (tmp_path / "train_outputs.json").unlink()
    with pytest.raises(DataError, match=r"_outputs\.json is missing"):
        load_lamp(tmp_path)


def test_the_name_that_two_tasks_share_is_told_by_the_sentence(tmp_path):
    split(tmp_path, "dev", "q")
    assert load_lamp(tmp_path).task is LAMP_2M
    news = f"Which category? categories: [{', '.join(LAMP_2N.labels)}] article: Text."
    items = [{"id": "a", "text": "x", "title": "y", "category": "women"}]
    dump(tmp_path / "dev_questions.json", [{"id": "q", "input": news, "profile": items}])
    dump(tmp_path / "dev_outputs.json", {"task": "LaMP_2", "golds": [{"id": "q", "output": "women"}]})
    assert load_lamp(tmp_path).task is LAMP_2N
    dump(tmp_path / "dev_questions.json", [{"id": "q", "input": "What now?", "profile": items}])
    with pytest.raises(DataError, match="does not say which task"):
        load_lamp(tmp_path)


# Reporting


def test_what_cannot_be_used_is_listed_and_everything_else_is_read(tmp_path):
    good, late = movie("a", date="2020"), movie("late", date="2022")
    asked = [
        {**query("q0", date="2021"), "profile": [good, movie("b", "western"), late, good]},
        {**query("q1", date="2021"), "profile": [good, movie("b", "western")], "user_id": "u"},
        {**query("q1"), "profile": [good]},
        {**query("q3"), "profile": []},
        {**query("q4"), "profile": [movie("c", "western")]},
        {**query("q5"), "profile": [good], "input": "Hello?"},
        {**query("q6"), "profile": [good]},
        {**query("q7"), "profile": [good]},
        "no record",
        {**query("q9", date="2021"), "profile": [movie("a", "action"), good], "user_id": "u"},
    ]
    golds = [{"id": f"q{n}", "output": "comedy"} for n in range(10) if n != 6]
    golds[6]["output"] = "western"  # of q7
    golds += [{"id": "unasked", "output": "comedy"}, {"id": "q0", "output": "comedy"}, {"id": "empty"}]
    dump(tmp_path / "questions.json", asked)
    dump(tmp_path / "outputs.json", {"task": "LaMP_2M", "golds": golds})

    with pytest.raises(DataError, match=r"outputs\.json: gold 10, 'q0': the id 'q0' stands there twice\."):
        load_lamp(tmp_path)
    loaded = load_lamp(tmp_path, on_error="report")

    assert [user.user_id for user in loaded] == ["q0", "u"]
    assert [item.id for item in loaded[0].profile] == ["a"]
    assert [question.id for question in loaded[1].questions] == ["q1", "q9"]
    expected = [
        (2, "q2", "3 gold outputs belong to no question, 'q2' first"),
        (10, "q0", "twice"), (11, "empty", "no 'output'"),
        (0, "q0", "item 1, 'b': the tag 'western'"),
        (0, "q0", "item 2, 'late': it is not older"), (0, "q0", "item 3, 'a': the id 'a' stands there twice"),
        (1, "q1", "item 1, 'b'"), (2, "q1", "twice"), (3, "q3", "at least one item"), (4, "q4", "'western'"),
        (4, "q4", "no item of its profile"), (5, "q5", "form of this task"), (6, "q6", "no gold output"),
        (7, "q7", "'western' is not one of"), (8, "", "not an object"), (9, "q9", "user 'u' has two items 'a'"),
    ]  # fmt: skip
    assert [(place, name) for place, name, _ in told(loaded)] == [(place, name) for place, name, _ in expected]
    for (_, _, sentence), (_, _, part) in zip(told(loaded), expected, strict=True):
        assert part in sentence
    assert all("\n" not in str(problem) and str(problem).endswith(".") for problem in loaded.problems)


def test_nothing_that_can_be_used_is_an_error_all_the_same(tmp_path):
    dump(tmp_path / "users.json", [{"user_id": "u", "profile": [], "query": [query("q")]}])
    with pytest.raises(DataError, match=r"no questions that can be used: .*at least one item\.$"):
        load_lamp(tmp_path, on_error="report")
    with pytest.raises(ConfigurationError, match="'raise' or 'report'"):
        load_lamp(tmp_path, on_error="ignore")


def test_a_known_bad_item_is_told_once_though_many_questions_list_it(tmp_path):
    owner = person("u", queries=5)
    owner["profile"].append(movie("bad", "western"))
    loaded = load_lamp(dump(tmp_path / "u.json", [owner]), on_error="report")
    assert len(loaded[0].questions) == 5
    assert len(loaded.problems) == 1


# Own histories


def table(file: Path, rows: int = 6, users=("ann", "bob")) -> Path:
    lines = ["who,when,plot,said"]
    for n in range(rows):
        lines += [f'{user},2020-01-{rows - n:02d},"Film {n}, of {user}",comedy' for user in users]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return file


COLUMNS = Columns(user="who", time="when", inputs={"description": "plot"}, answer="said", questions=2)


def test_a_csv_of_histories(tmp_path):
    loaded = load_lamp(table(tmp_path / "films.csv"), "LaMP-2M", columns=COLUMNS)
    ann, bob = loaded
    assert (ann.user_id, bob.user_id) == ("ann", "bob")
    assert loaded.task is LAMP_2M
    assert loaded.problems == ()
    # Newest first in the file; the last two in time are asked, and the second sees the first.
    assert [question.inputs["description"] for question in ann.questions] == ["Film 1, of ann", "Film 0, of ann"]
    assert [len(ann.history_before(question)) for question in ann.questions] == [4, 5]
    assert ann.history_before(ann.questions[1])[-1] == ann.questions[0].to_interaction()
    assert all(item.time < ann.questions[1].time for item in ann.history_before(ann.questions[1]))


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ";"), ("tsv", "\t"), ("csv", "|"), ("csv", ",")])
def test_delimiters_and_a_mapping_instead_of_columns(tmp_path, ending, delimiter):
    rows = [["user", "description", "tag"], *(["u", f"Film {n}", "comedy"] for n in range(4))]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (tmp_path / f"t.{ending}").write_text(text, encoding="utf-8")
    (user,) = load_lamp(tmp_path / f"t.{ending}", "LaMP-2M", columns={"questions": 1})
    assert [item.inputs["description"] for item in user.profile] == ["Film 0", "Film 1", "Film 2"]
    # Columns that are called as the fields need no description.
    assert [len(user.questions) for user in load_lamp(tmp_path / f"t.{ending}", "LaMP-2M")] == [2]


def test_jsonl_and_json_of_histories_with_ids_numbers_and_unicode(tmp_path):
    rows = [{"user": 3, "review": f"Größe {n} 🙂 \u2028 语", "score": n % 5 + 1, "key": 100 + n} for n in range(4)]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "r.jsonl").write_text("\ufeff" + lines + "\n\n", encoding="utf-8")
    dump(tmp_path / "r.json", rows)
    columns = Columns(id="key", questions=1)
    first, second = (load_lamp(tmp_path / name, "LaMP-3", columns=columns) for name in ("r.jsonl", "r.json"))
    assert list(first) == list(second)
    assert [item.id for item in first[0].interactions] == ["100", "101", "102"]
    assert first[0].questions[0].ground_truth == {"score": "4"}
    assert first[0].profile[0].inputs["review"] == "Größe 0 🙂 \u2028 语"


def test_bad_rows_of_histories_are_told_with_their_line(tmp_path):
    good = [json.dumps({"user": "u", "description": f"Film {n}", "tag": "comedy", "time": 2000 + n}) for n in range(3)]
    bad = [
        '{"user": "u"', '["u"]', '{"description": "x", "tag": "comedy"}', '{"user": "u", "tag": "comedy"}',
        '{"user": "u", "description": "x", "tag": "western"}', '{"user": "u", "description": "x", "tag": null}',
        '{"user": "u", "description": "x", "tag": "comedy", "time": "soon"}',
        '{"user": "alone", "description": "x", "tag": "comedy"}',
    ]  # fmt: skip
    file = tmp_path / "h.jsonl"
    file.write_text("\n".join(good + bad), encoding="utf-8")
    with pytest.raises(DataError, match=r"h\.jsonl: line 4: it is not JSON"):
        load_lamp(file, "LaMP-2M", columns=Columns(time="time"))
    loaded = load_lamp(file, "LaMP-2M", columns=Columns(time="time"), on_error="report")
    parts = ["not JSON", "not an object", "in user", "in description", "'western'", "must be text", "'soon'", "has one"]
    assert [problem.position for problem in loaded.problems] == list(range(4, 12))
    assert all(part in problem.sentence for part, problem in zip(parts, loaded.problems, strict=True))
    assert len(loaded[0].interactions) == 2


def test_tables_that_do_not_fit_are_refused_with_what_they_hold(tmp_path):
    file = table(tmp_path / "films.csv")
    for arguments, message in (
        ({}, "columns who, when, plot, said; .* say which task"),
        ({"task": "LaMP-2M"}, "columns who, when, plot, said and none called user, description, tag"),
        ({"task": "LaMP-2M", "columns": {"user": "who"}}, "none called description, tag"),
    ):
        with pytest.raises(DataError, match=message):
            load_lamp(file, **arguments)
    for columns, message in (
        ({"usr": "who"}, "keys user, time, inputs"),
        ({"inputs": {"plot": "plot"}}, "no input plot; it has description"),
        ({"questions": 0}, "At least one"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            load_lamp(file, "LaMP-2M", columns=columns)
    (tmp_path / "short.csv").write_text("user,description,tag\nu,x\nu,x,comedy,more\nu,x,comedy\nu,y,comedy\n")
    loaded = load_lamp(tmp_path / "short.csv", "LaMP-2M", on_error="report")
    assert [problem.position for problem in loaded.problems] == [2, 3]
    (tmp_path / "twice.csv").write_text("user,tag,tag\nu,x,y\n")
    (tmp_path / "latin.csv").write_bytes("user,description,tag\nu,Größe,comedy\n".encode("latin-1"))
    (tmp_path / "quote.csv").write_text('user,description,tag\nu,"x"y,comedy\n')
    (tmp_path / "long.csv").write_text(f"user,description,tag\nu,{'x' * 200_000},comedy\n")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "notes.docx").write_text("x")
    for name, message in (
        ("twice.csv", "two columns of one name"),
        ("latin.csv", "cannot be read: .*utf-8"),
        ("quote.csv", "after line 1: .*expected after"),
        ("long.csv", "after line 1: field larger than field limit"),
        ("empty.jsonl", "no records"),
        ("notes.docx", r"ending \.docx; known are"),
        ("none.csv", "none.csv is missing"),
    ):
        with pytest.raises(DataError, match=message):
            load_lamp(tmp_path / name, "LaMP-2M")


# Data sets of the Hugging Face library


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    rows = [person(f"u{n}", items=n + 2) for n in range(3)]
    return load_lamp(dump(tmp_path_factory.mktemp("users") / "u.json", rows))


def test_a_dataset_has_a_row_a_question_and_comes_back_the_same(users, tmp_path):
    data = to_dataset(users)
    assert data.num_rows == 6
    assert data[0]["inputs"] == {"description": "A film called u0-q0."}
    assert data[0]["ground_truth"] == {"tag": "action"}
    data.save_to_disk(tmp_path / "saved")
    data.to_parquet(tmp_path / "tables" / "data.parquet")
    data.to_json(tmp_path / "lines" / "data.jsonl")
    for path in ("saved", "tables", "tables/data.parquet", "lines", "lines/data.jsonl"):
        assert list(load_lamp(tmp_path / path, "LaMP-2M")) == list(users), path
    with pytest.raises(DataError, match="does not say which task"):
        load_lamp(tmp_path / "saved")


def test_histories_without_answers_come_back_too(tmp_path):
    asked = 'the paper with the title "T", which reference is related? [1]: "A" [2]: "B"'
    owner = {
        "user_id": "u",
        "profile": [{"id": 1, "title": "Mine", "abstract": "Long."}, {"id": 2, "title": "Mine too", "abstract": ""}],
        "query": [{"id": 3, "input": asked, "gold": "[2]"}],
    }
    loaded = load_lamp(dump(tmp_path / "u.json", [owner]))
    assert loaded.task is LAMP_1
    to_dataset(loaded).save_to_disk(tmp_path / "saved")
    assert list(load_lamp(tmp_path / "saved", LAMP_1)) == list(loaded)


def test_a_dataset_of_users_or_questions_with_splits(tmp_path):
    import datasets

    people = datasets.Dataset.from_list([person("u1"), person("u2")])
    asked = {**query("q"), "profile": json.dumps([movie("a")])}
    questions = datasets.Dataset.from_list([{**asked, "output": "comedy", "user_id": None}])
    datasets.DatasetDict({"train": people, "validation": questions}).save_to_disk(tmp_path / "saved")
    assert [user.user_id for user in load_lamp(tmp_path / "saved", split="train")] == ["u1", "u2"]
    loaded = load_lamp(tmp_path / "saved")
    assert [user.user_id for user in loaded] == ["q"]
    assert "split 'validation'" in loaded.found
    with pytest.raises(DataError, match="no split 'dev'"):
        load_lamp(tmp_path / "saved", split="dev")


def test_what_no_library_can_read_is_one_sentence(tmp_path, monkeypatch):
    import datasets

    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "data.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="cannot be read as a data set") as refusal:
        load_lamp(tmp_path / "torn")
    assert "\n" not in str(refusal.value)

    def nowhere(name):
        raise ConnectionError(f"Couldn't reach {name!r} on the Hub\n(a trace)")

    monkeypatch.setattr(datasets, "load_dataset", nowhere)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"owner/films cannot be read as a data set: Couldn't reach 'owner/films'"):
        load_lamp("owner/films")
    (tmp_path / "owner").mkdir()
    with pytest.raises(DataError, match="owner/films is missing"):  # a mistyped path is not looked for elsewhere
        load_lamp("owner/films")


def test_examples_have_the_typed_fields_and_their_inputs(users):
    examples = to_examples(users)
    assert len(examples) == 6
    example = examples[0]
    assert dict(example.inputs()) == {"description": "A film called u0-q0."}
    assert example.tag == "action"
    assert users[0].history_before(example.question_id) == users[0].profile
    assert example.user_id == "u0"
    assert set(example.inputs()) == set(LAMP_2M.signature.input_fields)


# The command line


def test_the_command_line_says_what_it_leaves_out(tmp_path, capsys):
    file = table(tmp_path / "films.csv")
    with file.open("a", encoding="utf-8") as text:
        text.write("".join(f"ann,2021,Film {n},western\n" for n in range(5)))
    columns = ("user=who", "time=when", "answer=said", "description=plot")
    with pytest.raises(DataError, match="line 14, 'ann': the tag 'western'"):
        Source(str(file), "LaMP-2M", None, columns, False).load()
    loaded = Source(str(file), "LaMP-2M", None, columns, True).load()
    assert [user.user_id for user in loaded] == ["ann", "bob"]
    said = capsys.readouterr().err.splitlines()
    assert [f"line {number}, 'ann'" in line for number, line in zip((14, 15, 16), said, strict=False)] == [True] * 3
    assert said[3:] == ["2 more records of a table of CSV of histories are not used."]


def test_a_run_takes_a_table_and_a_task_of_your_own(tmp_path):
    (tmp_path / "own.py").write_text(
        "import dspy\nfrom personaopt.evals.tasks import Task\n\n\n"
        'class Name(dspy.Signature):\n    """Name it."""\n\n'
        "    plot: str = dspy.InputField()\n    said: str = dspy.OutputField()\n\n\n"
        'NAMES = Task.of("names", Name)\n'
    )
    (data,) = data_sets(
        [str(table(tmp_path / "films.csv"))], [f"{tmp_path}/own.py:NAMES"], columns=("user=who", "time=when")
    )
    assert (data.name, data.task.name, len(data.users)) == ("films", "names", 2)
    assert data.users[0].questions[0].ground_truth == {"said": "comedy"}
