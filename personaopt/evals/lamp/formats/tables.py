"""Files with one record a line, or one list of records, as rows: JSONL, CSV and its kin, JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.formats.rows import Row
from personaopt.evals.lamp.problems import Problem, Tell

LINES = (".jsonl", ".ndjson")
CELLS = (".csv", ".tsv")
DELIMITERS = ",;\t|"


def rows_of_file(file: Path, tell: Tell) -> Iterator[Row]:
    """The records of a JSONL or CSV file.

    Args:
        file: In UTF-8, with or without a byte order mark.
        tell: Hears of every line that is no record.

    Raises:
        DataError: It cannot be read as text.
    """
    try:
        if file.suffix.lower() in LINES:
            yield from _lines(file, tell)
        else:
            yield from _cells(file, tell)
    except (OSError, UnicodeError) as error:
        raise DataError(f"{file} cannot be read: {error}.") from error


def rows_of_list(content: list[Any], file: Path, tell: Tell) -> Iterator[Row]:
    """The records of a JSON file's list."""
    for position, values in enumerate(content):
        if isinstance(values, Mapping):
            yield Row(position, values)
        else:
            tell(Problem(str(file), position, "", "it is not an object"))


def _lines(file: Path, tell: Tell) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except ValueError as error:
                tell(Problem(str(file), number, "", f"it is not JSON: {error}", "line"))
                continue
            if isinstance(values, Mapping):
                yield Row(number, values, "line")
            else:
                tell(Problem(str(file), number, "", "it is not an object", "line"))


def _cells(file: Path, tell: Tell) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        header = text.readline()
        delimiter = "\t" if file.suffix.lower() == ".tsv" else max(DELIMITERS, key=header.count)
        text.seek(0)
        reader = csv.DictReader(text, delimiter=delimiter, strict=True)
        names = [name.strip() for name in reader.fieldnames or ()]
        if len(set(names)) < len(names):
            raise DataError(f"{file} has two columns of one name: {', '.join(names)}.")
        reader.fieldnames = names
        try:
            for values in reader:
                if None in values or None in values.values():
                    sentence = f"it has not the {len(names)} cells of the header"
                    tell(Problem(str(file), reader.line_num, "", sentence, "line"))
                    continue
                yield Row(reader.line_num, values, "line")
        except csv.Error as error:  # where a cell does not end, nobody knows where the next line begins
            raise DataError(f"{file}: after line {reader.line_num}: {error}; JSONL has no such limits.") from error
