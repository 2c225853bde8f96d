"""What is measured: the figures of a method, each with what it says and which rows it is taken from.

Every figure is a mean over personas of a persona's own mean, so that one with more sessions does not weigh more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from personaopt.evals.personabench.measuring.telling import AFTER_CHANGE
from personaopt.evals.personabench.rows import Row

Value = Callable[[Row], float | None]


@dataclasses.dataclass(frozen=True)
class Measure:
    """A figure.

    Attributes:
        name: In `summary.json`.
        called: In tables and plots.
        said: What it is, in a sentence.
        value: What a row says of it; None where it says nothing.
        sign: 1 where more is better, -1 where less is, 0 where neither is.
        at_end: Whether only the rows of last sessions count.
        highest: What it cannot pass; None where there is no such figure.
        counted: Whether it is a share of what is so or is not: 0 of a few is not 0 for certain.
    """

    name: str
    called: str
    said: str
    value: Value
    sign: int = 1
    at_end: bool = False
    highest: float | None = 1.0
    counted: bool = False

    @property
    def better(self) -> str:
        """Which way is better, in words; empty where neither is."""
        return {1: "higher is better", -1: "lower is better"}.get(self.sign, "")


MEASURES = (
    Measure("helpfulness", "helpfulness", "of the first reply, 0 to 10", lambda row: row.helpfulness, highest=10.0),
    Measure(
        "personalization", "personalization", "of the first reply, 0 to 10",
        lambda row: row.personalization, highest=10.0,
    ),
    Measure(
        "similarity", "similarity", "of the persona after the last session and the golden one, 0 to 10",
        lambda row: row.similarity, at_end=True, highest=10.0,
    ),
    Measure(
        "similarity_coverage", "coverage", "how much of the golden persona is known, 0 to 10; a half of similarity",
        lambda row: row.similarity_parts.get("coverage"), at_end=True, highest=10.0,
    ),
    Measure(
        "similarity_correctness", "correctness", "how much of what is held is so, 0 to 10; the other half",
        lambda row: row.similarity_parts.get("correctness"), at_end=True, highest=10.0,
    ),
    Measure(
        "field_f1", "field F1", "of the persona after the last session, against all fields that hold",
        lambda row: row.field_f1, at_end=True,
    ),
    Measure(
        "field_f1_said", "field F1, said", "the same against what the user has said",
        lambda row: row.field_f1_said, at_end=True,
    ),
    Measure(
        "field_f1_after_change", "field F1, after a change",
        f"{AFTER_CHANGE} sessions after a lasting change was said, against what the user has said",
        lambda row: row.field_f1_said if row.since_change == AFTER_CHANGE else None,
    ),
    Measure(
        "field_f1_after_change_all", "field F1, after a change, all",
        f"{AFTER_CHANGE} sessions after a lasting change was said, against all fields, also those not said yet",
        lambda row: row.field_f1 if row.since_change == AFTER_CHANGE else None,
    ),
    Measure(
        "changes_learnt", "changes learnt",
        f"lasting changes said {AFTER_CHANGE} sessions before, of which the new value is held and the old one is not",
        lambda row: row.changes_learnt / row.changes_said if row.changes_said else None, counted=True,
    ),
    Measure(
        "field_precision", "precision", "the part of what is held that is so, after the last session",
        lambda row: row.field_precision, at_end=True,
    ),
    Measure(
        "field_recall", "recall", "the part of what is so that is held, after the last session",
        lambda row: row.field_recall, at_end=True,
    ),
    Measure(
        "utterances", "utterances", "messages of the user until satisfied, over all sessions",
        lambda row: float(row.utterances), sign=-1, highest=None,
    ),
    Measure(
        "utterances_knowable", "utterances, knowable",
        "the same over sessions whose right answer depends on nothing but what had been said before",
        lambda row: float(row.utterances) if row.knowable else None, sign=-1, highest=None,
    ),
    Measure(
        "staleness", "staleness",
        "stale first replies, as a part of all those for which what they depend on had been said before",
        lambda row: float(row.stale) if row.knowable else None, sign=-1, counted=True,
    ),
    Measure(
        "staleness_at_risk", "staleness, at risk",
        "stale first replies, as a part of those for which something they depend on had changed and been said before",
        lambda row: float(row.stale) if row.at_risk else None, sign=-1, counted=True,
    ),
    Measure(
        "satisfied", "satisfied", "sessions whose user was satisfied in the end", lambda row: float(row.satisfied),
        counted=True,
    ),
    Measure(
        "tool_accuracy", "tool accuracy", "expected function calls that were made, with the right arguments",
        lambda row: row.calls_right / row.calls_expected if row.calls_expected else None, counted=True,
    ),
    Measure(
        "persona_tokens", "persona tokens", "length of the persona after the last session",
        lambda row: float(row.persona_tokens), sign=0, at_end=True, highest=None,
    ),
)  # fmt: skip
"""Every figure of a method."""

NAMED = {measure.name: measure for measure in MEASURES}
"""The same by name."""
