"""Results as a pandas data frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from personaopt.evals.personabench.rows import ROLES, Row

if TYPE_CHECKING:
    import pandas


def rows_frame(rows: Iterable[Row]) -> pandas.DataFrame:
    """One line a row, a column a field; what was spent is called `answering_calls`, `learning_usd` and so on."""
    import pandas

    plain = [field.name for field in dataclasses.fields(Row) if field.name not in ROLES]
    records: list[dict[str, Any]] = []
    for row in rows:
        spent = {f"{role}_{name}": value for role in ROLES for name, value in vars(getattr(row, role)).items()}
        records.append({**{name: getattr(row, name) for name in plain}, **spent})
    frame = pandas.DataFrame.from_records(records)
    # A whole number that may be missing, so that 4 sessions do not become 4.0.
    return frame.astype({"since_change": "Int64"}) if records else frame
