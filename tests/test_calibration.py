import json

import numpy as np
import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.lm.calibration import RAW, Calibration, fit

TRUE = {"model": 0.4, "frequencies": 0.8, "neighbours": -0.3}


def simulated(questions, weights=TRUE, seed=0):
    """Questions whose answers are drawn from a known calibration, with 3 to 6 labels each."""
    rng = np.random.default_rng(seed)
    evidence, answers = [], []
    for _ in range(questions):
        labels = rng.integers(3, 7)
        features = {name: rng.normal(0, 2, labels) for name in weights}
        p = Calibration(weights).probabilities(features)
        evidence.append(features)
        answers.append(int(rng.choice(labels, p=p)))
    return evidence, answers


def test_known_weights_are_found_again():
    evidence, answers = simulated(4000)
    found = fit(evidence, answers, list(TRUE), ridge=0.1, fitted_on="simulated")
    assert found.fitted_on == "simulated"
    for name, weight in TRUE.items():
        assert found.weights[name] == pytest.approx(weight, abs=0.06)


def test_a_fitted_calibration_is_likelier_than_the_raw_scores():
    evidence, answers = simulated(500)
    fitted = fit(evidence, answers, list(TRUE))
    fresh, truth = simulated(500, seed=1)

    def nll(calibration):
        return -np.mean([np.log(calibration.probabilities(e)[a]) for e, a in zip(fresh, truth, strict=True)])

    assert nll(fitted) < nll(RAW) - 0.1


def test_the_ridge_pulls_to_no_change():
    evidence, answers = simulated(30)
    strong = fit(evidence, answers, list(TRUE), ridge=1e6).weights
    assert strong["model"] == pytest.approx(1, abs=0.01)
    assert strong["frequencies"] == pytest.approx(0, abs=0.01)
    weak = fit(evidence, answers, list(TRUE), ridge=0.01).weights
    middle = fit(evidence, answers, list(TRUE), ridge=20).weights
    assert abs(middle["model"] - 1) < abs(weak["model"] - 1)


def test_raw_is_the_scores_as_they_are():
    p = np.array([0.7, 0.2, 0.1])
    assert RAW.probabilities({"model": np.log(p)}) == pytest.approx(p)
    assert RAW.probabilities({"model": np.array([-1000.0, -1001.0])}).sum() == pytest.approx(1)


def test_without_weights_every_answer_is_as_likely():
    assert Calibration({"model": 0.0}).probabilities({"model": np.array([-9.0, -1.0])}).tolist() == [0.5, 0.5]


def test_a_missing_feature_is_named():
    with pytest.raises(DataError, match="needs the feature 'recent'"):
        Calibration({"model": 1, "recent": 0.5}).probabilities({"model": np.zeros(3)})
    with pytest.raises(DataError, match="needs the feature 'recent'"):
        fit([{"model": np.zeros(3)}], [0], ["recent"])


@pytest.mark.parametrize("features", [{"model": np.array([])}, {"model": np.array([np.nan, 0])}, {}])
def test_evidence_that_says_nothing(features):
    with pytest.raises(DataError):
        RAW.probabilities(features)


@pytest.mark.parametrize("weights", [{"moon": 1.0}, {"model": float("nan")}, {"model": float("inf")}, {"model": "1"}])
def test_weights_that_are_none(weights):
    with pytest.raises(ConfigurationError):
        Calibration(weights)


def test_fitting_needs_something_to_fit_on():
    with pytest.raises(DataError):
        fit([], [], ["model"])
    with pytest.raises(DataError):
        fit([{"model": np.zeros(2)}], [0, 1], ["model"])
    with pytest.raises(ConfigurationError):
        fit([{"model": np.zeros(2)}], [0], [])
    with pytest.raises(ConfigurationError):
        fit([{"model": np.zeros(2)}], [0], ["model"], ridge=-1)


def test_saved_and_read_again():
    calibration = Calibration({"model": 0.25, "recent": 0.5}, "a few users")
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again == calibration
    assert hash(again) == hash(calibration)
    with pytest.raises(ConfigurationError):
        Calibration.from_dict({})


def test_a_share_is_fitted_with_the_power():
    truth = Calibration({"model": 0.5}, shares={"neighbours": 0.7}, power=1.0)
    rng = np.random.default_rng(0)
    evidence, answers = [], []
    for _ in range(3000):
        question = {"model": rng.normal(0, 3, 5), "neighbours": np.log(rng.dirichlet(np.ones(5)))}
        evidence.append(question)
        answers.append(int(rng.choice(5, p=truth.probabilities(question))))
    found = fit(evidence, answers, ["model"], mixed="neighbours")
    assert 0.4 < found.shares["neighbours"] < 0.9  # the model's weights come first, fitted as if it were alone

    def nll(calibration):
        return -np.mean([np.log(calibration.probabilities(e)[a]) for e, a in zip(evidence, answers, strict=True)])

    assert nll(found) < min(nll(fit(evidence, answers, ["model"])), nll(fit(evidence, answers, ["neighbours"]))) - 0.05
    assert nll(found) == pytest.approx(nll(truth), abs=0.05)


def test_a_mixture_is_a_distribution_and_is_saved():
    mixture = Calibration({"model": 1.0}, "someone", {"neighbours": 0.5}, 2.0)
    values = mixture.probabilities({"model": np.log([0.9, 0.1]), "neighbours": np.log([0.1, 0.9])})
    assert values == pytest.approx([0.5, 0.5])
    sharp = mixture.probabilities({"model": np.log([0.9, 0.1]), "neighbours": np.log([0.5, 0.5])})
    assert sharp == pytest.approx(np.array([0.49, 0.09]) / 0.58)
    assert Calibration.from_dict(json.loads(json.dumps(mixture.to_dict()))) == mixture
    for shares, power in (({"neighbours": 1.5}, 1.0), ({"neighbours": -0.1}, 1.0), ({}, 0.0), ({"moon": 0.1}, 1.0)):
        with pytest.raises(ConfigurationError):
            Calibration({"model": 1.0}, "", shares, power)


@pytest.mark.parametrize("name", ["default", "model", "model+frequencies", "direct", "frequencies", "neighbours"])
def test_what_is_shipped_can_be_used(name):
    evidence = {key: np.log([0.6, 0.3, 0.1]) for key in ("model", "frequencies", "recent", "neighbours")} | {
        "length": np.ones(3)
    }
    values = Calibration.shipped(name).probabilities(evidence)
    assert values.sum() == pytest.approx(1)
    assert values.argmax() == 0
