"""Whether a store loses anything: many writers at once, processes killed at any moment, personas edited at once.

    python benchmarks/memory_durability.py [--quick] [--kills N] [--folder DIR] [--json FILE]

* writers: 8 processes write 400 interactions each into one file they also make; all have to be there.
* kills: a process that makes a store and writes to it is killed (SIGKILL) at a random moment, again and again. After
  each kill the file is opened, `integrity_check` has to be ok, and every write that was acknowledged before has to be
  there: interactions, persona versions, calls of an unfinished alignment. Every other time the file's `-shm` is
  filled with noise first, which SQLite has to rebuild.
* edits: 8 processes read a persona, think for a while as an LM does, and write their edit. Those that redo a refused
  edit have to be kept, all of them; of those that do not, each is either kept or refused with an error.

The exit code is 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from personaopt.errors import VersionConflict
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.persona import Edit, Statement

KILLS_A_FILE = 20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few writers, kills and edits")
    parser.add_argument("--kills", type=int, metavar="N", help="how many processes are killed (default 1,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the stores are made (default: a temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    kills = options.kills if options.kills is not None else 10 if options.quick else 1000
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        result = {
            "quick": options.quick,
            "writers": writers(folder / "writers.db", *((3, 20) if options.quick else (8, 400))),
            "kills": killed(folder, kills, random.Random(options.seed)),
            "edits": edits(folder, 3 if options.quick else 8, 0.02 if options.quick else 0.5),
        }
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    lost = result["writers"]["lost"] + result["kills"]["lost"] + result["kills"]["damaged"] + result["edits"]["lost"]
    return 1 if lost else 0


def child(work: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """A forked process that does some work and tells of it line by line: its id, and where the lines are read."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    try:
        work(lambda line: (os.write(writing, f"{line}\n".encode()), None)[1])
    except BaseException:  # noqa: BLE001  a child must not go on in the parent's place
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def lines_of(reading: int) -> list[str]:
    """Every whole line that a child told, to the end."""
    with os.fdopen(reading, "rb") as pipe:
        return [line.decode().strip() for line in pipe if line.endswith(b"\n")]


def writers(path: Path, processes: int, writes: int) -> dict[str, Any]:
    def work(number: int) -> Callable[[Callable[[str], None]], None]:
        def write(tell: Callable[[str], None]) -> None:
            with open_store(path) as store:
                for count in range(writes):
                    name = f"{number}-{count}"
                    tell(store.user("u").record(Interaction({"text": f"said {name}"}, id=name)).id)

        return write

    began = time.perf_counter()
    children = [child(work(number)) for number in range(processes)]
    told = {line for _, reading in children for line in lines_of(reading)}
    failed = sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0 for pid, _ in children)
    seconds = time.perf_counter() - began
    with open_store(path) as store:
        stored = {item.id for item in store.user("u").history()}
        integrity = store.health()["integrity"]
    return {
        "processes": processes,
        "writes": processes * writes,
        "stored": len(stored),
        "lost": processes * writes - len(stored) + len(told - stored) + failed,
        "integrity": integrity,
        "writes_a_second": round(processes * writes / seconds),
    }


def write_until_killed(path: Path, name: str) -> Callable[[Callable[[str], None]], None]:
    """Write something of every kind, one after the other, and tell of each once it is said to be stored."""

    def work(tell: Callable[[str], None]) -> None:
        tell("begun")
        with open_store(path) as store:
            user = store.user("u")
            store.start_run("u", name, {"name": name})
            for number in range(100_000):
                key = f"{name}-{number}"
                if number % 3 == 0:
                    user.record(Interaction({"text": "words " * 40}, id=key))
                    tell(f"interaction {key}")
                elif number % 3 == 1:
                    user.record([Interaction({"text": "words"}, id=f"{key}-{part}") for part in range(5)])
                    for part in range(5):
                        tell(f"interaction {key}-{part}")
                    tell(f"version {user.write_persona(f'Line {key}.').version}")
                else:
                    store.record_call("u", name, key, {"answer": "words " * 20})
                    tell(f"call {name} {key}")

    return work


def killed(folder: Path, kills: int, chance: random.Random) -> dict[str, Any]:
    acknowledged: set[str] = set()
    checked = lost = damaged = while_opening = 0
    path = folder / "none.db"
    for number in range(kills):
        if number % KILLS_A_FILE == 0:
            path, acknowledged = folder / f"killed-{number}.db", set()
        pid, reading = child(write_until_killed(path, f"p{number}"))
        select.select([reading], [], [])  # it has begun; from here on it is killed at any moment
        time.sleep(chance.choice((0.01, 0.05, 0.3)) * chance.random())
        os.kill(pid, signal.SIGKILL)
        told = set(lines_of(reading)) - {"begun"}
        os.waitpid(pid, 0)
        while_opening += not told
        acknowledged |= told
        shared = Path(f"{path}-shm")
        if number % 2 and shared.exists():
            shared.write_bytes(os.urandom(shared.stat().st_size))
        with open_store(path) as store:
            damaged += store.health()["integrity"] != "ok"
            lost += len(acknowledged - present(store, acknowledged))
        checked += len(told)
    return {
        "kills": kills,
        "before_the_first_write": while_opening,
        "acknowledged_writes": checked,
        "lost": lost,
        "damaged": damaged,
    }


def present(store: Any, acknowledged: set[str]) -> set[str]:
    """What of all that was acknowledged is there. Runs beyond the four newest made room by design: not asked for."""
    found = {f"interaction {item.id}" for item in store.user("u").history()}
    found |= {f"version {version.version}" for version in store.user("u").personas()}
    kept = {run.run_id for run in store.unfinished_runs("u")}
    for name in kept:
        found |= {f"call {name} {key}" for key in store.recorded_calls("u", name)}
    return found | {line for line in acknowledged if line.startswith("call") and line.split()[1] not in kept}


def edits(folder: Path, editors: int, thinking: float) -> dict[str, Any]:
    result: dict[str, Any] = {"editors": editors, "thinking_seconds": thinking}
    lost = 0
    for again in (True, False):
        path = folder / f"edits-{again}.db"
        open_store(path).close()
        children = [child(edit(path, number, thinking, again)) for number in range(editors)]
        told = [line for _, reading in children for line in lines_of(reading)]
        for pid, _ in children:
            os.waitpid(pid, 0)
        with open_store(path) as store:
            there = {statement.text for statement in store.user("u").persona.statements}
        kept = {line.partition(" ")[2] for line in told if line.startswith("kept")}
        refused = sum(line == "refused" for line in told)
        lost += len(kept - there) + editors - len(kept) - refused + (refused if again else 0)
        result["redone" if again else "given_up"] = {"kept": len(kept & there), "refused": refused}
    return {**result, "lost": lost}


def edit(path: Path, number: int, thinking: float, again: bool) -> Callable[[Callable[[str], None]], None]:
    def work(tell: Callable[[str], None]) -> None:
        with open_store(path) as store:
            user = store.user("u")
            while True:
                version, persona = user.version, user.persona  # in this order: a newer persona is refused then
                time.sleep(thinking)  # what an LM does between reading and writing
                change = Edit("add", Statement(f"Learnt by {number}."))
                try:
                    user.save_persona(persona.apply(change), parent=version, author=str(number), edits=[change])
                except VersionConflict:
                    if again:
                        continue
                    return tell("refused")
                return tell(f"kept Learnt by {number}.")

    return work


if __name__ == "__main__":
    sys.exit(main())
