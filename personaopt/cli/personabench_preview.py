"""What `personaopt eval personabench run --preview` does: says what a run would take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from personaopt.cli.output import print_table
from personaopt.cli.personabench_roles import LOCAL, RULES, SCRIPTED, roles_of
from personaopt.cli.personabench_run import FIXED, Wanted, config_of, experiment_of

if TYPE_CHECKING:
    from personaopt.evals.personabench.runs.preview import Cost, Foretold, Price


def previewed(wanted: Wanted, json: bool) -> dict[str, Any]:
    """Say what it would take; no language model is loaded or asked, and nothing is written.

    Raises:
        PersonaOptError: The run would be refused, for its options or for what is in the folder.
    """
    import dspy

    from personaopt.evals.personabench.rows import Row
    from personaopt.evals.personabench.runs.preview import foretell, rehearsing
    from personaopt.evals.personabench.runs.running import open_turns
    from personaopt.evals.results import ROWS, check_config, read_rows

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its price list would be looked for in the network
    wanted.check_out()
    experiment = experiment_of(wanted)
    rows = read_rows(wanted.out, Row) if (wanted.out / ROWS).exists() else []
    if rows:
        check_config(wanted.out, config_of(wanted, experiment), FIXED)
    known = {row.key: row for row in rows}
    turns = list(open_turns(experiment, known, wanted.retry_failed))
    whole = sum(len(sitting.sessions) for sitting in experiment.sittings())
    served = {name: dspy.LM(name) for name in wanted.cast.names if name not in (LOCAL, SCRIPTED)}
    guessing = {
        name: rehearsing(None if name == LOCAL else served.get(name, dspy.LM("scripted/stand-in")))
        for name in wanted.cast.names
    }
    roles = roles_of(wanted.cast, guessing)
    left = sum(len(sitting.sessions) - first for sitting, first in turns)
    told = foretell(turns, roles, _prices(wanted, served), whole - left)
    if not json:
        _print_preview(told)
    return told.to_dict()


def _prices(wanted: Wanted, served: dict[str, Any]) -> Price:
    from personaopt.lm.prices import price

    cast = wanted.cast
    played = {
        "answering": [cast.agent],
        "learning": [cast.editor],
        "simulating": [cast.user, cast.satisfaction],
        "judging": [cast.judge],
    }

    def of(role: str, read: float, wrote: float) -> float | None:
        names = {name for name in played[role] if name != RULES}
        if not names & served.keys():
            return 0.0
        # Of two that play one role it is not counted who reads how much.
        return price(served[names.pop()], round(read), round(wrote)) if len(names) == 1 else None

    return of


def _print_preview(told: Foretold) -> None:
    header = ["", "sessions", "calls", "at most", "tokens read", "tokens written", "dollars", "at most"]
    rows = []
    for line in (*told.lines, told.total):
        expected, most = line.expected, line.at_most
        counts = [line.sessions, expected.calls, most.calls, expected.input_tokens, expected.output_tokens]
        rows.append([line.method, *(f"{count:,}" for count in counts), _dollars(expected), _dollars(most)])
    print_table(header, rows)
    shares = ", ".join(f"{role} {calls:,}" for role, calls in told.total.roles.items() if calls)
    print(f"Calls for {shares or 'nothing'}.")
    if told.known:
        print(f"{told.known} sessions are held already.")
    for note in told.notes:
        print(note)


def _dollars(cost: Cost) -> str:
    return "unknown" if cost.usd is None else f"{cost.usd:,.4f}"
