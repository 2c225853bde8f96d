"""Results as pandas data frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals.lamp.results import read_rows
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.summary import TaskSummary

if TYPE_CHECKING:
    import pandas


def read_frame(folder: str | Path) -> pandas.DataFrame:
    """The rows of a run's folder as a data frame, see `rows_frame`.

    Raises:
        DataError: There are no results, or they cannot be read.
    """
    return rows_frame(read_rows(Path(folder)))


def rows_frame(rows: Iterable[Row]) -> pandas.DataFrame:
    """One line a row, a column a field; those of the point are called `n`, `E`, `K`, `history` and `online`."""
    import pandas

    names = [field.name for field in dataclasses.fields(Row) if field.name != "point"]
    records: list[dict[str, Any]] = []
    for row in rows:
        point = {"n": row.point.latest, "E": row.point.epochs, "K": row.point.retrieve}
        point |= {"history": row.point.history, "online": row.point.online}
        records.append({**{name: getattr(row, name) for name in names}, **point})
    frame = pandas.DataFrame.from_records(records, columns=[*names, "n", "E", "K", "history", "online"])
    # Whole numbers that may be missing, so that n = 4 does not become 4.0.
    return frame.astype(dict.fromkeys(("n", "E", "K", "history"), "Int64"))


def figures_frame(found: Sequence[TaskSummary]) -> pandas.DataFrame:
    """The cells of the main tables, one line a task, data set, language model and method."""
    import pandas

    records = []
    for summary in found:
        for standing in summary.main:
            for method, cell in standing.cells.items():
                values = cell.to_dict()
                low, high = values.pop("ci")
                preparation = values.pop("preparation") or {}
                place = {"task": summary.section.task, "data": summary.section.data, "lm": standing.lm}
                spent = {f"preparation_{name}": value for name, value in preparation.items()}
                records.append({**place, "method": method, **values, "low": low, "high": high, **spent})
    return pandas.DataFrame.from_records(records)
