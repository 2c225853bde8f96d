"""Rows that hold everything of a user or a question: lists of users as OPPU has them, and rows of a data set.

OPPU's files (arXiv 2402.04401) are lists of users {user_id, profile, query: [{id, input, gold, date?}]}; gold answers
may also stand apart, in LaMP's form. A row of a data set may be such a user, or one question {id, user_id?, date?,
input, profile, output}, or what `to_dataset` writes: {user_id, id, time, inputs, ground_truth, profile}.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.lamp.building import Asked, identifier_of
from personaopt.evals.lamp.formats.official import asked_of
from personaopt.evals.lamp.problems import Problem, Tell
from personaopt.interaction import Interaction

GOLDS = ("output", "gold", "target")


@dataclasses.dataclass(frozen=True)
class Row:
    """One row with its place.

    Attributes:
        position: From 0, or the line's number.
        values: By column.
        unit: What `position` counts.
    """

    position: int
    values: Mapping[str, Any]
    unit: str = "record"


def form_of(values: Mapping[str, Any]) -> str | None:
    """What a row is, in words; None where it is none of the forms that need no description of their columns."""
    keys = set(values)
    if {"profile", "query"} <= keys:
        return "a list of users with profile and query"
    if {"inputs", "ground_truth", "profile"} <= keys:
        return "questions with inputs and ground truth by field"
    if {"input", "profile"} <= keys and keys & set(GOLDS):
        return "questions with profile and gold answer"
    return None


def asked_in(rows: Iterable[Row], file: str, golds: Mapping[str, Any], tell: Tell) -> Iterator[Asked]:
    """The questions of rows in one of these forms.

    Args:
        rows: Of one form, or of several.
        file: Where they stand.
        golds: Gold answers that stand apart, by the question's id.
        tell: Hears of every row that is of no form, and of every question without an answer.
    """
    users: set[str] = set()
    for row in rows:
        identifier = ""
        try:
            if not isinstance(row.values, Mapping) or form_of(row.values) is None:
                raise DataError("it is neither a user with profile and query nor a question with profile and answer")
            values = {**row.values, "profile": _items(row.values["profile"])}
            if "query" in values:
                user = values.get("user_id", values.get("id"))
                identifier = identifier_of({"id": user})
                if identifier in users:
                    raise DataError(f"the user {identifier!r} stands there twice")
                users.add(identifier)
                yield from _queries(values, identifier, row, file, golds, tell)
                continue
            identifier = identifier_of(values)
            yield _typed(values, row, file) if "inputs" in values else _question(values, row, file, identifier, golds)
        except DataError as error:
            tell(Problem(file, row.position, identifier, str(error), row.unit))


def _queries(
    values: Mapping[str, Any], user: str, row: Row, file: str, golds: Mapping[str, Any], tell: Tell
) -> Iterator[Asked]:
    queries = _items(values["query"])
    if not isinstance(queries, Sequence) or isinstance(queries, str) or not queries:
        raise DataError("its query must be a list with at least one question")
    for place, query in enumerate(queries):
        try:
            identifier = identifier_of(query)
            question = {**query, "user_id": user, "profile": values["profile"]}
            yield _question(question, row, file, identifier, golds)
        except DataError as error:
            tell(Problem(file, row.position, user, f"query {place}: {error}", row.unit))


def _question(values: Mapping[str, Any], row: Row, file: str, identifier: str, golds: Mapping[str, Any]) -> Asked:
    output = next((values[name] for name in GOLDS if values.get(name) is not None), golds.get(identifier))
    if output is None:
        raise DataError(f"question {identifier!r} has no gold answer")
    return dataclasses.replace(asked_of(values, file, row.position, identifier, output), unit=row.unit)


def _typed(values: Mapping[str, Any], row: Row, file: str) -> Asked:
    identifier = identifier_of(values)
    truth = _known(values["ground_truth"])
    if len(truth) != 1:
        raise DataError(f"its ground truth must be one field; it has {', '.join(truth) or 'none'}")
    profile = [_interaction(item, place) for place, item in enumerate(values["profile"])]
    asked = asked_of({**values, "profile": profile}, file, row.position, identifier, next(iter(truth.values())))
    return dataclasses.replace(asked, input=_known(values["inputs"]), date=values.get("time"), unit=row.unit)


def _interaction(item: Any, place: int) -> Interaction:
    if not isinstance(item, Mapping):
        raise DataError(f"profile item {place} is not an object")
    values = {name: item.get(name) for name in ("id", "inputs", "ground_truth", "time", "metadata")}
    for name in ("inputs", "ground_truth", "metadata"):
        values[name] = _known(values[name])
    return Interaction.from_dict({**values, "id": identifier_of(item)})


def _known(values: Any) -> dict[str, Any]:
    """A struct of a table has every field of the column, those that a row does not have as None."""
    if values is not None and not isinstance(values, Mapping):
        raise DataError("inputs, ground truth and metadata must be objects by field")
    return {name: value for name, value in (values or {}).items() if value is not None}


def _items(value: Any) -> Any:
    """A list of objects: as it is, as JSON text in one cell, or as an object of lists, as older tables hold it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    if isinstance(value, Mapping) and value and all(isinstance(column, list) for column in value.values()):
        lengths = {len(column) for column in value.values()}
        if len(lengths) == 1:
            return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
    return value
