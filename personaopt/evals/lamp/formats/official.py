"""LaMP's own files (arXiv 2304.11406): questions and outputs apart, joined by the question's id.

`questions.json` is a list of {id, user_id?, date?, input, profile: [{id, date?, ...}]} and `outputs.json` is {"task",
"golds": [{id, output}]}. Without `user_id` every question is a user of its own, as in the files that are split by
user. The downloads are called `train_questions.json`, `dev_questions.json` and `test_questions.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.building import Asked, identifier_of
from personaopt.evals.lamp.formats.source import Source, read_json
from personaopt.evals.lamp.problems import Problem, Tell

QUESTIONS, OUTPUTS = "questions.json", "outputs.json"


def question_files(folder: Path) -> dict[str, Path]:
    """The question files of a folder by their split, which is empty for a file without one in its name."""
    files = sorted(folder.glob(f"*{QUESTIONS}"))
    return {
        split_of(file): file for file in files if file.name == QUESTIONS or file.name[: -len(QUESTIONS)][-1] in "_-"
    }


def split_of(file: Path) -> str:
    """The split that a question file's name begins with."""
    return file.name.removesuffix(QUESTIONS).rstrip("_-")


def outputs_of(questions: Path) -> Path:
    """Where the gold outputs of a question file stand."""
    return questions.with_name(questions.name.removesuffix(QUESTIONS) + OUTPUTS)


def read_official(questions: Path, tell: Tell, note: Tell) -> Source:
    """Read a question file and its outputs.

    Args:
        questions: The file; its outputs stand beside it.
        tell: Hears of every question or gold output that cannot be used.
        note: Hears of what is not used and need not be an error: gold outputs that no question asks for.

    Raises:
        DataError: A file is missing or no JSON of this form.
    """
    golds = outputs_of(questions)
    if not golds.exists():
        raise DataError(f"{golds} is missing; {questions.name} needs the gold outputs beside it.")
    records = read_json(questions)
    if not isinstance(records, list):
        raise DataError(f"{questions} must hold a list of questions.")
    outputs = read_json(golds)
    if not isinstance(outputs, dict) or not isinstance(outputs.get("golds"), list):
        raise DataError(f"{golds} must hold an object with 'task' and a list 'golds'.")
    found = f"LaMP's files {questions.name} and {golds.name}"
    name = outputs.get("task")
    asked = _asked(questions, golds, records, outputs["golds"], tell, note)
    return Source(found, asked, name if isinstance(name, str) else "", str(golds))


def gold_answers(file: str, golds: list[Any], tell: Tell) -> dict[str, Any]:
    """The gold outputs by their question's id.

    Args:
        file: Where they stand.
        golds: Objects with `id` and `output`.
        tell: Hears of those that are not.
    """
    answers: dict[str, Any] = {}
    for position, gold in enumerate(golds):
        identifier = ""
        try:
            identifier = identifier_of(gold)
            if identifier in answers:
                raise DataError(f"the id {identifier!r} stands there twice")
            if "output" not in gold:
                raise DataError("it has no 'output'")
        except DataError as error:
            tell(Problem(file, position, identifier, str(error), "gold"))
            continue
        answers[identifier] = gold["output"]
    return answers


def _asked(
    questions: Path, golds: Path, records: list[Any], outputs: list[Any], tell: Tell, note: Tell
) -> Iterator[Asked]:
    file = str(questions)
    answers = gold_answers(str(golds), outputs, tell)
    seen: set[str] = set()
    for position, record in enumerate(records):
        identifier = ""
        try:
            identifier = identifier_of(record)
            if identifier in seen:
                raise DataError(f"the id {identifier!r} stands there twice")
            seen.add(identifier)
            if identifier not in answers:
                raise DataError(f"it has no gold output in {golds}")
        except DataError as error:
            tell(Problem(file, position, identifier, str(error)))
            continue
        yield asked_of(record, file, position, identifier, answers[identifier])
    unasked = [identifier for identifier in answers if identifier not in seen]
    if unasked:
        sentence = f"{len(unasked)} gold outputs belong to no question, {unasked[0]!r} first"
        note(Problem(str(golds), list(answers).index(unasked[0]), unasked[0], sentence, "gold"))


def asked_of(record: Mapping[str, Any], file: str, position: int, identifier: str, output: Any) -> Asked:
    """A record with `input`, `profile` and perhaps `user_id` and `date` as a question."""
    user = record.get("user_id")
    return Asked(
        file=file,
        position=position,
        id=identifier,
        user_id=identifier if user is None or user == "" else str(user),
        input=record.get("input"),
        output=output,
        date=record.get("date"),
        profile=record.get("profile"),
    )
