"""Answers that are handed on while they are written (`dspy.streamify`); what cannot be streamed comes as a whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import dspy
from dspy.streaming import StatusMessageProvider, StreamListener, StreamResponse

from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.decisions import is_decided_by_type
from personaopt.lm.local import is_small_local

if TYPE_CHECKING:
    from personaopt.agent import PersonaAgent

Piece: TypeAlias = StreamResponse | dspy.Prediction
"""A part of one output's text, or at the end the whole prediction."""

AHEAD = 16
"""Pieces that are made before a reader takes the first of them."""


class _Silent(StatusMessageProvider):
    """DSPy tells of tool calls within the stream, from threads of its own; here they stand in the prediction."""

    def tool_start_status_message(self, instance: Any, inputs: dict[str, Any]) -> None:
        """Nothing."""

    def tool_end_status_message(self, outputs: Any) -> None:
        """Nothing."""


def streamed_outputs(agent: PersonaAgent) -> list[str]:
    """The outputs whose text can be followed while it is written; none where the answer comes as a whole.

    An answer that is decided by its probability is there at once. DSPy's listeners follow the adapters that come with
    it and no others, and an engine of one's own may not stream.
    """
    adapter = dspy.settings.adapter
    if adapter is None and is_small_local(agent.lm):
        adapter = LocalAdapter()
    followed = (dspy.ChatAdapter, dspy.JSONAdapter, dspy.XMLAdapter)
    engine = getattr(agent.lm, "async_engine", None)
    if adapter is not None and type(adapter) not in followed:
        return []
    if agent.predict.fields or is_decided_by_type(agent.predict.signature):
        return []
    if engine is not None and not callable(getattr(engine, "stream", None)):
        return []
    return _texts(agent)


async def pieces(agent: PersonaAgent, inputs: Mapping[str, Any]) -> AsyncGenerator[Piece, None]:
    """The parts of an agent's answer as they come, each output's text in full, and the prediction last.

    Args:
        agent: Who answers.
        inputs: What it is called with.
    """
    names, told = streamed_outputs(agent), set[str]()
    if not names:
        prediction = await agent.acall(**inputs)
    else:
        listeners = [StreamListener(name, predict=agent.predict, predict_name="predict") for name in names]
        streamed = dspy.streamify(
            agent, status_message_provider=_Silent(), stream_listeners=listeners, is_async_program=True
        )
        prediction = None
        async with contextlib.aclosing(streamed(**inputs)) as values:
            async for value in values:
                if isinstance(value, StreamResponse):
                    told.add(value.signature_field_name)
                    yield value
                elif isinstance(value, dspy.Prediction):
                    prediction = value
    for name in _texts(agent):  # what came in one piece was not told by a listener
        if name not in told:
            yield StreamResponse("predict", name, str(prediction[name]), is_last_chunk=True)
    yield prediction


async def carried(
    make: Callable[[], AsyncGenerator[Any, None]], tasks: set[asyncio.Task[None]]
) -> AsyncGenerator[Any, None]:
    """What an async generator gives, made in a task of its own that is ended when the reader goes away.

    DSPy's stream lives in a task group, which must be left by the task that entered it; a web server may close a
    stream from any task, or leave it to the garbage collector.

    Args:
        make: Makes the generator. It is closed in the task that ran it, and has the time that it needs for that.
        tasks: Keeps the task while it runs.
    """
    send, receive = anyio.create_memory_object_stream[Any](AHEAD)

    async def run() -> None:
        async with send, contextlib.aclosing(make()) as values:
            async for value in values:
                await send.send(value)

    task = asyncio.create_task(run())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    try:
        async with receive:
            async for value in receive:
                yield value
        await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen: it was raised above, or there is nobody left to be told


def _texts(agent: PersonaAgent) -> list[str]:
    return [name for name, field in agent.task.output_fields.items() if field.annotation is str]
