"""Whether a reply is right, by rule: a list of checks, each about one field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from personaopt.evals.personabench.records import Call, Check

BRIEF, THOROUGH = 60, 90
"""A brief answer has at most so many words, a thorough one at least so many."""
_BULLET = re.compile(r"^\s*[-*•]\s+\S", re.MULTILINE)
_NUMBER = re.compile(r"^\s*\d+[.)]\s+\S", re.MULTILINE)
_ROW = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)
_ARTICLE = re.compile(r"^(the|an?) ")
_EXAMPLE = re.compile(r"\b(for example|for instance|e\.g\.|an example|imagine)", re.IGNORECASE)

FORMS: Mapping[str, Callable[[str], bool]] = {
    "bullets": lambda reply: len(_BULLET.findall(reply)) >= 2,
    "numbers": lambda reply: len(_NUMBER.findall(reply)) >= 2,
    "table": lambda reply: len(_ROW.findall(reply)) >= 2,
    "paragraph": lambda reply: (
        bool(reply.strip())
        and not any(pattern.search(reply) for pattern in (_BULLET, _NUMBER, _ROW))
        and "\n\n" not in reply.strip()
    ),
    "brief": lambda reply: 0 < len(reply.split()) <= BRIEF,
    "thorough": lambda reply: len(reply.split()) >= THOROUGH,
    "example": lambda reply: bool(_EXAMPLE.search(reply)),
    "question": lambda reply: "?" in re.split(r"(?<=[.!?])\s", reply.strip())[0],
}
"""Whether a reply has a form, by the form's name."""


def passes(check: Check, reply: str, calls: Sequence[Call] = ()) -> bool:
    """Whether a reply, with the calls before it, passes a check."""
    return _found(check, reply, calls, check.accepted)


def is_stale(check: Check, reply: str, calls: Sequence[Call] = ()) -> bool:
    """Whether a reply fails a check and would have passed under a value that no longer holds."""
    return bool(check.stale) and not passes(check, reply, calls) and _found(check, reply, calls, check.stale)


def failed(checks: Sequence[Check], reply: str, calls: Sequence[Call] = ()) -> list[Check]:
    """The checks that a reply does not pass."""
    return [check for check in checks if not passes(check, reply, calls)]


def right_calls(expected: Sequence[Call], made: Sequence[Call]) -> list[bool]:
    """For each expected call whether it was made: its name, and every argument that has to be the same."""
    return [any(_same(call, each) for each in made) for call in expected]


def _found(check: Check, reply: str, calls: Sequence[Call], wanted: Sequence[str]) -> bool:
    if check.kind == "form":
        return any(FORMS[form](reply) for form in wanted if form in FORMS)
    if check.kind == "argument":
        name, _, argument = check.argument.partition(".")
        given = [_arguments(call).get(argument) for call in calls if call.name == name]
        # The latest decides, or else who tries every value would be right.
        return bool(given) and _plain(given[-1]) in {_plain(each) for each in wanted}
    if check.kind == "names":
        return any(_place(each, reply) is not None for each in wanted)
    named = {each: place for each in [*check.accepted, *check.others] if (place := _place(each, reply)) is not None}
    return bool(named) and min(named, key=lambda each: (named[each], -len(each))) in wanted


def _place(name: str, reply: str) -> int | None:
    """Where a reply names something, with its article or without it, or None."""
    bare = _ARTICLE.sub("", name.casefold())
    found = re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", reply.casefold())
    return found.start() if found else None


def _same(expected: Call, made: Call) -> bool:
    wanted, given = _arguments(expected), _arguments(made)
    return expected.name == made.name and all(
        _plain(wanted[name]) == _plain(given.get(name)) for name in expected.exact
    )


def _arguments(call: Call) -> dict[str, object]:
    try:
        found = json.loads(call.arguments)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> str:
    return " ".join(str(value).split()).casefold()
