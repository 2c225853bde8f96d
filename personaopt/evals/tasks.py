"""The benchmark's tasks as values: what is asked, which labels there are, and how LaMP's texts are read.

A task knows how a LaMP input becomes the inputs of its signature and how a profile item becomes what the user was
shown and what the user chose. Signatures have short field names and descriptions because small local models see them
in plain form ("Description: ...", "Tag: ...").
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import dspy

from personaopt.errors import DataError
from personaopt.evals.synthetic.film_words import FilmTag

Kind = Literal["choice", "rating", "text"]

MovieTag = Literal[
    "sci-fi", "based on a book", "comedy", "action", "twist ending", "dystopia", "dark comedy", "classic",
    "psychology", "fantasy", "romance", "thought-provoking", "social commentary", "violence", "true story",
]  # fmt: skip
NewsCategory = Literal[
    "women", "religion", "politics", "style & beauty", "entertainment", "culture & arts", "sports",
    "science & technology", "travel", "business", "crime", "education", "healthy living", "parents", "food & drink",
]  # fmt: skip
Choice = Literal["[1]", "[2]"]
Score = Literal["1", "2", "3", "4", "5"]


class ChooseReference(dspy.Signature):
    """Choose the reference this author would cite in the paper."""

    title: str = dspy.InputField(desc="title of the author's new paper")
    option_1: str = dspy.InputField(desc="title of the first candidate, [1]")
    option_2: str = dspy.InputField(desc="title of the second candidate, [2]")
    choice: Choice = dspy.OutputField(desc="the candidate the author cites")


class TagMovie(dspy.Signature):
    """Choose the tag this user would give the movie."""

    description: str = dspy.InputField(desc="what the movie is about")
    tag: MovieTag = dspy.OutputField(desc="the one tag this user gives the movie")


class CategorizeArticle(dspy.Signature):
    """Choose the category this author would file the article under."""

    article: str = dspy.InputField(desc="the article's text")
    category: NewsCategory = dspy.OutputField(desc="the one category this author files it under")


class RateReview(dspy.Signature):
    """Choose the score this user gave together with the review."""

    review: str = dspy.InputField(desc="what the user wrote about a product")
    score: Score = dspy.OutputField(desc="stars from 1, the worst, to 5, the best")


class WriteHeadline(dspy.Signature):
    """Write the headline this author would give the article."""

    article: str = dspy.InputField(desc="the article's text")
    headline: str = dspy.OutputField(desc="one line in the author's own style")


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField(desc="what the film is about")
    tag: FilmTag = dspy.OutputField(desc="the one tag this user gives the film")


class WriteReply(dspy.Signature):
    """Write the reply this user would send."""

    message: str = dspy.InputField(desc="what somebody wrote to the user")
    reply: str = dspy.OutputField(desc="the user's answer in the user's own style")


@dataclasses.dataclass(frozen=True)
class Task:
    """One benchmark task.

    Attributes:
        name: As LaMP calls it, such as `LaMP-2M`.
        signature: What the language model is asked.
        output: Name of the signature's output field.
        kind: How answers are measured: as a `choice`, a `rating` or free `text`.
        labels: Every allowed answer, in LaMP's order; empty for free text.
        parse: Reads the text of a question into the signature's inputs; raises `DataError`.
        from_profile: Reads a profile item into (inputs, ground truth); raises `DataError`.
        kept: Fields of a profile item that are kept as an interaction's metadata.
    """

    name: str
    signature: type[dspy.Signature]
    output: str
    kind: Kind
    labels: tuple[str, ...]
    parse: Callable[[str], dict[str, Any]]
    from_profile: Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
    kept: tuple[str, ...] = ()

    def to_ground_truth(self, output: str) -> dict[str, Any]:
        """A gold answer as the signature's output field.

        Raises:
            DataError: The answer is not one of the task's labels, or is empty.
        """
        return _ground_truth(self.output, output, self.labels)


def task_for(name: str | Path) -> Task:
    """The task that a name means, or that the `outputs.json` of a folder names.

    Args:
        name: `LaMP-2M`, `LaMP_2M_like`, `LaMP_2M`, ... or a folder in LaMP's format.

    Raises:
        DataError: The folder names no task, or the task is not known.
    """
    text = str(name)
    if text and Path(name).is_dir():
        file = Path(name) / "outputs.json"
        try:
            text = json.loads(file.read_text(encoding="utf-8"))["task"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{file} does not name its task; it must be a JSON object with 'task' and 'golds'."
            ) from error
    found = re.match(r"lamp[-_ ]?(\d[a-z]?)(?![a-z0-9])", str(text).lower().replace("_", "-"))
    if found and (task := TASKS.get(f"LaMP-{found[1].upper()}")):
        return task
    raise DataError(f"The task {text!r} is not known; known are {', '.join(TASKS)}.")


def _ground_truth(field: str, output: Any, labels: tuple[str, ...]) -> dict[str, Any]:
    answer = str(output).strip() if isinstance(output, str | int) and not isinstance(output, bool) else ""
    if not answer:
        raise DataError(f"the {field} must be text, not {output!r}")
    if labels and answer not in labels:
        raise DataError(f"the {field} {answer!r} is not one of {', '.join(labels)}")
    return {field: answer}


def _reader(pattern: str, fields: tuple[str, ...], labels: tuple[str, ...] = ()) -> Callable[[str], dict[str, Any]]:
    """A parser of LaMP's fixed sentences; a group named `labels` must list exactly the task's labels."""
    compiled = re.compile(pattern, re.DOTALL)

    def parse(text: str) -> dict[str, Any]:
        found = compiled.search(text) if isinstance(text, str) else None
        if found is None:
            raise DataError(f"the input does not have the form of this task: {str(text)[:80]!r}")
        if labels and sorted(label.strip() for label in found["labels"].split(",")) != sorted(labels):
            raise DataError(f"the input lists the labels [{found['labels']}] and the task has [{', '.join(labels)}]")
        return {field: found[field].strip() for field in fields}

    return parse


def _item_reader(
    source: str, field: str, answer: tuple[str, str] | None, labels: tuple[str, ...] = ()
) -> Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]:
    """A reader of profile items: the field that is shown, under its new name, and (field, new name) of the answer."""

    def from_profile(item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        missing = [name for name in (source, *(answer or ())[:1]) if name not in item]
        if missing or not isinstance(item[source], str):
            raise DataError(f"the item has no text in {', '.join(missing) or source!r}")
        return {field: item[source].strip()}, _ground_truth(answer[1], item[answer[0]], labels) if answer else {}

    return from_profile


def _choice_task(
    name: str,
    signature: type[dspy.Signature],
    kind: Kind,
    labels: tuple[str, ...],
    pattern: str,
    source: str,
    answer: str,
) -> Task:
    (field,), (output,) = signature.input_fields, signature.output_fields
    checked = labels if "<labels>" in pattern else ()
    parse = _reader(pattern, (field,), checked)
    return Task(name, signature, output, kind, labels, parse, _item_reader(source, field, (answer, output), labels))


LAMP_1 = Task(
    name="LaMP-1",
    signature=ChooseReference,
    output="choice",
    kind="choice",
    labels=get_args(Choice),
    parse=_reader(
        r'paper with the title "(?P<title>.*)", which reference is related\?.*?'
        r'\[1\]: "(?P<option_1>.*)" \[2\]: "(?P<option_2>.*)"\s*$',
        ("title", "option_1", "option_2"),
    ),
    # LaMP-1's items are the author's papers: nothing was chosen between two options, so there is no ground truth to
    # align on. They still say what the author works on; abstracts and citations, where known, are metadata.
    from_profile=_item_reader("title", "title", None),
    kept=("abstract", "citation"),
)
LAMP_2M = _choice_task(
    "LaMP-2M", TagMovie, "choice", get_args(MovieTag),
    r"tags: \[(?P<labels>[^\]]*)\] description: (?P<description>.*)$", "description", "tag",
)  # fmt: skip
LAMP_2N = _choice_task(
    "LaMP-2N", CategorizeArticle, "choice", get_args(NewsCategory),
    r"categories: \[(?P<labels>[^\]]*)\] article: (?P<article>.*)$", "text", "category",
)  # fmt: skip
LAMP_3 = _choice_task(
    "LaMP-3", RateReview, "rating", get_args(Score), r"scale of 1 to 5\?.*? review: (?P<review>.*)$", "text", "score"
)
LAMP_4 = _choice_task(
    "LaMP-4", WriteHeadline, "text", (), r"headline for the following article: (?P<article>.*)$", "text", "title"
)
TASKS: Mapping[str, Task] = {task.name: task for task in (LAMP_1, LAMP_2M, LAMP_2N, LAMP_3, LAMP_4)}
