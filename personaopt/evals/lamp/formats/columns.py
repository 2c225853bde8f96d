"""A table of users' own histories, one interaction a row: which column holds what, and the last rows as questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.lamp.building import Asked, in_order
from personaopt.evals.lamp.dates import seconds_of
from personaopt.evals.lamp.formats.rows import Row
from personaopt.evals.lamp.problems import Problem, Tell
from personaopt.evals.tasks import Task
from personaopt.interaction import Interaction


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which column of a table of histories holds what.

    Attributes:
        user: Whose interaction it is.
        time: When it was, in any form of `seconds_of`; None where the table's order is the order of time.
        inputs: The column of each input field of the task's signature; of the same name where a field is not named.
        answer: What the user said or chose; the column of the output field's name when None.
        id: Unique for its user; made from the row's place among the user's rows when None.
        questions: How many of a user's last interactions become questions, at most half of them.
    """

    user: str = "user"
    time: str | None = None
    inputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    answer: str | None = None
    id: str | None = None
    questions: int = 5

    def __post_init__(self) -> None:
        if not isinstance(self.questions, int) or self.questions < 1:
            raise ConfigurationError(f"At least one interaction becomes a question, not {self.questions!r}.")

    @classmethod
    def of(cls, values: Columns | Mapping[str, Any]) -> Columns:
        """Columns from a mapping such as a JSON file's.

        Raises:
            ConfigurationError: It has a key that is none of the attributes, or is no mapping.
        """
        if isinstance(values, Columns):
            return values
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, Mapping) or not set(values) <= set(known):
            raise ConfigurationError(f"The columns are a mapping with the keys {', '.join(known)}; it is {values!r}.")
        return cls(**values)

    def of_fields(self, task: Task) -> dict[str, str]:
        """The column of each field of a task's signature.

        Raises:
            ConfigurationError: `inputs` names a field that the signature does not have.
        """
        fields = list(task.signature.input_fields)
        unknown = [field for field in self.inputs if field not in fields]
        if unknown:
            raise ConfigurationError(
                f"The task {task.name} has no input {', '.join(unknown)}; it has {', '.join(fields)}."
            )
        return {field: self.inputs.get(field, field) for field in fields} | {task.output: self.answer or task.output}

    def missing(self, task: Task, values: Mapping[str, Any]) -> list[str]:
        """The columns that a row does not have."""
        wanted = [self.user, *self.of_fields(task).values(), self.time, self.id]
        return [column for column in wanted if column is not None and column not in values]


def asked_of_histories(rows: Iterable[Row], file: str, columns: Columns, task: Task, tell: Tell) -> Iterator[Asked]:
    """The last interactions of every user as questions; each sees what was before it.

    Args:
        rows: One interaction each, in any order of users.
        file: Where they stand.
        columns: Which column holds what.
        task: Whose fields they are.
        tell: Hears of every row that cannot be used, and of users with too few.
    """
    placed: dict[str, dict[str, tuple[Row, Interaction]]] = {}
    counts: dict[str, int] = {}
    held = columns.of_fields(task)
    for row in rows:
        try:
            user = _cell(row.values, columns.user)
            counts[user] = counts.get(user, 0) + 1
            interaction = _interaction(row.values, columns, held, task, f"{user}-{counts[user] - 1}")
            own = placed.setdefault(user, {})
            if interaction.id in own:
                raise DataError(f"the id {interaction.id!r} stands there twice")
            own[interaction.id] = (row, interaction)
        except DataError as error:
            named = row.values.get(columns.user) if isinstance(row.values, Mapping) else None
            tell(Problem(file, row.position, "" if named is None else str(named), str(error), row.unit))
    for user, own in placed.items():
        yield from _asked(user, own, file, columns, task, tell)


def _asked(
    user: str, own: Mapping[str, tuple[Row, Interaction]], file: str, columns: Columns, task: Task, tell: Tell
) -> Iterator[Asked]:
    listed = [interaction for _, interaction in own.values()]
    ordered = in_order(listed, listed)
    count = min(columns.questions, len(ordered) // 2)
    if not count:
        row, _ = own[ordered[0].id]
        tell(
            Problem(file, row.position, user, "the user has one interaction; a question needs one before it", row.unit)
        )
    for place in range(len(ordered) - count, len(ordered)):
        item = ordered[place]
        row, _ = own[item.id]
        yield Asked(
            file=file,
            position=row.position,
            id=item.id,
            user_id=user,
            input=item.inputs,
            output=item.ground_truth[task.output],
            date=item.time,
            profile=ordered[:place],
            unit=row.unit,
        )


def _interaction(
    values: Mapping[str, Any], columns: Columns, held: Mapping[str, str], task: Task, made: str
) -> Interaction:
    cells = {field: values.get(column) for field, column in held.items()}
    answer = cells.pop(task.output)
    inputs = {field: cell.strip() if isinstance(cell, str) else cell for field, cell in cells.items()}
    empty = [held[field] for field, cell in inputs.items() if cell in (None, "")]
    if empty:
        raise DataError(f"it has nothing in {', '.join(empty)}")
    if isinstance(answer, float) and answer.is_integer():
        answer = int(answer)  # a table with an empty cell holds the column's whole numbers as 4.0
    return Interaction(
        inputs,
        ground_truth=task.to_ground_truth(answer),
        time=seconds_of(values.get(columns.time)) if columns.time else None,
        id=_cell(values, columns.id) if columns.id else made,
    )


def _cell(values: Mapping[str, Any], column: str) -> str:
    cell = values.get(column) if isinstance(values, Mapping) else None
    if isinstance(cell, bool) or not isinstance(cell, str | int) or str(cell).strip() == "":
        raise DataError(f"it has no text or number in {column}")
    return str(cell).strip()
