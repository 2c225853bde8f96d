"""What a run will take, before anything is asked: one persona is rehearsed under every method by an LM that guesses.

Calls are counted and prompts written by the code of the run itself. Once the user is satisfied with every second reply
and each reply of an LM is of use, which is what is expected; once with none, and then every call is taken for asked as
often as it may be, which is the most.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from personaopt.evals.exams import KnownTexts
from personaopt.evals.guessing import WRITTEN, guess_of, vectors
from personaopt.evals.meters import Stop
from personaopt.evals.personabench.measuring.examination import most_verdicts
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.rows import ROLES, Row, Spent
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.sittings import Sitting, sit
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.evals.personabench.simulation.roles import SatisfactionCheck
from personaopt.lm.asks import ATTEMPTS, Ask
from personaopt.memory.embedding import CallableEmbedder

EXPECTED_TURNS = 2
"""Replies until the user is satisfied, which is about what AI PERSONA's tables say of all methods."""
CHANGES = 4
"""Of fields, in an update: about what people say of themselves in the sessions that it reads."""
NOTES = (
    "Counted on one persona of the bench, with guessed answers, by the code of the run.",
    f"Expected: the user is satisfied with the {EXPECTED_TURNS}nd reply. At most: with none, and every call made "
    f"{ATTEMPTS} times; alignments on surprise as often as in the rehearsal.",
)


@dataclasses.dataclass
class Cost:
    """Calls and tokens.

    Attributes:
        calls: LM calls.
        input_tokens: Read.
        output_tokens: Written.
        usd: Dollars; None where a price is not known.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0

    def add(self, spent: Spent, times: float, usd: float | None) -> None:
        """Add what one session costs, so many times."""
        self.calls += round(spent.calls * times)
        self.input_tokens += round(spent.input_tokens * times)
        self.output_tokens += round(spent.output_tokens * times)
        self.usd = None if self.usd is None or usd is None else self.usd + usd


@dataclasses.dataclass(frozen=True)
class Line:
    """What one method will take.

    Attributes:
        method: Its name.
        sessions: How many are to be held.
        expected: What is expected.
        at_most: What it is if all goes wrong that can.
        roles: Of the expected calls, how many are for what.
    """

    method: str
    sessions: int
    expected: Cost
    at_most: Cost
    roles: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Foretold:
    """What a run will take.

    Attributes:
        lines: A method each.
        known: Sessions that are held already.
        notes: What a reader should know.
    """

    lines: tuple[Line, ...]
    known: int
    notes: tuple[str, ...] = NOTES

    @property
    def total(self) -> Line:
        """All lines."""
        expected, at_most = Cost(), Cost()
        for line in self.lines:
            for whole, part in ((expected, line.expected), (at_most, line.at_most)):
                whole.add(Spent(part.calls, part.input_tokens, part.output_tokens), 1, part.usd)
        roles = {role: sum(line.roles[role] for line in self.lines) for role in ROLES}
        return Line("together", sum(line.sessions for line in self.lines), expected, at_most, roles)

    def to_dict(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {
            "lines": [dataclasses.asdict(line) for line in self.lines],
            "together": dataclasses.asdict(self.total),
            "held_before": self.known,
            "notes": list(self.notes),
        }


Price = Callable[[str, float, float], float | None]
"""What tokens read and written cost in a role; None where it is not known."""


def foretell(turns: Iterable[tuple[Sitting, int]], roles: Roles, price: Price, known: int = 0) -> Foretold:
    """What a run will take.

    Args:
        turns: The sittings that are open, each with its first open session.
        roles: Who takes part, with `rehearsing` language models.
        price: Of tokens, by role.
        known: Sessions that are held already.
    """
    open_: dict[str, int] = {}
    sample: dict[str, Sitting] = {}
    for sitting, first in turns:
        open_[sitting.method] = open_.get(sitting.method, 0) + len(sitting.sessions) - first
        sample.setdefault(sitting.method, sitting)
    lines = []
    for method, sitting in sample.items():
        usual, worst = (rehearsed(sitting, roles, turns) for turns in (EXPECTED_TURNS, None))
        expected, at_most, share = Cost(), Cost(), open_[method] / len(sitting.sessions)
        for cost, spent, times in ((expected, usual, share), (at_most, worst, share * ATTEMPTS)):
            for role, each in spent.items():
                usd = price(role, each.input_tokens * times, each.output_tokens * times)
                cost.add(each, times, usd if each.calls else 0.0)
        calls = {role: round(usual[role].calls * share) for role in ROLES}
        lines.append(Line(method, open_[method], expected, at_most, calls))
    judged = roles.judge.calls if roles.judge is not None else 0
    examined = (
        f"When all is held the judge is examined: {most_verdicts() * judged} calls more, or fewer in a small run."
    )
    return Foretold(tuple(lines), known, (*NOTES, examined) if judged and lines else NOTES)


def rehearsed(sitting: Sitting, roles: Roles, satisfied: int | None) -> dict[str, Spent]:
    """What a sitting takes, by role.

    Args:
        sitting: Which one.
        roles: With language models that guess.
        satisfied: With which reply the user is satisfied; with none when None.
    """
    rows: list[Row] = []
    embedder = KnownTexts(CallableEmbedder("preview", vectors))
    told = dataclasses.replace(roles, satisfaction=_After(roles.satisfaction, satisfied))
    with tempfile.TemporaryDirectory() as folder:
        held = dataclasses.replace(sitting, embedder=embedder)
        sit(held, told, held.tape(Path(folder)), Stop(), rows.append)
    return {role: sum((getattr(row, role) for row in rows), Spent()) for role in ROLES}


def rehearsing(lm: Any) -> Any:
    """A language model that guesses in the place of another one, in the forms that a session has.

    Args:
        lm: Which one; the small local model when None.
    """
    return guess_of(lm, {"calls": _calls, "changes": _changes, "message": _complaint})


@dataclasses.dataclass
class _After:
    """Is satisfied with a certain reply, whatever it says; asks what the real check asks."""

    inner: SatisfactionCheck
    satisfied: int | None
    session: str = ""
    replies: int = 0

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        """See `SatisfactionCheck`."""
        self.replies = self.replies + 1 if session.id == self.session else 1
        self.session = session.id
        enough = self.replies == self.satisfied
        return dataclasses.replace(self.inner.ask(session, profile, exchange), finish=lambda answer: enough)


def _given(prompt: str) -> dict[str, str]:
    """The inputs in a prompt of DSPy's chat form; of one that occurs several times the last."""
    parts = re.split(r"\[\[ ## (\w+) ## \]\]\n", prompt)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _calls(prompt: str) -> str:
    """A call of the first tool there is, and then none."""
    given = _given(prompt)
    offered = re.search(r"(\w+)\(", given.get("tools", ""))
    if not offered or given.get("observations", "").strip() not in ("", "[]"):
        return "[]"
    return json.dumps([{"tool": offered.group(1), "arguments": {}}])


def _changes(prompt: str) -> str:
    """A few changes, to what the user has said last: personas grow, and prompts with them."""
    said = re.findall(r"\bI [a-z][\w ]{8,60}(?=\.)", _given(prompt).get("sessions", ""))
    changes = [
        {"field": "personality.interests", "value": quote.split()[-1], "quote": quote} for quote in said[-CHANGES:]
    ]
    return json.dumps(changes)


def _complaint(prompt: str) -> str:
    """What the user is to say, word for word."""
    return _given(prompt).get("to_be_said", "").partition("\n\nRespond with")[0].strip() or WRITTEN
