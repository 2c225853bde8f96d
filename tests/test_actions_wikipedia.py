"""Encyclopedias: a real HTTP server on loopback that speaks as a MediaWiki does, and a file of articles."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hashed_words import HashedWords

import personaopt as po

ARTICLES = {
    "Pumpkin": "A pumpkin is a cultivated winter squash.\nIt is round.",
    "Pumpkin pie": "Pumpkin pie is a dessert. " * 60,
    "Bridge": "A bridge spans an obstacle.",
}


class MediaWiki:
    """The part of a MediaWiki's API that a search needs."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.agents: list[str] = []
        self.reply: Any = None  # bytes or a status in the place of an answer
        wiki = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                wiki.asked.append(query)
                wiki.agents.append(self.headers["User-Agent"])
                wiki.answer(self, query)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/w/api.php"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        if isinstance(self.reply, float):
            time.sleep(self.reply)
        status = self.reply if isinstance(self.reply, int) else 200
        body = self.reply if isinstance(self.reply, bytes) else json.dumps(self.found(query)).encode()
        handler.send_response(status)
        handler.end_headers()
        handler.wfile.write(body)

    def found(self, query: dict[str, str]) -> dict[str, Any]:
        words = query["gsrsearch"].lower().split()
        titles = [title for title in ARTICLES if all(word in title.lower() for word in words)]
        pages = [
            {"pageid": number, "ns": 0, "title": title, "index": number, "extract": ARTICLES[title]}
            for number, title in enumerate(titles[: int(query["gsrlimit"])], 1)
        ]
        return {"batchcomplete": True, **({"query": {"pages": pages[::-1]}} if pages else {})}


@pytest.fixture
def wiki() -> Iterator[MediaWiki]:
    wiki = MediaWiki()
    yield wiki
    wiki.server.shutdown()
    wiki.server.server_close()


def test_articles_are_found_the_best_first(wiki):
    search = po.WikipediaSearch(base_url=wiki.url, contact="me@example.org")
    found = search("  pumpkin ")
    first, second = found.split("\n")
    assert first == "Pumpkin: A pumpkin is a cultivated winter squash. It is round."
    assert second.startswith("Pumpkin pie: Pumpkin pie is a dessert. ")
    assert len(second) < 700
    assert second.endswith("...")
    assert wiki.asked[0]["gsrsearch"] == "pumpkin"
    assert "me@example.org" in wiki.agents[0]
    assert wiki.agents[0].startswith("personaopt/")
    assert search("no such thing") == "No article fits."
    assert po.WikipediaSearch(base_url=wiki.url, articles=1)("pumpkin").count("\n") == 0


def test_the_same_words_are_asked_for_once(wiki):
    search = po.WikipediaSearch(base_url=wiki.url, cached=2)
    for words in ("pumpkin", "bridge", "pumpkin", "  pumpkin"):
        search(words)
    assert len(wiki.asked) == 2
    search("pie")
    search("pumpkin")
    assert len(wiki.asked) == 3
    search("bridge")  # the one that was not used for longest had to go
    assert len(wiki.asked) == 4
    off = po.WikipediaSearch(base_url=wiki.url, cached=0)
    off("pumpkin")
    off("pumpkin")
    assert len(wiki.asked) == 6


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (503, "answered with status 503"),
        (b"<html>no JSON", "did not answer as a MediaWiki does"),
        (b"[]", "did not answer as a MediaWiki does"),
        (b'{"query": {"pages": [{"index": 1}]}}', "did not answer as a MediaWiki does"),
        (b'{"error": {"code": "ratelimited"}}', "refused the search: ratelimited"),
        (b'{"x": "' + b"x" * 2_100_000 + b'"}', "sent more than 2,000,000 bytes"),
        (1.0, "did not answer within 0.2 seconds"),
    ],
)
def test_a_server_that_does_not_answer_as_it_should(wiki, reply, said):
    wiki.reply = reply
    with pytest.raises(po.ToolError) as caught:
        po.WikipediaSearch(base_url=wiki.url, timeout=0.2 if isinstance(reply, float) else 5.0)("pumpkin")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pumpkin" not in str(caught.value)


def test_a_server_that_is_not_there():
    for url in ("http://127.0.0.1:1/api.php", "nonsense://"):
        with pytest.raises(po.ToolError, match="could not be asked"):
            po.WikipediaSearch(base_url=url)("pumpkin")
    with pytest.raises(po.ToolError, match="needs words"):
        po.WikipediaSearch()("  ")


@pytest.mark.parametrize(
    "options", [{"articles": 0}, {"articles": 99}, {"timeout": 0}, {"cached": -1}, {"language": "a/b"}]
)
def test_options_outside_their_range(options):
    with pytest.raises(po.ConfigurationError):
        po.WikipediaSearch(**options)


@pytest.fixture
def articles(tmp_path):
    path = tmp_path / "articles.jsonl"
    lines = [json.dumps({"title": title, "text": text}) for title, text in ARTICLES.items()]
    path.write_text("\n\n".join(lines) + "\n", "utf-8")
    return path


def test_a_file_of_articles(articles):
    search = po.LocalArticles(articles, articles=2)
    assert search("a round squash").startswith("Pumpkin: A pumpkin is a cultivated winter squash.")
    assert search("bridges or a bridge") == "Bridge: A bridge spans an obstacle."
    assert search("zebra") == search("?!") == "No article fits."
    with pytest.raises(po.ToolError, match="needs words"):
        search("")
    articles.write_text("", "utf-8")
    assert po.LocalArticles(articles)("pumpkin") == "No article fits."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"title": "x", "text": "y"}\nnot JSON', "Line 2 of"),
        ('{"title": "x"}', "Line 1 of .* is not an article"),
        ("[1]", "is not an article"),
        (b"\xff\xfe", "it is not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_holds_no_articles(tmp_path, text, said):
    path = tmp_path / "articles.jsonl"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(po.DataError, match=said):
        po.LocalArticles(path)


def test_without_the_package_the_extra_is_named(articles, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(po.ConfigurationError, match=r"personaopt\[evals\]"):
        po.LocalArticles(articles)


def test_both_are_tools_that_need_permission(wiki, articles):
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        tools = [po.WikipediaSearch(base_url=wiki.url), po.LocalArticles(articles)]
        agent = po.PersonaAgent("question -> answer", user=user, tools=tools)
        with pytest.raises(po.ToolNotAllowed):
            agent.call_tool("wikipedia_search", query="pumpkin")
        assert wiki.asked == []
        user.allow_tools("wikipedia_search", "article_search")
        assert agent.available_tools()[3:] == ["wikipedia_search", "article_search"]
        assert agent.call_tool("wikipedia_search", query="bridge") == agent.call_tool("article_search", query="bridge")
        described = agent.actions.tools["wikipedia_search"].described()
        assert described.startswith("wikipedia_search(query (string)): Search Wikipedia by a few keywords")
