"""A stale persona noticed without any measured answer: by how sessions go, and by what the user says in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.memory.own_words import own_words, texts
from personaopt.memory.user import User
from personaopt.optimizers.sessions import is_unasked, session_of
from personaopt.optimizers.settings import check_whole
from personaopt.optimizers.triggers import page_hinkley
from personaopt.signals import in_own_words, stance_of

TURNS = 3
"""Turns after which AI PERSONA ends a session that did not satisfy (arXiv 2412.13103, its session)."""
LOOKED_AT = 600
"""Turns, the latest, in which words of change are looked for, and from which it is known how sessions usually go."""
CHANGED = (
    r"\bno longer\b|\bany ?more\b|\bno more\b|\bmoved\b|\bfrom (?:now|here) on\b|\bin future\b|\bthese days\b|\bnow\b|"
    r"\bbec[ao]me\b|\bswitched\b|\bg[ai]ven? up\b|\bnew (?:job|place|home|flat|hobby|phone|name)\b|\bchanged\b|"
    r"\binstead of\b|\b(?:gone|went|going) back\b|\breturned to\b|\bmistake\b|\bwrong\b|\bforget\b|\bnever was\b|"
    r"\bactually\b|\btaken up\b|\bused to\b|\bquit\b|\bsince (?:this|last)\b|\bturned \d+\b"
)
"""English words with which people say that something about them is not as it was, or was never so."""


class OnSessionSurprise:
    """When sessions have become worse than they used to be, or the user says that something has changed.

    A session's loss is the higher of the share of answers that were rejected and of the turns that it took beyond the
    first, of three. Page and Hinkley's test looks for a rise of it (see `OnSurprise`). Words of change are looked for
    in what the user says; a needless alarm costs one look at the latest sessions.

    Of 2,000 simulated users whose sessions take one, two or three turns (60, 30 and 10 %), 40 % give a false alarm
    within 60 sessions. When the shares become 20, 35 and 45 %, the alarm comes 6 sessions later (median), within 8 in
    70 % of the runs; with a threshold of 2 after 8, with 15 % false alarms.

    Args:
        delta: By how much the loss may drift above its mean without notice.
        threshold: How far the sum of what is above may rise over its minimum. Higher is slower and surer.
        minimum: No alarm from the losses before so many sessions.
        words: A regular expression for words of change; None looks for none. `CHANGED` is English.

    Raises:
        ConfigurationError: An argument is outside its range.
    """

    def __init__(
        self, delta: float = 0.1, threshold: float = 1.5, minimum: int = 4, *, words: str | None = CHANGED
    ) -> None:
        if delta < 0.0 or not threshold > 0.0 or minimum < 1:
            raise ConfigurationError(
                f"delta is at least 0, threshold above 0 and minimum at least 1; they are {delta!r}, {threshold!r} and "
                f"{minimum!r}."
            )
        self.delta, self.threshold, self.minimum = delta, threshold, minimum
        try:
            self.words = re.compile(words, re.IGNORECASE) if words else None
        except re.error as error:
            raise ConfigurationError(f"The words of change are no regular expression: {error}.") from error

    def due(self, user: User, since: float | None) -> str:
        """Why the persona may be stale; empty where nothing says so."""
        new = _new(user, since)
        if said := sum(map(self._says_so, new)):
            return f"{said} messages since the last alignment speak of a change"
        ids = {turn.id for turn in new}
        # A session may have begun before the last alignment. Where none went wrong, the history need not be read.
        lately = by_session(user.latest(min(len(new) + TURNS, LOOKED_AT))) if new else []
        if not any(session_loss(held) for held in lately if _has(held, ids)):
            return ""
        # What is usual is known from before the last alignment.
        sessions = by_session(user.latest(LOOKED_AT))
        places = self._alarms([session_loss(held) for held in sessions])
        if any(_has(sessions[place], ids) for place in places):
            return "sessions have become worse (Page-Hinkley alarm since the last alignment)"
        return ""

    def _alarms(self, losses: Sequence[float]) -> list[int]:
        """Where the test gives alarm; it begins anew after each."""
        found: list[int] = []
        while True:
            start = found[-1] + 1 if found else 0
            place = page_hinkley(losses[start:], self.delta, self.threshold, self.minimum)
            if place is None:
                return found
            found.append(start + place)

    def _says_so(self, turn: Interaction) -> bool:
        return self.words is not None and any(self.words.search(text) for text in texts(own_words(turn)["said"]))


class OnUnexpected:
    """When sessions were not as expected: a reply was not taken as it was, or the user said something unasked.

    A session in which the first reply was taken, and nothing else said, teaches nothing that the persona does not know.
    Facts that a user slips into a request which is answered well are not noticed: use it beside `EverySessions`, so
    that those are read some sessions later.

    Args:
        sessions: How many such sessions there have to be since the last alignment.
        remarks: Whether what is said unasked counts.

    Raises:
        ConfigurationError: `sessions` is not a whole number of at least 1.
    """

    def __init__(self, sessions: int = 1, *, remarks: bool = True) -> None:
        check_whole(sessions=(sessions, 1))
        self.sessions, self.remarks = sessions, remarks

    def due(self, user: User, since: float | None) -> str:
        """How many sessions were not as expected; empty where there are not enough."""
        count = sum(map(self._counts, by_session(_new(user, since))))
        return f"{count} sessions since the last alignment were not as expected" if count >= self.sessions else ""

    def _counts(self, turns: Sequence[Interaction]) -> bool:
        said = self.remarks and any(map(is_unasked, turns))
        return said or session_loss(turns) > 0 or any(map(in_own_words, turns))


def _new(user: User, since: float | None) -> list[Interaction]:
    """The turns after a time, the latest of them; all of the latest without one."""
    latest = user.latest(LOOKED_AT, since=since)
    return [turn for turn in latest if since is None or (turn.time is not None and turn.time > since)]


def _has(turns: Sequence[Interaction], ids: Collection[str]) -> bool:
    """Whether one of some turns is among those with these ids."""
    return any(turn.id in ids for turn in turns)


def by_session(turns: Sequence[Interaction]) -> list[list[Interaction]]:
    """Turns by session, in the order in which the sessions began."""
    sessions: dict[str, list[Interaction]] = {}
    for turn in turns:
        sessions.setdefault(session_of(turn), []).append(turn)
    return list(sessions.values())


def session_loss(turns: Sequence[Interaction]) -> float:
    """The loss of a session, in [0, 1]; a remark that got no answer beside others that did is no turn of it."""
    answered = [turn for turn in turns if not is_unasked(turn)] or turns
    rejected = sum(stance_of(turn) == "rejected" for turn in answered) / len(answered)
    return max(rejected, min(1.0, (len(answered) - 1) / (TURNS - 1)))
