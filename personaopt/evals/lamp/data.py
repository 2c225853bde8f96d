"""Users and their questions from a folder in LaMP's file format.

`questions.json` is a list of {id, user_id?, date?, input, profile: [{id, date?, ...}]} and `outputs.json` is {"task",
"golds": [{id, output}]}. Without `user_id` every question is a user of its own, as in LaMP's official files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.tasks import Task, task_for
from personaopt.interaction import Interaction


@dataclasses.dataclass(frozen=True)
class Question:
    """One question of the benchmark, with what its user's history held when it was asked.

    Attributes:
        id: Unique in its file. Where a later question's profile holds this one as an item, the item has the same id.
        user_id: Whose question it is.
        inputs: The inputs of the task's signature.
        ground_truth: What the user really said or chose, by output field.
        time: Seconds since the epoch, or None.
        profile: The user's earlier interactions as its file lists them, oldest first; never the question itself.
    """

    id: str
    user_id: str
    inputs: Mapping[str, Any]
    ground_truth: Mapping[str, Any]
    time: float | None = None
    profile: tuple[Interaction, ...] = dataclasses.field(default=(), repr=False)

    def __hash__(self) -> int:
        return hash((self.user_id, self.id))

    def to_interaction(self) -> Interaction:
        """The question once it is answered: what `record` takes before the user's next question is asked."""
        return Interaction(inputs=self.inputs, ground_truth=self.ground_truth, time=self.time, id=self.id)


@dataclasses.dataclass(frozen=True)
class UserHistory:
    """One user of the benchmark.

    Attributes:
        user_id: Unique in its folder.
        profile: What is known before the first question, oldest first.
        questions: In the order of time; the file's order where times are equal or missing.
        interactions: Every profile item of every question, oldest first. Those of a question asked here are among
            them if the profile of a later question holds them; the last question never is.
    """

    user_id: str
    profile: tuple[Interaction, ...] = dataclasses.field(repr=False)
    questions: tuple[Question, ...] = dataclasses.field(repr=False)
    interactions: tuple[Interaction, ...] = dataclasses.field(repr=False)

    def __hash__(self) -> int:
        return hash(self.user_id)

    def history_before(self, question: Question | str) -> tuple[Interaction, ...]:
        """What may be known when this question is asked: its own profile, oldest first.

        Raises:
            DataError: The question is not one of this user's.
        """
        identifier = question if isinstance(question, str) else question.id
        for own in self.questions:
            if own.id == identifier and (isinstance(question, str) or question.user_id == self.user_id):
                return own.profile
        raise DataError(f"User {self.user_id!r} has no question {identifier!r}.")


def load_lamp(path: str | Path, task: Task | str | None = None) -> list[UserHistory]:
    """Load the users of a folder with `questions.json` and `outputs.json`, in the order of the file.

    Args:
        path: The folder.
        task: The task or its name; read from `outputs.json` when missing.

    Raises:
        DataError: A file is missing or malformed, or a record breaks a rule; the sentence names file and record.
    """
    folder = Path(path)
    questions, golds = folder / "questions.json", folder / "outputs.json"
    records = _read(questions, list, "a list of questions")
    outputs = _read(golds, dict, "an object with 'task' and 'golds'")
    if not isinstance(task, Task):
        task = task_for(folder if task is None else task)
    answers = _answers(golds, outputs.get("golds"))
    by_user: dict[str, list[Question]] = {}
    seen: set[str] = set()
    for record in records:
        identifier = _identifier(record, str(questions), seen)
        where = f"{questions}: question {identifier!r}"
        if identifier not in answers:
            raise DataError(f"{where} has no gold output in {golds}.")
        user_id = str(record.get("user_id") or identifier)
        try:
            question = _question(record, identifier, user_id, answers[identifier], task)
        except DataError as error:
            raise DataError(f"{where}: {str(error).rstrip('.')}.") from error
        by_user.setdefault(user_id, []).append(question)
    if not by_user:
        raise DataError(f"{questions} holds no questions.")
    return [_user(user_id, own, str(questions)) for user_id, own in by_user.items()]


def is_tuning_user(user_id: str) -> bool:
    """Whether choices (prompts, defaults, calibration) may be made on this user; results are reported on the others."""
    return int(hashlib.sha256(user_id.encode()).hexdigest(), 16) % 2 == 0


def _read(file: Path, kind: type, what: str) -> Any:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{file} is missing; a LaMP folder holds questions.json and outputs.json.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as JSON: {error}.") from error
    if not isinstance(content, kind):
        raise DataError(f"{file} must hold {what}.")
    return content


