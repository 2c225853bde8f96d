"""Search over one user's interactions: exact, by cosine similarity, over embeddings kept in the store.

The FAISS index of a user is a cache in memory. It is filled from the store, compared with it before every search, and
dropped when room is needed or when the store has lost what it holds.
"""

from __future__ import annotations

import dataclasses
import importlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from personaopt.errors import DataError, ModelError
from personaopt.interaction import Interaction
from personaopt.memory.checks import whole
from personaopt.memory.embedding import Embedder, Vectors, unit_rows

if TYPE_CHECKING:
    from personaopt.memory.store import Before, Place, Store, StoredVector

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

CACHED_VECTORS = 100_000  # of 384 numbers each, about 150 MB
BATCH = 512  # texts embedded and stored at a time, so that an interruption loses no more than that
TIE = 1e-6  # similarities no further apart are equal: the same text embedded in another batch differs by 1e-7


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """A retrieved interaction.

    Attributes:
        interaction: What is remembered.
        similarity: Cosine of its inputs' text with the query, in [-1, 1].
    """

    interaction: Interaction
    similarity: float


def earlier(times: Floats, rows: Integers, place: Place) -> npt.NDArray[np.bool_]:
    """Which of the interactions stand strictly before a place in the history."""
    return np.asarray((times < place.time) | ((times == place.time) & (rows < place.number)))


def ranked(similarities: Floats, times: Floats, rows: Integers) -> Integers:
    """Positions from the most similar to the least; of equal ones the newest first."""
    order = np.argsort(-similarities, kind="stable")
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(np.diff(similarities[order], prepend=np.inf) < -TIE)
    return np.lexsort((-rows, -times, group))


class UserIndex:
    """The vectors of one user in a FAISS index, with the place of each in the history."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Hold nothing, as before the first search."""
        self.index: Any = None
        self.times: Floats = np.empty(0)
        self.rows: Integers = np.empty(0, dtype=np.int64)
        self.newest = 0

    def __len__(self) -> int:
        return len(self.rows)

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
        self.rows = np.concatenate([self.rows, np.array([entry.place.number for entry in entries], dtype=np.int64)])
        self.newest = entries[-1].id

    def nearest(self, query: Vectors, k: int, allowed: npt.NDArray[np.bool_]) -> list[tuple[int, float]]:
        """Row and similarity of the k nearest of the allowed entries, nearest first."""
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
        order = ranked(similarities, self.times[positions], self.rows[positions])[:k]
        return [(int(self.rows[positions[i]]), float(similarities[i])) for i in order]


class EpisodicSearch:
    """Searches of a store, and the bounded cache of its users' indexes.

    Args:
        store: Where interactions and vectors are.
        embedder: What texts are compared with.
        cached_vectors: The least recently searched users are dropped above this many vectors.
    """

    def __init__(self, store: Store, embedder: Embedder, *, cached_vectors: int = CACHED_VECTORS) -> None:
        self._store = store
        self._embedder = embedder
        self._room = cached_vectors
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, UserIndex] = OrderedDict()

    def search(self, user_id: str, query: str, k: int, before: Before = None) -> list[Memory]:
        """The k most similar interactions, most similar first."""
        k = whole(k, "k")
        found = self._nearest(user_id, query, k, before)
        interactions = self._store.at_numbers(user_id, [row for row, _ in found])
        # What was forgotten while we searched is no longer there, and not given.
        return [Memory(interactions[row], similarity) for row, similarity in found if row in interactions]

    def similarities(self, user_id: str, query: str, before: Before = None) -> list[Memory]:
        """All interactions with their similarity, oldest first."""
        found = dict(self._nearest(user_id, query, None, before))
        interactions = self._store.at_numbers(user_id, list(found))
        return [Memory(interaction, found[row]) for row, interaction in interactions.items()]

    def _nearest(self, user_id: str, query: str, k: int | None, before: Before) -> list[tuple[int, float]]:
        if not isinstance(query, str):
            raise DataError(f"A query must be a text, not {type(query).__name__}.")
        place = self._store.place(user_id, before)
        if (k is not None and k <= 0) or self._store.count(user_id) == 0:
            return []
        vector = unit_rows(self._embedder([query]), 1, self._embedder.name)[0]
        index = self._of(user_id)
        with index.lock:
            self._refresh(user_id, index)
            allowed = earlier(index.times, index.rows, place)
            if not allowed.any():
                return []
            if len(vector) != index.index.d:
                raise ModelError(
                    f"Embedder {self._embedder.name!r} gave {len(vector)} numbers and {index.index.d} are stored under "
                    "its name; give it a new name."
                )
            found = index.nearest(vector, len(index) if k is None else k, allowed)
        self._make_room()
        return found

    def _refresh(self, user_id: str, index: UserIndex) -> None:
        """Embed what has no vector yet, then bring the index to the state of the store."""
        name = self._embedder.name
        for texts in _batches(self._store.without_vector(user_id, name)):
            vectors = unit_rows(self._embedder(list(texts.values())), len(texts), name).astype("<f4")
            rows = {row: vector.tobytes() for row, vector in zip(texts, vectors, strict=True)}
            self._store.add_vectors(user_id, name, rows)
        total, entries = self._store.vectors(user_id, name, after=index.newest)
        if len(index) + len(entries) != total:  # something was deleted
            index.clear()
            total, entries = self._store.vectors(user_id, name)
        index.add(entries, name)

    def _of(self, user_id: str) -> UserIndex:
        with self._lock:
            index = self._indexes.setdefault(user_id, UserIndex())
            self._indexes.move_to_end(user_id)
            return index

    def _make_room(self) -> None:
        with self._lock:
            held = sum(len(index) for index in self._indexes.values())
            while held > self._room and len(self._indexes) > 1:
                _, dropped = self._indexes.popitem(last=False)
                held -= len(dropped)


def _batches(interactions: dict[int, Interaction]) -> Iterator[dict[int, str]]:
    rows = list(interactions)
    for start in range(0, len(rows), BATCH):
        yield {row: interactions[row].query_text() for row in rows[start : start + BATCH]}


def _faiss() -> Any:
    # By name, because its type hints describe the C++ classes and not the Python face it puts over them.
    return importlib.import_module("faiss")
