"""How a section's answers are measured: the task's own metrics, asked for rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from personaopt.evals.lamp.rows import Row
from personaopt.evals.tasks.lamp import TASKS
from personaopt.evals.tasks.metrics import Kind, Metrics, metrics_of
from personaopt.evals.tasks.task import Task

_SHOWN = {"f1": "F1", "mae": "MAE", "rmse": "RMSE", "rouge_1": "ROUGE-1", "rouge_l": "ROUGE-L"}


@dataclasses.dataclass(frozen=True)
class Measure:
    """The figures of a task.

    Attributes:
        kind: What is answered.
        metrics: The task's.
    """

    kind: Kind
    metrics: Metrics

    @property
    def first(self) -> str:
        """The figure that methods are compared by."""
        return self.metrics.names[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The other figures."""
        return tuple(self.metrics.names[1:])

    @property
    def sign(self) -> float:
        """1 where a higher first figure is better, -1 where a lower one is."""
        return 1.0 if self.metrics.higher_is_better else -1.0

    def value(self, row: Row) -> float:
        """What one question adds to the mean of the first figure; a question that failed counts as wrong."""
        return self.metrics.one(row.prediction, row.gold)

    def all(self, rows: Sequence[Row]) -> Mapping[str, float]:
        """The figures of a cell, by name."""
        return self.metrics([row.prediction for row in rows], [row.gold for row in rows])


def shown(name: str) -> str:
    """A figure's name as a reader knows it."""
    return _SHOWN.get(name, name)


def measure_for(name: str, rows: Iterable[Row], tasks: Iterable[Task] = ()) -> Measure:
    """How a task is measured: as the task itself says, and of one that is not known as its rows show it.

    Answers with probabilities are a choice among the answers that have one, or ratings where all of these are
    numbers; answers without are texts, or ratings where all truths are numbers.

    Args:
        name: The task's, as its rows have it.
        rows: Of the task.
        tasks: Those that are not the benchmark's own.
    """
    task = {**TASKS, **{task.name: task for task in tasks}}.get(name)
    if task is not None:
        return Measure(task.kind, task.metrics)
    rows = list(rows)
    answers = tuple(dict.fromkeys(answer for row in rows for answer in row.probabilities or ()))
    golds = tuple(dict.fromkeys(row.gold.strip() for row in rows))
    if _all_numbers(answers or golds):
        kind: Kind = "rating"
    else:
        kind = "choice" if answers else "text"
    return Measure(kind, metrics_of(kind, tuple(dict.fromkeys((*answers, *golds)))))


def _all_numbers(texts: Iterable[str]) -> bool:
    try:
        return all(float(text) == float(text) for text in texts)
    except ValueError:
        return False
