"""Single users, looked at closely: which ones, and what the alignment changed for them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from personaopt.evals.lamp.figures import truth_nll
from personaopt.evals.lamp.personas import Learnt, learnt
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import OURS, Asked, Cell, common
from personaopt.evals.lamp.summary import TaskSummary

REFERENCES = ("no-alignment", "no-persona", "personaagent", "rag", "prompt")
"""What a user's answers are compared with: the first of these that ran."""

_OF_EACH = 2


@dataclasses.dataclass(frozen=True)
class CaseStudy:
    """One user.

    Attributes:
        learnt: The persona and how it came about.
        questions: Each question as answered without the alignment (None where nothing was run without it) and with it.
        gain: How much better the answers are with it; None where nothing was run without it.
    """

    learnt: Learnt
    questions: tuple[tuple[Row | None, Row], ...]
    gain: float | None


@dataclasses.dataclass(frozen=True)
class CaseStudies:
    """The chosen users of one task.

    Attributes:
        summary: The task.
        reference: The method without the alignment; empty where none was run.
        unit: What `gain` is measured in.
        users: How many there were to choose from.
        chosen: The most helped first.
        spread: Whether these are some of them, from the most helped to the most harmed.
    """

    summary: TaskSummary
    reference: str
    unit: str
    users: int
    chosen: tuple[CaseStudy, ...]
    spread: bool = False


def case_studies(summary: TaskSummary, users: Sequence[str] = ()) -> CaseStudies | None:
    """Users whose persona was learnt by our method; None where there are none.

    Args:
        summary: The task.
        users: Which ones. Without any, two each that gained most, that lie in the middle, and that lost most.
    """
    found = learnt(summary.section, OURS)
    ours = summary.section.cell(OURS, studies=("personas", "main", "ablation", "scaling", "coldstart"))
    if not found:
        return None
    reference, theirs = _reference(summary, ours)
    shared = [] if not theirs else list(common([ours, theirs])[0])
    likely = bool(shared) and all(ours[asked].probabilities and theirs[asked].probabilities for asked in shared)
    studies = [_study(summary, each, ours, theirs, shared, likely) for each in found]
    studies.sort(key=lambda study: (-(study.gain or 0.0), study.learnt.user))
    wanted = [study for study in studies if study.learnt.user in users] if users else _spread(studies)
    unit = "nats of log-likelihood a question" if likely else f"{summary.section.measure.first} a question"
    spread = not users and len(wanted) < len(studies)
    return CaseStudies(summary, reference, unit, len(found), tuple(wanted), spread) if wanted else None


def _reference(summary: TaskSummary, ours: Cell) -> tuple[str, Cell]:
    for method in REFERENCES:
        cell = summary.section.cell(method)
        if cell and common([ours, cell])[0]:
            return method, cell
    return "", {}


def _study(
    summary: TaskSummary, each: Learnt, ours: Cell, theirs: Cell, shared: Sequence[Asked], likely: bool
) -> CaseStudy:
    own = [asked for asked in ours if asked[0] == each.user]
    measure = summary.section.measure
    gains = [
        truth_nll(theirs[asked]) - truth_nll(ours[asked])
        if likely
        else measure.sign * (measure.value(ours[asked]) - measure.value(theirs[asked]))
        for asked in shared
        if asked[0] == each.user
    ]
    gain = math.fsum(gains) / len(gains) if gains else None
    return CaseStudy(each, tuple((theirs.get(asked), ours[asked]) for asked in own), gain)


def _spread(studies: Sequence[CaseStudy]) -> list[CaseStudy]:
    if len(studies) <= 3 * _OF_EACH:
        return list(studies)
    middle = (len(studies) - _OF_EACH) // 2
    return [*studies[:_OF_EACH], *studies[middle : middle + _OF_EACH], *studies[-_OF_EACH:]]
