"""What a user's earlier choices, and the LM, say about the next one: the features that a calibration weighs."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from personaopt.memory.episodic import Memory
from personaopt.memory.options import Options
from personaopt.memory.priors import label_frequencies, neighbour_vote, recent_label_frequencies
from personaopt.persona import estimate_tokens

HALF_LIFE = 10.0
"""After how many later choices a choice counts half in the feature `recent`."""
ADDED = 0.3
"""Pseudo-count of every option."""


def evidence(
    field: str, measured: Mapping[str, float], earlier: Sequence[Memory], options: Options | None = None
) -> dict[str, np.ndarray]:
    """The features that a calibration weighs, for one question.

    Args:
        field: The output field.
        measured: The LM's probability of each answer.
        earlier: The user's earlier interactions with their similarity to the question, oldest first.
        options: Where the answers stand for texts of the question: these are what is counted, not the answers.
    """
    answers = list(measured)
    if options is not None and set(options.texts) == set(answers):
        return _of_options(field, measured, earlier, options)
    known = [(memory.similarity, spelled(memory.interaction.ground_truth.get(field))) for memory in earlier]
    known = [(similarity, answer) for similarity, answer in known if answer in measured]
    chosen = [answer for _, answer in known]

    def logs(distribution: Mapping[str, float]) -> np.ndarray:
        return np.log([max(distribution[answer], 1e-12) for answer in answers])

    return {
        "model": logs(measured),
        "length": np.array([estimate_tokens(answer) for answer in answers], dtype=float),
        "frequencies": logs(label_frequencies(chosen, answers)),
        "recent": logs(recent_label_frequencies(chosen, answers, HALF_LIFE)),
        "neighbours": logs(neighbour_vote([similarity for similarity, _ in known], chosen, answers)),
        "related": np.zeros(len(answers)),
    }


def _of_options(
    field: str, measured: Mapping[str, float], earlier: Sequence[Memory], options: Options
) -> dict[str, np.ndarray]:
    """The same features for options: counted is how often the user chose each text."""
    counts = options.chosen_before(field, earlier)
    votes = np.array([counts[answer] + ADDED for answer in measured])
    chosen = np.log(votes / votes.sum())
    return {
        "model": np.log([max(p, 1e-12) for p in measured.values()]),
        "length": np.zeros(len(measured)),
        "frequencies": chosen,
        "recent": chosen,
        "neighbours": chosen,
        "related": np.array([options.related.get(answer, 0.0) for answer in measured]),
    }


def spelled(answer: Any) -> str:
    """An answer as the text by which it is scored and counted: JSON's words for true and false, else its text."""
    answer = answer.value if isinstance(answer, enum.Enum) else answer
    return str(answer).lower() if isinstance(answer, bool) else str(answer)
