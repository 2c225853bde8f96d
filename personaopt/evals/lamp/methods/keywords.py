"""Retrieval by keywords: BM25 over one user's earlier interactions."""

from __future__ import annotations

from collections.abc import Sequence

from personaopt.errors import ConfigurationError
from personaopt.memory.episodic import Memory


def best_by_keywords(query: str, earlier: Sequence[Memory], k: int) -> tuple[Memory, ...]:
    """The k earlier interactions that share most telling words with a text, the best first.

    BM25 in Lucene's variant with bm25s' defaults (k1 = 1.5, b = 0.75). Of equally good ones the newer comes first. The
    similarity of each stays the one that was given: a calibration reads it the same way for every method.

    Args:
        query: The text.
        earlier: What is searched, oldest first.
        k: How many.

    Raises:
        ConfigurationError: bm25s is not installed.
    """
    if not earlier or k <= 0:
        return ()
    try:
        import bm25s
    except ImportError as error:
        raise ConfigurationError("Retrieval by keywords needs bm25s: pip install 'personaopt[evals]'.") from error
    texts = [memory.interaction.query_text() for memory in earlier]
    words = bm25s.tokenize([*texts, query], return_ids=False, show_progress=False)
    asked = words.pop()
    scores = [0.0] * len(texts)
    if asked and any(words):
        index = bm25s.BM25()
        index.index(words, show_progress=False)
        known = [word for word in asked if word in index.vocab_dict]
        if known:
            scores = [float(score) for score in index.get_scores(known)]
    places = sorted(range(len(texts)), key=lambda place: (-scores[place], -place))
    return tuple(earlier[place] for place in places[:k])
