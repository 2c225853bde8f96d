"""Texts as vectors of unit length, so that an inner product is the cosine similarity."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from personaopt.errors import ConfigurationError, ModelError
from personaopt.lm.patience import wait_passively

Vectors = npt.NDArray[np.float32]


@runtime_checkable
class Embedder(Protocol):
    """What turns texts into vectors. Any object with these two members is one.

    Attributes:
        name: Name and version of the model. Stored vectors belong to it and are made anew when it changes.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """One float32 row of unit length for each text."""
        ...


class CallableEmbedder:
    """Any function from texts to vectors as an `Embedder`, such as a `dspy.Embedder` or an API client's method.

    Args:
        name: Name and version of what the function runs; change it when the vectors change.
        function: Takes a list of texts and gives one vector for each. The rows need not be of unit length.

    Raises:
        ConfigurationError: The name is empty or the function cannot be called.
    """

    def __init__(self, name: str, function: Callable[[list[str]], Any]) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError("An embedder needs a name: stored vectors are kept under it.")
        if not callable(function):
            raise ConfigurationError(
                f"The function of embedder {name!r} cannot be called; give a function from texts to vectors."
            )
        self.name = name
        self._function = function

    def __call__(self, texts: Sequence[str]) -> Vectors:
        return unit_rows(self._function(list(texts)), len(texts), self.name)

    def __repr__(self) -> str:
        return f"CallableEmbedder({self.name!r})"


class LocalEmbedder:
    """all-MiniLM-L6-v2 in process, by sentence-transformers: 384 numbers a text, at most 256 tokens of it are read.

    The model is loaded on first use, once, and asked by one thread at a time: its tokenizer is not safe for more.

    Args:
        device: Where it runs, such as `cpu` or `cuda`.
    """

    name = "all-MiniLM-L6-v2/1"

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._lock = threading.Lock()
        self._model: Any = None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            vectors = self._model.encode(list(texts), batch_size=64, show_progress_bar=False, convert_to_numpy=True)
        return unit_rows(vectors, len(texts), self.name)

    def _load(self) -> Any:
        wait_passively()
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ModelError(
                "The local embedder needs sentence-transformers: install personaopt[local] or give an embedder."
            ) from error
        from personaopt.lm.weights import embedder_folder

        folder = embedder_folder()
        try:
            with _no_progress_bars():
                return SentenceTransformer(str(folder), device=self._device, local_files_only=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"The local embedder could not be loaded from {folder} on {self._device}: {error}"
            ) from error

    def __deepcopy__(self, memo: dict[int, Any]) -> LocalEmbedder:
        return self  # programs are copied often, the model is not

    def __reduce__(self) -> tuple[Any, ...]:
        return (local_embedder, (self._device,))

    def __repr__(self) -> str:
        return f"LocalEmbedder(device={self._device!r})"


def local_embedder(device: str = "cpu") -> LocalEmbedder:
    """The small local embedder (all-MiniLM-L6-v2), one for the whole process; nothing is loaded before it is used.

    Args:
        device: Where it runs, such as `cpu` or `cuda`.
    """
    return _shared(device)


@contextlib.contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading takes a moment: a bar of transformers' would only disturb what an application prints."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@functools.cache
def _shared(device: str) -> LocalEmbedder:
    return LocalEmbedder(device)


def unit_rows(vectors: Any, count: int, name: str) -> Vectors:
    """Vectors as float32 rows of unit length; a row of zeros stays one and is similar to nothing.

    Args:
        vectors: Anything numpy reads as a matrix.
        count: How many rows there must be.
        name: The embedder, for messages.

    Raises:
        ModelError: There are more or fewer rows, or numbers that are not finite.
    """
    try:
        rows = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError(f"Embedder {name!r} gave something that is not a matrix of numbers: {error}.") from error
    if count == 0:
        return rows.reshape(0, rows.shape[-1] if rows.ndim == 2 else 0)
    if rows.ndim != 2 or rows.shape[0] != count or rows.shape[1] == 0:
        raise ModelError(
            f"Embedder {name!r} gave an array of shape {rows.shape} for {count} texts; one row a text is expected."
        )
    if not np.isfinite(rows).all():
        raise ModelError(f"Embedder {name!r} gave numbers that are not finite.")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return np.ascontiguousarray((rows / np.where(lengths > 0, lengths, 1)).astype(np.float32))
