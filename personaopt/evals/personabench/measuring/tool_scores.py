"""Whether the calls that a right first reply needs were made: name and arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from personaopt.evals.personabench.checks import right_calls
from personaopt.evals.personabench.records import Call, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange


@dataclasses.dataclass(frozen=True)
class ToolScores:
    """Calls before a first reply; the accuracy of a session is `right` of `expected`.

    Attributes:
        expected: Calls that a right answer needs.
        right: Those of them that were made, and carried out, with every argument that has to be the same.
        refused: Calls that were refused, because there is no such function or the arguments do not fit its schema.
    """

    expected: int
    right: int
    refused: int


def tool_scores(session: Session, first: Exchange) -> ToolScores:
    """Count the calls before the first reply of a session.

    Looking something up again does no harm, and the latest of such calls count: as many as are expected, or else who
    tries everything would be right. What changes the world does harm: a call of such a function counts as right only if
    none was made that is not expected.

    Args:
        session: The session.
        first: Its first exchange.
    """
    made = first.carried_out
    acting = {function.name for function in session.functions if function.effect == "append"}
    right = sum(_is_right(call, session.calls, made, call.name in acting) for call in session.calls)
    return ToolScores(len(session.calls), right, len(first.calls) - len(made))


def _is_right(call: Call, expected: Sequence[Call], made: Sequence[Call], acting: bool) -> bool:
    wanted = [each for each in expected if each.name == call.name]
    tried = [each for each in made if each.name == call.name]
    if acting and not all(any(right_calls(wanted, [each])) for each in tried):
        return False
    return right_calls([call], tried if acting else tried[-len(wanted) :])[0]
