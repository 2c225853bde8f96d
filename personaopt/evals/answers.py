"""A question of an exam, answered: what was said and how likely the truth was, and the figures of many such answers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from personaopt.evals.metrics import nll, rouge
from personaopt.lm.calibration import Calibration
from personaopt.optimizers.losses import text_similarity


@dataclasses.dataclass(frozen=True)
class Decided:
    """One question with a closed set of answers, answered.

    Attributes:
        question: Its id.
        truth: What the user chose.
        response: What was answered; empty where the LM failed.
        probabilities: Of every answer, as the agent's calibration gives them; None where the LM does not measure.
        measured: Of every answer, as the LM gives them.
        features: What a calibration weighs, see `personaopt.agent.evidence`.
    """

    question: str
    truth: str
    response: str
    probabilities: Mapping[str, float] | None = None
    measured: Mapping[str, float] | None = None
    features: Mapping[str, np.ndarray] | None = dataclasses.field(default=None, repr=False)

    @property
    def right(self) -> bool:
        """Whether the answer is what the user chose."""
        return self.truth.strip() == self.response.strip()

    @property
    def nll(self) -> float | None:
        """The negative log-likelihood of what the user chose."""
        return nll(self.truth, self.probabilities) if self.probabilities is not None else None

    def calibrated(self, calibration: Calibration) -> Decided:
        """The same question under another calibration of the same measurement."""
        if self.measured is None or self.features is None:
            return self
        answers = list(self.measured)
        values = calibration.probabilities(self.features)
        likeliest = answers[int(np.argmax(values))]
        probabilities = dict(zip(answers, values.tolist(), strict=True))
        return dataclasses.replace(self, response=likeliest, probabilities=probabilities)


@dataclasses.dataclass(frozen=True)
class Written:
    """One question that is answered by a text.

    Attributes:
        question: Its id.
        truth: What the user really wrote.
        response: What was generated; empty where the LM failed.
        nll_per_token: The negative log-likelihood of the real text, per token; None where the LM does not measure it.
        generated: Whether a text was asked for.
    """

    question: str
    truth: str
    response: str = ""
    nll_per_token: float | None = None
    generated: bool = True

    @property
    def similarity(self) -> float:
        """How similar the generated text is to the real one, in [0, 1]."""
        return text_similarity(self.truth, self.response)

    @property
    def rouge_l(self) -> float:
        """ROUGE-L of the generated text."""
        return rouge([self.response], [self.truth])["rouge_l"]


Answer = Decided | Written


def summary(answers: Sequence[Answer]) -> dict[str, float | int | None]:
    """The figures of a row: accuracy and NLL of decided answers, likelihood and similarity of written ones, and n."""
    decided = [answer for answer in answers if isinstance(answer, Decided)]
    if decided:
        return {
            "accuracy": _mean([float(answer.right) for answer in decided]),
            "nll": _mean([answer.nll for answer in decided]),
            "n": len(decided),
        }
    written = [answer for answer in answers if isinstance(answer, Written)]
    return {
        "nll_per_token": _mean([answer.nll_per_token for answer in written]),
        "similarity": _mean([answer.similarity for answer in written if answer.generated]),
        "n": len(written),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
