"""Tasks as values: LaMP's, and one of your own from its signature."""

from __future__ import annotations

import json
import pickle
from typing import Literal

import dspy
import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.lamp.data import load_lamp
from personaopt.evals.tasks import LAMP_1, LAMP_2M, LAMP_3, LAMP_4, LAMP_5, TASKS, Rouge, Task, task_for


class PickDish(dspy.Signature):
    """Pick the dish this guest would order."""

    weather: str = dspy.InputField()
    guests: str = dspy.InputField()
    dish: Literal["soup", "salad", "pie"] = dspy.OutputField()


class Grade(dspy.Signature):
    """Grade the essay as this teacher would."""

    essay: str = dspy.InputField()
    grade: Literal[1, 2, 3] = dspy.OutputField()


DISHES = Task.of(
    "dishes",
    PickDish,
    question=r"weather is (?P<weather>.*?) and (?P<guests>\w+) come",
    item={"dish": "ordered"},
    kept=("table",),
    retrieval=lambda inputs: inputs["weather"],
)


def test_what_is_not_said_follows_from_the_signature():
    assert (DISHES.output, DISHES.kind, DISHES.labels) == ("dish", "choice", ("soup", "salad", "pie"))
    assert DISHES.parse("The weather is cold and wet and two come.") == {"weather": "cold and wet", "guests": "two"}
    item = {"weather": "hot", "guests": "one", "ordered": "salad", "table": 4}
    assert DISHES.from_profile(item) == ({"weather": "hot", "guests": "one"}, {"dish": "salad"})
    assert DISHES.retrieval({"weather": "hot", "guests": "one"}) == "hot"
    assert DISHES.metrics(["soup", "pie"], ["soup", "salad"]) == pytest.approx({"accuracy": 0.5, "f1": 1 / 3})
    essays = Task.of("essays", Grade)
    assert (essays.kind, essays.labels) == ("rating", ("1", "2", "3"))
    assert essays.parse(" An essay. ") == {"essay": "An essay."}
    assert essays.metrics(["1"], ["3"]) == {"mae": 2.0, "rmse": 2.0}
    assert Task.of("essays", Grade, kind="choice").metrics(["1"], ["3"]) == {"accuracy": 0.0, "f1": 0.0}
    assert (
        Task.of("titles", LAMP_5.signature, metrics=Rouge(names=("rouge_1", "rouge_l"))).metrics.names[0] == "rouge_1"
    )
    assert pickle.loads(pickle.dumps(essays)) == essays
    assert len({DISHES, essays, *TASKS.values()}) == 8  # values that can be keys


def test_data_of_an_own_task_are_read_like_any_other(tmp_path):
    orders = [{"id": n, "weather": "cold", "guests": "two", "ordered": "soup", "table": n} for n in range(3)]
    asked = {"id": "q", "input": "If the weather is hot and ten come?", "gold": "salad"}
    (tmp_path / "orders.json").write_text(json.dumps([{"user_id": "u", "profile": orders, "query": [asked]}]))
    (user,) = loaded = load_lamp(tmp_path, DISHES)
    assert loaded.task is DISHES
    assert user.questions[0].inputs == {"weather": "hot", "guests": "ten"}
    assert user.profile[2].metadata == {"table": 2}


def test_signatures_that_are_no_task_are_refused():
    class Two(dspy.Signature):
        """Two answers."""

        a: str = dspy.InputField()
        b: str = dspy.OutputField()
        c: str = dspy.OutputField()

    with pytest.raises(ConfigurationError, match="one output; its outputs: b, c"):
        Task.of("two", Two)
    with pytest.raises(ConfigurationError, match="inputs weather, guests: say with `question`"):
        Task.of("dishes", PickDish)
    with pytest.raises(ConfigurationError, match="no group named guests"):
        Task.of("dishes", PickDish, question="(?P<weather>.*)")


def test_a_question_that_lists_other_labels_is_refused():
    task = Task.of("dishes", PickDish, question=r"\[(?P<labels>.*)\] (?P<weather>\w+) (?P<guests>\w+)")
    assert task.parse("[pie, soup, salad] hot two") == {"weather": "hot", "guests": "two"}
    with pytest.raises(DataError, match=r"labels \[pie, soup\]"):
        task.parse("[pie, soup] hot two")


def test_similar_items_are_looked_up_as_in_lamp():
    inputs = {"title": "T", "option_1": "A", "option_2": "B"}
    assert LAMP_1.retrieval(inputs) == "A B"
    assert LAMP_1.retrieval({"title": "T"}) == "T"
    assert LAMP_2M.retrieval({"description": "D"}) == "D"
    assert LAMP_3.retrieval({"review": "R"}) == "R"


def test_titles_of_papers_are_written_like_headlines():
    assert LAMP_5.parse("Generate a title for the following abstract of a paper: We study: this. ") == {
        "abstract": "We study: this."
    }
    item = {"id": "1", "title": "A Study", "abstract": "We study that."}
    assert LAMP_5.from_profile(item) == ({"abstract": "We study that."}, {"title": "A Study"})
    for task in (LAMP_4, LAMP_5):
        assert task.kind == "text"
        figures = task.metrics(["the cat sat", ""], ["the cat ran", "anything"])
        assert figures == pytest.approx({"rouge_l": 1 / 3, "rouge_1": 1 / 3})


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_first_figure_is_the_mean_of_its_shares(task):
    golds = list(task.labels or ("the cat sat", "a dog ran", "one two"))[:5]
    predictions = [*golds[1:], "nonsense"]
    shares = [task.metrics.one(said, gold) for said, gold in zip(predictions, golds, strict=True)]
    figures = task.metrics(predictions, golds)
    assert tuple(figures) == task.metrics.names
    assert figures[task.metrics.names[0]] == pytest.approx(sum(shares) / len(shares))
    assert task.metrics.higher_is_better == (task.kind != "rating")


OWN = '''
from __future__ import annotations
from typing import Literal
import dspy
from personaopt.evals.tasks import Task

class Mood(dspy.Signature):
    """Guess the mood."""
    line: str = dspy.InputField()
    mood: Literal["good", "bad"] = dspy.OutputField()

MOODS = Task.of("moods", Mood)
OTHER = 3
'''


def test_a_task_of_your_own_is_named_by_file_or_module(tmp_path, monkeypatch):
    (tmp_path / "mood_tasks.py").write_text(OWN)
    task = task_for(f"{tmp_path}/mood_tasks.py:MOODS")
    assert (task.name, task.labels) == ("moods", ("good", "bad"))
    assert task_for(f"{tmp_path}/mood_tasks.py:MOODS") is task
    assert task_for(task) is task
    monkeypatch.syspath_prepend(tmp_path)
    assert task_for("mood_tasks:MOODS").name == "moods"
    (tmp_path / "broken.py").write_text("raise ValueError('no good')")
    for name, message in (
        (f"{tmp_path}/mood_tasks.py:OTHER", "is no Task but a int"),
        (f"{tmp_path}/mood_tasks.py:NONE", "NONE is not there"),
        (f"{tmp_path}/none.py:MOODS", "FileNotFoundError"),
        (f"{tmp_path}/broken.py:MOODS", "ValueError: no good"),
        ("no_such_module:MOODS", "cannot be had from no_such_module"),
        ("moods", "FILE.py:NAME of your own"),
    ):
        with pytest.raises(DataError, match=message) as refusal:
            task_for(name)
        assert "\n" not in str(refusal.value)
