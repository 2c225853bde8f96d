"""Scenes that are nearly the same: word trigrams in common, found by MinHash and counted exactly.

A MinHash signature agrees in a place as often as the Jaccard similarity of the two sets says (Broder 1997); scenes that
agree in all places of a band are compared exactly.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

NEAR = 0.7
"""Jaccard similarity of word trigrams from which two texts are nearly the same."""
BANDS, ROWS = 12, 3
"""Two texts at `NEAR` meet in a band with probability 1 - (1 - 0.7^3)^12 = 0.994."""
_PRIME = (1 << 31) - 1
_WORD = re.compile(r"\w+")

Shingles = npt.NDArray[np.uint64]


class NearDuplicates:
    """Texts that were seen, and whether another one is nearly one of them.

    Args:
        near: From which similarity on.
    """

    def __init__(self, near: float = NEAR) -> None:
        self.near = near
        draw = np.random.default_rng(20241213)
        self._factors = draw.integers(1, _PRIME, size=(BANDS * ROWS, 1), dtype=np.uint64)
        self._offsets = draw.integers(0, _PRIME, size=(BANDS * ROWS, 1), dtype=np.uint64)
        self._buckets: list[dict[bytes, list[str]]] = [{} for _ in range(BANDS)]
        self._seen: dict[str, Shingles] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, name: str) -> bool:
        return name in self._seen

    def like(self, text: str) -> str | None:
        """The name of a text that this one is nearly the same as, or None."""
        mine = shingles(text)
        candidates = dict.fromkeys(
            name for bucket, key in zip(self._buckets, self._keys(mine), strict=True) for name in bucket.get(key, ())
        )
        return next((name for name in candidates if similarity(mine, self._seen[name]) >= self.near), None)

    def add(self, name: str, text: str) -> None:
        """Remember a text."""
        mine = shingles(text)
        self._seen[name] = mine
        for bucket, key in zip(self._buckets, self._keys(mine), strict=True):
            bucket.setdefault(key, []).append(name)

    def _keys(self, mine: Shingles) -> list[bytes]:
        signature = ((mine[None, :] * self._factors + self._offsets) % np.uint64(_PRIME)).min(axis=1)
        return [band.tobytes() for band in signature.reshape(BANDS, ROWS)]


def near_duplicates(texts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Which texts are nearly the same as an earlier one: pairs of names."""
    seen = NearDuplicates()
    found = []
    for name, text in texts:
        other = seen.like(text)
        if other is not None:
            found.append((name, other))
        seen.add(name, text)
    return found


def shingles(text: str) -> Shingles:
    """A text's word trigrams as sorted numbers below 2^31; of a short text its words."""
    words = _WORD.findall(text.casefold())
    grams = [" ".join(words[at : at + 3]) for at in range(len(words) - 2)] or words or [""]
    return np.unique(np.array([zlib.crc32(gram.encode()) >> 1 for gram in grams], dtype=np.uint64))


def similarity(first: Shingles, second: Shingles) -> float:
    """Jaccard similarity of two sets."""
    common = np.intersect1d(first, second, assume_unique=True).size
    return common / (first.size + second.size - common)
