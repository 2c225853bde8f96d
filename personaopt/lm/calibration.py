"""From measured scores to probabilities: one small fitted step, the same for everything it is compared with.

A language model's label scores are too sharp and know no base rate. The calibrated distribution is log-linear in named
features, each an array over the labels, and may be mixed with what some features say by themselves:

    p(label) ~ ((1 - sum of shares) * softmax(sum of weight * feature) + sum of share * exp(feature)) ** power

`model` is the LM's log-probability (its weight is an inverse temperature), `length` the label's length, and
`frequencies`, `recent` and `neighbours` are logs of what the user's history alone says (`personaopt.memory.priors`);
`related` says how similar an option is to the question, where answers stand for options (`personaopt.memory.options`).
With weights for a few of them only, the others do not count. Fitting is a conditional logit with a ridge towards no
change (weight 1 for `model`, 0 for the rest); shares and power follow by maximum likelihood. How far a model can be
trusted differs between tasks by more than any fit can know beforehand: a product of distributions breaks on it, a
mixture does not.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files

import numpy as np

from personaopt.errors import ConfigurationError, DataError

FEATURES = ("model", "length", "frequencies", "recent", "neighbours", "related")
FLOOR = 1e-12
UNITS = {"related": 0.1}
"""What counts as a difference of one when weights are pulled back: a cosine differs by tenths, a logarithm by ones."""

Evidence = Mapping[str, np.ndarray]
"""Features of one question, each of shape (labels,)."""


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Weights by feature; see the module's text.

    Attributes:
        weights: By feature name; finite.
        shares: Of features that are log-probabilities, by name; each at least 0, together at most 1.
        power: Sharpens the result above 1; positive.
        fitted_on: What the weights were fitted on, in words, and with how many questions.

    Raises:
        ConfigurationError: A feature is unknown, a weight not finite, or a share or the power outside its range.
    """

    weights: Mapping[str, float]
    fitted_on: str = ""
    shares: Mapping[str, float] = dataclasses.field(default_factory=dict)
    power: float = 1.0

    def __post_init__(self) -> None:
        for name, weight in [*self.weights.items(), *self.shares.items()]:
            if name not in FEATURES or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ConfigurationError(
                    f"A calibration has finite weights for {', '.join(FEATURES)}; {name!r}: {weight!r} is not one."
                )
        if min(self.shares.values(), default=0.0) < 0 or sum(self.shares.values()) > 1 or not 0 < self.power < math.inf:
            raise ConfigurationError("A calibration's shares lie in [0, 1], also together, and its power is above 0.")
        object.__setattr__(self, "weights", {name: float(weight) for name, weight in self.weights.items()})
        object.__setattr__(self, "shares", {name: float(share) for name, share in self.shares.items()})

    def __hash__(self) -> int:
        return hash((*sorted(self.weights.items()), *sorted(self.shares.items()), self.power))

    def probabilities(self, evidence: Evidence) -> np.ndarray:
        """The calibrated distribution, shape (labels,), summing to 1.

        Raises:
            DataError: A feature that has a weight is missing or not finite.
        """
        weighed = [weight * _feature(evidence, name) for name, weight in self.weights.items() if weight]
        logits = np.sum(weighed, axis=0) if weighed else np.zeros(len(next(iter(evidence.values()), ())))
        if logits.ndim != 1 or not logits.size or not np.isfinite(logits).all():
            raise DataError("A calibration needs finite features of at least one label, all of one length.")
        mixed = (1.0 - sum(self.shares.values())) * _softmax(logits)
        for name, share in self.shares.items():
            mixed = mixed + share * _softmax(_feature(evidence, name))
        return _softmax(self.power * np.log(np.maximum(mixed, FLOOR))) if self.shares or self.power != 1 else mixed

    def to_dict(self) -> dict[str, object]:
        """The calibration as JSON values."""
        mixture = {"shares": dict(self.shares), "power": self.power} if self.shares or self.power != 1 else {}
        return {"weights": dict(self.weights), **mixture, "fitted_on": self.fitted_on}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Calibration:
        """Read `to_dict`'s values.

        Raises:
            ConfigurationError: They do not describe a calibration.
        """
        weights, shares, power = values.get("weights"), values.get("shares", {}), values.get("power", 1.0)
        if not isinstance(weights, Mapping) or not isinstance(shares, Mapping) or not isinstance(power, int | float):
            raise ConfigurationError("A calibration is a mapping with 'weights', and perhaps 'shares' and a 'power'.")
        return cls(weights, str(values.get("fitted_on", "")), shares, power)

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
    mixed: str | None = None,
    ridge: float = 1.0,
    fitted_on: str = "",
) -> Calibration:
    """Weights that make the answers likeliest, by maximum likelihood with a ridge towards no change.

    Args:
        evidence: Features of each question; the number of labels may differ between questions.
        answers: Place of the true answer among each question's labels.
        features: Which features get a weight.
        mixed: A feature that is mixed in with a share of its own; a power is fitted with it.
        ridge: Strength of the pull to weight 1 for `model` and 0 for the rest, and to even shares in a mixture, in
            units of questions.
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
    tables, real = _padded([np.stack([_feature(question, name) for name in features]) for question in evidence])
    places = np.asarray(answers)
    rows = np.arange(len(places))
    start = np.array([1.0 if name == "model" else 0.0 for name in features])
    truths = tables[rows, :, places]
    pull = ridge * np.array([UNITS.get(name, 1.0) ** 2 for name in features])

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        p = _softmax_rows(np.einsum("f,nfl->nl", weights, tables), real)
        loss = 0.5 * float((pull * (weights - start) ** 2).sum()) - float(_logs(p[rows, places]).sum())
        slope = pull * (weights - start) + np.einsum("nfl,nl->f", tables, p) - truths.sum(axis=0)
        return loss, slope

    found = minimize(objective, start, jac=True, method="L-BFGS-B")
    weights = {name: round(float(weight), 4) for name, weight in zip(features, found.x, strict=True)}
    fitted = Calibration(weights, fitted_on)
    return _with_mixture(fitted, evidence, answers, mixed, ridge) if mixed else fitted


def _with_mixture(
    calibration: Calibration, evidence: Sequence[Evidence], answers: Sequence[int], feature: str, ridge: float
) -> Calibration:
    """The calibration with the share of one feature, and the power, that make the answers likeliest.

    The ridge pulls the share to a half and the power to 1, so that a few lucky answers do not make it sure of itself.
    """
    from scipy.optimize import minimize

    own, real = _padded([calibration.probabilities(question)[None] for question in evidence])
    other, _ = _padded([_softmax(_feature(question, feature))[None] for question in evidence])
    own, other = own[:, 0], other[:, 0]
    rows, places = np.arange(len(answers)), np.asarray(answers)

    def loss(point: np.ndarray) -> float:
        share, power = 1.0 / (1.0 + math.exp(-point[0])), math.exp(point[1])
        p = _softmax_rows(power * _logs((1 - share) * own + share * other), real)
        return 0.5 * ridge * float((point**2).sum()) - float(_logs(p[rows, places]).sum())

    share, power = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6}).x
    shares = {feature: round(1.0 / (1.0 + math.exp(-float(share))), 4)}
    return dataclasses.replace(calibration, shares=shares, power=round(math.exp(float(power)), 4))


def _feature(evidence: Evidence, name: str) -> np.ndarray:
    if name not in evidence:
        raise DataError(f"The calibration needs the feature {name!r}, and the evidence has {', '.join(evidence)} only.")
    return np.asarray(evidence[name], dtype=float)


def _padded(tables: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Tables of shape (features, labels) as one array, and which of its labels are real."""
    widest = max(table.shape[1] for table in tables)
    whole = np.zeros((len(tables), tables[0].shape[0], widest))
    real = np.zeros((len(tables), widest), dtype=bool)
    for place, table in enumerate(tables):
        whole[place, :, : table.shape[1]] = table
        real[place, : table.shape[1]] = True
    return whole, real


def _softmax_rows(logits: np.ndarray, real: np.ndarray) -> np.ndarray:
    logits = np.where(real, logits, -np.inf)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _logs(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, FLOOR))


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
