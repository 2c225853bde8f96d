"""The tools on the user's own data (D in PersonaAgent's action space A ∪ D): recall, profile, recent.

They see what came before the question and nothing of other users. What they find as interactions joins the agent's
memories; only interactions in which the user's own answer is known are found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from personaopt.errors import ToolError
from personaopt.interaction import Interaction
from personaopt.memory.episodic import Memory
from personaopt.memory.facts import Fact
from personaopt.persona import Persona

if TYPE_CHECKING:
    from personaopt.memory import User
    from personaopt.memory.store import Before

MOST_FOUND = 8
"""Interactions that one search gives at most."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """What an action may see: whose memory, under which persona, up to when.

    Attributes:
        user: Whose.
        persona: The persona that is answered under.
        before: Where the history ends; None for all of it.
        simulated: Whether an earlier question is answered again, so that nothing may be changed by it.
    """

    user: User
    persona: Persona
    before: Before = None
    simulated: bool = False

    def recall(
        self,
        keywords: str,
        session: str | None = None,
        since: str | None = None,
        until: str | None = None,
        k: int = 4,
    ) -> list[Memory]:
        """Search what this user answered before, by keywords of your own; filters are a session and ISO 8601 times."""
        first, last = _seconds(since, "since"), _seconds(until, "until")
        if not keywords.strip():
            raise ToolError("The tool 'recall' needs keywords to search by.")
        found = [
            memory
            for memory in self.user.similarities(keywords, before=self.before)
            if memory.interaction.ground_truth
            and (not session or memory.interaction.session == session)
            and (first is None or _time(memory.interaction) >= first)
            and (last is None or _time(memory.interaction) <= last)
        ]
        nearest = sorted(range(len(found)), key=lambda place: (-found[place].similarity, -place))
        return [found[place] for place in nearest[: _few(k)]]

    def profile(self) -> str:
        """What is known of this user: the semantic memory and the persona."""
        known = [fact.statement.text for fact in self._facts()]
        known += [statement.text for statement in self.persona.statements]
        return "\n".join(dict.fromkeys(known)) or "Nothing is known of this user yet."

    def recent(self, k: int = 4) -> list[Memory]:
        """What this user answered last, the latest first."""
        answered = [item for item in self.user.history(before=self.before) if item.ground_truth]
        return [Memory(item, 0.0) for item in answered[::-1][: _few(k)]]

    def _facts(self) -> list[Fact]:
        """What semantic memory held at that moment: nothing that rests on a later interaction."""
        facts = [fact for fact in self.user.facts() if fact.believed]
        if self.before is None:
            return [fact for fact in facts if fact.holds]
        seen = {item.id for item in self.user.history(before=self.before)}
        facts = [fact for fact in facts if fact.statement.evidence and seen.issuperset(fact.statement.evidence)]
        known = {fact.id for fact in facts}
        return [fact for fact in facts if fact.superseded_by not in known]


def _few(k: int) -> int:
    return max(1, min(k, MOST_FOUND))


def _time(item: Interaction) -> float:
    return item.time if item.time is not None else 0.0


def _seconds(text: str | None, name: str) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ToolError(
            f"The argument {name!r} of the tool 'recall' is an ISO 8601 time such as 2026-03-01, not {text!r:.40}."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def ids(memories: Iterable[Memory]) -> set[str]:
    """The ids of what was found."""
    return {memory.interaction.id for memory in memories}
