"""The rows of a run under other calibrations: what was measured stays, and what was answered by it changes.

Methods learn and measure without a look at the run's calibration, so that a run need not be repeated for another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from personaopt.errors import DataError
from personaopt.evals.lamp.calibrating import Calibrations, has_history
from personaopt.evals.lamp.deciding import median
from personaopt.evals.lamp.results import CONFIG, Results, read_config, read_rows, write_json
from personaopt.evals.lamp.rows import Row
from personaopt.evals.tasks import TASKS


def recalibrated(row: Row, calibrations: Calibrations) -> Row:
    """A row as it would have been written; one without measurements stays as it is.

    Raises:
        DataError: Its features are not of one length.
    """
    if row.measured is None or row.features is None:
        return row
    calibration = calibrations.of(row.task, row.method, remembers=has_history(row))
    evidence = {name: np.asarray(values, dtype=float) for name, values in row.features.items()}
    values = calibration.probabilities(evidence).tolist()
    if len(values) != len(row.measured):
        raise DataError(f"Question {row.question!r} of user {row.user!r} has features that fit no answers.")
    probabilities = dict(zip(row.measured, values, strict=True))
    rated = row.task in TASKS and TASKS[row.task].kind == "rating"
    answer = median(probabilities) if rated else max(probabilities, key=lambda label: probabilities[label])
    return dataclasses.replace(row, probabilities=probabilities, prediction=answer)


def recalibrate(folder: Path, out: Path, calibrations: Calibrations, name: str) -> int:
    """Write the rows of one folder into another, under other calibrations; how many there are.

    Args:
        folder: Of a run.
        out: A folder without rows.
        calibrations: To answer by.
        name: What `config.json` calls them.

    Raises:
        DataError: There are no rows, or there are some already where they are to go.
    """
    rows: Iterable[Row] = [recalibrated(row, calibrations) for row in read_rows(folder)]
    with Results(out) as results:
        if results.rows:
            raise DataError(f"{out} holds rows already; give a folder without any.")
        results.append(rows)
        told = {f"{task}: {method}": each.to_dict() for (task, method), each in calibrations.known.items()}
        config = {**read_config(folder), "calibrations": told, "calibration": name, "recalibrated_from": str(folder)}
        write_json(out / CONFIG, config)
        return len(results.rows)
