"""Users and their questions, from whatever form the data have.

What is read is told from the files (see `formats`): LaMP's own `questions.json` and `outputs.json`, lists of users with
profile and query, data sets of the Hugging Face library, and tables of users' own histories.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.building import Asked, build_users
from personaopt.evals.lamp.formats.columns import Columns
from personaopt.evals.lamp.formats.finding import Finder
from personaopt.evals.lamp.formats.source import Source
from personaopt.evals.lamp.histories import Question, UserHistory
from personaopt.evals.lamp.problems import OnError, Problem, listener
from personaopt.evals.tasks import TASKS, Task, task_for

__all__ = ["Columns", "Loaded", "Problem", "Question", "UserHistory", "is_tuning_user", "load_lamp"]

_LOOKED_AT = 20
"""How many questions are looked at to tell a task from the form of its sentence."""


class Loaded(list[UserHistory]):
    """The users of a data set, with what was found and what could not be used.

    Attributes:
        task: What is asked.
        found: In which form the data were, in words.
        problems: What was left out, and gold outputs that no question asks for; empty where everything was used.
    """

    def __init__(self, users: Iterable[UserHistory], task: Task, found: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(users)
        self.task = task
        self.found = found
        self.problems = tuple(problems)


def load_lamp(
    path: str | Path,
    task: Task | str | None = None,
    *,
    split: str | None = None,
    columns: Columns | Mapping[str, Any] | None = None,
    on_error: OnError = "raise",
) -> Loaded:
    """Load users with their questions, in the order of the file.

    Args:
        path: A folder or file, or `owner/name` of a data set on the hub.
        task: The task or its name (see `task_for`); read from the data when None, from the name that they give or else
            from the form of their sentences.
        split: Which of several splits; `dev` where LaMP's files or a data set have one.
        columns: Of a table of histories; what holds the user, the time, each input and the answer.
        on_error: `raise` refuses data with a record that cannot be used; `report` leaves such records and profile
            items out and lists them in the result's `problems`.

    Returns:
        A list of users that also says what was found.

    Raises:
        DataError: A file is missing or malformed, no form fits, or a record breaks a rule; the sentence names file
            and record. With `report`, also where no question is left.
        ConfigurationError: `columns` or `on_error` is not what it may be.
    """
    problems: list[Problem] = []
    tell = listener(on_error, problems)
    given = task_for(task) if task is not None else None
    mapping = Columns.of(columns) if columns is not None else None
    source = Finder(split, mapping, given, tell, problems.append).find(path)
    chosen = given or _named(source)
    asked, first = _looked_at(source.asked)
    chosen = chosen or _told_by(first, str(path))
    users = build_users(asked, chosen, tell)
    if not users:
        more = f" that can be used: {problems[0]}" if problems else ""
        raise DataError(f"{path} holds no questions{more.rstrip('.')}.")
    if chosen.cases is not None:
        made = chosen.cases({user.user_id: user.interactions for user in users})
        users = [user.with_cases(made.get(user.user_id, {})) for user in users]
    listed = sorted(problems, key=lambda problem: (problem.file, problem.unit, problem.position))
    return Loaded(users, chosen, source.found, listed)


def is_tuning_user(user_id: str) -> bool:
    """Whether choices (prompts, defaults, calibration) may be made on this user; results are reported on the others."""
    return int(hashlib.sha256(user_id.encode()).hexdigest(), 16) % 2 == 0


def _looked_at(asked: Iterable[Asked]) -> tuple[Iterable[Asked], list[Asked]]:
    rest = iter(asked)
    first = list(itertools.islice(rest, _LOOKED_AT))
    return itertools.chain(first, rest), first


def _named(source: Source) -> Task | None:
    """The task the data name. LaMP's files call two tasks `LaMP_2`: films today, news in its first edition."""
    if not source.task or source.task.upper().replace("-", "_") == "LAMP_2":
        return None
    try:
        return task_for(source.task)
    except DataError as error:
        raise DataError(f"{source.named_in}: {error}") from error


def _told_by(first: Sequence[Asked], path: str) -> Task:
    """The only task that reads the form of the questions' sentences."""
    fitting = [task for task in TASKS.values() if any(_reads(task, each.input) for each in first)]
    if len(fitting) == 1:
        return fitting[0]
    if not first:
        raise DataError(f"{path} holds no questions to tell the task from.")
    raise DataError(
        f"{path} does not say which task its questions are of; name one of {', '.join(TASKS)}, or your own."
    )


def _reads(task: Task, text: Any) -> bool:
    try:
        task.parse(text)
    except DataError:
        return False
    return True
