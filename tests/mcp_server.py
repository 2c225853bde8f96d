"""An MCP server for tests, on standard input and output."""

from __future__ import annotations

import os
import time

from mcp.server import MCPServer

server = MCPServer("shop")


@server.tool()
def price(article: str, pieces: int = 1) -> str:
    """What an article costs."""
    return f"{pieces} of {article}: {3 * pieces} euros"


@server.tool()
def fails(args: list[str]) -> str:
    """Fail."""
    raise ValueError(f"no {args}")


@server.tool()
def slow(seconds: float) -> str:
    """Take a while."""
    time.sleep(seconds)
    return "done"


@server.tool()
def ends() -> str:
    """End the server."""
    os._exit(3)


if __name__ == "__main__":
    server.run()
