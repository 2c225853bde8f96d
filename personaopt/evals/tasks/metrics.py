"""How the answers to a task are measured, as values: the table's figures, and one question's share of the first.

The figures are those of `personaopt.evals.metrics`; a task carries the value that goes with its kind of answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from personaopt.evals.metrics import classification, rating, rating_error, rouge

Kind = Literal["choice", "rating", "text"]


class Metrics(Protocol):
    """The figures of one kind of answer."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the figures, the one that methods are compared by first."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher first figure is better."""
        ...

    def one(self, prediction: str, gold: str) -> float:
        """One question's share of the first figure: the figure is the mean of these over all questions."""
        ...

    def __call__(self, predictions: Sequence[str], golds: Sequence[str]) -> Mapping[str, float]:
        """All figures by name.

        Raises:
            DataError: The two differ in length or are empty, or a gold answer is none.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Classification:
    """Accuracy and macro-F1 over all labels.

    Attributes:
        labels: Every allowed answer.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...] = ("accuracy", "f1")
    higher_is_better: bool = True

    def one(self, prediction: str, gold: str) -> float:
        """1 where the answer is the user's, 0 elsewhere."""
        return float(prediction.strip() == gold.strip())

    def __call__(self, predictions: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
        """`accuracy` and `f1`, see `classification`."""
        return classification(predictions, golds, self.labels)


@dataclasses.dataclass(frozen=True)
class Rating:
    """Mean absolute error and root of the mean squared error."""

    names: tuple[str, ...] = ("mae", "rmse")
    higher_is_better: bool = False

    def one(self, prediction: str, gold: str) -> float:
        """How many stars the answer is off."""
        return abs(rating_error(prediction, gold))

    def __call__(self, predictions: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
        """`mae` and `rmse`, see `rating`."""
        return rating(predictions, golds)


@dataclasses.dataclass(frozen=True)
class Rouge:
    """ROUGE-1 and ROUGE-L of texts, methods compared by ROUGE-L."""

    names: tuple[str, ...] = ("rouge_l", "rouge_1")
    higher_is_better: bool = True

    def one(self, prediction: str, gold: str) -> float:
        """ROUGE-L of one text."""
        return rouge([prediction], [gold])["rouge_l"]

    def __call__(self, predictions: Sequence[str], golds: Sequence[str]) -> dict[str, float]:
        """`rouge_l` and `rouge_1`, see `rouge`."""
        figures = rouge(predictions, golds)
        return {name: figures[name] for name in self.names}


def metrics_of(kind: Kind, labels: tuple[str, ...]) -> Metrics:
    """What goes with a kind of answer."""
    if kind == "choice":
        return Classification(labels)
    return Rating() if kind == "rating" else Rouge()
