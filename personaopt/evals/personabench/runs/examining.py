"""The judge of a run is judged itself, on a sample of what it judged; the report stands beside the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import dspy

from personaopt.errors import DataError
from personaopt.evals.meters import Calls, Stop
from personaopt.evals.personabench.bench import Bench
from personaopt.evals.personabench.measuring.examination import drawn_examination
from personaopt.evals.personabench.measuring.judge_checks import JudgeReport, examine
from personaopt.evals.personabench.rows import Row
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.sittings import UNFINISHED
from personaopt.evals.personabench.simulation.dialogue import Dialogue
from personaopt.evals.results import write_json
from personaopt.evals.tape import Tape
from personaopt.lm.driving import drive
from personaopt.lm.local import form_of
from personaopt.lm.private_calls import private_calls

JUDGE = "judge.json"
"""In a run's folder: what came of the examination."""


def examined(
    roles: Roles, bench: Bench, rows: Iterable[Row], folder: Path, stop: Stop, *, seed: int = 0, threads: int = 8
) -> JudgeReport | None:
    """Examine the judge and write what came of it into the run's folder.

    Calls that were made before the examination was cut short are not made again.

    Args:
        roles: The judge is among them.
        bench: What was run.
        rows: What came of it.
        folder: Of the run.
        stop: Asked after every call.
        seed: For the draw.
        threads: Verdicts under way at once.

    Returns:
        The report; None where nobody judged, or there is no reply.

    Raises:
        Stopped: The run is to end.
    """
    firsts = [(row.session, Dialogue.from_dict(row.dialogue).first) for row in rows if row.dialogue]
    if roles.judge is None or not firsts:
        return None
    examination = drawn_examination(bench, firsts, seed=seed)
    named = json.dumps([roles.judge.name, seed])
    tape = Tape(folder / UNFINISHED / f"judge-{hashlib.sha256(named.encode()).hexdigest()[:16]}.jsonl")
    with (
        dspy.context(lm=roles.agent, adapter=form_of(roles.agent)),
        private_calls(""),
        tape.running(),
        Calls(stop).counted(),
    ):
        report = drive(examine(roles.judge, examination), threads=threads)
    write_json(folder / JUDGE, report.to_dict())
    tape.remove()
    return report


def read_judge_report(folder: Path) -> JudgeReport | None:
    """What came of the examination of a run's judge; None where there was none.

    Raises:
        DataError: The file is damaged.
    """
    file = folder / JUDGE
    try:
        return JudgeReport.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, DataError) as error:
        raise DataError(f"{file} cannot be read: {str(error).rstrip('.')}; take it away, or mend it.") from error
