"""Calling a tool: never longer than its time, never into itself, and on a thread that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import dspy

from personaopt.errors import ToolError

if TYPE_CHECKING:
    from personaopt.actions.tools import AgentTool

MOST_NESTED = 3
"""So deep may tools call tools of an agent."""
MOST_UNDER_WAY = 64
"""Calls of one agent's tools that may be under way at once, those among them that were given up and still run."""

_within: contextvars.ContextVar[tuple[tuple[str, str], ...]] = contextvars.ContextVar("personaopt_tools", default=())


def inside(whose: str) -> str:
    """The tool of a user's agent inside of which this is run; empty outside of all."""
    return next((name for owner, name in reversed(_within.get()) if owner == whose), "")


class Calls:
    """The calls of one agent's tools that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def __reduce__(self) -> tuple[type[Calls], tuple[()]]:
        return (Calls, ())  # a saved program has no calls under way

    def run(self, tool: AgentTool, arguments: Mapping[str, Any], *, whose: str, seconds: float) -> Any:
        """Call a tool.

        Args:
            tool: The tool.
            arguments: What fits it.
            whose: The user for whom it is called.
            seconds: How long it may take.

        Returns:
            What it returned.

        Raises:
            ToolError: It calls itself, is not done in time, or too many are under way.
            Exception: What the tool raised.
        """
        future = self._started(tool, arguments, whose)
        try:
            return future.result(timeout=seconds)
        except TimeoutError as error:
            if future.done():  # it is the tool's own
                raise
            raise _late(tool, seconds) from error

    async def arun(self, tool: AgentTool, arguments: Mapping[str, Any], *, whose: str, seconds: float) -> Any:
        """The same, awaited; a tool that is awaited runs on this event loop, another one on a thread."""
        if tool.waits:
            with _entered(tool, whose), contextlib.ExitStack() as counted:
                counted.enter_context(self._counted())
                task: asyncio.Future[Any] = asyncio.ensure_future(_awaited(tool, arguments))
                ended = counted.pop_all().close
                task.add_done_callback(lambda _: ended())
        else:
            task = asyncio.wrap_future(self._started(tool, arguments, whose))
        # Not `wait_for`, which waits for a task that does not let itself be cancelled.
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            task.add_done_callback(_heard)
            raise _late(tool, seconds)
        if task.cancelled():  # not by us: the tool did that to itself
            raise _ended(tool, asyncio.CancelledError())
        return task.result()

    def _started(self, tool: AgentTool, arguments: Mapping[str, Any], whose: str) -> Future[Any]:
        future: Future[Any] = Future()
        with _entered(tool, whose):
            context = contextvars.copy_context()

        def work() -> None:
            try:
                # Off the event loop an awaited tool runs on one of its own.
                with dspy.context(allow_tool_async_sync_conversion=True):
                    result = tool.tool(**arguments)
            except StopIteration as error:  # which no future of asyncio takes
                _settle(future, error=_ended(tool, error))
            except Exception as error:  # noqa: BLE001 - handed to whoever waits, whatever it is
                _settle(future, error=error)
            except BaseException as error:  # noqa: BLE001 - a tool that exits or is interrupted ends nothing but itself
                _settle(future, error=_ended(tool, error))
            else:
                _settle(future, result=result)
            finally:
                counted.close()

        counted = contextlib.ExitStack()
        counted.enter_context(self._counted())
        try:
            threading.Thread(target=context.run, args=(work,), name=f"personaopt-tool-{tool.name}", daemon=True).start()
        except BaseException:
            counted.close()
            raise
        return future

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            if self._count >= MOST_UNDER_WAY:
                raise ToolError(
                    f"{MOST_UNDER_WAY} calls of this agent's tools are under way and do not end; none is added."
                )
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1


@contextlib.contextmanager
def _entered(tool: AgentTool, whose: str) -> Iterator[None]:
    """The context inside of a tool.

    Raises:
        ToolError: It is inside of itself already, or too deep.
    """
    chain = _within.get()
    if (whose, tool.name) in chain:
        raise ToolError(f"The tool {tool.name!r} called itself, by way of the agent whose tool it is.")
    if len(chain) >= MOST_NESTED:
        raise ToolError(f"The tool {tool.name!r} was not called: {MOST_NESTED} tools are calling one another already.")
    token = _within.set((*chain, (whose, tool.name)))
    try:
        yield
    finally:
        _within.reset(token)


async def _awaited(tool: AgentTool, arguments: Mapping[str, Any]) -> Any:
    awaited: Callable[..., Coroutine[Any, Any, Any]] = tool.tool.acall
    try:
        return await awaited(**arguments)
    except (SystemExit, KeyboardInterrupt) as error:  # they would end the event loop, and all that runs on it
        raise _ended(tool, error) from error


def _ended(tool: AgentTool, error: BaseException) -> ToolError:
    return ToolError(f"The tool {tool.name!r} ended with {type(error).__name__}.")


def _late(tool: AgentTool, seconds: float) -> ToolError:
    return ToolError(f"The tool {tool.name!r} was not done after {seconds:g} seconds and is not waited for any more.")


def _settle(future: Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    if not future.set_running_or_notify_cancel():
        return  # nobody waits any more
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _heard(task: asyncio.Future[Any]) -> None:
    """Take a late error, so that asyncio does not complain that nobody did."""
    if not task.cancelled():
        task.exception()
