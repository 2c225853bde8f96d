"""Our store beside the local parts of mem0 (its FAISS vector store and SQLite history, no LLM), on the same work.

    python benchmarks/memory_beside_mem0.py [--quick] [--users N] [--each N] [--json FILE]

Needs `pip install mem0ai faiss-cpu`, which personaopt does not. The same texts, users and vectors (384 numbers, drawn
beforehand) go into both; each interaction is stored by itself, with its vector, as an application does it. Then both
are asked for the 10 nearest interactions of one user, and the answers are compared with those found by comparing every
vector of that user. mem0 is driven as its `Memory` (2.2) does it: `insert` and `add_history` for a new memory, `search`
with `filters={"user_id": …}` and four times as many results as wanted, but 60 at least, of which the first are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from personaopt.interaction import Interaction
from personaopt.memory import open_store

WIDTH, K = 384, 10


class Known:
    """Gives the vectors that were drawn for its texts."""

    name = "drawn/1"

    def __init__(self, vectors: dict[str, np.ndarray]) -> None:
        self.vectors = vectors

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.vectors[text] for text in texts])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few users and interactions")
    parser.add_argument("--users", type=int, help="default 40")
    parser.add_argument("--each", type=int, help="interactions of each user (default 50)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    os.environ["MEM0_TELEMETRY"] = "False"
    users, each = options.users or (5 if options.quick else 40), options.each or (20 if options.quick else 50)
    draw = np.random.default_rng(0)
    texts = {str(user): [f"{user} said {number}" for number in range(each)] for user in range(users)}
    questions = {user: f"a question of {user}" for user in texts}
    everything = [text for said in texts.values() for text in said] + list(questions.values())
    rows = draw.standard_normal((len(everything), WIDTH), dtype=np.float32)
    vectors = dict(zip(everything, rows / np.linalg.norm(rows, axis=1, keepdims=True), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        result: dict[str, Any] = {"users": users, "interactions": users * each}
        result["personaopt"] = ours(Path(folder), texts, questions, vectors)
        result["mem0"] = theirs(Path(folder), texts, questions, vectors)
    a, b = result["personaopt"], result["mem0"]
    result["ratios"] = {
        "stored_a_second": round(a["stored_a_second"] / b["stored_a_second"], 2),
        "search_p50": round(b["search_p50_ms"] / a["search_p50_ms"], 2),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def ours(
    folder: Path, texts: dict[str, list[str]], questions: dict[str, str], vectors: dict[str, np.ndarray]
) -> dict[str, Any]:
    with open_store(folder / "ours.db", embedder=Known(vectors)) as store:
        began = time.perf_counter()
        for number in range(len(texts["0"])):
            for user, said in texts.items():
                handle = store.user(user)
                handle.record(Interaction({"text": said[number]}, id=said[number]))
                handle.search(questions[user], 1)  # stores the vector
        stored = time.perf_counter() - began
        found, times = {}, []
        for user, question in questions.items():
            began = time.perf_counter()
            found[user] = [memory.interaction.id for memory in store.user(user).search(question, K)]
            times.append(time.perf_counter() - began)
    return figures(texts, questions, vectors, stored, found, times)


def theirs(
    folder: Path, texts: dict[str, list[str]], questions: dict[str, str], vectors: dict[str, np.ndarray]
) -> dict[str, Any]:
    from mem0.memory.storage import SQLiteManager
    from mem0.vector_stores.faiss import FAISS

    index = FAISS("memories", str(folder / "mem0" / "memories"), "cosine", embedding_model_dims=WIDTH)
    history = SQLiteManager(str(folder / "history.db"))
    began = time.perf_counter()
    for number in range(len(texts["0"])):
        for user, said in texts.items():
            text = said[number]
            index.insert([vectors[text].tolist()], [{"data": text, "user_id": user}], [text])
            history.add_history(text, None, text, "ADD")
    stored = time.perf_counter() - began
    found, times = {}, []
    for user, question in questions.items():
        began = time.perf_counter()
        answer = index.search(question, vectors[question].tolist(), top_k=max(4 * K, 60), filters={"user_id": user})
        times.append(time.perf_counter() - began)
        found[user] = [each.id for each in answer[:K]]
    return figures(texts, questions, vectors, stored, found, times)


def figures(
    texts: dict[str, list[str]],
    questions: dict[str, str],
    vectors: dict[str, np.ndarray],
    stored: float,
    found: dict[str, list[str]],
    times: list[float],
) -> dict[str, Any]:
    right = wanted = empty = 0
    for user, question in questions.items():
        scores = np.stack([vectors[text] for text in texts[user]]) @ vectors[question]
        nearest = {texts[user][place] for place in np.argsort(-scores)[:K]}
        right += len(nearest & set(found[user]))
        wanted += len(nearest)
        empty += not found[user]
    return {
        "stored_a_second": round(sum(map(len, texts.values())) / stored, 1),
        "search_p50_ms": round(sorted(times)[len(times) // 2] * 1e3, 3),
        "search_p95_ms": round(sorted(times)[int(len(times) * 0.95)] * 1e3, 3),
        "recall": round(right / wanted, 4),
        "users_who_got_nothing": empty,
    }


if __name__ == "__main__":
    sys.exit(main())
