"""The action space of one agent: the tools it was given, the user's own memory, and who may call what.

Whether a tool may be called is decided here, in code, before its arguments are looked at: by the user's list of allowed
tools in the store, which no prompt and no tool's result can change.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dspy

from personaopt.actions.calling import Calls
from personaopt.actions.own_memory import Moment
from personaopt.actions.records import (
    KEPT_ACTED,
    LONGEST_RESULT,
    Acted,
    ActionRecord,
    call_text,
    cut,
    one_line_reason,
    plain,
    written,
)
from personaopt.actions.tools import AgentTool, agent_tool, made
from personaopt.errors import ConfigurationError, ToolError, ToolNotAllowed
from personaopt.lm.asks import Ask
from personaopt.memory.episodic import Memory
from personaopt.memory.permissions import OWN_TOOLS, checked
from personaopt.signatures.observed import delimited

if TYPE_CHECKING:
    from personaopt.memory import User
    from personaopt.signatures.act import ToolCall

TOOL_SECONDS = 10.0
OWN_SECONDS = 120.0
"""How long the user's own memory may take: a first search embeds everything."""


class ActionSpace:
    """What an agent may do for its user.

    Args:
        user: The user.
        tools: Functions, objects that can be called and have a `name`, `dspy.Tool`s.
        for_all: Names of those that may be called for every user.
        timeout: Seconds that a tool may take, for all of them or by name.
        not_simulated: Names of tools that are not called where an earlier question is simulated.
        memory_tools: Whether the user's own memory can be searched: `recall`, `profile`, `recent`.

    Raises:
        ConfigurationError: An argument is not valid.
    """

    def __init__(
        self,
        user: User,
        tools: Iterable[dspy.Tool | Callable[..., Any]] = (),
        *,
        for_all: Iterable[str] = (),
        timeout: float | Mapping[str, float] = TOOL_SECONDS,
        not_simulated: Iterable[str] = (),
        memory_tools: bool = True,
    ) -> None:
        self.user = user
        self.tools = made(tools)
        self.for_all, self.not_simulated = tuple(checked(for_all)), tuple(checked(not_simulated))
        self.own = OWN_TOOLS if memory_tools else ()
        self.seconds = dict(timeout) if isinstance(timeout, Mapping) else dict.fromkeys(self.tools, timeout)
        self._calls = Calls()
        if unknown := [name for name in (*self.for_all, *self.not_simulated, *self.seconds) if name not in self.tools]:
            raise ConfigurationError(f"The agent has no tool named {unknown[0]!r}; {_listed(self.tools)}.")
        for name, seconds in self.seconds.items():
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e6:
                raise ConfigurationError(f"A tool's time is a number of seconds above 0, not {seconds!r} for {name!r}.")

    def available(self) -> list[str]:
        """The names of the tools that may be called for the user at this moment."""
        allowed = {*self.user.allowed_tools, *self.for_all} if self.tools else set()
        return [*self.own, *(name for name in self.tools if name in allowed)]

    def refuse(self, name: Any) -> None:
        """Refuse a tool that may not be called, by its name alone.

        Raises:
            ToolNotAllowed: There is none of that name, or the user did not get it.
        """
        available = self.available()
        if isinstance(name, str) and name in available:
            return
        listed = ", ".join(available) or "none"
        if isinstance(name, str) and name in self.tools:
            raise ToolNotAllowed(
                f"The tool {name!r} is not allowed for user {self.user.id!r}; available are {listed}. "
                f"user.allow_tools({name!r}) allows it."
            )
        raise ToolNotAllowed(f"There is no tool named {cut(str(name), 80)!r}; available are {listed}.")

    def named(self, name: str, moment: Moment) -> AgentTool:
        """A tool that may be called.

        Raises:
            ToolNotAllowed: It may not.
        """
        self.refuse(name)
        if moment.simulated and name in self.not_simulated:
            raise ToolNotAllowed(
                f"The tool {name!r} changes something and is not called while an earlier question is simulated."
            )
        return self._tool(name, moment)

    def offered(self, moment: Moment) -> list[AgentTool]:
        """The tools that a policy may choose from."""
        return [self._tool(name, moment) for name in self.available()]

    def call(self, name: str, arguments: Mapping[str, Any], moment: Moment) -> Any:
        """Call a tool; what it returns.

        Raises:
            ToolNotAllowed: It may not be called; the arguments were not looked at.
            ToolError: The arguments do not fit, it raised, or was not done in time.
        """
        tool, given = self._prepared(name, arguments, moment)
        with _failing(name):
            return self._calls.run(tool, given, whose=self.user.id, seconds=self._time(name))

    async def acall(self, name: str, arguments: Mapping[str, Any], moment: Moment) -> Any:
        """The same, awaited."""
        tool, given = self._prepared(name, arguments, moment)
        with _failing(name):
            return await self._calls.arun(tool, given, whose=self.user.id, seconds=self._time(name))

    def ask(self, call: ToolCall, moment: Moment) -> Ask[Acted]:
        """A call as a step of a policy: whatever goes wrong is part of its record, and nothing is raised."""

        def act(attempt: int) -> Acted:
            started = time.perf_counter()
            try:
                with _failing(call.tool):  # also where what it returned cannot be written down
                    return _acted(call, self.call(call.tool, call.arguments, moment), started)
            except (ToolError, ToolNotAllowed) as error:
                return _failed(call, str(error), started)

        async def aact(attempt: int) -> Acted:
            started = time.perf_counter()
            try:
                with _failing(call.tool):
                    return _acted(call, await self.acall(call.tool, call.arguments, moment), started)
            except (ToolError, ToolNotAllowed) as error:
                return _failed(call, str(error), started)

        codec = None if call.tool in OWN_TOOLS else KEPT_ACTED
        asked = {"tool": call.tool, "arguments": call.arguments}
        return Ask(act, aact, lambda acted: acted, calls=0, codec=codec, asked=asked)

    def _prepared(self, name: str, arguments: Mapping[str, Any], moment: Moment) -> tuple[AgentTool, dict[str, Any]]:
        tool = self.named(name, moment)
        return tool, tool.fitting(arguments)

    def _tool(self, name: str, moment: Moment) -> AgentTool:
        return own_tool(name, moment) if name in self.own else self.tools[name]

    def _time(self, name: str) -> float:
        return OWN_SECONDS if name in OWN_TOOLS else self.seconds.get(name, TOOL_SECONDS)


