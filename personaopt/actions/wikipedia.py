"""Looking things up in an encyclopedia: Wikipedia by its API, or a file of articles without a network.

Wikipedia search is the general tool of PersonaAgent's experiments (its action space A). The words that are searched for
leave the machine, so the tool needs the user's permission like any other.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt import __version__
from personaopt.errors import ConfigurationError, DataError, ToolError
from personaopt.lm.private_calls import remembered

if TYPE_CHECKING:
    import httpx

LONGEST_QUERY = 300
"""Characters of a query, the longest that the API takes."""
LONGEST_REPLY = 2_000_000
"""Bytes of a reply that are read."""
_TEXT = 600  # characters of each article


class WikipediaSearch:
    """Searches Wikipedia: the introductions of the articles that fit best.

    Made once and given to any number of agents; results of the same words are kept in memory.

    Args:
        language: The Wikipedia's language, the beginning of its address.
        articles: How many articles one search gives.
        timeout: Seconds to wait for the server.
        contact: An address or page in the `User-Agent`, as Wikimedia asks of programs.
        cached: How many searches are kept, the least recently used goes first; 0 keeps none.
        base_url: The API of another MediaWiki; Wikipedia's when None.
        name: The tool's name.

    Raises:
        ConfigurationError: An argument is outside its range.
    """

    description = "Search Wikipedia by a few keywords: the beginnings of the articles that fit best."

    def __init__(
        self,
        language: str = "en",
        *,
        articles: int = 3,
        timeout: float = 5.0,
        contact: str = "",
        cached: int = 256,
        base_url: str | None = None,
        name: str = "wikipedia_search",
    ) -> None:
        if not language.replace("-", "").isalnum():
            raise ConfigurationError(f"A Wikipedia's language is a code such as 'en', not {language!r}.")
        if not 1 <= articles <= 20 or timeout <= 0 or cached < 0:
            raise ConfigurationError(
                "A search gives 1 to 20 articles, waits for more than 0 seconds and keeps 0 or more results, not "
                f"{articles!r}, {timeout!r} and {cached!r}."
            )
        self.name = name
        self.base_url = base_url or f"https://{language}.wikipedia.org/w/api.php"
        self.articles, self.timeout, self.cached = articles, timeout, cached
        self._agent = f"personaopt/{__version__} ({contact or 'a library for personalised agents'})"
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._client: httpx.Client | None = None

    def __call__(self, query: str) -> str:
        """Search.

        Args:
            query: A few keywords.

        Returns:
            Title and beginning of each article, the best first.

        Raises:
            ToolError: The query is empty, or the server cannot be reached or does not answer as it should.
        """
        words = " ".join(query.split())[:LONGEST_QUERY]
        if not words:
            raise ToolError(f"The tool {self.name!r} needs words to search for.")
        with self._lock:
            if words in self._kept:
                self._kept.move_to_end(words)
                return self._kept[words]
        found = as_text(self._fetched(words))
        if not remembered():  # keywords tell what the user asked
            return found
        with self._lock:
            self._kept[words] = found
            while len(self._kept) > self.cached:
                self._kept.popitem(last=False)
        return found

    def _fetched(self, words: str) -> list[tuple[str, str]]:
        import httpx

        asked = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "generator": "search",
            "gsrsearch": words,
            "gsrlimit": str(self.articles),
            "prop": "extracts",
            "exintro": "1",
            "explaintext": "1",
            "exlimit": "max",
        }
        try:
            with self._opened().stream("GET", self.base_url, params=asked) as response:
                if response.status_code != httpx.codes.OK:
                    raise ToolError(f"The server of {self.name!r} answered with status {response.status_code}.")
                read = b""
                for part in response.iter_bytes():
                    read += part
                    if len(read) > LONGEST_REPLY:
                        raise ToolError(f"The server of {self.name!r} sent more than {LONGEST_REPLY:,} bytes.")
        except httpx.TimeoutException as error:
            raise ToolError(f"The server of {self.name!r} did not answer within {self.timeout:g} seconds.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"The server of {self.name!r} could not be asked ({type(error).__name__}).") from error
        return self._articles(read)

    def _articles(self, read: bytes) -> list[tuple[str, str]]:
        try:
            reply = json.loads(read)
            if "error" in reply:
                raise ToolError(f"The server of {self.name!r} refused the search: {reply['error'].get('code')}.")
            pages = reply.get("query", {}).get("pages", [])
            pages = sorted(pages, key=lambda page: page.get("index", len(pages)))
            return [(str(page["title"]), str(page.get("extract") or "")) for page in pages[: self.articles]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ToolError(f"The server of {self.name!r} did not answer as a MediaWiki does.") from error

    def _opened(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=self.timeout, headers={"User-Agent": self._agent}, follow_redirects=True
                )
            return self._client


class LocalArticles:
    """Searches a file of articles by keywords (BM25), without a network: a small encyclopedia of one's own.

    Args:
        path: A JSONL file: one object with `title` and `text` a line.
        articles: How many articles one search gives.
        name: The tool's name.
        description: What it is for, as the policy is told.

    Raises:
        DataError: The file cannot be read, or a line is not an article.
        ConfigurationError: The package for BM25 is not installed, or an argument is outside its range.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        articles: int = 3,
        name: str = "article_search",
        description: str = "Search a collection of articles by a few keywords: the beginnings of those that fit best.",
    ) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise ConfigurationError(
                "A search of local articles needs bm25s: pip install 'personaopt[evals]'."
            ) from error
        if articles < 1:
            raise ConfigurationError(f"A search gives 1 or more articles, not {articles!r}.")
        self.name, self.description, self.articles = name, description, articles
        self._read = _articles(Path(path))
        self._words = bm25s.tokenize
        self._index = bm25s.BM25()
        tokens = self._words([f"{title}\n{text}" for title, text in self._read], return_ids=False, show_progress=False)
        self._empty = not any(tokens)
        if not self._empty:
            self._index.index(tokens, show_progress=False)

    def __call__(self, query: str) -> str:
        """Search.

        Args:
            query: A few keywords.

        Raises:
            ToolError: The query is empty.
        """
        if not query.strip():
            raise ToolError(f"The tool {self.name!r} needs words to search for.")
        (asked,) = self._words([query], return_ids=False, show_progress=False)
        known = [] if self._empty else [word for word in asked if word in self._index.vocab_dict]
        if not known:
            return as_text([])
        scores = self._index.get_scores(known)
        best = sorted(
            (place for place in range(len(self._read)) if scores[place] > 0), key=lambda place: -scores[place]
        )
        return as_text([self._read[place] for place in best[: self.articles]])


def as_text(articles: list[tuple[str, str]]) -> str:
    """Articles as a tool gives them: title and beginning."""
    lines = []
    for title, text in articles:
        said = " ".join(text.split())
        lines.append(f"{title}: {said[:_TEXT]}{'...' if len(said) > _TEXT else ''}")
    return "\n".join(lines) or "No article fits."


def _articles(path: Path) -> list[tuple[str, str]]:
    found = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    found.append(_article(line, f"Line {number} of {path}"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"The articles in {path} cannot be read: {reason}.") from error
    return found


def _article(line: str, where: str) -> tuple[str, str]:
    try:
        values = json.loads(line)
    except ValueError:
        values = None
    if not isinstance(values, Mapping) or not all(isinstance(values.get(name), str) for name in ("title", "text")):
        raise DataError(f"{where} is not an article; give an object with the texts 'title' and 'text'.")
    given: Mapping[str, Any] = values
    return given["title"], given["text"]
