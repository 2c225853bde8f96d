"""Tools of MCP servers, through DSPy's own bridge, for agents that wait and agents that are awaited.

A connection to an MCP server belongs to one event loop. `MCPTools` keeps such a loop on a thread of its own, so that
the tools can be called from anywhere; a session that an application has opened itself stays on the application's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import dspy

from personaopt.actions.records import one_line_reason
from personaopt.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    import mcp

START_SECONDS = 30.0
END_SECONDS = 15.0
"""How long the end of a connection is waited for; a server that does not stop by itself is given four, then killed."""
_MOST_PAGES = 100


class MCPTools:
    """The tools of one MCP server while it is connected, as a context manager and a sequence of `dspy.Tool`s.

    Args:
        server: The command that starts a server on standard input and output, as a list; the URL of one; or anything
            else that `mcp.Client` connects to.
        only: Names of the tools that are wanted; all when None.
        timeout: Seconds for starting the server and listing its tools.

    Raises:
        ConfigurationError: The package `mcp` is not installed; on entering: it is connected already; on asking for
            its tools: it was never entered.
        ToolError: On entering: the server cannot be reached, or has not the tools that are wanted.

    Example:
        >>> with MCPTools(["python", "server.py"]) as tools:
        ...     agent = PersonaAgent("question -> answer", user=user, tools=[*tools])
    """

    def __init__(self, server: Any, *, only: Collection[str] | None = None, timeout: float = START_SECONDS) -> None:
        self._server = _server(server)
        self._only = None if only is None else list(only)
        self._timeout = timeout
        self._tools: list[dspy.Tool] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._starting: asyncio.Task[Any] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start the server and ask for its tools."""
        if self._thread is not None:
            raise ConfigurationError("The MCP server is connected already; make another MCPTools for a second one.")
        ready: Future[list[dspy.Tool]] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="personaopt-mcp", daemon=True
        )
        self._thread.start()
        try:
            self._tools = ready.result(timeout=self._timeout)
        except TimeoutError as error:
            ready.cancel()
            self.close()
            raise ToolError(f"The MCP server was not ready after {self._timeout:g} seconds.") from error
        except (ToolError, ConfigurationError):
            self.close()
            raise
        except Exception as error:
            self.close()
            raise ToolError(f"The MCP server could not be used: {_reason(error)}.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        """The same, awaited."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __iter__(self) -> Iterator[dspy.Tool]:
        if self._loop is None:
            raise ConfigurationError(
                "The tools of an MCP server are known once it is connected: with MCPTools(...) as tools."
            )
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def close(self) -> None:
        """End the connection, and a server that was started for it; closing it twice is fine."""
        loop, thread = self._loop, self._thread
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(self._end)
        if thread is not None:
            thread.join(END_SECONDS)
        self._thread = None

    def _end(self) -> None:
        """On the loop: end the connection, also one that a silent server has not made yet."""
        if self._starting is not None:
            self._starting.cancel()
        elif self._ended is not None:
            self._ended.set()

    async def _serve(self, ready: Future[list[dspy.Tool]]) -> None:
        """Hold the connection until it is closed; it is opened and closed in one task, as it must be."""
        import mcp

        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._starting = asyncio.current_task()
        if ready.cancelled():  # nobody waits any more
            return
        try:
            async with mcp.Client(self._server) as client:
                tools = await mcp_tools(client, only=self._only)
                self._starting = None
                ready.set_result(tools)
                await self._ended.wait()
        except BaseException as error:  # noqa: BLE001 - handed to whoever entered; later ones end the connection
            if not ready.done():
                ready.set_exception(error)


async def mcp_tools(session: mcp.Client | mcp.ClientSession, *, only: Collection[str] | None = None) -> list[dspy.Tool]:
    """The tools of a session that is open, to be called on its event loop or from other threads.

    An agent that waits must not be called on the thread of that loop: the loop could not go on, and the tool would not
    be done in time. Use `MCPTools`, or await the agent.

    Args:
        session: An `mcp.Client` or `mcp.ClientSession`.
        only: Names of the tools that are wanted; all when None.

    Raises:
        ToolError: The server has not the tools that are wanted.
    """
    loop = asyncio.get_running_loop()
    listed: list[Any] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await _page(session, cursor)
        listed += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    names = [tool.name for tool in listed]
    if missing := [name for name in only or () if name not in names]:
        raise ToolError(f"The MCP server has no tool {missing[0]!r}; it has {', '.join(names) or 'none'}.")
    return [
        _from_anywhere(dspy.Tool.from_mcp_tool(session, tool), loop)
        for tool in listed
        if only is None or tool.name in only
    ]


async def _page(session: Any, cursor: str | None) -> Any:
    import mcp

    if isinstance(session, mcp.ClientSession):
        from mcp.types import PaginatedRequestParams

        return await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
    return await session.list_tools(cursor=cursor)


def _from_anywhere(tool: dspy.Tool, loop: asyncio.AbstractEventLoop) -> dspy.Tool:
    """The same tool, whose call crosses to the loop of its session."""
    bridged = tool.func

    async def call(**given: Any) -> Any:
        if asyncio.get_running_loop() is loop:
            return await bridged(**given)
        if loop.is_closed():
            raise ToolError(f"The MCP server of the tool {tool.name!r} is not connected any more.")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(bridged(**given), loop))

    return dspy.Tool(
        call, name=tool.name, desc=tool.desc or "", args=tool.args, arg_types=tool.arg_types, arg_desc=tool.arg_desc
    )


def _server(server: Any) -> Any:
    try:
        import mcp
    except ImportError as error:
        raise ConfigurationError(
            "Tools of an MCP server need the package mcp: pip install 'personaopt[mcp]'."
        ) from error
    if isinstance(server, Sequence) and not isinstance(server, str):
        command = [str(part) for part in server]
        if not command:
            raise ConfigurationError("The command of an MCP server is empty; give the program and its arguments.")
        return mcp.StdioServerParameters(command=command[0], args=command[1:])
    return server


def _reason(error: BaseException) -> str:
    """What went wrong, out of the groups in which event loops put errors."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return one_line_reason(error)
