"""From what an LM measured to an answer: one step, the same for every method that is compared.

A method hands over the raw probability of every label and, where it may look into the user's memory, the earlier
interactions with their similarity to the question. The step weighs both by a calibration that was fitted on other users
(`personaopt.evals.lamp.calibrating`) and answers: the likeliest label, or for a rating the median, which is what a mean
absolute error asks for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from personaopt.errors import DataError
from personaopt.evals.tasks import Kind, Task
from personaopt.lm.calibration import Calibration
from personaopt.memory.choices import evidence
from personaopt.memory.embedding import Embedder
from personaopt.memory.episodic import Memory
from personaopt.memory.options import options_for


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a method answers once its measurement was calibrated.

    Attributes:
        prediction: The answer, one of the labels.
        probabilities: Of every label, calibrated.
        features: What the calibration weighed, each in the order of the labels measured.
    """

    prediction: str
    probabilities: Mapping[str, float]
    features: Mapping[str, Sequence[float]]


def decide(
    task: Task,
    measured: Mapping[str, float],
    earlier: Sequence[Memory] | None,
    inputs: Mapping[str, Any],
    calibration: Calibration,
    embedder: Embedder | None = None,
) -> Decision:
    """Calibrate what was measured for one question, and answer.

    Args:
        task: What was asked.
        measured: The LM's probability of each label.
        earlier: The user's earlier interactions with their similarity to the question, oldest first; None for a method
            that may not look into the memory.
        inputs: The question.
        calibration: How they are weighed.
        embedder: Compares the options of a task whose labels stand for inputs with what the user did before; without
            one only exact matches count.

    Raises:
        DataError: Nothing was measured, or not a probability.
    """
    if not measured or not all(0.0 <= p <= 1.0 for p in measured.values()):
        raise DataError(f"A question of {task.name} needs a probability of every label; {dict(measured)!r} is none.")
    options = options_for(task.signature.output_fields[task.output], inputs, embedder)
    features = evidence(task.output, measured, earlier or (), options)
    return weighed(task.kind, measured, features, calibration)


def weighed(
    kind: Kind, measured: Mapping[str, float], features: Mapping[str, np.ndarray], calibration: Calibration
) -> Decision:
    """The answer that features which are known already lead to.

    Args:
        kind: What is answered: of ratings it is the median.
        measured: The LM's probability of each label.
        features: What is known of each label, in the same order.
        calibration: How they are weighed.

    Raises:
        DataError: The calibration weighs a feature that is missing, or the features are of other answers.
    """
    values = calibration.probabilities(features)
    if len(values) != len(measured):
        raise DataError(f"{len(measured)} answers were measured and {len(values)} have features.")
    probabilities = dict(zip(measured, values.tolist(), strict=True))
    answer = median(probabilities) if kind == "rating" else max(probabilities, key=lambda a: probabilities[a])
    return Decision(answer, probabilities, {name: feature.tolist() for name, feature in features.items()})


def median(probabilities: Mapping[str, float]) -> str:
    """The median of a distribution over ratings: the first at which half of the probability is reached.

    Raises:
        DataError: An answer is no number, or there is none.
    """
    try:
        ordered = sorted(probabilities, key=float)
    except ValueError:
        raise DataError(f"Ratings are numbers; {', '.join(probabilities)} are not.") from None
    if not ordered:
        raise DataError("A distribution needs at least one answer to have a median.")
    half, reached = sum(probabilities.values()) / 2.0, 0.0
    for answer in ordered:
        reached += probabilities[answer]
        if reached >= half:
            break
    return answer
