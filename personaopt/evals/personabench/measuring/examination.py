"""What a judge is examined with: replies of a run to be judged repeatedly, and replies that are known to be right."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from random import Random

from personaopt.evals.personabench.bench import Bench
from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.measuring.made_answers import right_answer, wrong_answer
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange

REPLIES = 40
"""So many replies of a run are drawn."""
RUNS = 3
"""So often each is judged."""
_PAIRS_OF = 2
"""There is at most one pair for so many replies."""
_TWINS_OF = 4
"""And one comparison of personas for so many."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A first exchange to be judged."""

    session: Session
    profile: Profile
    first: Exchange


@dataclasses.dataclass(frozen=True)
class Pair:
    """One scene with two personas for whom something else is right: each has a reply that is wrong for the other."""

    one: Case
    other: Case


@dataclasses.dataclass(frozen=True)
class Examination:
    """What a judge is asked in order to be examined.

    Attributes:
        replies: First replies of a run; each is judged several times.
        right: Replies made by rule that are right.
        wrong: Deliberately wrong ones of the same sessions.
        pairs: For the swap check.
        twins: Pairs of personas of different people, by their sessions: whose profile is compared with itself and with
            the other's.
        runs: How often each of `replies` is judged.
    """

    replies: tuple[Case, ...]
    right: tuple[Case, ...]
    wrong: tuple[Case, ...]
    pairs: tuple[Pair, ...]
    twins: tuple[tuple[Case, Case], ...]
    runs: int = RUNS

    @property
    def verdicts(self) -> int:
        """How many verdicts it takes; an LM is called once for each, and again where it cannot be read."""
        judged = self.runs * len(self.replies) + len(self.right) + len(self.wrong)
        return judged + 4 * len(self.pairs) + 2 * len(self.twins)


def most_verdicts(replies: int = REPLIES, runs: int = RUNS) -> int:
    """How many verdicts an examination takes at most, before there are replies that could be drawn.

    Args:
        replies: How many are drawn.
        runs: How often each is judged.
    """
    return replies * (runs + 2) + 4 * (replies // _PAIRS_OF) + 2 * (replies // _TWINS_OF)


def drawn_examination(
    bench: Bench, firsts: Sequence[tuple[str, Exchange]], *, replies: int = REPLIES, runs: int = RUNS, seed: int = 0
) -> Examination:
    """Draw an examination from a bench and a run on it.

    Args:
        bench: The bench.
        firsts: First exchanges of the run, of any methods, with the ids of their sessions. Those without a reply are
            passed over.
        replies: How many are drawn; fewer if there are fewer.
        runs: How often each is judged.
        seed: For the draw; the order of `firsts` does not matter.
    """
    draw = Random(f"examination {seed}")
    known = {session.id: session for session in bench.sessions}
    there = sorted({(name, first.reply): first for name, first in firsts if name in known and first.reply}.items())
    drawn = [(known[name], first) for (name, _), first in draw.sample(there, min(replies, len(there)))]
    made = [(session, right_answer(session), wrong_answer(session)) for session, _ in drawn]
    sure = [(session, right, wrong) for session, right, wrong in made if right and wrong]
    return Examination(
        replies=tuple(_case(bench, session, first) for session, first in drawn),
        right=tuple(_case(bench, session, right) for session, right, _ in sure),
        wrong=tuple(_case(bench, session, wrong) for session, _, wrong in sure),
        pairs=_pairs(bench, len(drawn) // _PAIRS_OF, draw),
        twins=_twins(bench, [session for session, _ in drawn], len(drawn) // _TWINS_OF),
        runs=runs,
    )


def _case(bench: Bench, session: Session, first: Exchange) -> Case:
    return Case(session, bench.profiles[session.persona], first)


def _pairs(bench: Bench, size: int, draw: Random) -> tuple[Pair, ...]:
    """Pairs of sessions of one scene with answers that exclude each other, one of each scene."""
    by_scene: dict[str, list[Case]] = {}
    for session in bench.sessions:
        if session.kind == "common" and (right := right_answer(session)) is not None:
            by_scene.setdefault(session.scene, []).append(_case(bench, session, right))
    found = []
    for scene in draw.sample(sorted(by_scene), len(by_scene)):
        cases = by_scene[scene]
        first = cases[0]
        other = next((each for each in cases[1:] if _excluded(first, each) and _excluded(each, first)), None)
        if other is not None:
            found.append(Pair(first, other))
        if len(found) >= size:
            break
    return tuple(found[:size])


def _excluded(mine: Case, theirs: Case) -> bool:
    """Whether what is right for another persona is wrong for this one."""
    checks = mine.session.checks
    return len(failed(checks, theirs.first.reply, theirs.first.carried_out)) == len(checks)


def _twins(bench: Bench, drawn: Sequence[Session], size: int) -> tuple[tuple[Case, Case], ...]:
    """Sessions of different people, in the order drawn."""
    first_of = {session.persona: session for session in reversed(drawn)}
    persons = list(first_of.values())
    silent = Exchange("", "")
    around = zip(persons, persons[1:] + persons[:1], strict=True) if len(persons) > 1 else ()
    return tuple((_case(bench, one, silent), _case(bench, two, silent)) for one, two in around)[:size]
