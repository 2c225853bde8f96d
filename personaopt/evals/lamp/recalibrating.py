"""A run's folder under other calibrations: what was measured stays, and what was answered by it changes.

Methods learn and measure without a look at the run's calibration, so that a run need not be repeated for another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from personaopt.errors import DataError
from personaopt.evals.lamp.calibrating import Calibrations, recalibrated
from personaopt.evals.lamp.results import Results, read_rows
from personaopt.evals.results import CONFIG, read_config, write_json
from personaopt.evals.tasks import Task


def recalibrate(folder: Path, out: Path, calibrations: Calibrations, name: str, tasks: Sequence[Task] = ()) -> int:
    """Write the rows of one folder into another, under other calibrations; how many there are.

    Args:
        folder: Of a run.
        out: A folder without rows.
        calibrations: To answer by.
        name: What `config.json` calls them.
        tasks: Those that are not the benchmark's own.

    Raises:
        DataError: There are no rows, or there are some already where they are to go.
    """
    rows = recalibrated(read_rows(folder), calibrations, tasks)
    if not rows:
        raise DataError(f"{folder} holds no rows yet.")
    with Results(out) as results:
        if results.rows:
            raise DataError(f"{out} holds rows already; give a folder without any.")
        results.append(rows)
        told = {f"{task}: {method}": each.to_dict() for (task, method), each in calibrations.known.items()}
        config = {**read_config(folder), "calibrations": told, "calibration": name, "recalibrated_from": str(folder)}
        write_json(out / CONFIG, config)
        return len(results.rows)
