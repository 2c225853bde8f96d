"""Calibrations for a run, fitted from the rows of another run on tuning users.

All methods that may look into the memory share their weights, and so do all that may not: methods are compared by what
they measured, not by how well each could be fitted. The log-probability, the label's length and, where answers stand
for options, their likeness to the question get weights. For methods that may look into the memory there are two forms
of bringing in what the user did before: as a share of a mixture, or as further weights. Taken is the one that predicts
users better that it was not fitted on: where an LM is right about a task weights win, where it is not a mixture does.

For a task that nothing was fitted on (one that is kept for reporting) there are those fitted over all tasks whose
answers are labels, each question counting alike.
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
from personaopt.evals.lamp.deciding import weighed
from personaopt.evals.lamp.measures import measure_for
from personaopt.evals.lamp.rows import Row
from personaopt.evals.tasks import Task
from personaopt.lm.calibration import FLOOR, RAW, Calibration, fit

REMEMBERING, FORGETFUL = "with memory", "without memory"
ANY = "any task"
FEWEST = 30
"""To fewer answers nothing is fitted: those of all tasks are taken, or without them the scores as they are."""
REMEMBERED = ("frequencies", "neighbours")
PARTS = 5
"""Into so many parts the users are divided to compare the forms."""
SCHEMA = 1
Form = tuple[tuple[str, ...], str | None]
"""Features with weights, and the one that is mixed in."""


@dataclasses.dataclass(frozen=True)
class Calibrations:
    """Calibrations by task and method.

    Attributes:
        known: By (task or `any task`, kind of method: `with memory`, `without memory`); a file may name a method too,
            which comes before its kind.
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
    usable = [
        row
        for row in rows
        if row.features is not None and row.measured and row.gold in row.measured and is_tuning_user(row.user)
    ]
    remembering = {row.method for row in usable if _tells_apart(row, *REMEMBERED)}
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in usable:
        kind = REMEMBERING if row.method in remembering else FORGETFUL
        tasks = (row.task,) if _tells_apart(row, "related") else (row.task, ANY)
        for task in tasks:
            groups[task, kind].append(row)
    if not groups:
        raise DataError("Calibrations are fitted on measured rows of tuning users, and there are none.")
    return Calibrations({key: _fitted(key, group) for key, group in groups.items() if len(group) >= FEWEST})


def recalibrated(rows: Sequence[Row], calibrations: Calibrations, tasks: Sequence[Task] = ()) -> list[Row]:
    """The same rows answered anew from what was measured, under other calibrations; no LM is asked.

    Args:
        rows: Of one run or several; those that nothing was measured for stay as they are.
        calibrations: What to decide by.
        tasks: Those that are not the benchmark's own; what other ones answer follows from their rows.

    Raises:
        DataError: A row's features are not those of its answers.
    """
    remembering = {row.method for row in rows if _tells_apart(row, *REMEMBERED)}
    names = {row.task for row in rows if row.measured}
    kinds = {name: measure_for(name, (row for row in rows if row.task == name), tasks).kind for name in names}
    decided = []
    for row in rows:
        if row.features and row.measured:
            features = {name: np.asarray(values, dtype=float) for name, values in row.features.items()}
            calibration = calibrations.of(row.task, row.method, remembers=row.method in remembering)
            decision = weighed(kinds[row.task], row.measured, features, calibration)
            row = dataclasses.replace(row, prediction=decision.prediction, probabilities=decision.probabilities)
        decided.append(row)
    return decided


def _tells_apart(row: Row, *names: str) -> bool:
    """Whether one of these features is not the same for every label."""
    features = row.features or {}
    return any(np.ptp(features[name]) > 1e-9 for name in names if name in features)


def _fitted(key: tuple[str, str], rows: Sequence[Row]) -> Calibration:
    users = sorted({(row.data, row.user) for row in rows})
    told = f"{len(rows)} answers of {len(users)} tuning users: {key[1]}, {key[0]}"
    measured = ("model", "length", *(("related",) if any(_tells_apart(row, "related") for row in rows) else ()))
    forms: list[Form] = [(measured, None)]
    if any(_tells_apart(row, *REMEMBERED) for row in rows):
        forms = [(measured, "neighbours"), ((*measured, *REMEMBERED), None)]
    best = min(forms, key=lambda form: _loss_on_others(rows, form)) if len(forms) > 1 else forms[0]
    return _fit(rows, best, told)


def _fit(rows: Sequence[Row], form: Form, told: str = "") -> Calibration:
    evidence = [{name: np.asarray(values, dtype=float) for name, values in (r.features or {}).items()} for r in rows]
    places = [list(row.measured or {}).index(row.gold) for row in rows]
    return fit(evidence, places, form[0], mixed=form[1], fitted_on=told)


def _loss_on_others(rows: Sequence[Row], form: Form) -> float:
    """The mean negative log-likelihood of each part of the users under what was fitted on all others."""
    users = sorted({(row.data, row.user) for row in rows})
    part = {user: place % PARTS for place, user in enumerate(users)}
    losses = []
    for number in range(PARTS):
        rest = [row for row in rows if part[row.data, row.user] != number]
        if not rest or len(rest) == len(rows):
            continue
        calibration = _fit(rest, form)
        for row in rows:
            if part[row.data, row.user] == number:
                features = {name: np.asarray(values) for name, values in (row.features or {}).items()}
                place = list(row.measured or {}).index(row.gold)
                losses.append(-float(np.log(max(calibration.probabilities(features)[place], FLOOR))))
    return float(np.mean(losses)) if losses else 0.0
