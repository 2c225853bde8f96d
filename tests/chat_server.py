"""A chat completions server on loopback: real HTTP, scripted answers."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dspy


@dataclasses.dataclass
class Answer:
    """What the server does with a request: a status with headers, or a text, after a while."""

    text: str = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]"
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    after: float = 0.0
    usage: dict[str, Any] | None = dataclasses.field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    )


class ChatServer:
    """Answers `POST /chat/completions` and keeps when requests came and how many were there at once.

    Args:
        answer: From the request's body and its number, from 1, to what is answered.
    """

    def __init__(self, answer: Callable[[dict[str, Any], int], Answer]) -> None:
        self.answer = answer
        self.times: list[float] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.url = ""

    def lm(self, model: str = "openai/x", **settings: Any) -> dspy.LM:
        """A `dspy.LM` that asks this server."""
        return dspy.LM(model, api_base=self.url, api_key="none", **{"cache": False, **settings})

    @contextlib.contextmanager
    def counted(self) -> Iterator[int]:
        """While a request is answered."""
        with self._lock:
            self.times.append(time.monotonic())
            number = len(self.times)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield number
        finally:
            with self._lock:
                self._at_once -= 1


@contextlib.contextmanager
def chat_server(
    answer: Callable[[dict[str, Any], int], Answer] = lambda body, number: Answer(),
) -> Iterator[ChatServer]:
    """A server that runs while the block does."""
    state = ChatServer(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.counted() as number:
                reply = state.answer(body, number)
                state.closing.wait(reply.after)
            message = {"role": "assistant", "content": reply.text}
            document: dict[str, Any] = {"error": {"message": "not now", "type": "busy"}}
            if reply.status == 200:
                document = {
                    "id": f"c{number}",
                    "object": "chat.completion",
                    "model": body["model"],
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                }
                if reply.usage:
                    document["usage"] = reply.usage
            data = json.dumps(document).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
