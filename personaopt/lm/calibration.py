"""From measured scores to probabilities: one small fitted step, the same for everything it is compared with.

A language model's label scores are too sharp and know no base rate. The calibrated distribution is log-linear in named
features, each an array over the labels:

    p(label) = softmax(sum of weight * feature)

`model` is the LM's log-probability (its weight is an inverse temperature), `length` the label's length, and
`frequencies`, `recent` and `neighbours` are logs of what the user's history alone says (`personaopt.memory.priors`).
With weights for a few of them only, the others do not count. Fitting is a conditional logit with a ridge towards no
change (weight 1 for `model`, 0 for the rest).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np

from personaopt.errors import ConfigurationError, DataError

FEATURES = ("model", "length", "frequencies", "recent", "neighbours")
FLOOR = 1e-12

Evidence = Mapping[str, np.ndarray]
"""Features of one question, each of shape (labels,)."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Weights by feature; see the module's text.

    Attributes:
        weights: By feature name; finite.
        fitted_on: What the weights were fitted on, in words, and with how many questions.

    Raises:
        ConfigurationError: A feature is unknown or a weight not finite.
    """

    weights: Mapping[str, float]
    fitted_on: str = ""

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if name not in FEATURES or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ConfigurationError(
                    f"A calibration has finite weights for {', '.join(FEATURES)}; {name!r}: {weight!r} is not one."
                )
        object.__setattr__(self, "weights", {name: float(weight) for name, weight in self.weights.items()})

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.weights.items())))

    def probabilities(self, evidence: Evidence) -> np.ndarray:
        """The calibrated distribution, shape (labels,), summing to 1.

        Raises:
            DataError: A feature that has a weight is missing or not finite.
        """
        weighed = [weight * _feature(evidence, name) for name, weight in self.weights.items() if weight]
        logits = np.sum(weighed, axis=0) if weighed else np.zeros(len(next(iter(evidence.values()), ())))
        if logits.ndim != 1 or not logits.size or not np.isfinite(logits).all():
            raise DataError("A calibration needs finite features of at least one label, all of one length.")
        return _softmax(logits)

    def to_dict(self) -> dict[str, object]:
        """The calibration as JSON values."""
        return {"weights": dict(self.weights), "fitted_on": self.fitted_on}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Calibration:
        """Read `to_dict`'s values.

        Raises:
            ConfigurationError: They do not describe a calibration.
        """
        weights = values.get("weights")
        if not isinstance(weights, Mapping):
            raise ConfigurationError("A calibration is a mapping with 'weights'.")
        return cls(weights, str(values.get("fitted_on", "")))

    @classmethod
    def shipped(cls, name: str = "default") -> Calibration:
        """A calibration that comes with the library, fitted for its small local model on tuning users.

        Args:
            name: `default` (everything), or one of the reduced ones that comparisons need.

        Raises:
            ConfigurationError: There is none of this name.
        """
        known = json.loads(files("personaopt.lm").joinpath("calibrations.json").read_text(encoding="utf-8"))
        if name not in known:
            raise ConfigurationError(f"No calibration is called {name!r}; there are {', '.join(sorted(known))}.")
        return cls.from_dict(known[name])


RAW = Calibration({"model": 1.0}, "nothing: the scores as they are")


def fit(
    evidence: Sequence[Evidence],
    answers: Sequence[int],
    features: Sequence[str],
    *,
    ridge: float = 1.0,
    fitted_on: str = "",
) -> Calibration:
    """Weights that make the answers likeliest, by maximum likelihood with a ridge towards no change.

    Args:
        evidence: Features of each question; the number of labels may differ between questions.
        answers: Place of the true answer among each question's labels.
        features: Which features get a weight.
        ridge: Strength of the pull to weight 1 for `model` and 0 for the rest, in units of questions.
        fitted_on: Kept with the weights.

    Raises:
        DataError: There is nothing to fit on, or the two sequences differ in length.
        ConfigurationError: There is no feature, an unknown one, or the ridge is negative.
    """
    from scipy.optimize import minimize

    if not evidence or len(evidence) != len(answers):
        raise DataError("A calibration needs questions with their answers, one answer each.")
    if not features or not ridge >= 0:
        raise ConfigurationError(
            f"A calibration is fitted to at least one feature with a ridge of 0 or more, not {ridge}."
        )
    tables = [np.stack([_feature(question, name) for name in features]) for question in evidence]
    start = np.array([1.0 if name == "model" else 0.0 for name in features])

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        loss, slope = 0.5 * ridge * float(((weights - start) ** 2).sum()), ridge * (weights - start)
        for table, answer in zip(tables, answers, strict=True):
            p = _softmax(weights @ table)
            loss -= math.log(max(p[answer], FLOOR))
            slope += table @ p - table[:, answer]
        return loss, slope

    found = minimize(objective, start, jac=True, method="L-BFGS-B")
    weights = {name: round(float(weight), 4) for name, weight in zip(features, found.x, strict=True)}
    return Calibration(weights, fitted_on)


def _feature(evidence: Evidence, name: str) -> np.ndarray:
    if name not in evidence:
        raise DataError(f"The calibration needs the feature {name!r}, and the evidence has {', '.join(evidence)} only.")
    return np.asarray(evidence[name], dtype=float)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
