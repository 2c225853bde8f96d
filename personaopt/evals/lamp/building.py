"""From raw questions, whatever file they stood in, to users: parsed, checked for leaks, in the order of time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.dates import seconds_of
from personaopt.evals.lamp.histories import Question, UserHistory
from personaopt.evals.lamp.problems import Problem, Tell
from personaopt.evals.tasks import Task
from personaopt.interaction import Interaction


@dataclasses.dataclass(frozen=True)
class Asked:
    """One question as its file has it.

    Attributes:
        file: Where it stands.
        position: Which record of the file.
        id: The question's.
        user_id: Whose it is.
        input: Its text, or its inputs by field where the file has them apart.
        output: The gold answer.
        date: When it was asked, in any form; None where nothing says it.
        profile: Items as the file has them, or interactions where a format reads them itself.
        unit: What `position` counts.
    """

    file: str
    position: int
    id: str
    user_id: str
    input: Any
    output: Any
    date: Any
    profile: Any
    unit: str = "record"

    def problem(self, sentence: str) -> Problem:
        """A problem of this question."""
        return Problem(self.file, self.position, self.id, sentence, self.unit)


def identifier_of(record: Any) -> str:
    """The id of a record: text or a whole number.

    Raises:
        DataError: It has none.
    """
    identifier = record.get("id") if isinstance(record, Mapping) else None
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or identifier == "":
        raise DataError("it is not an object with an 'id'")
    return str(identifier)


def build_users(asked: Iterable[Asked], task: Task, tell: Tell) -> list[UserHistory]:
    """The users of the questions, in the order in which the file first names them.

    Args:
        asked: The questions.
        task: How their texts are read.
        tell: Hears of every question and profile item that cannot be used; where it does not raise, they are left out.
    """
    by_user: dict[str, _Building] = {}
    for each in asked:
        by_user.setdefault(each.user_id, _Building(each.user_id, task, tell)).add(each)
    return [building.user() for building in by_user.values() if building.questions]


class _Building:
    """One user on the way: a profile item that many questions list is read once."""

    def __init__(self, user_id: str, task: Task, tell: Tell) -> None:
        self.user_id = user_id
        self.questions: list[Question] = []
        self._task = task
        self._tell = tell
        self._read: dict[str, tuple[Any, Interaction]] = {}
        self._ids: set[str] = set()
        self._bad: set[tuple[str, str]] = set()

    def add(self, asked: Asked) -> None:
        """Read one question."""
        if asked.id in self._ids:
            self._tell(asked.problem(f"the id {asked.id!r} stands there twice"))
            return
        try:
            time = seconds_of(asked.date)
            inputs = self._inputs(asked.input)
            truth = self._task.to_ground_truth(asked.output)
            Interaction(inputs, ground_truth=truth, id=asked.id)  # what could never be recorded is known at once
            if not isinstance(asked.profile, Sequence) or isinstance(asked.profile, str) or not asked.profile:
                raise DataError("its profile must be a list with at least one item")
        except DataError as error:
            self._tell(asked.problem(str(error)))
            return
        profile = self._profile(asked, time)
        if not profile:
            self._tell(asked.problem("no item of its profile can be used"))
            return
        ordered = tuple(in_order(profile, profile))
        self._ids.add(asked.id)
        self.questions.append(Question(asked.id, self.user_id, inputs, truth, time, ordered))

    def user(self) -> UserHistory:
        """The user, once all questions are read."""
        # One missing time leaves only the file's order to go by.
        timed = all(question.time is not None for question in self.questions)
        ordered = sorted(self.questions, key=lambda question: question.time or 0.0) if timed else self.questions
        known = {item.id: item for question in ordered for item in question.profile}
        listed = [item for question in ordered for item in question.profile]
        return UserHistory(self.user_id, ordered[0].profile, tuple(ordered), tuple(in_order(known.values(), listed)))

    def _inputs(self, given: Any) -> Mapping[str, Any]:
        if isinstance(given, str):
            return self._task.parse(given)
        if not isinstance(given, Mapping):
            raise DataError("it has no text in 'input'")
        missing = [field for field in self._task.signature.input_fields if given.get(field) in (None, "")]
        if missing:
            raise DataError(f"it has nothing in {', '.join(missing)}")
        return {field: given[field] for field in self._task.signature.input_fields}

    def _profile(self, asked: Asked, time: float | None) -> list[Interaction]:
        found: dict[str, Interaction] = {}
        for place, item in enumerate(asked.profile):
            try:
                interaction = self._item(item)
                if interaction.id in found:
                    raise DataError(f"the id {interaction.id!r} stands there twice")
                late = time is not None and interaction.time is not None and interaction.time > time
                if late or interaction.id == asked.id:
                    raise DataError("it is not older than the question; take it out, it would give answers away")
            except DataError as error:
                self._tell_of_item(asked, place, item, str(error))
                continue
            found[interaction.id] = interaction
        return list(found.values())

    def _item(self, item: Any) -> Interaction:
        if isinstance(item, Interaction):
            return self._same(item, item)
        identifier = identifier_of(item)
        raw, known = self._read.get(identifier, (None, None))
        if known is not None and raw == item:
            return known
        inputs, truth = self._task.from_profile(item)
        kept = {name: item[name] for name in self._task.kept if item.get(name)}
        time = seconds_of(item.get("date"))
        return self._same(item, Interaction(inputs, ground_truth=truth, time=time, id=identifier, metadata=kept))

    def _same(self, raw: Any, interaction: Interaction) -> Interaction:
        """One object for each interaction, however many questions list it."""
        _, known = self._read.setdefault(interaction.id, (raw, interaction))
        if known is not interaction and known != interaction:
            raise DataError(
                f"user {self.user_id!r} has two items {interaction.id!r} that differ; ids are unique for a user"
            )
        return known

    def _tell_of_item(self, asked: Asked, place: int, item: Any, sentence: str) -> None:
        identifier = item.id if isinstance(item, Interaction) else _named(item)
        if (identifier, sentence) in self._bad:
            return  # the same item in the profile of another question
        if identifier:
            self._bad.add((identifier, sentence))
        self._tell(asked.problem(f"profile item {place}{identifier and f', {identifier!r}'}: {sentence}"))


def in_order(interactions: Iterable[Interaction], listed: Iterable[Interaction]) -> list[Interaction]:
    """Oldest first; equal times keep the file's order and a missing time stays behind its predecessor in the file.

    Args:
        interactions: What is put in order.
        listed: All of them as the file has them.
    """
    times: dict[str, float] = {}
    latest = -math.inf
    for interaction in listed:
        latest = latest if interaction.time is None else interaction.time
        times.setdefault(interaction.id, latest)
    return sorted(interactions, key=lambda interaction: times[interaction.id])


def _named(item: Any) -> str:
    try:
        return identifier_of(item)
    except DataError:
        return ""
