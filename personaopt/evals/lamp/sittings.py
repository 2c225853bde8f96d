"""One user's exam taken by one method: prepare, then question after question in the order of time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import dspy

from personaopt.evals.exams import Exam
from personaopt.evals.lamp.calibrating import Calibrations
from personaopt.evals.lamp.deciding import decide
from personaopt.evals.lamp.experiment import Job
from personaopt.evals.lamp.methods.method import Method, MethodOf, Preparation, Setting
from personaopt.evals.lamp.rows import Row
from personaopt.evals.meters import Calls, Stop
from personaopt.evals.turns import LONGEST_REASON, reason
from personaopt.interaction import Interaction
from personaopt.lm.local import form_of
from personaopt.lm.metering import Usage
from personaopt.lm.private_calls import private_calls
from personaopt.memory import User, open_store
from personaopt.memory.choices import spelled
from personaopt.memory.embedding import Embedder
from personaopt.memory.forgotten import user_hash


@dataclasses.dataclass(frozen=True)
class Sitting:
    """What one user is asked under one method, and with what.

    Attributes:
        data: The name of the data set.
        lm_name: As it was asked for.
        lm: The language model; None for one that is loaded elsewhere and configured already.
        job: Method and point.
        exam: History and questions.
        setting: Of the method.
        make: Makes the method.
        calibrations: How all methods' measurements are calibrated.
        embedder: Shared by all.
        seed: The run's.
    """

    data: str
    lm_name: str
    lm: Any
    job: Job
    exam: Exam
    setting: Setting
    make: MethodOf
    calibrations: Calibrations
    embedder: Embedder
    seed: int = 0

    def row(self, place: int, **values: Any) -> Row:
        """The row of a question, as the first study that shows it calls it."""
        question = self.exam.questions[place]
        study, point = self.job.shown[0]
        return Row(
            study=study,
            task=self.setting.task.name,
            data=self.data,
            lm=self.lm_name,
            method=self.job.method,
            user=self.exam.user_id,
            question=question.id,
            place=place,
            inputs=dict(question.inputs),
            gold=spelled(question.ground_truth[self.setting.task.output]),
            point=point,
            seed=self.seed,
            **{"prediction": "", **values},
        )

    def shown(self, row: Row) -> list[Row]:
        """The row in every study that shows it."""
        return [dataclasses.replace(row, study=study, point=point) for study, point in self.job.shown]


def sit(sitting: Sitting, open_places: Collection[int], stop: Stop, tell: Callable[[Row], None]) -> None:
    """Let a method take the exam.

    The memory of its own holds the history; before each question it is told what became known since, and after it what
    the user really said. Questions that are not open are not asked, and told all the same.

    Args:
        sitting: What is asked.
        open_places: The questions to ask.
        stop: Asked between questions and calls.
        tell: Given each row as soon as it is there. What goes wrong is a row with an error, never the end.

    Raises:
        Stopped: The run is to end.
    """
    exam, lm = sitting.exam, sitting.lm
    owner = private_calls(user_hash(exam.user_id))  # nothing comes from DSPy's cache: every call is paid and counted
    with (
        dspy.context(**({} if lm is None else {"lm": lm, "adapter": form_of(lm)})),
        owner,
        open_store(":memory:", embedder=sitting.embedder) as store,
    ):
        user = store.user(exam.user_id)
        user.record(exam.history)
        method, prepared, failed = _prepared(sitting, user, stop)
        last = max(open_places, default=-1)
        for place, question in enumerate(exam.questions[: last + 1]):
            stop.check()
            if place < len(exam.news):
                user.record(exam.news[place])
            if sitting.job.point.online and place and method is not None:
                prepared, failed = _prepare(method, stop)
            if place in open_places:
                known = prepared if not place or sitting.job.point.online else None
                row = sitting.row(place, error=failed) if method is None or failed else _asked(
                    sitting, method, place, stop, user
                )  # fmt: skip
                tell(dataclasses.replace(row, preparation=known))
            user.record(question)


def _prepared(sitting: Sitting, user: User, stop: Stop) -> tuple[Method | None, dict[str, Any], str]:
    try:
        method = sitting.make(user, sitting.setting)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to these questions and not the run's end
        return None, {"error": reason(error)}, f"It could not be made: {reason(error)}"
    return method, *_prepare(method, stop)


def _prepare(method: Method, stop: Stop) -> tuple[dict[str, Any], str]:
    """What a method learnt and what that cost, and why it could not."""
    began, failed, learnt = time.perf_counter(), "", Preparation()
    with Calls(stop).counted() as calls:
        try:
            learnt = method.prepare()
        except Exception as error:  # noqa: BLE001 - as above
            failed = f"It could not prepare: {reason(error)}"
    seconds = time.perf_counter() - began
    values = {**dataclasses.asdict(learnt), **_cost(calls.usage), "seconds": round(seconds, 4)}
    return {**values, "error": failed} if failed else values, failed


def _asked(sitting: Sitting, method: Method, place: int, stop: Stop, user: User) -> Row:
    question = sitting.exam.questions[place]
    size = user.count()
    values: dict[str, Any]
    began = time.perf_counter()
    with Calls(stop).counted() as calls:
        try:
            answer = method(**dict(question.inputs))
            values = _decided(sitting, question, answer)
        except Exception as error:  # noqa: BLE001 - one question that goes wrong is a row of the table
            values = {"error": reason(error)}
    seconds = time.perf_counter() - began
    return sitting.row(
        place,
        **values,
        **_cost(calls.usage),
        seconds=round(seconds, 4),
        prompt_hash=calls.prompt_hash,
        history_size=size,
    )


def _decided(sitting: Sitting, question: Interaction, answer: Any) -> dict[str, Any]:
    """What a method answered, with what was measured calibrated by the one step that all methods share."""
    task = sitting.setting.task
    values: dict[str, Any] = {
        "prediction": spelled(answer.get(task.output, "")),
        "persona_version": int(answer.get("persona_version") or 0),
        "actions": [_action(each) for each in answer.get("actions") or ()],
    }
    measured: Mapping[str, float] | None = (answer.get("probabilities") or {}).get(task.output)
    if not measured:
        shares = (answer.get("shares") or {}).get(task.output)  # a count, not measured by an LM: nothing to calibrate
        return values | {"probabilities": {label: float(p) for label, p in shares.items()}} if shares else values
    earlier = answer.get("earlier")
    calibration = sitting.calibrations.of(task.name, sitting.job.method, remembers=earlier is not None)
    decision = decide(task, measured, earlier, question.inputs, calibration, sitting.embedder)
    return values | {
        "prediction": decision.prediction,
        "probabilities": {label: float(p) for label, p in decision.probabilities.items()},
        "measured": {label: float(p) for label, p in measured.items()},
        "features": {name: [float(each) for each in feature] for name, feature in decision.features.items()},
    }


def _action(action: Any) -> dict[str, Any]:
    """What is kept of an action: which tool, with what, and how it went; its result may be long."""
    values = dict(action if isinstance(action, Mapping) else vars(action))
    kept = {name: values.get(name) for name in ("tool", "arguments", "error", "seconds")}
    return {
        **kept,
        "arguments": {name: str(value)[:LONGEST_REASON] for name, value in (kept["arguments"] or {}).items()},
    }


def _cost(usage: Usage) -> dict[str, Any]:
    names = ("calls", "input_tokens", "output_tokens", "cached_tokens", "usd")
    free = getattr(getattr(dspy.settings.lm, "engine", None), "parameters", None) is not None  # it runs here
    return {name: getattr(usage, name) for name in names} | ({"usd": 0.0} if free else {})
