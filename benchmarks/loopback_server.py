"""An OpenAI-compatible server on 127.0.0.1 in a process of its own: every answer takes the same time.

    python benchmarks/loopback_server.py [--seconds 0.2]

Answers are those of the testbed's stand-in for a capable LM, which understands the prompts of DSPy and of TextGrad and
decides by what stands in them. Prints its address, then serves until its standard input is closed. `GET /counts` tells,
since the last time it was asked, how many calls of which kind there were and how many were under way at most.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from dspy.lm15 import request_from_openai_chat

from personaopt.evals.testbed.stand_in import StandIn

LOOPBACK = "127.0.0.1"


class Server:
    """Answers `POST .../chat/completions` after a fixed time, however many are asked at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.stand_in = StandIn()
        self.at_once = self.most_at_once = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other; it stays open as long as the client wants."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                document = self.counts() if head[0].startswith("GET") else await self.answer(json.loads(body))
                data = json.dumps(document).encode()
                lines = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
                writer.write(lines.encode() + data)
                await writer.drain()
        writer.close()

    async def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """A chat completion."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.seconds
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        said = {name: body[name] for name in ("model", "messages", "temperature") if name in body}
        response = self.stand_in.complete(request_from_openai_chat(said))
        await asyncio.sleep(due - loop.time())
        self.at_once -= 1
        usage = {"prompt_tokens": response.usage.input_tokens, "completion_tokens": response.usage.output_tokens}
        message = {"role": "assistant", "content": response.text}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {**usage, "total_tokens": sum(usage.values())},
        }

    def counts(self) -> dict[str, Any]:
        """What happened since it was asked last; the stand-in also forgets which prompts it has seen."""
        counted = {"calls": dict(self.stand_in.calls), "most_at_once": self.most_at_once}
        self.stand_in, self.most_at_once = StandIn(), 0
        return counted


async def serve(seconds: float) -> None:
    """Serve until standard input ends."""
    server = await asyncio.start_server(Server(seconds).connection, LOOPBACK, 0, limit=2**20)
    print(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def running(seconds: float = 0.2) -> Iterator[str]:
    """A server in a process of its own while the block runs; its address."""
    command = [sys.executable, __file__, "--seconds", str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def counts(url: str) -> dict[str, Any]:
    """What the server counted since it was asked last."""
    with urllib.request.urlopen(f"{url}/counts") as reply:
        return json.load(reply)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.2)
    asyncio.run(serve(parser.parse_args().seconds))
