"""The roles of a simulated session beside the agent: who speaks for the user, and who says when it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import Ask


class SimulatedUser(Protocol):
    """Speaks for a persona. It knows who the persona is and what it expects; the agent sees its messages alone."""

    def opening(self, session: Session, profile: Profile) -> str:
        """The first message: the scene's context and the neutral query."""

    def answer(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> Ask[str]:
        """What the user says to a reply that was not what it expected."""

    def closing(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> str:
        """What is left to be said when the session ends: remarks that were not made yet; empty if there are none."""


class SatisfactionCheck(Protocol):
    """Compares a reply with the expected one; the session ends when the user is satisfied (AI PERSONA, section 4)."""

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        """Whether the reply is what the user expected."""
