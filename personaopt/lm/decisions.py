"""DSPy's decision parameters on measured probabilities: weights of labels, and the threshold of a yes.

`dspy.experimental.ReAnchor` fits them and keeps them in a predictor's `fields`. DSPy applies them to probabilities that
a chat model puts into words; here they are applied to those that are measured, after they were calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dspy
from dspy.adapters.decision_state import DecisionState
from dspy.adapters.types.decision import Choice, Noul, Score


def decision_state(predict: dspy.Predict) -> DecisionState:
    """The decision parameters of a predictor, defaults filled in."""
    return DecisionState(predict.signature, predict.fields)


def is_decided_by_type(signature: type[dspy.Signature]) -> bool:
    """Whether an output is itself a decision value of DSPy's, which only DSPy's own translation can make."""
    kinds = [field.annotation for field in signature.output_fields.values()]
    return any(isinstance(kind, type) and issubclass(kind, Noul | Score | Choice) for kind in kinds)


def weighed(state: DecisionState, name: str, distribution: Mapping[str, float]) -> dict[str, float]:
    """A field's distribution under its parameters, so that the likeliest answer is the one they decide on.

    A Choice's probabilities are multiplied by its weights. A yes wins where its probability reaches the threshold t:
    it is multiplied by 1 - t and the no by t.
    """
    kind = state.types.get(name)
    if kind is None:
        return dict(distribution)
    if issubclass(kind, Noul):
        threshold = state.fields[name]["threshold"]
        factors = {"true": 1.0 - threshold, "false": threshold}
    else:
        factors = state.fields[name]["weights"]
    products = {answer: p * factors.get(answer, 1.0) for answer, p in distribution.items()}
    total = sum(products.values())
    return {answer: p / total for answer, p in products.items()} if total > 0 else dict(distribution)


def report_evidence(predict: dspy.Predict, state: DecisionState, name: str, distribution: Mapping[str, float]) -> None:
    """Hand what a field was decided from to `dspy.adapters.decision.record_evidence`, where it is listening.

    ReAnchor looks for its parameters between these values, so they are what the parameters are applied to.
    """
    recorder = dspy.settings.get("_decision_evidence")
    if recorder is None or name not in state.types:
        return
    evidence: dict[str, Any] = {"probabilities": dict(distribution), "confidence": max(distribution.values())}
    if issubclass(state.types[name], Noul):
        evidence = {"noul": distribution["true"]}
    log, lock = recorder
    with lock:
        log.append((predict, name, evidence))
