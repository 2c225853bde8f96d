"""A chat model for tests of conversations: it sees messages and images, and can be heard while it writes."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import dspy
from dspy.lm15 import (
    Message,
    Request,
    Response,
    StreamDeltaEvent,
    StreamEndEvent,
    StreamStartEvent,
    TextDelta,
    TextPart,
    Usage,
)

MODEL = "scripted/talking"
_OUTPUT = re.compile(r"\[\[ ## (\w+) ## \]\]")


@dataclasses.dataclass(frozen=True)
class Said:
    """One request: its system prompt, and the others' messages as (role, text, kinds of other parts)."""

    system: str
    messages: tuple[tuple[str, str, tuple[str, ...]], ...]

    @property
    def last(self) -> str:
        return self.messages[-1][1]

    @property
    def earlier(self) -> list[tuple[str, str]]:
        return [(role, text) for role, text, _ in self.messages[:-1]]


class Talking:
    """The engine.

    Args:
        reply: From a request to the text of every output; raises what the engine should raise.
        pause: Seconds before each streamed piece.
    """

    supported_params = frozenset({"temperature", "max_tokens"})

    def __init__(self, reply: Callable[[Said], str] | None = None, pause: float = 0.0) -> None:
        self.reply = reply or (lambda said: f"Answer {len(said.earlier) // 2 + 1}.")
        self.pause = pause
        self.requests: list[Said] = []
        self.closed = 0
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Response:
        text = self._text(request)
        return Response(None, MODEL, Message.assistant([TextPart(text)]), "stop", Usage(1, 1))

    def stream(self, request: Request) -> Iterator[Any]:
        raise NotImplementedError

    def _text(self, request: Request) -> str:
        said = _said(request)
        with self._lock:
            self.requests.append(said)
        outputs = [name for name in _OUTPUT.findall(said.last.rpartition("Respond with")[2]) if name != "completed"]
        reply = self.reply(said)
        return "".join(f"[[ ## {name} ## ]]\n{reply}\n\n" for name in outputs) + "[[ ## completed ## ]]"


class AsyncTalking:
    """The same engine, awaited and streamed word by word."""

    supported_params = Talking.supported_params

    def __init__(self, engine: Talking) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        await asyncio.sleep(self.engine.pause)
        return self.engine.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        try:
            yield StreamStartEvent(id="s", model=MODEL)
            for piece in re.findall(r"\s*\S+\s*", self.engine._text(request)):
                await asyncio.sleep(self.engine.pause)
                yield StreamDeltaEvent(TextDelta(piece))
            yield StreamEndEvent("stop", Usage(1, 1))
        finally:
            self.engine.closed += 1


def talking_lm(reply: Callable[[Said], str] | None = None, pause: float = 0.0) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `Talking`."""
    engine = Talking(reply, pause)
    return dspy.LM(MODEL, engine=engine, async_engine=AsyncTalking(engine), cache=True, num_retries=0)


def _said(request: Request) -> Said:
    messages = []
    system = request.system if isinstance(request.system, str) else "".join(p.text for p in request.system or ())
    for message in request.messages:
        texts = [part.text for part in message.parts if part.type == "text"]
        kinds = tuple(part.type for part in message.parts if part.type != "text")
        messages.append((message.role, "\n".join(texts), kinds))
    return Said(system, tuple(messages))
