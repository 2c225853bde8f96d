"""What every compared method is: an agent prepared for a session, and what is learnt when the session is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.personabench.simulation.task import AssistUser
from personaopt.memory import User
from personaopt.persona import Persona

TOKEN_LIMIT = 2000
"""Of a persona: all fields of the bench, with what they were before, have room in it."""
MOST_ITEMS = 20
"""Of a list: no persona of the bench has so many."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is the same for every method of a run.

    Attributes:
        task: What the agent is asked in a session; its input `message` is what the user says.
        agent_lm: The LM that answers; the configured one when None.
        editor_lm: The LM that writes how a persona changes; the one that answers when None.
        retrieve: K, how many earlier messages a method that retrieves puts into its prompt.
        token_limit: Of a persona.
        threads: LM calls of one update under way at once.
        seed: For everything that is drawn.
    """

    task: type[dspy.Signature] = AssistUser
    agent_lm: Any = None
    editor_lm: Any = None
    retrieve: int = 8
    token_limit: int = TOKEN_LIMIT
    threads: int = 8
    seed: int = 0

    @property
    def editor(self) -> Any:
        """The LM that writes; None for the configured one."""
        return self.editor_lm if self.editor_lm is not None else self.agent_lm


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What was done when a session was over.

    Attributes:
        updated: Whether an update was made, also one that changed nothing.
        reason: Why, in a few words; empty where none was due.
        version: Of the persona, in the store; 0 where there is none.
        notes: What a reader should know: what was left out and why, what went wrong.
    """

    updated: bool = False
    reason: str = ""
    version: int = 0
    notes: tuple[str, ...] = ()


NOTHING_LEARNT = Learnt()


class Learner(Protocol):
    """One method for one user, over all sessions of the user in their order.

    The user's store holds the sessions that are over, each message under the bench's times and session ids. That is all
    a method learns from: no check, no expected answer and nothing that is to come is in any place that it sees. The
    true persona is for the method alone that answers under it.
    """

    def agent(self, session: str, golden: Persona) -> PersonaAgent:
        """Who answers in a session that begins; it has no tools yet, and its user is the method's.

        Args:
            session: Its id, under which its messages will be recorded.
            golden: The true persona of its time.
        """
        ...

    def learn(self) -> Learnt:
        """Called when a session is over and everything of it recorded. What goes wrong with an LM is a note."""
        ...

    def persona(self) -> Persona | None:
        """What it holds of the user now; None for a method that holds no persona."""
        ...


LearnerOf = Callable[[User, Setting], Learner]
"""Makes a method for a user, whose store is empty."""


def agent_of(user: User, setting: Setting, persona: Persona) -> PersonaAgent:
    """An agent that answers under a persona and remembers nothing else.

    Args:
        user: Whose agent it is.
        setting: Of the run.
        persona: The persona.
    """
    agent = PersonaAgent(setting.task, user=user, retrieve=0, persona=persona, calibration=None)
    agent.predict.lm = setting.agent_lm
    return agent
