"""The part of an agent that acts: which tools there are, calling one, and looking up what a question needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dspy

from personaopt.actions.gathering import NOTHING_GATHERED, Gathered, gather
from personaopt.actions.own_memory import Moment
from personaopt.actions.policy import Policy
from personaopt.actions.space import ActionSpace
from personaopt.lm.asks import one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.memory.episodic import Recall

if TYPE_CHECKING:
    from personaopt.memory import User
    from personaopt.persona import Persona

_AT_ONCE = 8


class Acting:
    """What a `PersonaAgent` can do beside answering.

    Attributes:
        user: Whose agent it is.
        actions: What may be done for the user.
        policy: Chooses what is done.
        max_actions: How much of it before an answer.
    """

    user: User
    actions: ActionSpace
    policy: Policy
    max_actions: int
    if TYPE_CHECKING:

        @property
        def usable_persona(self) -> Persona: ...

    def available_tools(self) -> list[str]:
        """The names of the tools that may be called for this user at this moment."""
        return self.actions.available()

    def call_tool(self, name: str, /, **arguments: Any) -> Any:
        """Call one of the agent's tools, as its policy does.

        Args:
            name: The tool.
            arguments: What it is called with.

        Returns:
            What it returned, of whatever size.

        Raises:
            ToolNotAllowed: There is no such tool, or it is not allowed for this user; the arguments were not looked at.
            ToolError: The arguments do not fit, it raised, or was not done in time.
        """
        self.actions.refuse(name)
        return self.actions.call(name, arguments, Moment(self.user, self.usable_persona))

    async def acall_tool(self, name: str, /, **arguments: Any) -> Any:
        """The same, awaited."""
        self.actions.refuse(name)
        return await self.actions.acall(name, arguments, Moment(self.user, self.usable_persona))

    def _look_up(self, inputs: Mapping[str, Any], recalled: Recall) -> Gathered:
        """What the policy wants to know before a question is answered; nothing where no action may be done."""
        if not self.max_actions:
            return NOTHING_GATHERED
        with _unheard():
            return drive(gather(self, inputs, recalled=recalled), threads=_AT_ONCE)  # type: ignore[arg-type]

    async def _alook_up(self, inputs: Mapping[str, Any], recalled: Recall) -> Gathered:
        """The same, awaited."""
        if not self.max_actions:
            return NOTHING_GATHERED
        with _unheard():
            return await adrive(gather(self, inputs, recalled=recalled), threads=_AT_ONCE)  # type: ignore[arg-type]


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """A context for the policy's calls: they are not streamed to whoever listens for the answer."""
    with dspy.context(send_stream=None), one_call_an_attempt():
        yield
