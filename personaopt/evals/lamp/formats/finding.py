"""Which form a path's data have, told from its files alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.formats import hub, official, tables
from personaopt.evals.lamp.formats.columns import Columns, asked_of_histories
from personaopt.evals.lamp.formats.rows import Row, asked_in, form_of
from personaopt.evals.lamp.formats.source import Source, chosen_split, read_json
from personaopt.evals.lamp.problems import Problem, Tell
from personaopt.evals.tasks import Task

FORMS = (
    "LaMP's questions.json with outputs.json, a JSON file or folder of users with profile and query, a data set of "
    "the Hugging Face library (a hub id, a saved one, a folder of parquet or JSONL files), or a JSONL or CSV file of "
    "histories with `columns`"
)
ENDINGS = (".json", ".parquet", *tables.LINES, *tables.CELLS)


class Finder:
    """Looks for a path's data and opens them.

    Args:
        split: Which split is wanted; None for the only one or the usual one.
        columns: What a table of histories holds where; None for other data.
        task: What the caller said is asked; None where the data say it.
        tell: Hears of records that cannot be used.
        note: Hears of what is left aside and need not be an error.
    """

    def __init__(self, split: str | None, columns: Columns | None, task: Task | None, tell: Tell, note: Tell) -> None:
        self._split = split
        self._columns = columns
        self._task = task
        self._tell = tell
        self._note = note

    def find(self, path: str | Path) -> Source:
        """The questions of a path.

        Raises:
            DataError: Nothing that is known is there; the sentence says what was found.
        """
        place = Path(path)
        if place.is_dir():
            return self._folder(place)
        if place.is_file():
            return self._file(place)
        # A mistyped path is not looked for on the hub.
        typed = place.parent.is_dir() or place.suffix.lower() in ENDINGS
        if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", str(path)) and not typed:
            rows, split = hub.rows_of_dataset(str(path), self._split)
            return self._rows(rows, str(path), f"the split {split!r} of the data set {path}")
        raise DataError(f"{path} is missing, and is not the id of a data set on the hub (owner/name) either.")

    def _folder(self, folder: Path) -> Source:
        questions = official.question_files(folder)
        if questions and self._columns is None:
            usable = {split: file for split, file in questions.items() if official.outputs_of(file).exists()}
            split = chosen_split(str(folder), list(usable or questions), self._split)
            return official.read_official(questions[split], self._tell, self._note)
        if not questions and (folder / official.OUTPUTS).exists():
            raise DataError(f"{folder / official.QUESTIONS} is missing; {official.OUTPUTS} stands there alone.")
        if not hub.is_saved(folder):
            contents = {file: read_json(file) for file in sorted(folder.glob("*.json"))}
            if any(_users(content) for content in contents.values()) and self._columns is None:
                return self._lists_of_users(folder, contents)
        if hub.is_saved(folder) or hub.has_tables(folder):
            rows, split = hub.rows_of_dataset(folder, self._split)
            return self._rows(rows, str(folder), f"the split {split!r} of a data set" if split else "a data set")
        names = sorted(path.name for path in folder.iterdir())
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise DataError(f"{folder} holds no data that are known here but {shown or 'nothing'}; known are {FORMS}.")

    def _file(self, file: Path) -> Source:
        suffix = file.suffix.lower()
        if suffix in (*tables.LINES, *tables.CELLS):
            return self._rows(tables.rows_of_file(file, self._tell), str(file), f"a table of {suffix[1:].upper()}")
        if suffix == ".parquet":
            return self._rows(hub.rows_of_dataset(file, None)[0], str(file), "a parquet file")
        if suffix != ".json":
            raise DataError(f"{file} has the ending {suffix or 'of no kind'}; known are {FORMS}.")
        if file.name.endswith(official.QUESTIONS) and official.outputs_of(file).exists():
            return official.read_official(file, self._tell, self._note)
        content = read_json(file)
        if isinstance(content, dict) and _users(content):
            content = [content]
        if not isinstance(content, list):
            raise DataError(f"{file} must hold a list of users, questions or interactions.")
        return self._rows(tables.rows_of_list(content, file, self._tell), str(file), "a JSON file")

    def _lists_of_users(self, folder: Path, contents: Mapping[Path, Any]) -> Source:
        rows: list[Row] = []
        golds: dict[str, Any] = {}
        task, named_in, files = "", "", 0
        for file, content in contents.items():
            if _users(content):
                users = content if isinstance(content, list) else [content]
                rows += [
                    Row(row.position, row.values, f"{file.name}, record") for row in _rows(users, file, self._tell)
                ]
                files += 1
            elif isinstance(content, dict) and isinstance(content.get("golds"), list):
                golds |= official.gold_answers(str(file), content["golds"], self._tell)
                task, named_in = str(content.get("task") or ""), str(file)
            else:
                self._note(Problem(str(file), 0, "", "it holds neither users with profile and query nor gold answers"))
        found = f"lists of users with profile and query in {files} file{'s' if files > 1 else ''}"
        return Source(found, asked_in(rows, str(folder), golds, self._tell), task, named_in)

    def _rows(self, rows: Iterable[Row], where: str, what: str) -> Source:
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            raise DataError(f"{where} holds no records.")
        every = itertools.chain([first], rows)
        form = form_of(first.values)
        if form is not None and self._columns is None:
            return Source(f"{what} of {form}", asked_in(every, where, {}, self._tell))
        return Source(f"{what} of histories", self._histories(first, every, where))

    def _histories(self, first: Row, rows: Iterable[Row], where: str) -> Iterable[Any]:
        there = ", ".join(map(str, first.values))
        columns = self._columns or Columns()
        if self._task is None:
            raise DataError(
                f"{where} has the columns {there}; to read histories from them, say which task they are of."
            )
        missing = columns.missing(self._task, first.values)
        if missing:
            raise DataError(
                f"{where} has the columns {there} and none called {', '.join(missing)}; say with `columns` which one "
                "holds the user, the time, each input and the answer."
            )
        return asked_of_histories(rows, where, columns, self._task, self._tell)


def _users(content: Any) -> bool:
    """Whether a JSON file's content is users with profile and query: a list of them, or one."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, Mapping) and {"profile", "query"} <= set(first)


def _rows(users: Sequence[Any], file: Path, tell: Tell) -> Iterable[Row]:
    return tables.rows_of_list(list(users), file, tell)
