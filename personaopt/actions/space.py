"""The action space of one agent: the tools it was given, the user's own memory, and who may call what.

Whether a tool may be called is decided here, in code, before its arguments are looked at: by the user's list of allowed
tools in the store, which no prompt and no tool's result can change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dspy

from personaopt.actions.calling import Calls
from personaopt.actions.own_memory import Moment
from personaopt.actions.records import LONGEST_RESULT, Acted, ActionRecord, call_text, cut, one_line_reason, written
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
        memory_tools: bool = True,
    ) -> None:
        self.user = user
        self.tools = made(tools)
        self.for_all = tuple(checked(for_all))
        self.own = OWN_TOOLS if memory_tools else ()
        self._seconds = dict(timeout) if isinstance(timeout, Mapping) else dict.fromkeys(self.tools, timeout)
        self._calls = Calls()
        if unknown := [name for name in (*self.for_all, *self._seconds) if name not in self.tools]:
            raise ConfigurationError(f"The agent has no tool named {unknown[0]!r}; {_listed(self.tools)}.")
        for name, seconds in self._seconds.items():
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
        if name in available:
            return
        listed = ", ".join(available) or "none"
        if name in self.tools:
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
        return self.tools[name] if name in self.tools else own_tool(name, moment)

    def offered(self, moment: Moment) -> list[AgentTool]:
        """The tools that a policy may choose from."""
        return [self.named(name, moment) for name in self.available()]

    def call(self, name: str, arguments: Mapping[str, Any], moment: Moment) -> Any:
        """Call a tool; what it returns.

        Raises:
            ToolNotAllowed: It may not be called; the arguments were not looked at.
            ToolError: The arguments do not fit, it raised, or was not done in time.
        """
        tool = self.named(name, moment)
        given = tool.fitting(arguments)
        try:
            return self._calls.run(tool, given, whose=self.user.id, seconds=self._time(name))
        except ToolError:
            raise
        except Exception as error:
            raise ToolError(f"The tool {name!r} failed: {one_line_reason(error)}.") from error

    def ask(self, call: ToolCall, moment: Moment) -> Ask[Acted]:
        """A call as a step of a policy: whatever goes wrong is part of its record, and nothing is raised."""

        def act(attempt: int) -> Acted:
            started = time.perf_counter()
            try:
                tool, given = self._prepared(call, moment)
                value = self._calls.run(tool, given, whose=self.user.id, seconds=self._time(call.tool))
                return _acted(call, value, started)
            except Exception as error:  # noqa: BLE001 - whatever a tool raises is a record
                return _failed(call, error, started)

        async def aact(attempt: int) -> Acted:
            started = time.perf_counter()
            try:
                tool, given = self._prepared(call, moment)
                value = await self._calls.arun(tool, given, whose=self.user.id, seconds=self._time(call.tool))
                return _acted(call, value, started)
            except Exception as error:  # noqa: BLE001 - whatever a tool raises is a record
                return _failed(call, error, started)

        return Ask(act, aact, lambda acted: acted, calls=0, asked={"tool": call.tool, "arguments": call.arguments})

    def _prepared(self, call: ToolCall, moment: Moment) -> tuple[AgentTool, dict[str, Any]]:
        tool = self.named(call.tool, moment)
        return tool, tool.fitting(call.arguments)

    def _time(self, name: str) -> float:
        return OWN_SECONDS if name in OWN_TOOLS else self._seconds.get(name, TOOL_SECONDS)


def own_tool(name: str, moment: Moment) -> AgentTool:
    """A tool on the user's own memory, at one moment."""
    return agent_tool(dspy.Tool(getattr(moment, name), name=name))


def _acted(call: ToolCall, value: Any, started: float) -> Acted:
    seconds = round(time.perf_counter() - started, 4)
    if call.tool in OWN_TOOLS and isinstance(value, list):
        found: Sequence[Memory] = value
        count = f"{len(found)} earlier interactions" if len(found) != 1 else "1 earlier interaction"
        result = f"{count}, now among the memories" if found else "No earlier interaction fits."
        return Acted(ActionRecord(call.tool, dict(call.arguments), result, "", seconds), tuple(found))
    result = cut(written(value), LONGEST_RESULT)
    record = ActionRecord(call.tool, dict(call.arguments), result, "", seconds)
    return Acted(record, observation=delimited(call_text(call.tool, call.arguments), result))


def _failed(call: ToolCall, error: Exception, started: float) -> Acted:
    seconds = round(time.perf_counter() - started, 4)
    ours = isinstance(error, ToolError | ToolNotAllowed)
    reason = str(error) if ours else f"The tool {call.tool!r} failed: {one_line_reason(error)}."
    return Acted(ActionRecord(call.tool, dict(call.arguments), "", cut(reason, LONGEST_RESULT // 4), seconds))


def _listed(names: Iterable[str]) -> str:
    found = ", ".join(names)
    return f"it has {found}" if found else "it has none"
