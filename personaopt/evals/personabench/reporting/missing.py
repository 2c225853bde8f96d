"""What a run lacks, in sentences: methods that did not run, sittings that were not ended, sessions that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from personaopt.evals.personabench.reporting.figures import Figures
from personaopt.evals.personabench.reporting.measures import NAMED
from personaopt.evals.personabench.reporting.selection import GOLDEN, ORDER, OURS, Plan, Section, ordered, sitting
from personaopt.evals.personabench.rows import Row
from personaopt.evals.personabench.simulation.dialogue import UNUSABLE


def missing(section: Section, cells: Mapping[str, Figures], plan: Plan) -> list[str]:
    """What a reader must know is not there; empty for a run that is whole.

    Args:
        section: The rows of one language model.
        cells: The figures of its methods.
        plan: What the run was to have; if it names no methods, they are those of the paper and ours.
    """
    absent = ordered(set(plan.methods or ORDER) - section.cells.keys())
    found = [f"Not run: {', '.join(absent)}."] if absent else []
    if GOLDEN in absent:
        found.append(f"Without {GOLDEN} there is no win rate and no ratio of utterances to it.")
    if OURS in absent:
        found.append(f"Without {OURS} no goal is looked at.")
    everyone = {sitting(row) for cell in section.cells.values() for row in cell}
    personas = len({persona for persona, _ in everyone})
    if plan.personas is not None and personas < plan.personas:
        found.append(f"{_some(plan.personas - personas, plan.personas, 'personas')} not begun under any method.")
    for method, cell in section.cells.items():
        begun = {sitting(row) for row in cell}
        if unbegun := len(everyone - begun):
            found.append(f"{method}: {_some(unbegun, len(everyone), 'personas')} not begun.")
        if unended := cells[method].sittings - cells[method].ends:
            found.append(
                f"{method}: {_some(unended, cells[method].sittings, 'personas')} not ended; figures after the last "
                "session leave them out."
            )
        if failed := cells[method].failed:
            found.append(f"{method}: {_some(failed, len(cell), 'sessions')} failed; they are left out of all figures.")
        if stood_in := sum(_stood_in(row) for row in cell):
            found.append(
                f"{method}: in {_some(stood_in, len(cell), 'sessions')} the agent, the user or the satisfaction check "
                "gave nothing usable, and an empty reply or the bench's rules stand for it."
            )
        if unread := cells[method].unread:
            found.append(f"{method}: {unread} replies of the judge could not be read; those scores are left out.")
    return found + _never_measured(cells)


def _stood_in(row: Row) -> bool:
    """Whether somebody of a session was answered for."""
    return any(UNUSABLE in note for note in (row.dialogue or {}).get("notes", ()))


def _never_measured(cells: Mapping[str, Figures]) -> list[str]:
    unknown = [
        measure.called for name, measure in NAMED.items() if all(cell.of[name] is None for cell in cells.values())
    ]
    return [f"Measured of no method: {', '.join(unknown)}."] if unknown else []


def _some(part: int, whole: int, what: str) -> str:
    return f"{part} of {whole} {what}"


def sentences(found: Sequence[str]) -> str:
    """The sentences as a Markdown list."""
    return "".join(f"* {each}\n" for each in found)
