"""Gone is gone: marked texts are put everywhere a user's text can be, forgotten, and looked for in every file.

    python benchmarks/memory_forgetting.py [--quick] [--canaries N] [--users N] [--fill N] [--seed N] [--json FILE]

The marked texts (canaries) stand in interactions (short, and long enough for overflow pages), in their ids, sessions
and metadata, in statements of personas and their edits, in semantic memory, in what the calls of unfinished alignments
gave, in the vectors of interactions, and in calls of an LM whose answers DSPy caches on disk in the same data folder.
Between them each user records other things, so that pages are split and filled again. All of it is then forgotten: by
id, by session, by text, and by user. Nothing is vacuumed and nothing is closed; then every byte of every file below the
data folder is searched. In the second part another process has the store open, in the third one it reads from it
meanwhile. Exit code 1 if anything is found.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dspy
import numpy as np

import personaopt as po
from personaopt.memory import Fact

PLACES = ("text", "long text", "id", "session", "metadata", "persona", "edit", "fact", "checkpoint", "lm call")
OTHER = """
import sys
from personaopt.memory import open_store
store = open_store(sys.argv[1], embedder=len)
print(sum(len(store.user(user).history()) for user in store.users()), flush=True)
sys.stdin.readline()
"""
READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
print(connection.execute("SELECT count(*) FROM interactions").fetchone()[0], flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("done", flush=True)
sys.stdin.readline()
"""
SEARCH = """
import json, pathlib, sys
contents = [path.read_bytes() for path in pathlib.Path(sys.argv[1]).rglob("*") if path.is_file()]
wanted = json.load(sys.stdin)
found = [each for each in wanted if any(bytes.fromhex(each) in content for content in contents)]
print(json.dumps([found, sum(map(len, contents))]))
"""


class Hashed:
    """Vectors drawn from the hash of the whole text: each is as good a canary as its text."""

    name = "hashed/1"

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
        rows = np.array([np.random.default_rng(seed).standard_normal(384) for seed in seeds], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Repeating:
    """An LM that says again what it was asked, as a cache would keep it."""

    def complete(self, request: Any) -> Any:
        from dspy.lm15 import Message, Response, TextPart, Usage

        asked = "".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart))
        words = [word for word in asked.split() if word.startswith("canary")]
        text = f"[[ ## reply ## ]]\n{' '.join(words)}\n\n[[ ## completed ## ]]"
        return Response(None, "scripted/repeating", Message.assistant([TextPart(text)]), "stop", Usage(5, 5))


@dataclasses.dataclass(frozen=True)
class Canary:
    """A marked text: what it is, where it stands, and whose it is."""

    text: str
    place: str
    user: str
    interaction: str
    session: str


def planted(store: po.Store, users: int, count: int, fill: int, draw: random.Random) -> list[Canary]:
    """Put canaries everywhere, between other things."""
    canaries = []
    agents = {}
    for number in range(count):
        place, user = PLACES[number % len(PLACES)], store.user(f"user-{number // len(PLACES) % users}")
        text = f"canary-{number}-{draw.getrandbits(64):016x}"
        name = text if place == "id" else f"item-{number}-{draw.getrandbits(32):08x}"
        session = text if place == "session" else f"session-{number}"
        canary = Canary(text, place, user.id, name, session)
        canaries.append(canary)
        user.record(filler(draw) for _ in range(fill))
        said = f"{text} " + "and so on " * (2_000 if place == "long text" else 3)
        user.record(
            po.Interaction(
                {"text": said if "text" in place else "something"},
                ground_truth={"reply": "yes"},
                metadata={"deep": [{"note": text}]} if place == "metadata" else {},
                id=name,
                session=session,
            )
        )
        if place in ("persona", "edit", "fact"):
            learn(store, user, canary, draw)
        if place == "checkpoint":
            store.start_run(user.id, f"run-{number}", {"window": [name]})
            store.record_call(user.id, f"run-{number}", "1", {"gave": text})
        if place == "lm call":
            agent = agents.setdefault(user.id, po.PersonaAgent("text -> reply", user=user, retrieve=2))
            agent.refresh()(text=f"what of {text}")
        if number % 7 == 0:
            user.search("and so on", 3)
    for number in range(users):
        store.user(f"user-{number}").search("and so on", 3)
    return canaries


def learn(store: po.Store, user: po.User, canary: Canary, draw: random.Random) -> None:
    """Statements that say the canary, with the interaction as their evidence."""
    line = po.Statement(f"Knows {canary.text}.", evidence=(canary.interaction,))
    if canary.place == "fact":
        store.save_facts(user.id, [Fact(line, time.time(), time.time())])
        return
    for _ in range(3):  # versions before and after, so that it stands in several
        lines = [po.Statement(f"Line {draw.getrandbits(48)}.") for _ in range(draw.randrange(6))]
        kept = [statement for statement in user.persona.statements if "canary" in statement.text][-4:]
        if canary.place == "persona":
            kept = [*dict.fromkeys([*kept, line])]
        edits = [po.Edit("add", line, reason=f"because of {canary.text}")] if canary.place == "edit" else []
        user.save_persona(po.Persona((*kept, *lines)), parent=user.version, author="benchmark", edits=edits)


def filler(draw: random.Random) -> po.Interaction:
    """Something else, of very different lengths."""
    words = " ".join(f"w{draw.getrandbits(20)}" for _ in range(draw.choice([3, 30, 300, 1_500])))
    return po.Interaction({"text": words}, ground_truth={"reply": words[:20]}, time=draw.random() * 1e9)


