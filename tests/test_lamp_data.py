"""LaMP folders: what is read, in which order, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest

from personaopt.errors import DataError
from personaopt.evals.lamp.data import is_tuning_user, load_lamp
from personaopt.evals.tasks import LAMP_1, LAMP_2M, LAMP_2N, LAMP_3, LAMP_4, TASKS, task_for

TAGS = ", ".join(LAMP_2M.labels)
QUESTION_2M = (
    "Which tag does this movie relate to among the following tags? Just answer with the tag name without further "
    f"explanation. tags: [{TAGS}] description: "
)


def movie(identifier, tag="comedy", date=None, description=None):
    item = {"id": identifier, "description": description or f"A film called {identifier}.", "tag": tag}
    return item if date is None else {**item, "date": date}


def question(identifier, profile, date=None, user=None, description=None):
    record = {
        "id": identifier,
        "input": QUESTION_2M + (description or f"A film called {identifier}."),
        "profile": profile,
    }
    if date is not None:
        record["date"] = date
    if user is not None:
        record["user_id"] = user
    return record


def write(folder: Path, questions, golds=None, task="LaMP_2M_like") -> Path:
    if golds is None:
        golds = [{"id": record["id"], "output": "action"} for record in questions]
    (folder / "questions.json").write_text(json.dumps(questions), encoding="utf-8")
    (folder / "outputs.json").write_text(json.dumps({"task": task, "golds": golds}), encoding="utf-8")
    return folder


def ids(interactions):
    return [interaction.id for interaction in interactions]


def test_a_user_with_sliding_profiles(tmp_path):
    a, b, c = movie("a", "sci-fi", "2020-01-01"), movie("b", date="2020-01-02"), movie("q1", "action", "2020-01-03")
    folder = write(
        tmp_path,
        [
            question("q2", [b, c], "2020-01-05", "u"),
            question("q1", [a, b], "2020-01-03", "u"),
            question("other", [movie("a", "romance")], user="v"),
        ],
    )

    first, second = load_lamp(folder)

    assert (first.user_id, second.user_id) == ("u", "v")
    assert [q.id for q in first.questions] == ["q1", "q2"]
    assert ids(first.profile) == ["a", "b"]
    assert ids(first.interactions) == ["a", "b", "q1"]
    assert ids(first.history_before(first.questions[1])) == ids(first.history_before("q2")) == ["b", "q1"]
    assert first.interactions[0].ground_truth == {"tag": "sci-fi"}
    assert first.interactions[0].time == 1577836800.0
    # The answered question is the item that the next question's profile holds, so both may be recorded.
    assert first.questions[0].to_interaction() == first.interactions[2]
    assert second.interactions[0].ground_truth == {"tag": "romance"}
    loaded = load_lamp(folder)
    copied = pickle.loads(pickle.dumps(loaded))
    assert copied == loaded == [first, second]
    assert copied.task == LAMP_2M
    with pytest.raises(DataError, match="no question 'other'"):
        first.history_before(second.questions[0])


def test_nothing_at_or_after_a_question_is_in_its_history(tmp_path):
    items = [movie(f"i{n}", date=str(1_200_000_000 + n * 86_400)) for n in range(9)]
    folder = write(tmp_path, [question(f"i{n}", items[:n], items[n]["date"], "u") for n in (4, 6, 7)])

    (user,) = load_lamp(folder)

    for asked in user.questions:
        history = user.history_before(asked)
        assert asked.id not in ids(history)
        assert all(item.time < asked.time for item in history)
    assert ids(user.interactions) == [f"i{n}" for n in range(7)]


def test_the_order_of_the_file_counts_where_dates_are_equal_or_missing(tmp_path):
    dates = {"late": "2021", "x": "2019", "y": "2019", "undated": None, "z": "2019"}
    folder = write(tmp_path, [question("q", [movie(name, date=date) for name, date in dates.items()], "2021", "u")])

    assert ids(load_lamp(folder)[0].profile) == ["x", "y", "undated", "z", "late"]

    undated = [movie(name) for name in ("c", "a", "b")]
    folder = write(tmp_path, [question("q2", undated, user="u"), question("q1", undated[:1], user="u")])
    (user,) = load_lamp(folder)
    assert ids(user.profile) == ["c", "a", "b"]
    assert [q.id for q in user.questions] == ["q2", "q1"]
    assert all(item.time is None for item in user.interactions)


def test_questions_without_a_user_id_are_users_of_their_own(tmp_path):
    folder = write(tmp_path, [question(1, [movie(11)]), question(2, [movie(11, "action")])])

    users = load_lamp(folder)

    assert [user.user_id for user in users] == ["1", "2"]
    assert users[1].profile[0].ground_truth == {"tag": "action"}


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("1988", 567993600.0),
        (1988, 567993600.0),
        ("2022-08-27", 1661558400.0),
        ("2022-08-27T10:00:00+02:00", 1661587200.0),
        ("2022-08-27 08:00:00", 1661587200.0),
        ("1229309384", 1229309384.0),
        (1229309384, 1229309384.0),
        ("1565870839348", 1565870839.348),
        (1565870839348000, 1565870839.348),
        (1661558400.0, 1661558400.0),
        (2022.0, 1640995200.0),
        ("2022-08", 1659312000.0),
        ("2022/08/27", 1661558400.0),
        ("20220827", 1661558400.0),
        ("August 27, 2022", 1661558400.0),
        ("27 Aug 2022", 1661558400.0),
        ("2022-08-27T08:00:00Z", 1661587200.0),
        ("Sat, 27 Aug 2022 10:00:00 +0200", 1661587200.0),
        (float("nan"), None),
        ("", None),
        (None, None),
    ],
)
def test_every_kind_of_date_becomes_seconds(tmp_path, date, seconds):
    folder = write(tmp_path, [question("q", [{**movie("a"), "date": date}])])

    assert load_lamp(folder)[0].profile[0].time == seconds


ITEM = movie("a")
BAD = {
    "unknown date": ([question("q", [movie("bad", date="yesterday")])], None, "'q'.*'bad'.*'yesterday'"),
    "date that is a truth value": ([question("q", [movie("bad", date=True)])], None, "'bad'.*True"),
    "date in which day and month may change places": (
        [question("q", [movie("bad", date="01/02/2020")])], None, "'bad'.*'01/02/2020' is not",
    ),
    "thirteenth month": ([question("q", [movie("bad", date="2020-13-01")])], None, "'bad'.*'2020-13-01'"),
    "half a character": ([question("q", [movie("bad", description="\ud800")])], None, "'bad'.*written as JSON"),
    "half a character in the question": ([question("q", [ITEM], description="\ud800")], None, "'q'.*written as JSON"),
    "user and question alike": ([question(None, [ITEM])], [], "record 0.*'id'"),
    "number that is no date": ([question("q", [ITEM], 12345)], None, "'q'.*12345"),
    "no gold": ([question("q", [ITEM])], [{"id": "other", "output": "action"}], "'q'.*no gold"),
    "empty history": ([question("q", [])], None, "'q'.*profile"),
    "history is no list": ([question("q", {"a": 1})], None, "'q'.*profile"),
    "label of an item": ([question("q", [movie("bad", "western")])], None, "'q'.*'bad'.*'western'"),
    "gold label": ([question("q", [ITEM])], [{"id": "q", "output": "western"}], "'q'.*'western'"),
    "gold without output": ([question("q", [ITEM])], [{"id": "q"}], "outputs.json.*'q'"),
    "item without label": ([question("q", [{"id": "bad", "description": "x"}])], None, "'bad'.*tag"),
    "item without id": ([question("q", [{"description": "x", "tag": "comedy"}])], None, "'q'.*'id'"),
    "same question twice": ([question("q", [ITEM]), question("q", [ITEM])], None, "'q'.*twice"),
    "same item twice": ([question("q", [ITEM, ITEM])], None, "'a'.*twice"),
    "same gold twice": ([question("q", [ITEM])], [{"id": "q", "output": "action"}] * 2, "outputs.json.*'q'.*twice"),
    "items that differ": (
        [question("q", [ITEM], user="u"), question("r", [movie("a", "action")], user="u")], None, "'u'.*'a'.*differ",
    ),
    "the question in its own history": ([question("q", [movie("q")])], None, "'q'.*not older"),
    "an item after the question": (
        [question("q", [movie("late", date="2020-02-01")], "2020-01-01")], None, "'late'.*not older",
    ),
    "no text": ([{"id": "q", "profile": [ITEM]}], None, "'q'.*'input'"),
    "input of another form": ([{"id": "q", "input": "Hello?", "profile": [ITEM]}], None, "'q'.*form of this task"),
    "other labels": ([{"id": "q", "input": "tags: [a, b] description: x", "profile": [ITEM]}], None, r"'q'.*\[a, b\]"),
    "record is no object": (["q"], [], "questions.json.*record 0"),
    "no questions": ([], None, "no questions"),
    "not a list": ({"q": 1}, [], "questions.json must hold a list"),
    "golds are no list": ([question("q", [ITEM])], {"q": "action"}, "outputs.json.*'golds'"),
}  # fmt: skip


@pytest.mark.parametrize(("questions", "golds", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_one_sentence(tmp_path, questions, golds, message):
    folder = write(tmp_path, questions, golds)

    with pytest.raises(DataError, match=message) as refusal:
        load_lamp(folder)

    assert "\n" not in str(refusal.value)
    assert str(tmp_path) in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_missing_and_torn_files_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds .* but nothing; known are LaMP's questions\.json"):
        load_lamp(tmp_path)
    write(tmp_path, [question("q", [ITEM])])
    (tmp_path / "outputs.json").write_text('{"task": "LaMP_2M", "golds": [', encoding="utf-8")
    with pytest.raises(DataError, match=r"outputs\.json cannot be read as JSON"):
        load_lamp(tmp_path)
    (tmp_path / "outputs.json").unlink()
    with pytest.raises(DataError, match=r"outputs\.json is missing"):
        load_lamp(tmp_path)


def test_gold_without_a_question_is_fine_and_the_task_can_be_given(tmp_path):
    golds = [{"id": "q", "output": "action"}, {"id": "unasked", "output": "comedy"}]
    write(tmp_path, [question("q", [ITEM])], golds, task="my own export")

    with pytest.raises(DataError, match="'my own export' is not known"):
        load_lamp(tmp_path)
    for task in ("LaMP-2M", LAMP_2M):
        assert load_lamp(tmp_path, task)[0].questions[0].ground_truth == {"tag": "action"}


@pytest.mark.parametrize(
    ("name", "task"),
    [("LaMP_2M_like", LAMP_2M), ("LaMP_2N", LAMP_2N), ("LaMP-1", LAMP_1), ("lamp-3", LAMP_3), ("LaMP_4_real", LAMP_4)],
)
def test_tasks_are_found_by_name(name, task):
    assert task_for(name) is task


@pytest.mark.parametrize("name", ["LaMP_2", "LaMP_7", "LaMP_2Movies", "other", ""])
def test_unknown_tasks_are_refused(name):
    with pytest.raises(DataError, match="is not known"):
        task_for(name)


def test_every_task_reads_its_question_and_its_items():
    categories = ", ".join(LAMP_2N.labels)
    cases = {
        LAMP_1: (
            'For an author who has written the paper with the title "On "Got You!" tests", which reference is related? '
            'Just answer with [1] or [2] without explanation. [1]: "Speech "Acts"" [2]: "Auctions [2]: an overview"',
            {"title": 'On "Got You!" tests', "option_1": 'Speech "Acts"', "option_2": "Auctions [2]: an overview"},
            {"title": "My paper", "abstract": "Long."},
            ({"title": "My paper"}, {}),
        ),
        LAMP_2N: (
            f"Which category does this article relate to? categories: [{categories}] article: Who's nasty?\nNobody. ",
            {"article": "Who's nasty?\nNobody."},
            {"title": "Headline", "text": "Text.", "category": "food & drink"},
            ({"article": "Text."}, {"category": "food & drink"}),
        ),
        LAMP_3: (
            "What is the score of the following review on a scale of 1 to 5? just answer with 1, 2, 3, 4, or 5 without "
            "further explanation. review: I write every review: this one too.",
            {"review": "I write every review: this one too."},
            {"text": "Bad.", "score": 1},
            ({"review": "Bad."}, {"score": "1"}),
        ),
        LAMP_4: (
            "Generate a headline for the following article: Something happened.",
            {"article": "Something happened."},
            {"title": "It Happened", "text": "Something."},
            ({"article": "Something."}, {"headline": "It Happened"}),
        ),
    }  # fmt: skip
    for task, (text, inputs, item, read) in cases.items():
        assert task.parse(text) == inputs
        assert task.from_profile(item) == read
        assert list(inputs) == list(task.signature.input_fields)
        assert [task.output] == list(task.signature.output_fields)
    assert LAMP_4.to_ground_truth(" Any text ") == {"headline": "Any text"}


def test_labels_are_those_of_the_signature():
    for task in TASKS.values():
        annotation = task.signature.output_fields[task.output].annotation
        assert task.labels == getattr(annotation, "__args__", ())


def test_tuning_users_are_about_half_and_never_change():
    users = [f"user-{n}" for n in range(400)]
    assert 160 < sum(map(is_tuning_user, users)) < 240
    expected = int(hashlib.sha256(b"user-7").hexdigest()[-1], 16) % 2 == 0
    assert is_tuning_user("user-7") is expected


def _real_folders() -> list[Path]:
    root = Path(os.environ.get("PERSONAOPT_LAMP_DATA") or Path(__file__).parents[2] / "shared" / "data")
    return sorted(file.parent for file in root.glob("*/questions.json"))


@pytest.mark.skipif(not _real_folders(), reason="no LaMP folders: set PERSONAOPT_LAMP_DATA to a folder that holds some")
def test_real_folders_load_and_leak_nothing():
    for folder in _real_folders():
        for user in load_lamp(folder):
            order = ids(user.interactions)
            assert len(set(order)) == len(order)
            for asked in user.questions:
                before = set(ids(user.history_before(asked)))
                if asked.id in order:
                    position = order.index(asked.id)
                    assert before <= set(order[:position])
                    assert asked.to_interaction() == user.interactions[position]
                assert asked.id not in before
                assert all(item.time is None or item.time <= asked.time for item in user.history_before(asked))
