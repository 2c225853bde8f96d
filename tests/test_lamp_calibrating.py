"""Calibrations fitted from the rows of a run: on tuning users alone, and what stands in for others."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from personaopt.errors import ConfigurationError, DataError
from personaopt.evals.lamp.calibrating import ANY, FORGETFUL, REMEMBERING, Calibrations, calibrate, recalibrated
from personaopt.evals.lamp.data import is_tuning_user
from personaopt.evals.lamp.rows import Row
from personaopt.lm.calibration import RAW

LABELS = ("politics", "sports", "crime")
TUNING = [name for name in (f"u{number}" for number in range(200)) if is_tuning_user(name)][:20]
OTHERS = [name for name in (f"u{number}" for number in range(200)) if not is_tuning_user(name)][:20]


def rows(method: str, users: list[str], *, sharp: float, task: str = "LaMP-2N", memory: float = 0.0) -> list[Row]:
    """Answers whose LM is right half of the time and `sharp` times too sure; the memory knows the truth by `memory`."""
    draw = np.random.default_rng(7)
    made = []
    for place in range(120):
        truth = int(draw.integers(3))
        belief = draw.normal(size=3)
        belief[truth] += 1.0
        logits = sharp * belief
        measured = np.exp(logits - logits.max())
        measured /= measured.sum()
        known = np.full(3, (1 - memory) / 3)
        known[truth] += memory * (draw.random() < 0.8)
        known /= known.sum()
        features = {
            "model": np.log(measured + 1e-12).tolist(),
            "length": [1.0, 1.0, 1.0],
            "frequencies": [0.0, 0.0, 0.0],
            "recent": [0.0, 0.0, 0.0],
            "neighbours": np.log(known).tolist(),
        }
        made.append(
            Row(
                "main",
                task,
                "folder",
                "local",
                method,
                users[place % len(users)],
                f"q{place}",
                place,
                LABELS[truth],
                LABELS[int(np.argmax(belief))],
                measured=dict(zip(LABELS, measured.tolist(), strict=True)),
                features=features,
            )
        )
    return made


def test_scores_that_are_too_sharp_are_made_less_so_and_other_users_do_not_count() -> None:
    found = calibrate([*rows("prompt", TUNING, sharp=4.0), *rows("prompt", OTHERS, sharp=0.1)])
    calibration = found.of("LaMP-2N", "prompt", remembers=False)
    assert 0.15 < calibration.weights["model"] < 0.4
    assert set(found.known) == {(task, kind) for task in ("LaMP-2N", ANY) for kind in (FORGETFUL,)}


def test_a_method_that_remembers_is_given_what_the_memory_knows() -> None:
    found = calibrate(rows("rag", TUNING, sharp=1.0, memory=0.8))
    calibration = found.of("LaMP-2N", "rag", remembers=True)
    assert calibration.shares or calibration.weights.get("neighbours", 0.0) > 0.5
    assert ("LaMP-2N", REMEMBERING) in found.known
    assert ("LaMP-2N", FORGETFUL) not in found.known


def test_a_task_without_a_fit_takes_the_method_s_and_a_method_without_one_its_kind_s() -> None:
    found = calibrate(rows("rag", TUNING, sharp=2.0, memory=0.5) + rows("prompt", TUNING, sharp=3.0))
    own = Calibrations({**found.known, ("LaMP-2N", "rag"): RAW})
    assert own.of("LaMP-2N", "rag", remembers=True) is RAW
    assert found.of("LaMP-2M", "pag", remembers=True) is found.known[ANY, REMEMBERING]
    assert found.of("LaMP-2N", "pag", remembers=True) is found.known["LaMP-2N", REMEMBERING]
    assert found.of("LaMP-2M", "no-memory", remembers=False) is found.known[ANY, FORGETFUL]
    assert Calibrations({}).of("LaMP-3", "rag", remembers=True) is RAW


def test_they_are_written_and_read(tmp_path: Path) -> None:
    found = calibrate(rows("prompt", TUNING, sharp=2.0))
    found.save(tmp_path / "own.json")
    assert Calibrations.load(tmp_path / "own.json").known == dict(found.known)
    assert Calibrations.load().of("LaMP-2M", "personaopt", remembers=True) is not RAW


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema": 1, "calibrations": {"a": {"b": {"weights": {"x": 1}}}}}']
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "own.json").write_text(content)
    with pytest.raises(ConfigurationError):
        Calibrations.load(tmp_path / "own.json")


def test_rows_are_answered_anew_from_what_was_measured() -> None:
    answered = rows("prompt", OTHERS, sharp=4.0)
    found = calibrate(rows("prompt", TUNING, sharp=4.0))
    again = recalibrated([*answered, dataclasses.replace(answered[0], features=None)], found)
    assert again[-1].probabilities is None
    assert all(sum(row.probabilities.values()) == pytest.approx(1.0) for row in again[:-1])

    def loss(probabilities: list[dict[str, float]]) -> float:
        return -float(np.mean([np.log(p[row.gold] + 1e-12) for p, row in zip(probabilities, answered, strict=True)]))

    assert loss([row.probabilities for row in again[:-1]]) < loss([row.measured for row in answered]) - 0.2


def test_ratings_of_a_task_of_ones_own_are_their_median() -> None:
    stars = {"1": 0.4, "2": 0.0, "3": 0.3, "4": 0.0, "5": 0.3}
    features = {"model": np.log([max(p, 1e-12) for p in stars.values()]).tolist(), "length": [1.0] * 5}
    rated = Row("main", "stars", "d", "local", "prompt", "u", "q", 0, "3", "1", measured=stars, features=features)
    (again,) = recalibrated([rated], Calibrations({}))
    assert again.prediction == "3"
    with pytest.raises(DataError, match="4 answers were measured and 5 have features"):
        recalibrated([dataclasses.replace(rated, measured=dict.fromkeys("1234", 0.25))], Calibrations({}))


def test_without_tuning_users_there_is_nothing_to_fit_on() -> None:
    with pytest.raises(DataError, match="tuning users"):
        calibrate(rows("prompt", OTHERS, sharp=1.0))
