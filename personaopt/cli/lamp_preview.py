"""What `personaopt eval lamp run --preview` does: says what a run would cost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from personaopt.cli.lamp_run import Wanted, experiment_of
from personaopt.cli.output import print_table

if TYPE_CHECKING:
    from personaopt.evals.lamp.preview import Foretold


def previewed(wanted: Wanted, json: bool) -> dict[str, Any]:
    """Say what it would cost; no language model is loaded or asked, and nothing is written."""
    import dspy

    from personaopt.evals.lamp.preview import foretell
    from personaopt.evals.lamp.results import read_rows
    from personaopt.evals.results import ROWS

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its price list would be looked for in the network
    experiment = experiment_of(wanted, wanted.read(), None)
    rows = read_rows(wanted.out) if (wanted.out / ROWS).exists() else []
    lms = {name: dspy.LM(name) for name in experiment.lms if name != "local"}
    told = foretell(experiment, rows, concurrency=wanted.at_once(), lms=lms)
    if not json:
        _print_preview(told)
    return told.to_dict()


def _print_preview(told: Foretold) -> None:
    header = ["", "questions", "calls", "tokens read", "tokens written", "seconds", "dollars"]
    several = len({line.lm for line in told.lines}) > 1
    rows = []
    for line in (*told.lines, told.total):
        name = f"{line.method} ({line.lm})" if several and line.lm else line.method
        counts = [line.questions, line.calls, line.input_tokens, line.output_tokens, round(line.seconds)]
        rows.append([name, *(f"{count:,}" for count in counts), "unknown" if line.usd is None else f"{line.usd:,.4f}"])
    print_table(header, rows)
    if told.known:
        print(f"{told.known} questions are answered already.")
    for note in told.notes:
        print(note)
