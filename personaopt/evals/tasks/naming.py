"""Which task a name means: one of LaMP's in any of its spellings, or one of your own by module or file and name."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

from personaopt.errors import DataError
from personaopt.evals.tasks.lamp import TASKS
from personaopt.evals.tasks.task import Task


def task_for(name: str | Path | Task) -> Task:
    """The task that a name means, or that the `outputs.json` of a folder names.

    Args:
        name: `LaMP-2M`, `LaMP_2M_like`, `LaMP_2M`, ..., `package.module:TASK` or `folder/file.py:TASK` for a `Task` of
            your own (the code there is run), a folder in LaMP's format, or a task as it is.

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
    if re.fullmatch(r".*[^:]:[A-Za-z_]\w*", text):
        return _own(text)
    raise DataError(
        f"The task {text!r} is not known; known are {', '.join(TASKS)}, and MODULE:NAME or FILE.py:NAME of your own."
    )


def _named_by(folder: Path) -> str:
    files = sorted(folder.glob("*outputs.json"))
    file = files[0] if files else folder / "outputs.json"
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["task"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} does not name its task; it must be a JSON object with 'task' and 'golds'.") from error


def _own(text: str) -> Task:
    place, _, name = text.rpartition(":")
    try:
        module = _run(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except Exception as error:  # whatever the code there raises
        raise DataError(f"The task {text!r} cannot be had from {place}: {type(error).__name__}: {error}.") from error
    task = getattr(module, name, None)
    if not isinstance(task, Task):
        what = f"is no Task but a {type(task).__name__}" if hasattr(module, name) else "is not there"
        raise DataError(f"{text} {what}; make a task with Task.of(name, signature).")
    return task


def _run(file: Path) -> ModuleType:
    """The module that a file holds, run once however often it is asked for."""
    name = f"task_file_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # signatures look their annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
