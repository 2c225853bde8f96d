"""Tools of a real MCP server over standard input and output, for agents that wait and agents that are awaited."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from pathlib import Path
from typing import Any

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import scripted_lm

import personaopt as po

pytest.importorskip("mcp")
SERVER = [sys.executable, str(Path(__file__).with_name("mcp_server.py"))]
CALLS = [{"tool": "price", "arguments": {"article": "tea", "pieces": "2"}}]


@pytest.fixture(scope="module")
def tools():
    with po.MCPTools(SERVER) as tools:
        yield tools


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        yield store.user("u")


def shop(user: Any, tools: Any, **options: Any) -> po.PersonaAgent:
    return po.PersonaAgent("question -> answer", user=user, tools=[*tools], **options)


def policy() -> Any:
    rounds = [CALLS]
    return scripted_lm(replies={"act": lambda given: {"calls": rounds.pop() if rounds else []}})


def test_a_servers_tools_are_tools_of_an_agent(user, tools):
    agent = shop(user, tools)
    assert len(tools) == 4
    assert agent.actions.tools["price"].described() == (
        "price(article (string); pieces (integer, optional)): What an article costs."
    )
    with pytest.raises(po.ToolNotAllowed):
        agent.call_tool("price", article="tea")
    user.allow_tools("price", "fails", "slow")
    assert agent.call_tool("price", article="tea") == "1 of tea: 3 euros"
    with pytest.raises(po.ToolError, match="no argument 'arcticle'; it takes article, pieces"):
        agent.call_tool("price", arcticle="tea")
    with pytest.raises(po.ToolError, match="needs the argument 'article'"):
        agent.call_tool("price")
    with pytest.raises(po.ToolError, match="failed: RuntimeError: Failed to call a MCP tool"):
        agent.call_tool("fails", args=["x"])
    hasty = shop(user, tools, tool_timeout=0.1)
    with pytest.raises(po.ToolError, match="not done after"):
        hasty.call_tool("slow", seconds=1.0)
    assert agent.call_tool("price", article="milk") == "1 of milk: 3 euros"


def test_agents_that_wait_and_agents_that_are_awaited(user, tools):
    agent = shop(user, tools, allow_tools_for_all=["price"])
    with dspy.context(lm=policy(), adapter=None):
        (waited,) = agent(question="What does tea cost?").actions
    with dspy.context(lm=policy(), adapter=None):
        (awaited,) = asyncio.run(agent.acall(question="What does tea cost?")).actions
    assert waited["result"] == awaited["result"] == "2 of tea: 6 euros"


def test_some_of_the_tools_and_a_server_that_ends(user):
    with po.MCPTools(SERVER, only=["ends", "price"]) as tools:
        agent = shop(user, tools, allow_tools_for_all=["ends", "price"], tool_timeout=5.0)
        assert agent.available_tools()[3:] == ["price", "ends"]
        with pytest.raises(po.ToolError):
            agent.call_tool("ends")
        with pytest.raises(po.ToolError):
            agent.call_tool("price", article="tea")
    with pytest.raises(po.ToolError, match="not connected any more"):
        agent.call_tool("price", article="tea")
    assert not [each for each in threading.enumerate() if each.name == "personaopt-mcp" and each is tools._thread]


def test_a_session_of_ones_own(user):
    import mcp

    async def answered() -> Any:
        command = mcp.StdioServerParameters(command=SERVER[0], args=SERVER[1:])
        async with mcp.Client(command) as client:
            agent = shop(user, await po.mcp_tools(client, only=["price"]), allow_tools_for_all=["price"])
            with dspy.context(lm=policy(), adapter=None):
                awaited = await agent.acall(question="What does tea cost?")
            elsewhere = await asyncio.to_thread(agent.call_tool, "price", article="tea")
            bridged = dspy.Tool.from_mcp_tool(client, (await client.list_tools()).tools[0])
            plain = shop(user, [bridged], allow_tools_for_all=["price"])
            with dspy.context(lm=policy(), adapter=None):
                direct = await plain.acall(question="What does tea cost?")
            return awaited.actions[0]["result"], elsewhere, direct.actions[0]["result"]

    assert asyncio.run(answered()) == ("2 of tea: 6 euros", "1 of tea: 3 euros", "2 of tea: 6 euros")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (["/no/such/program"], "could not be used: FileNotFoundError"),
        ([sys.executable, "-c", "pass"], "could not be used"),
    ],
)
def test_a_server_that_does_not_start(server, said):
    with pytest.raises(po.ToolError, match=said) as caught, po.MCPTools(server, timeout=15):
        pass
    assert "\n" not in str(caught.value)


def test_a_server_that_says_nothing_is_ended(tmp_path):
    alive = tmp_path / "alive"
    writes = "import sys, time\nwhile True: open(sys.argv[1], 'w').write(str(time.time())); time.sleep(0.05)"
    start = time.monotonic()
    with (
        pytest.raises(po.ToolError, match=r"not ready after 1\.5 seconds"),
        po.MCPTools([sys.executable, "-c", writes, str(alive)], timeout=1.5),
    ):
        pass
    assert time.monotonic() - start < 12
    assert alive.exists()
    last = alive.read_text()
    time.sleep(0.3)
    assert alive.read_text() == last


def test_one_connection_at_a_time(user, tools):
    with pytest.raises(po.ConfigurationError, match="connected already"):
        tools.__enter__()
    with pytest.raises(po.ConfigurationError, match="once it is connected"):
        shop(user, po.MCPTools(SERVER))


def test_what_is_no_server():
    with pytest.raises(po.ConfigurationError, match="is empty"):
        po.MCPTools([])
    with (
        pytest.raises(po.ToolError, match="has no tool 'nothing'; it has price"),
        po.MCPTools(SERVER, only=["nothing"]),
    ):
        pass


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(po.ConfigurationError, match=r"personaopt\[mcp\]"):
        po.MCPTools(SERVER)
