"""The data sets that `personaopt eval lamp run` names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.cli.output import message
from personaopt.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from personaopt.evals.lamp.data import Loaded, UserHistory
    from personaopt.evals.lamp.experiment import DataSet

OWN = ("user", "time", "answer", "id")
"""What a table's columns may hold besides the inputs of the task."""
SHOWN_PROBLEMS = 3


def data_sets(
    data: Sequence[str],
    tasks: Sequence[str] = (),
    *,
    split: str | None = None,
    columns: Sequence[str] = (),
    skip_bad: bool = False,
) -> list[DataSet]:
    """Read the data.

    Args:
        data: Folders and files as `load_lamp` takes them, and folders that hold such folders.
        tasks: Only data of these; where data do not name their task and one is given, it is that.
        split: Of data with several.
        columns: `WHAT=COLUMN` of a table of histories.
        skip_bad: Whether records that cannot be used are left out; how many is said.

    Raises:
        DataError: Something cannot be read, there is nothing, or two data sets have one name.
        ConfigurationError: A column is not named as it should be.
    """
    from personaopt.evals.lamp.data import load_lamp
    from personaopt.evals.lamp.experiment import DataSet
    from personaopt.evals.tasks import task_for

    wanted = {task_for(name).name for name in tasks}
    mapping = columns_of(columns) if columns else None
    found: dict[str, DataSet] = {}
    for path, given in _places(data, tasks):
        if not given and wanted and _named(path) not in (None, *wanted):
            continue
        loaded = load_lamp(path, given, split=split, columns=mapping, on_error="report" if skip_bad else "raise")
        if wanted and loaded.task.name not in wanted:
            continue
        say_problems(loaded)
        name = Path(path).resolve().name.partition(".")[0] if Path(path).exists() else path
        if name in found:
            raise DataError(f"Two data sets are called {name!r}; rename one of them.")
        found[name] = DataSet(name, loaded.task, tuple(loaded), _digest(loaded))
    if not found:
        raise DataError(f"There are no data of {', '.join(tasks) or 'any task'} in {', '.join(data)}.")
    return list(found.values())


def say_problems(loaded: Loaded) -> None:
    """Say what of a data set is not used; the first few in full."""
    for problem in loaded.problems[:SHOWN_PROBLEMS]:
        message(str(problem))
    if len(loaded.problems) > SHOWN_PROBLEMS:
        message(f"{len(loaded.problems) - SHOWN_PROBLEMS} more records of {loaded.found} are not used.")


def _places(data: Sequence[str], tasks: Sequence[str]) -> Iterable[tuple[str, str | None]]:
    """Where data lie, with the task where it is given and not only asked for."""
    for path in data:
        folder = Path(path)
        inside = sorted({each.parent for each in folder.glob("*/*questions.json")}) if folder.is_dir() else []
        if inside and not any(folder.glob("*questions.json")):
            yield from ((str(each), None) for each in inside)
        elif folder.is_dir() and any(folder.glob("*outputs.json")) and len(data) > 1:
            yield path, None
        else:
            yield path, tasks[0] if len(tasks) == 1 else None


def _named(path: str) -> str | None:
    """The task that a folder names, before it is read; None where only its questions tell."""
    from personaopt.evals.tasks import task_for

    try:
        return task_for(path).name
    except DataError:
        return None


def columns_of(columns: Sequence[str]) -> dict[str, Any]:
    """What `load_lamp` takes as `columns`, from `WHAT=COLUMN`.

    Raises:
        ConfigurationError: One is not of this form.
    """
    values: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    for each in columns:
        what, equals, column = each.partition("=")
        if not equals or not what or not column:
            raise ConfigurationError(
                f"A column is given as WHAT=COLUMN, where WHAT is {', '.join(OWN)} or an input, not {each!r}."
            )
        (values if what in OWN else inputs)[what] = column
    return {**values, "inputs": inputs}


def _digest(users: Iterable[UserHistory]) -> str:
    """Of what is asked and known, whatever file it came from."""
    digest = hashlib.sha256()
    for user in users:
        for question in user.questions:
            said = [user.user_id, question.id, dict(question.inputs), dict(question.ground_truth)]
            digest.update(json.dumps([*said, [item.id for item in question.profile]], ensure_ascii=False).encode())
        for item in user.interactions:
            digest.update(json.dumps([dict(item.inputs), dict(item.ground_truth)], ensure_ascii=False).encode())
    return digest.hexdigest()
