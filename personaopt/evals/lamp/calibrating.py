"""Calibrations for a run, fitted from the rows of another run on tuning users.

Every method's rows are fitted by one procedure: weights of the LM's log-probability and of the label's length, and, for
methods that may look into the memory, a share for the vote of the user's earlier interactions and a power. A method
that was seen on a task has weights for it; for a task that nothing was fitted on (one that is kept for reporting) there
are weights fitted over all tasks, each question counting alike.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.lamp.data import is_tuning_user
from personaopt.evals.lamp.rows import Row
from personaopt.lm.calibration import RAW, Calibration, fit

REMEMBERING, FORGETFUL = "with memory", "without memory"
ANY = "any task"
FEWEST = 30
"""With fewer questions a method has no weights of its own: those of its kind are taken."""
SCHEMA = 1


@dataclasses.dataclass(frozen=True)
class Calibrations:
    """Calibrations by task and method.

    Attributes:
        known: By (task or `any task`, method or its kind: `with memory`, `without memory`).
    """

    known: Mapping[tuple[str, str], Calibration]

    def of(self, task: str, method: str, *, remembers: bool) -> Calibration:
        """The calibration of a method on a task: the task's own first, then the method's, then its kind's.

        Args:
            task: As LaMP calls it.
            method: Its name.
            remembers: Whether the method hands over what it knows of the user.
        """
        kind = REMEMBERING if remembers else FORGETFUL
        for key in ((task, method), (task, kind), (ANY, method), (ANY, kind)):
            if key in self.known:
                return self.known[key]
        return RAW

    def save(self, file: Path) -> None:
        """Write them as JSON."""
        values: dict[str, dict[str, object]] = defaultdict(dict)
        for (task, method), calibration in self.known.items():
            values[task][method] = calibration.to_dict()
        content = {"schema": SCHEMA, "calibrations": values}
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path | None = None) -> Calibrations:
        """Read what `save` wrote; the calibrations that come with the library when there is no file.

        Raises:
            ConfigurationError: The file is missing or holds something else.
        """
        shipped = files("personaopt.evals.lamp").joinpath("calibrations.json")
        try:
            content = json.loads((file or shipped).read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                raise KeyError("schema")
            known = {
                (task, method): Calibration.from_dict(values)
                for task, methods in content["calibrations"].items()
                for method, values in methods.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{file or shipped} holds no calibrations ({type(error).__name__}: {error}); make them with "
                "`personaopt eval lamp calibrate`."
            ) from error
        return cls(known)


def calibrate(rows: Iterable[Row]) -> Calibrations:
    """Fit calibrations on the rows of tuning users; all other rows are left out.

    Args:
        rows: What a run measured.

    Raises:
        DataError: No row of a tuning user was measured.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.features is None or row.measured is None or row.gold not in row.measured:
            continue
        if not is_tuning_user(row.user):
            continue
        kind = REMEMBERING if has_history(row) else FORGETFUL
        for key in ((row.task, row.method), (row.task, kind), (ANY, row.method), (ANY, kind)):
            groups[key].append(row)
    if not groups:
        raise DataError("Calibrations are fitted on measured rows of tuning users, and there are none.")
    return Calibrations({key: _fitted(key, group) for key, group in groups.items() if _enough(key, group)})


def _enough(key: tuple[str, str], rows: Sequence[Row]) -> bool:
    return len(rows) >= FEWEST or (key[1] in (REMEMBERING, FORGETFUL) and key[0] == ANY)


def has_history(row: Row) -> bool:
    """Whether anything of the user's own was known: else what history says is the same for every label."""
    features = row.features or {}
    return any(np.ptp(features[name]) > 1e-9 for name in ("frequencies", "neighbours") if name in features)


def _fitted(key: tuple[str, str], rows: Sequence[Row]) -> Calibration:
    evidence = [{name: np.asarray(values, dtype=float) for name, values in (r.features or {}).items()} for r in rows]
    places = [list(row.measured or {}).index(row.gold) for row in rows]
    remembers = any(has_history(row) for row in rows)
    users = len({(row.data, row.user) for row in rows})
    told = f"{len(rows)} answers of {users} tuning users: {key[1]}, {key[0]}"
    return fit(evidence, places, ("model", "length"), mixed="neighbours" if remembers else None, fitted_on=told)
