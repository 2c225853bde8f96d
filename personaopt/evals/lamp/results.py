"""The folder of the experiment: `personaopt.evals.results` with questions as rows."""

from __future__ import annotations

from pathlib import Path

from personaopt.evals import results
from personaopt.evals.lamp.rows import Row


def read_rows(folder: Path) -> list[Row]:
    """The rows of a folder, in the order in which their questions were answered first; of one key the last counts.

    Raises:
        DataError: There is no such file, or a line before the last is no row.
    """
    return results.read_rows(folder, Row)


class Results(results.Results[Row]):
    """The folder of a run that is under way; one process at a time has it.

    Args:
        folder: Made if it is not there, and taken away again where an error ends the run before the first row.

    Raises:
        StoreError: Another run writes it, or it cannot be written.
        DataError: What is there cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Row)