def _identifier(record: Any, where: str, seen: set[str]) -> str:
    if not isinstance(record, dict) or not isinstance(record.get("id"), str | int) or not str(record["id"]):
        raise DataError(f"{where}: record {len(seen)} is not an object with an 'id'.")
    identifier = str(record["id"])
    if identifier in seen:
        raise DataError(f"{where}: the id {identifier!r} stands there twice.")
    seen.add(identifier)
    return identifier


def _answers(file: Path, golds: Any) -> dict[str, Any]:
    if not isinstance(golds, list):
        raise DataError(f"{file} must hold an object with 'task' and a list 'golds'.")
    seen: set[str] = set()
    answers: dict[str, Any] = {}
    for gold in golds:
        identifier = _identifier(gold, str(file), seen)
        if "output" not in gold:
            raise DataError(f"{file}: gold {identifier!r} has no 'output'.")
        answers[identifier] = gold["output"]
    return answers


def _question(record: Mapping[str, Any], identifier: str, user_id: str, output: Any, task: Task) -> Question:
    if not isinstance(record.get("input"), str):
        raise DataError("it has no text in 'input'")
    time = _seconds(record.get("date"))
    items = record.get("profile")
    if not isinstance(items, list) or not items:
        raise DataError("its profile must be a list with at least one item")
    seen: set[str] = set()
    profile = []
    for item in items:
        own = _identifier(item, "profile", seen)
        try:
            interaction = _interaction(item, own, task)
        except DataError as error:
            raise DataError(f"profile item {own!r}: {error}") from error
        if own == identifier or (time is not None and interaction.time is not None and interaction.time > time):
            raise DataError(
                f"profile item {own!r} is not older than the question; take it out, it would give answers away"
            )
        profile.append(interaction)
    return Question(
        id=identifier,
        user_id=user_id,
        inputs=task.parse(record["input"]),
        ground_truth=task.to_ground_truth(output),
        time=time,
        profile=tuple(_in_order(profile, profile)),
    )


def _interaction(item: Mapping[str, Any], identifier: str, task: Task) -> Interaction:
    inputs, ground_truth = task.from_profile(item)
    kept = {name: item[name] for name in task.kept if item.get(name)}
    time = _seconds(item.get("date"))
    return Interaction(inputs=inputs, ground_truth=ground_truth, time=time, id=identifier, metadata=kept)


def _user(user_id: str, questions: Sequence[Question], file: str) -> UserHistory:
    # One missing time leaves only the file's order to go by.
    timed = all(question.time is not None for question in questions)
    ordered = sorted(questions, key=lambda question: question.time or 0.0) if timed else list(questions)
    known: dict[str, Interaction] = {}
    for question in ordered:
        for interaction in question.profile:
            if known.setdefault(interaction.id, interaction) != interaction:
                raise DataError(
                    f"{file}: user {user_id!r} has two items {interaction.id!r} that differ; ids are unique for a user."
                )
    # One object for each interaction, however many questions list it.
    shared = [
        dataclasses.replace(question, profile=tuple(known[interaction.id] for interaction in question.profile))
        for question in ordered
    ]
    return UserHistory(
        user_id=user_id,
        profile=shared[0].profile,
        questions=tuple(shared),
        interactions=tuple(_in_order(known.values(), [item for question in shared for item in question.profile])),
    )


def _in_order(interactions: Iterable[Interaction], listed: Iterable[Interaction]) -> list[Interaction]:
    """Oldest first; equal times keep the file's order and a missing time stays behind its predecessor in the file."""
    times: dict[str, float] = {}
    latest = -math.inf
    for interaction in listed:
        latest = latest if interaction.time is None else interaction.time
        times.setdefault(interaction.id, latest)
    return sorted(interactions, key=lambda interaction: times[interaction.id])


def _seconds(date: Any) -> float | None:
    """Seconds since the epoch from what LaMP-like files call a date: a year, an ISO date, or epoch seconds or ms."""
    if date is None or date == "":
        return None
    text = str(date).strip()
    if not isinstance(date, bool):
        if re.fullmatch(r"[12]\d{3}", text):
            return datetime(int(text), 1, 1, tzinfo=UTC).timestamp()
        if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
            return float(text)
        if re.fullmatch(r"\d{12,13}(\.\d+)?", text):
            return float(text) / 1000
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is not None:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    raise DataError(f"the date {date!r} is not a year, an ISO 8601 date, or seconds or milliseconds since 1970")
