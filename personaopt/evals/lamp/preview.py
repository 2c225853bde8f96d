"""What a run will cost, before anything is asked: it is rehearsed with an LM that guesses.

One user of each data set sits every exam as in the run itself, so that calls are counted and prompts are written by the
same code; the answers are guesses that fit the form asked for, and no model is loaded. What that cost is multiplied by
how many questions are open. Tokens are estimated from the texts' length.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from personaopt.evals.exams import KnownTexts
from personaopt.evals.guessing import guess_of, vectors
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.running import Experiment, Known
from personaopt.evals.lamp.sittings import sit
from personaopt.evals.meters import Stop
from personaopt.lm.prices import price
from personaopt.memory.embedding import CallableEmbedder

LOCAL_SECONDS = 0.35
"""Of one call to the small local model on two cores, where a folder holds no rows to go by."""
REMOTE_SECONDS = 1.0
"""Of one call to any other, likewise; a convention."""


@dataclasses.dataclass
class Line:
    """What one method will cost under one language model.

    Attributes:
        lm: The language model's name.
        method: The method's.
        questions: Open ones.
        calls: LM calls, those of preparations among them.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        seconds: One after the other.
        usd: None where the price is not known.
    """

    lm: str
    method: str
    questions: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    usd: float | None = 0.0


@dataclasses.dataclass(frozen=True)
class Foretold:
    """What a run will cost.

    Attributes:
        lines: A method and language model each.
        known: Questions that are answered already.
        concurrency: Users under way at once.
        notes: What a reader should know.
    """

    lines: tuple[Line, ...]
    known: int
    concurrency: int
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Line:
        """All lines."""
        whole = Line("", "together")
        for line in self.lines:
            for name in ("questions", "calls", "input_tokens", "output_tokens", "seconds"):
                setattr(whole, name, getattr(whole, name) + getattr(line, name))
            whole.usd = None if whole.usd is None or line.usd is None else whole.usd + line.usd
        return whole

    def to_dict(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {
            "lines": [dataclasses.asdict(line) for line in self.lines],
            "together": dataclasses.asdict(self.total),
            "answered_before": self.known,
            "concurrency": self.concurrency,
            "notes": list(self.notes),
        }


def foretell(
    experiment: Experiment,
    rows: Iterable[Row] = (),
    *,
    concurrency: int = 1,
    lms: Mapping[str, Any] | None = None,
) -> Foretold:
    """What a run will cost.

    Args:
        experiment: What would be run.
        rows: What its folder holds: these are not computed again, and tell how long a method takes.
        concurrency: Users under way at once.
        lms: Unloaded language models by name, for their prices and forms; the small local one where there is none.
    """
    held = list(rows)
    known = Known(experiment, held)
    rehearsed = dataclasses.replace(experiment, embedder=KnownTexts(CallableEmbedder("preview", vectors)))
    lines: dict[tuple[str, str], Line] = {}
    before = 0
    for name in experiment.lms:
        lm = (lms or {}).get(name)
        sample: dict[tuple[Any, ...], tuple[Row, ...]] = {}
        paces = _paces(held, name)
        for sitting in rehearsed.sittings(name, guess_of(lm)):
            places = known.open_places(sitting)
            before += len(sitting.exam.questions) - len(places)
            if not places:
                continue
            job = (sitting.data, sitting.job)
            if job not in sample:
                told: list[Row] = []
                sit(sitting, [0], Stop(), told.append)
                sample[job] = tuple(told)
            line = lines.setdefault((name, sitting.job.method), Line(name, sitting.job.method))
            _add(line, sample[job][0], len(places), paces, lm)
    notes = ["Calls and tokens are those of a rehearsal with guessed answers; what is learnt from real ones differs."]
    if any(line.usd is None for line in lines.values()):
        notes.append("A price is not known.")
    return Foretold(tuple(lines.values()), before, concurrency, tuple(notes))


def _add(line: Line, row: Row, questions: int, paces: Mapping[str, tuple[float, float]], lm: Any) -> None:
    prepared = row.preparation or {}
    repeats = questions if row.point.online else 1
    calls = row.calls * questions + prepared.get("calls", 0) * repeats
    read = row.input_tokens * questions + prepared.get("input_tokens", 0) * repeats
    wrote = row.output_tokens * questions + prepared.get("output_tokens", 0) * repeats
    line.questions += questions
    line.calls += calls
    line.input_tokens += read
    line.output_tokens += wrote
    if row.method in paces:
        answer, prepare = paces[row.method]
        line.seconds += answer * questions + prepare * repeats
    else:
        line.seconds += calls * (LOCAL_SECONDS if lm is None else REMOTE_SECONDS)
    usd = 0.0 if lm is None or not calls else price(lm, read, wrote)
    line.usd = None if line.usd is None or usd is None else line.usd + usd


def _paces(rows: Sequence[Row], lm: str) -> dict[str, tuple[float, float]]:
    """Mean seconds of a question and of a preparation, by method, as they were measured."""
    answers: dict[str, list[float]] = {}
    prepared: dict[str, list[float]] = {}
    for row in rows:
        if row.lm == lm and not row.error:
            answers.setdefault(row.method, []).append(row.seconds)
            if row.preparation:
                prepared.setdefault(row.method, []).append(float(row.preparation.get("seconds", 0.0)))
    return {
        method: (sum(times) / len(times), sum(prepared.get(method, [])) / max(len(prepared.get(method, [])), 1))
        for method, times in answers.items()
    }
