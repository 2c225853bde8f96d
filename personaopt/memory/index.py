"""The vectors of one user in memory, and the order in which search gives what it found."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from personaopt.errors import ModelError
from personaopt.memory.embedding import Vectors

if TYPE_CHECKING:
    from personaopt.memory.store import Place, Ranking, StoredVector

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TIE = 1e-6  # similarities no further apart are equal: the same text embedded in another batch differs by 1e-7


def earlier(times: Floats, numbers: Integers, place: Place) -> Mask:
    """Which of the interactions stand strictly before a place in the history."""
    return np.asarray((times < place.time) | ((times == place.time) & (numbers < place.number)))


def ranked(scores: Floats, times: Floats, numbers: Integers) -> Integers:
    """Positions from the highest score to the lowest; of equal ones the newest first."""
    order = np.argsort(-scores, kind="stable")
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(np.diff(scores[order], prepend=np.inf) < -TIE)
    return np.lexsort((-numbers, -times, group))


def faded(similarities: Floats, ages: Floats, half_life: float) -> Floats:
    """Similarities that lose half their weight with every half life; what is not similar stays where it is."""
    return np.where(similarities > 0, similarities * 0.5 ** (ages / half_life), similarities)


def diverse(vectors: Vectors, scores: Floats, order: Integers, k: int, diversity: float) -> list[int]:
    """The positions that maximal marginal relevance chooses, one after the other (Carbonell and Goldstein 1998).

    Args:
        vectors: One row of unit length a position.
        scores: How relevant each position is.
        order: All positions, those first that win where values are equal.
        k: How many to choose.
        diversity: 1 - lambda: what a position loses for being similar to one that is chosen already.
    """
    values, closest = scores[order], np.zeros(len(order))
    left = np.ones(len(order), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(k, len(order)):
        gains = np.where(left, (1 - diversity) * values - diversity * closest, -np.inf)
        best = int(np.argmax(gains >= gains.max() - TIE))  # the first of those that are equal
        left[best] = False
        similar = (vectors @ vectors[order[best]]).astype(np.float64)[order]
        closest = np.maximum(closest, similar) if chosen else similar
        chosen.append(int(order[best]))
    return chosen


class UserIndex:
    """The vectors of one user in a FAISS index, with the place of each in the history."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Hold nothing, as before the first search."""
        self.index: Any = None
        self.times: Floats = np.empty(0)
        self.numbers: Integers = np.empty(0, dtype=np.int64)
        self.newest = 0
        self.mark: tuple[float, int] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, entries: list[StoredVector], embedder: str) -> None:
        """Take in vectors from the store.

        Raises:
            ModelError: They are not all of one length.
        """
        if not entries:
            return
        width = len(entries[0].vector) if self.index is None else self.index.d * 4
        if width == 0 or width % 4 or any(len(entry.vector) != width for entry in entries):
            raise ModelError(
                f"The vectors stored under embedder {embedder!r} are not all of one length; give it a new name."
            )
        matrix = np.frombuffer(b"".join(entry.vector for entry in entries), dtype="<f4").reshape(-1, width // 4)
        if self.index is None:
            self.index = _faiss().IndexFlatIP(width // 4)
        self.index.add(np.ascontiguousarray(matrix, dtype=np.float32))
        self.times = np.concatenate([self.times, [entry.place.time for entry in entries]])
        numbers = np.array([entry.place.number for entry in entries], dtype=np.int64)
        self.numbers = np.concatenate([self.numbers, numbers])
        self.newest = entries[-1].id

    def nearest(self, query: Vectors, k: int, allowed: Mask) -> list[tuple[int, float]]:
        """Number and similarity of the k nearest of the allowed entries, nearest first."""
        faiss = _faiss()
        count = int(allowed.sum())
        k = min(k, count)
        parameters = None
        if count < len(self):
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            parameters = faiss.SearchParameters(sel=selector)
        wanted = k
        while True:
            scores, found = self.index.search(query[None, :], wanted, params=parameters)
            similarities = np.clip(scores[0].astype(np.float64), -1.0, 1.0)
            # FAISS leaves open which of equal ones it gives: go on until the whole tie at the end is there.
            if wanted == count or np.any(np.diff(similarities[k - 1 :]) < -TIE):
                break
            wanted = min(count, wanted * 2)
        positions = found[0]
        order = ranked(similarities, self.times[positions], self.numbers[positions])[:k]
        return [(int(self.numbers[positions[i]]), float(similarities[i])) for i in order]

    def best(self, query: Vectors, k: int, allowed: Mask, ranking: Ranking) -> list[tuple[int, float]]:
        """Number and similarity of the k best of the allowed entries, best first.

        Args:
            query: A vector of unit length.
            k: How many.
            allowed: Which entries are searched; at least one.
            ranking: What makes one of them better than another.
        """
        if ranking.half_life is None and not ranking.diversity:
            return self.nearest(query, k, allowed)
        positions = np.flatnonzero(allowed)
        times, numbers, vectors = self.times[positions], self.numbers[positions], self._vectors()[positions]
        similarities = np.clip((vectors @ query).astype(np.float64), -1.0, 1.0)
        scores = similarities
        if ranking.half_life is not None:
            scores = faded(similarities, times.max() - times, ranking.half_life)
        order = ranked(scores, times, numbers)
        if ranking.diversity:
            chosen = diverse(vectors, scores, order, k, ranking.diversity)
        else:
            chosen = [int(position) for position in order[:k]]
        return [(int(numbers[i]), float(similarities[i])) for i in chosen]

    def _vectors(self) -> Vectors:
        """What the FAISS index holds, without a copy: to be used before the index changes."""
        faiss = _faiss()
        held: Vectors = faiss.rev_swig_ptr(self.index.get_xb(), self.index.ntotal * self.index.d)
        return held.reshape(-1, self.index.d)


def _faiss() -> Any:
    # By name, because its type hints describe the C++ classes and not the Python face it puts over them.
    return importlib.import_module("faiss")
