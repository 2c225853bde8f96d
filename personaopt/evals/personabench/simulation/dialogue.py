"""What is said and done in a simulated session, as it is judged and written down."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from personaopt.evals.personabench.records import Call

UNUSABLE = "gave nothing usable"
"""In the notes of a session: of the agent, the user or the satisfaction check, which was answered for."""


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A message of the user and the agent's reply to it.

    Attributes:
        message: What the user said.
        reply: What the agent answered.
        calls: The simulated functions that it called before, in order; also refused ones.
        refusals: For each of these calls why it was refused; empty where it was carried out.
        satisfied: Whether the reply gave the user what was expected.
    """

    message: str
    reply: str
    calls: tuple[Call, ...] = ()
    refusals: tuple[str, ...] = ()
    satisfied: bool = False

    @property
    def carried_out(self) -> tuple[Call, ...]:
        """The calls that were not refused: those that count."""
        refused = (*self.refusals, *[""] * len(self.calls))
        return tuple(call for call, why in zip(self.calls, refused, strict=False) if not why)


@dataclasses.dataclass(frozen=True)
class Dialogue:
    """A session that is over.

    Attributes:
        session: Its id in the bench.
        exchanges: At least one, at most as many as turns were allowed.
        closing: What the user says at the end without asking for anything; empty where nothing is left to be said.
        notes: What went otherwise than it should: a role that gave nothing usable, and was answered for by rule.
    """

    session: str
    exchanges: tuple[Exchange, ...]
    closing: str = ""
    notes: tuple[str, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether the user got what was expected in the end."""
        return self.exchanges[-1].satisfied

    @property
    def utterances(self) -> int:
        """Messages of the user until satisfied; one more than there were turns for a user who never was."""
        return len(self.exchanges) + (not self.satisfied)

    @property
    def first(self) -> Exchange:
        """The first exchange, whose reply is judged."""
        return self.exchanges[0]

    def to_dict(self) -> dict[str, Any]:
        """The dialogue as JSON values."""
        return dataclasses.asdict(self) | {
            "exchanges": [
                dataclasses.asdict(each) | {"calls": [call.model_dump() for call in each.calls]}
                for each in self.exchanges
            ]
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Dialogue:
        """Read `to_dict`'s values."""
        exchanges = tuple(
            Exchange(
                **{
                    **each,
                    "calls": tuple(Call(**call) for call in each["calls"]),
                    "refusals": tuple(each["refusals"]),
                }
            )
            for each in values["exchanges"]
        )
        return cls(values["session"], exchanges, values["closing"], tuple(values.get("notes", ())))
