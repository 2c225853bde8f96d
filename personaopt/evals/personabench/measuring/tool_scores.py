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

    Looking something up twice does no harm. What changes the world does: a call of such a function counts as right
    only if it was not also made with other arguments, or else who books everything would be right.

    Args:
        session: The session.
        first: Its first exchange.
    """
    made = first.carried_out
    acting = {function.name for function in session.functions if function.effect == "append"}
    right = sum(
        was_made and not (call.name in acting and _also_made_otherwise(call, made))
        for call, was_made in zip(session.calls, right_calls(session.calls, made), strict=True)
    )
    return ToolScores(len(session.calls), right, len(first.calls) - len(made))


def _also_made_otherwise(call: Call, made: Sequence[Call]) -> bool:
    same_name = [each for each in made if each.name == call.name]
    return not all(right_calls([call], [each])[0] for each in same_name)
