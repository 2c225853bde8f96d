"""A deterministic embedder for tests: a text's vector is the sum of its words' vectors, drawn from the word's hash."""

import functools
import hashlib
import threading

import numpy as np


class HashedWords:
    def __init__(self, name: str = "hashed-words/1", width: int = 64) -> None:
        self.name = name
        self.width = width
        self.texts: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, texts):
        with self._lock:
            self.texts.extend(texts)
        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row += word_vector(f"{self.name} {word}", self.width)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, 1)


@functools.cache
def word_vector(word: str, width: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(width).astype(np.float32)
