"""Search over one user's interactions: exact, by cosine similarity, over embeddings kept in the store.

The FAISS index of a user is a cache in memory. It is filled from the store, compared with it before every search, and
dropped when room is needed or when the store has lost what it holds.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from personaopt.errors import DataError, ModelError
from personaopt.interaction import Interaction
from personaopt.memory.checks import whole
from personaopt.memory.embedding import Embedder, unit_rows
from personaopt.memory.index import Mask, UserIndex, earlier

if TYPE_CHECKING:
    from personaopt.memory.options import Options
    from personaopt.memory.store import Ranking, Scope, Store

CACHED_VECTORS = 100_000  # of 384 numbers each, about 150 MB
BATCH = 512  # texts embedded and stored at a time, so that an interruption loses no more than that


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """A retrieved interaction.

    Attributes:
        interaction: What is remembered.
        similarity: Cosine of its inputs' text with the query, in [-1, 1].
    """

    interaction: Interaction
    similarity: float


@dataclasses.dataclass(frozen=True)
class Recall:
    """What is remembered for one question: everything before it, and the part that is shown to the LM.

    Attributes:
        memories: The most similar earlier interactions, the most similar first.
        earlier: All earlier interactions with their similarity, oldest first.
        options: Of output fields whose answers stand for texts of the question, by name.
    """

    memories: tuple[Memory, ...]
    earlier: tuple[Memory, ...]
    options: Mapping[str, Options] = dataclasses.field(default_factory=dict)


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

    def search(self, user_id: str, query: str, k: int, scope: Scope, ranking: Ranking) -> list[Memory]:
        """The k most similar interactions, most similar first."""
        k = whole(k, "k")
        found = self._best(user_id, query, k, scope, _checked(ranking))
        interactions = self._store.at_numbers(user_id, [number for number, _ in found])
        # What was forgotten while we searched is no longer there, and not given.
        return [Memory(interactions[number], similarity) for number, similarity in found if number in interactions]

    def similarities(self, user_id: str, query: str, scope: Scope, ranking: Ranking) -> list[Memory]:
        """All interactions with their similarity, oldest first."""
        found = dict(self._best(user_id, query, None, scope, ranking))
        interactions = self._store.at_numbers(user_id, list(found))
        return [Memory(interaction, found[number]) for number, interaction in interactions.items()]

    def forget(self, user_id: str) -> None:
        """Drop what is held in memory of a user; the next search fills it from the store."""
        with self._lock:
            self._indexes.pop(user_id, None)

    def _best(self, user_id: str, query: str, k: int | None, scope: Scope, ranking: Ranking) -> list[tuple[int, float]]:
        if not isinstance(query, str):
            raise DataError(f"A query must be a text, not {type(query).__name__}.")
        place = self._store.place(user_id, scope.before)
        picked = self._picked(user_id, scope)
        mark = self._store.changed(user_id)
        if (k is not None and k <= 0) or not mark[1] or (picked is not None and not picked):
            return []
        vector = unit_rows(self._embedder([query]), 1, self._embedder.name)[0]
        index = self._of(user_id)
        with index.lock:
            if index.mark != mark:
                self._refresh(user_id, index)
            allowed: Mask = earlier(index.times, index.numbers, place)
            if picked is not None:
                allowed &= np.isin(index.numbers, picked)
            if not allowed.any():
                return []
            if len(vector) != index.index.d:
                raise ModelError(
                    f"Embedder {self._embedder.name!r} gave {len(vector)} numbers and {index.index.d} are stored under "
                    "its name; give it a new name."
                )
            found = index.best(vector, len(index) if k is None else k, allowed, ranking)
        self._make_room()
        return found

    def _picked(self, user_id: str, scope: Scope) -> list[int] | None:
        """The numbers that a search is limited to; None for all before its end."""
        if scope.since is None and scope.session is None and scope.task is None:
            return None
        return self._store.numbers(user_id, scope)

    def _refresh(self, user_id: str, index: UserIndex) -> None:
        """Embed what has no vector yet, then bring the index to the state of the store."""
        name = self._embedder.name
        mark = self._store.changed(user_id)  # first: what comes later than this is seen by the next search
        for texts in _batches(self._store.without_vector(user_id, name)):
            vectors = unit_rows(self._embedder(list(texts.values())), len(texts), name).astype("<f4")
            rows = {number: vector.tobytes() for number, vector in zip(texts, vectors, strict=True)}
            self._store.add_vectors(user_id, name, rows)
        total, entries = self._store.vectors(user_id, name, after=index.newest)
        if len(index) + len(entries) != total:  # something was deleted
            index.clear()
            total, entries = self._store.vectors(user_id, name)
        index.add(entries, name)
        index.mark = mark

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


def _checked(ranking: Ranking) -> Ranking:
    half_life, diversity = ranking.half_life, ranking.diversity
    if half_life is not None and not (_number(half_life) and 0 < half_life < math.inf):
        raise DataError(f"A half life is a number of seconds above 0, not {half_life!r}.")
    if not (_number(diversity) and 0 <= diversity <= 1):
        raise DataError(f"A diversity lies in [0, 1]; it is {diversity!r}.")
    return ranking


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _batches(interactions: dict[int, Interaction]) -> Iterator[dict[int, str]]:
    numbers = list(interactions)
    for start in range(0, len(numbers), BATCH):
        yield {number: interactions[number].query_text() for number in numbers[start : start + BATCH]}
