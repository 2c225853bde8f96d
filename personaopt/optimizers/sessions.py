"""A user's latest sessions: which there are, and what the user said in them.

AI PERSONA's optimizer sees at most three sessions of nine messages each (arXiv 2412.13103, its persona optimization).
What is read is bounded too, however long the history is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.memory.own_words import stripped
from personaopt.memory.user import User
from personaopt.optimizers.windows import Window
from personaopt.signatures.turns import INTERRUPTED, turns_field

MOST_READ = 4096
"""Interactions that are looked at to find the latest sessions."""
SPOKEN = ("message", "query", "question", "request", "user_message", "utterance", "prompt", "user_input", "input")
"""Names under which a task has what its user says."""


@dataclasses.dataclass(frozen=True)
class Message:
    """One message of the user.

    Attributes:
        number: By which it is shown, from 1.
        interaction: The turn it stands in.
        text: The user's own words; what was recalled into them is left out.
    """

    number: int
    interaction: Interaction
    text: str

    @property
    def time(self) -> float:
        """When it was said, in seconds."""
        return self.interaction.time or 0.0


def spoken_fields(agent: PersonaAgent, named: Collection[str] = ()) -> tuple[str, ...]:
    """The inputs of a task that hold the user's own words; documents and options are none.

    Args:
        agent: Whose task it is.
        named: The inputs, where the application names them.

    Raises:
        ConfigurationError: A named one does not exist, or none is named and it cannot be told.
    """
    inputs = {name: field for name, field in agent.task.input_fields.items() if name != turns_field(agent.task)}
    if unknown := set(named) - set(inputs):
        raise ConfigurationError(f"The task has no input {min(unknown)!r}; its inputs are {', '.join(inputs)}.")
    if named:
        return tuple(named)
    texts = [name for name, field in inputs.items() if field.annotation is str]
    known = [name for name in SPOKEN if name in texts]
    if not known and len(texts) != 1:
        raise ConfigurationError(
            f"Which of the inputs {', '.join(inputs)} holds the user's own words cannot be told; name it with "
            "messages_in=[...]."
        )
    return tuple(known[:1] or texts)


def messages_of(turns: Iterable[Interaction], fields: Sequence[str]) -> list[Message]:
    """What the user said in some turns, numbered; turns in which nothing was said are left out."""
    said = [(turn, _said(turn, fields)) for turn in turns]
    return [Message(number, *each) for number, each in enumerate((pair for pair in said if pair[1]), 1)]


def session_of(turn: Interaction) -> str:
    """The session of a turn; turns that name none are one session a day (UTC)."""
    if turn.session is not None:
        return f"session {turn.session}"
    return f"day {datetime.fromtimestamp(turn.time or 0.0, UTC).date().isoformat()}"


def is_unasked(turn: Interaction) -> bool:
    """Whether the user said something that no reply was given to, and none was broken off."""
    return not turn.response and not turn.metadata.get(INTERRUPTED)


def latest_sessions(
    turns: Iterable[Interaction], sessions: int, messages: int, fields: Sequence[str]
) -> list[Interaction]:
    """The turns of the latest sessions, the last ones of each, oldest first; empty sessions do not count.

    Args:
        turns: In the order of time. Sessions may overlap; the latest are those that ended last.
        sessions: How many.
        messages: How many turns of each, at most.
        fields: The inputs that hold the user's words.
    """
    held: dict[str, list[Interaction]] = {}
    for turn in turns:
        if _said(turn, fields):
            name = session_of(turn)
            held[name] = [*held.pop(name, []), turn][-messages:]
    chosen = [turn for each in list(held.values())[-sessions:] for turn in each]
    return sorted(chosen, key=lambda turn: turn.time or 0.0)


def read_sessions(user: User, sessions: int, messages: int, fields: Sequence[str]) -> list[Interaction]:
    """The same, from the store: as much as is needed is read, and no more than the latest `MOST_READ` turns."""
    count = 2 * sessions * messages
    while True:
        turns = user.latest(count)
        named = {session_of(turn) for turn in turns if _said(turn, fields)}
        # One more than is needed: the oldest of them may have begun before what was read.
        if len(named) > sessions or len(turns) < count or count >= MOST_READ:
            return latest_sessions(turns, sessions, messages, fields)
        count = min(4 * count, MOST_READ)


class WholeWindow:
    """Everything that there is, nothing held out: edits are judged by rules."""

    def pool(self, history: Sequence[Interaction], seed: int) -> Sequence[Interaction]:
        """Nothing."""
        return ()

    def choose(self, history: Sequence[Interaction], losses: Mapping[str, float], seed: int) -> Window:
        """All of it."""
        return Window(tuple(history), ())


def _said(turn: Interaction, fields: Sequence[str]) -> str:
    values: list[Any] = [turn.inputs.get(name) for name in fields]
    values.append(turn.signals.get("comment"))
    return "\n".join(" ".join(stripped(value).split()) for value in values if isinstance(value, str) and value.strip())
