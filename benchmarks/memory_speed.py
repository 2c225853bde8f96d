"""How fast a store is: recording, and the context of one answer, in a small store and in a large one.

    python benchmarks/memory_speed.py [--quick] [--users N] [--interactions N] [--folder DIR] [--json FILE]

* record: interactions a second in one process with `synchronous=FULL`: one after the other in one thread, in 8 and 32
  threads, and 500 at a time. What the disk allows stands beside it, measured in the same run: the same rows one a
  commit by bare SQLite with the same settings, and the median time of an `fdatasync` of 4 KB.
* context: what an answer needs of a user with 500 interactions: the persona as text, and the 8 nearest interactions to
  a query. Embedding is left out: the embedder gives vectors of 384 numbers that were drawn before. Cold is the first
  question about a user that this open store gets, warm are those after it. In a store of that user's size alone, and in
  one with 1,000,000 interactions of 10,000 users, whose file and memory are stated.

All figures are of this machine at this moment; other processes make them worse. Seconds of the processor stand beside
those of the clock, because they depend less on what else is running.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from personaopt.interaction import Interaction
from personaopt.memory import Store, open_store
from personaopt.persona import Persona

WIDTH = 384
OF_ONE = 500  # interactions of the users whose context is measured
MOST_OF_OTHERS = 10_000
K = 8
WORDS = tuple(f"word{n}" for n in range(500))


class Taken(NamedTuple):
    """Seconds of the clock and of the processor."""

    clock: float
    processor: float


class DrawnVectors:
    """Vectors that cost nothing when a query is embedded: a few were drawn before, and are handed out in turn."""

    name = "drawn/1"

    def __init__(self) -> None:
        self._draw = np.random.default_rng(0)
        self._queries = self._unit(64)
        self._turn = 0

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if len(texts) > 1:
            return self._unit(len(texts))
        self._turn += 1
        return self._queries[self._turn % len(self._queries)][None, :]

    def _unit(self, count: int) -> np.ndarray:
        rows = self._draw.standard_normal((count, WIDTH), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few thousand interactions, few questions")
    parser.add_argument("--users", type=int, help="of the large store (default 10,000)")
    parser.add_argument("--interactions", type=int, help="of the large store (default 1,000,000)")
    parser.add_argument("--folder", type=Path, help="where the stores are made (default: a temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    users = options.users or (20 if options.quick else 10_000)
    interactions = options.interactions or (4_000 if options.quick else 1_000_000)
    measured = 4 if options.quick else 100
    if interactions < measured * OF_ONE + users:
        parser.error(f"--interactions is at least {measured * OF_ONE + users} for that many users")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        small = context(folder / "small.db", measured=1, others=[], rounds=60 if options.quick else 600)
        sizes = spread(users - measured, interactions - measured * OF_ONE, random.Random(0))
        large = context(folder / "large.db", measured=measured, others=sizes, rounds=5 if options.quick else 40)
        result = {
            "quick": options.quick,
            "load_average": os.getloadavg()[0],
            "record": recording(folder, 100 if options.quick else 2_000),
            "context_small": small,
            "context_large": large,
            "large_by_small": {
                f"{kind}_{what}": round(large[kind][what] / small[kind][what], 2)
                for kind in ("cold", "warm")
                for what in ("p50_ms", "p95_ms", "p95_processor_ms")
            },
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def said(draw: random.Random) -> Interaction:
    text = " ".join(draw.choices(WORDS, k=20))
    return Interaction({"text": text}, response={"tag": "comedy"}, ground_truth={"tag": "dark comedy"}, session="s")


def spread(users: int, interactions: int, draw: random.Random) -> list[int]:
    """Sizes of users, very different ones, that make up a number of interactions."""
    weights = [min(draw.paretovariate(1.0), users / 20) for _ in range(users)]
    left = interactions - users
    sizes = [1 + min(MOST_OF_OTHERS, int(weight / sum(weights) * left)) for weight in weights]
    short, place = interactions - sum(sizes), 0
    while short:  # what the largest were cut by goes to all
        more = min(short, max(1, short // users))
        sizes[place % users] += more
        short, place = short - more, place + 1
    return sizes


def recording(folder: Path, count: int) -> dict[str, Any]:
    draw = random.Random(1)
    items = [said(draw) for _ in range(count)]
    result: dict[str, Any] = {"interactions": count, "fdatasync_ms": round(sync_seconds(folder) * 1e3, 3)}
    result["bare_sqlite_one_a_commit"] = round(count / seconds(lambda: bare(folder / "bare.db", items)))
    with open_store(folder / "record.db") as store:
        for threads in (1, 8, 32):
            user = store.user(f"{threads} threads")
            parts = [items[number::threads] for number in range(threads)]
            result[f"threads_{threads}"] = round(count / seconds(lambda u=user, p=parts: at_once(u.record, p)))
        result["500_at_a_time"] = round(
            count / seconds(lambda: [store.user("b").record(items[n : n + 500]) for n in range(0, count, 500)])
        )
        assert store.health()["interactions"] == 4 * count
    return result


def at_once(record: Callable[[Interaction], Any], parts: list[list[Interaction]]) -> None:
    threads = [threading.Thread(target=lambda part=part: [record(item) for item in part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bare(path: Path, items: list[Interaction]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE interactions (id TEXT PRIMARY KEY, content TEXT)")
    for item in items:
        connection.execute("INSERT INTO interactions VALUES (?, ?)", (item.id, json.dumps(item.to_dict())))
    connection.close()


def sync_seconds(folder: Path) -> float:
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            times.append(seconds(lambda: os.fdatasync(file.fileno())))
    return statistics.median(times)


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def context(path: Path, *, measured: int, others: list[int], rounds: int) -> dict[str, Any]:
    """The time of a context in a store of some users with `OF_ONE` interactions among others."""
    draw = random.Random(2)
    filling = time.perf_counter()
    with open_store(path, embedder=DrawnVectors()) as store:
        for user, size in enumerate([OF_ONE] * measured + others):
            fill(store, str(user), size, draw)
    filling = time.perf_counter() - filling
    memory = resident_mb()
    cold, warm = [], []
    # One user in a store of its own is asked about in a store that is opened anew each time.
    for _ in range(1 if measured > 1 else rounds):
        with open_store(path, embedder=DrawnVectors()) as store:
            for user in draw.sample(range(measured), measured):
                cold.append(ask(store, str(user)))
                warm += [ask(store, str(user)) for _ in range(rounds if measured > 1 else 10)]
            held = resident_mb() - memory
    return {
        "users": measured + len(others),
        "interactions": measured * OF_ONE + sum(others),
        "largest_user": max([OF_ONE, *others]),
        "cold": summary(cold),
        "warm": summary(warm),
        "filled_in_seconds": round(filling, 1),
        "file_mb": round(path.stat().st_size / 2**20, 1),
        "memory_added_by_asking_mb": round(held, 1),
    }


def fill(store: Store, name: str, size: int, draw: random.Random) -> None:
    user = store.user(name)
    for start in range(0, size, 2_000):
        user.record([said(draw) for _ in range(min(2_000, size - start))])
    user.save_persona(Persona.from_text("Likes tea.\nAnswers in one line.\nIs a pilot."), parent=0, author="benchmark")
    user.search("embed everything", 1)


def ask(store: Store, name: str) -> Taken:
    """How long the persona as text and the nearest interactions of one user take."""
    user = store.user(name)
    began, working = time.perf_counter(), time.thread_time()
    text, memories = user.persona.render(), user.search("a question", K)
    taken = Taken(time.perf_counter() - began, time.thread_time() - working)
    assert text.startswith("- Likes tea.")
    assert len(memories) == K
    return taken


def summary(times: list[Taken]) -> dict[str, Any]:
    clock, processor = sorted(taken.clock for taken in times), sorted(taken.processor for taken in times)
    middle, end = len(times) // 2, int(len(times) * 0.95)
    return {
        "questions": len(times),
        "p50_ms": round(clock[middle] * 1e3, 3),
        "p95_ms": round(clock[end] * 1e3, 3),
        "p50_processor_ms": round(processor[middle] * 1e3, 3),
        "p95_processor_ms": round(processor[end] * 1e3, 3),
    }


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    sys.exit(main())
