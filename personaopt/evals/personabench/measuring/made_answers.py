"""Replies made by rule that are known to be right or wrong for a user: what a judge is examined with."""

from __future__ import annotations

import json
from collections.abc import Mapping

from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.records import Call, Check, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange

_POINTS = (
    "Begin with what matters most to you",
    "Leave out what can wait until next week",
    "Look at the result again after two days",
)
_AT_LENGTH = (
    "Take your time with each of these, write down what you find and who else it concerns, and change your mind where "
    "what you find is not what you had expected at the beginning, for nothing in it is settled yet."
)
_FORMED: Mapping[str, str] = {
    "bullets": "\n".join(f"- {point}." for point in _POINTS),
    "numbers": "\n".join(f"{number}. {point}." for number, point in enumerate(_POINTS, 1)),
    "table": "| Step | What to do |\n| --- | --- |\n" + "\n".join(f"| {n} | {p} |" for n, p in enumerate(_POINTS, 1)),
    "paragraph": ". ".join(_POINTS) + ".",
    "brief": f"{_POINTS[0]}.",
    "example": f"{'. '.join(_POINTS)}. {_AT_LENGTH} For example, with one free hour you would do just the first.",
    "question": f"What matters most to you? Tell me that first. {'. '.join(_POINTS)}. {_AT_LENGTH}",
    "thorough": " ".join(f"{point}. {_AT_LENGTH}" for point in _POINTS),
}
"""The same content in each form: whoever prefers one of them prefers its form."""


def right_answer(session: Session) -> Exchange | None:
    """A first exchange whose reply passes every check of a session; None if none can be made."""
    return _first(session, [check.accepted for check in session.checks], failing=0)


def wrong_answer(session: Session) -> Exchange | None:
    """One whose reply fails every check: it is what was right for the user earlier, or is for somebody else.

    None if none can be made: a check may not know what is wrong.
    """
    return _first(session, [[*each.stale, *each.others] for each in session.checks], failing=len(session.checks))


def _first(session: Session, values: list[list[str]], *, failing: int) -> Exchange | None:
    """An exchange with the first of these values of each check, of which as many checks fail as should.

    A form may have another one in it: what is brief may have an example. Then the next values are taken.
    """
    if not values or not all(values):
        return None
    for place in range(max(map(len, values))):
        made = _exchange(session, [several[min(place, len(several) - 1)] for several in values])
        if len(failed(session.checks, made.reply, made.calls)) == failing:
            return made
    return None


def _exchange(session: Session, values: list[str]) -> Exchange:
    chosen = list(zip(session.checks, values, strict=True))
    message = "\n\n".join(text for text in (session.context.strip(), session.query.strip()) if text)
    calls = _calls(session, {check.argument: value for check, value in chosen if check.argument})
    return Exchange(message, "\n\n".join(_answer(*each) for each in chosen), calls, ("",) * len(calls))


def _answer(check: Check, value: str) -> str:
    if check.kind == "form":
        return _FORMED.get(value, value)
    return f"{value[:1].upper()}{value[1:]}."


def _calls(session: Session, values: Mapping[str, str]) -> tuple[Call, ...]:
    """The session's right calls with these values, by `function.argument`, in them."""
    made = []
    for call in session.calls:
        arguments = json.loads(call.arguments)
        for name, value in arguments.items():
            said = values.get(f"{call.name}.{name}", value)
            arguments[name] = type(value)(said) if isinstance(value, int | float) else said
        made.append(call.model_copy(update={"arguments": json.dumps(arguments, ensure_ascii=False)}))
    return tuple(made)
