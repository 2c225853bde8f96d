"""Which task a name means: one of LaMP's in any of its spellings, or `module:attribute` of your own."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

from personaopt.errors import DataError
from personaopt.evals.tasks.lamp import TASKS
from personaopt.evals.tasks.task import Task


def task_for(name: str | Path | Task) -> Task:
    """The task that a name means, or that the `outputs.json` of a folder names.

    Args:
        name: `LaMP-2M`, `LaMP_2M_like`, `LaMP_2M`, ..., `package.module:TASK` for a `Task` of your own, a folder in
            LaMP's format, or a task as it is.

    Raises:
        DataError: The folder names no task, or the task is not known.
    """
    if isinstance(name, Task):
        return name
    text = str(name)
    if text and Path(name).is_dir():
        text = _named_by(Path(name))
    found = re.match(r"lamp[-_ ]?(\d[a-z]?)(?![a-z0-9])", text.lower().replace("_", "-"))
    if found and (task := TASKS.get(f"LaMP-{found[1].upper()}")):
        return task
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", text):
        return _imported(text)
    raise DataError(
        f"The task {text!r} is not known; known are {', '.join(TASKS)}, and MODULE:NAME is a task of your own."
    )


def _named_by(folder: Path) -> str:
    files = sorted(folder.glob("*outputs.json"))
    file = files[0] if files else folder / "outputs.json"
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["task"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} does not name its task; it must be a JSON object with 'task' and 'golds'.") from error


def _imported(text: str) -> Task:
    module, _, attribute = text.partition(":")
    try:
        task = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise DataError(f"The task {text!r} cannot be imported: {error}.") from error
    except AttributeError as error:
        raise DataError(f"The module {module} has no task {attribute}.") from error
    if not isinstance(task, Task):
        raise DataError(f"{text} is no Task but a {type(task).__name__}; make one with Task.of(name, signature, ...).")
    return task
