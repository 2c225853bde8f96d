"""How a task's answers are measured: which two figures a cell has, and what one question adds to the first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from personaopt.evals.lamp.rows import Row
from personaopt.evals.metrics import classification, rating, rating_error, rouge
from personaopt.evals.tasks import TASKS, Kind

_NAMES: dict[Kind, tuple[str, str]] = {
    "choice": ("accuracy", "f1"),
    "rating": ("mae", "rmse"),
    "text": ("rouge_1", "rouge_l"),
}
_SHOWN = {"accuracy": "accuracy", "f1": "F1", "mae": "MAE", "rmse": "RMSE", "rouge_1": "ROUGE-1", "rouge_l": "ROUGE-L"}


@dataclasses.dataclass(frozen=True)
class Measure:
    """The figures of a kind of task, as LaMP has them.

    Attributes:
        kind: What is answered.
        labels: Every allowed answer, for F1; empty for texts.
    """

    kind: Kind
    labels: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The figure that methods are compared by: `accuracy`, `mae` or `rouge_1`."""
        return _NAMES[self.kind][0]

    @property
    def second(self) -> str:
        """The other one: `f1`, `rmse` or `rouge_l`."""
        return _NAMES[self.kind][1]

    @property
    def lower_is_better(self) -> bool:
        """Whether a method is better the smaller the first figure is."""
        return self.kind == "rating"

    def shown(self, name: str) -> str:
        """A figure's name as a reader knows it."""
        return _SHOWN[name]

    def value(self, row: Row) -> float:
        """What one question adds to the mean of the first figure; a question that failed counts as wrong."""
        if self.kind == "choice":
            return float(row.prediction.strip() == row.gold.strip())
        if self.kind == "rating":
            return abs(rating_error(row.prediction, row.gold))
        return rouge([row.prediction], [row.gold])["rouge_1"]

    def both(self, rows: Sequence[Row]) -> dict[str, float]:
        """The two figures of a cell, by name."""
        predictions, golds = [row.prediction for row in rows], [row.gold for row in rows]
        if self.kind == "choice":
            return classification(predictions, golds, self.labels)
        return rating(predictions, golds) if self.kind == "rating" else rouge(predictions, golds)


def measure_for(task: str, rows: Iterable[Row]) -> Measure:
    """How a task is measured; of one that is not known, as its rows show it.

    Answers with probabilities are a choice among the answers that have one, or ratings where all of these are
    numbers; answers without are texts.
    """
    known = TASKS.get(task)
    if known is not None:
        return Measure(known.kind, known.labels)
    rows = list(rows)
    labels = tuple(dict.fromkeys(answer for row in rows for answer in row.probabilities or ()))
    if not labels:
        return Measure("rating" if _all_numbers(row.gold for row in rows) else "text")
    if _all_numbers(labels):
        return Measure("rating", labels)
    return Measure("choice", tuple(dict.fromkeys((*labels, *(row.gold.strip() for row in rows)))))


def _all_numbers(texts: Iterable[str]) -> bool:
    try:
        return all(float(text) == float(text) for text in texts)
    except ValueError:
        return False