def forget(store: po.Store, canaries: Sequence[Canary]) -> Counter[str]:
    """Forget all of them, in every way there is; how often each, and what was said to remain."""
    ways: Counter[str] = Counter()
    users = sorted({canary.user for canary in canaries})
    whole = set(users[::4])
    for number, canary in enumerate(canaries):
        user = store.user(canary.user)
        if canary.user in whole:
            continue
        if number % 3 == 0 and "text" in canary.place:
            way, report = "text", user.forget(matching=canary.text)
        elif number % 3 == 1:
            way, report = "session", user.forget(session=canary.session)
        else:
            way, report = "id", user.forget(canary.interaction)
        ways.update([way])
        ways.update(["remains"] if report.remains else [])
    for name in whole:
        ways.update(["user"])
        ways.update(["remains"] if store.forget(name).remains else [])
    return ways


def needles(canaries: Sequence[Canary]) -> dict[bytes, Canary]:
    """What is looked for: the texts, the ids, and the vectors of those whose text they are made of."""
    found = {canary.text.encode(): canary for canary in canaries}
    found |= {canary.interaction.encode(): canary for canary in canaries}
    for canary in canaries:
        if canary.place in ("text", "long text"):
            said = f"{canary.text} " + "and so on " * (2_000 if canary.place == "long text" else 3)
            found[Hashed()([said])[0].astype("<f4").tobytes()[:64]] = canary
    return found


def search(folder: Path, wanted: dict[bytes, Canary]) -> tuple[int, Counter[str], int]:
    """How many canaries stand in the files, where they were put, and how many bytes were searched.

    Another process reads the files: closing one here would give up the locks that SQLite holds on it.
    """
    asked = json.dumps([needle.hex() for needle in wanted])
    command = [sys.executable, "-I", "-S", "-c", SEARCH, str(folder)]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    found, size = json.loads(done.stdout)
    hits = {wanted[bytes.fromhex(needle)] for needle in found}
    return len(hits), Counter(canary.place for canary in hits), size


def in_histories(lm: Any, canaries: Sequence[Canary]) -> int:
    """How many canaries DSPy's histories of this process still hold."""
    from dspy.clients.base_lm import GLOBAL_HISTORY

    held = repr([*GLOBAL_HISTORY, *lm.history])
    return sum(canary.text in held for canary in canaries)


def part(arguments: argparse.Namespace, beside: str) -> dict[str, Any]:
    """One part of the benchmark, with another process beside it or none."""
    draw = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        dspy.configure_cache(disk_cache_dir=str(data / "dspy_cache"))
        lm = dspy.LM("scripted/repeating", engine=Repeating(), cache=True)
        with po.open_store(data / "personas.db", embedder=Hashed()) as store, dspy.context(lm=lm):
            canaries = planted(store, arguments.users, arguments.canaries, arguments.fill, draw)
            dspy.Predict("text -> reply")(text="hello")  # the application's own calls are cached
            wanted = needles(canaries)
            before, _, size = search(data, wanted)
            histories = in_histories(lm, canaries)
            with _beside(beside, data / "personas.db") as release:
                began = time.perf_counter()
                ways = forget(store, canaries)
                seconds = time.perf_counter() - began
                remained = search(data, wanted)[0]
                if beside == "reader":
                    release()
                    store.scrub()
                after, places, _ = search(data, wanted)
            return {
                "beside": beside,
                "canaries": len(canaries),
                "needles": len(wanted),
                "bytes": size,
                "found_before": before,
                "found_while_read": remained if beside == "reader" else None,
                "found_after": after,
                "places": dict(places),
                "histories_before": histories,
                "histories_after": in_histories(lm, canaries),
                "ways": dict(ways),
                "ms_each": 1_000 * seconds / max(sum(ways[way] for way in ("text", "session", "id", "user")), 1),
                "integrity": store.health()["integrity"],
            }


class _beside:
    """Another process that has the store open."""

    def __init__(self, kind: str, path: Path) -> None:
        self.command = {"nothing": None, "open": OTHER, "reader": READER}[kind]
        self.path = path

    def __enter__(self) -> Any:
        if self.command is None:
            return lambda: None
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.command, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not next(self._lines()).strip().isdigit():
            raise SystemExit("The other process could not open the store.")
        return self._release

    def _lines(self) -> Iterator[str]:
        assert self.process.stdout is not None
        return iter(self.process.stdout.readline, "")

    def _release(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        next(self._lines())

    def __exit__(self, *raised: object) -> None:
        if self.command is not None:
            self.process.communicate("\n", timeout=60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 canaries of 4 users")
    parser.add_argument("--canaries", type=int, default=200)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--fill", type=int, default=5, help="other interactions beside each canary")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if min(arguments.canaries, arguments.users) < 1 or arguments.fill < 0:
        parser.error("there must be at least 1 canary and 1 user")
    if arguments.quick:
        arguments.canaries, arguments.users = 20, 4
    from personaopt.memory import sqlite

    parts = []
    for beside in ("nothing", "open", "reader"):
        sqlite.SCRUB_SECONDS = 0.02 if beside == "reader" else 5.0  # the reader does not stop before it is told to
        parts.append(part(arguments, beside))
        row = parts[-1]
        print(
            f"{beside:8} {row['canaries']} canaries in {row['bytes'] / 1e6:.1f} MB: before {row['found_before']}, "
            f"after {row['found_after']} {row['places'] or ''}; in histories {row['histories_before']} and "
            f"{row['histories_after']}; {row['ms_each']:.1f} ms each"
        )
    figures = {"seed": arguments.seed, "users": arguments.users, "fill": arguments.fill, "parts": parts}
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))
    return int(any(row["found_after"] or row["histories_after"] or row["integrity"] != "ok" for row in parts))


if __name__ == "__main__":
    sys.exit(main())