def own_tool(name: str, moment: Moment) -> AgentTool:
    """A tool on the user's own memory, at one moment."""
    return agent_tool(dspy.Tool(getattr(moment, name), name=name))


def _acted(call: ToolCall, value: Any, started: float) -> Acted:
    seconds = round(time.perf_counter() - started, 4)
    if call.tool in OWN_TOOLS and isinstance(value, list):
        found: Sequence[Memory] = value
        count = f"{len(found)} earlier interactions" if len(found) != 1 else "1 earlier interaction"
        result = f"{count}, now among the memories" if found else "No earlier interaction fits."
        return Acted(ActionRecord(call.tool, plain(call.arguments), result, "", seconds), tuple(found))
    result = cut(written(value), LONGEST_RESULT)
    record = ActionRecord(call.tool, plain(call.arguments), result, "", seconds)
    return Acted(record, observation=delimited(call_text(call.tool, call.arguments), result))


def _failed(call: ToolCall, reason: str, started: float) -> Acted:
    seconds = round(time.perf_counter() - started, 4)
    return Acted(ActionRecord(call.tool, plain(call.arguments), "", reason, seconds))


@contextlib.contextmanager
def _failing(name: str) -> Iterator[None]:
    """Whatever a tool raises comes out as a `ToolError` of one sentence."""
    try:
        yield
    except (ToolError, ToolNotAllowed):
        raise
    except Exception as error:
        raise ToolError(f"The tool {name!r} failed: {one_line_reason(error)}.") from error


def _listed(names: Iterable[str]) -> str:
    found = ", ".join(names)
    return f"it has {found}" if found else "it has none"
