"""What an update of a user's fields costs after 10, 100 and 10,000 sessions, in one store on disk.

    python benchmarks/lifelong_history.py --json history.json

records conversations of three turns (`--sessions`: how many each user has had) and measures what `DictionaryOptimizer`
does at the end of such a life: whether an update is due (by an object that made the last one, and by a new one, as
after a restart), what it would cost, the update itself, and a session more with `after_session`. Each with its time
(the fastest of `--repeats`), the memory that Python takes at most, and the tokens of the prompt. Half of the sessions,
`--versions` at most, have left a version of the persona. The editor is the stand-in for a capable LM, without errors;
its own time is in the figures. `--quick` is the smallest size.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dspy

import personaopt as po
from personaopt.evals.personabench import BenchFields
from personaopt.evals.personabench.stand_in import Noise, capable_lm
from personaopt.memory.store import Store
from personaopt.memory.user import User
from personaopt.persona import Persona, Statement

DAY = 86_400.0
TURNS = 3
CITIES = ("Lisbon", "Turin", "Bergen", "Lyon")


class Chat(dspy.Signature):
    """Answer the message."""

    message: str = dspy.InputField()
    reply: str = dspy.OutputField()


def main(arguments: list[str] | None = None) -> int:
    options = read(arguments)
    lm = capable_lm(Noise(0.0, 0.0))
    with tempfile.TemporaryDirectory() as folder, po.open_store(Path(folder) / "lives.db") as store:
        with dspy.context(lm=lm):
            lives = [
                life(store, lm, each, min(options.versions, each // 2), options.repeats) for each in options.sessions
            ]
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    result = {"lives": lives, "ratios": ratios(lives), "store_bytes": size, "repeats": options.repeats}
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def life(store: Store, lm: Any, sessions: int, versions: int, repeats: int) -> dict[str, Any]:
    """All figures of one user."""
    user = store.user(f"user-{sessions}")
    started = time.perf_counter()
    user.record(turns(sessions))
    recorded = time.perf_counter() - started
    for number in range(versions):
        persona = Persona((Statement(f"Lives in: {CITIES[number % 2]}", field="life.home", valid_from=DAY * number),))
        user.save_persona(persona, parent=number, author=po.DictionaryOptimizer.author)
    later = iter(range(sessions + 1, sessions + 10_000))
    say(user, next(later), CITIES[0])
    optimizer = po.DictionaryOptimizer(fields=BenchFields, k=1)
    agent = [optimizer.compile(po.PersonaAgent(Chat, user=user))]
    asked = sum(lm.engine.calls.values())
    agent[0] = optimizer.compile(agent[0])
    asked = sum(lm.engine.calls.values()) - asked

    def after_session() -> None:
        day = next(later)
        say(user, day, CITIES[day % len(CITIES)])
        agent[0] = optimizer.after_session(agent[0])

    def restarted() -> str:
        return po.DictionaryOptimizer(fields=BenchFields, k=1).due(user)

    steps: dict[str, Callable[[], Any]] = {
        "due": lambda: optimizer.due(user),
        "due after a restart": restarted,
        "preview": lambda: optimizer.preview(agent[0]),
        "update": lambda: optimizer.compile(agent[0].refresh()),
        "after a session": after_session,
    }
    figures = {name: measured(step, repeats) for name, step in steps.items()}
    tokens = optimizer.preview(agent[0]).expected.input_tokens
    assert BenchFields.of(agent[0].persona).to_dict()["life"]["home"] in CITIES
    return {
        "sessions": sessions,
        "versions": len(user.personas()),
        "interactions": user.count(),
        "recorded_seconds": recorded,
        "prompt_tokens": tokens,
        "calls_of_an_update": asked,
        "steps": figures,
    }


def turns(sessions: int) -> Iterator[po.Interaction]:
    """Conversations in which nothing is said of the user."""
    for session in range(sessions):
        for turn in range(TURNS):
            yield po.Interaction(
                {"message": f"Question {turn} of day {session}: which museum is open, and what does it show?"},
                response={"reply": "The one at the market is open until six. " * 3},
                time=DAY * (session + 1) + 60 * turn,
                session=f"s{session}",
            )


def say(user: User, day: int, city: str) -> None:
    """One session more, in which the user says where they live."""
    message = {"message": f"I have moved, I live in {city} now."}
    user.record(po.Interaction(message, {"reply": "Noted."}, time=DAY * (day + 1), session=f"s{day}"))


def measured(step: Callable[[], Any], repeats: int) -> dict[str, float]:
    """The fastest of several runs, and the most memory that one takes."""
    step()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    tracemalloc.start()
    step()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"seconds": min(seconds), "peak_bytes": peak}


def ratios(lives: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The longest life against the one before it."""
    before, longest = lives[-2]["steps"], lives[-1]["steps"]
    return {
        name: {what: longest[name][what] / before[name][what] for what in ("seconds", "peak_bytes")} for name in longest
    }


def show(result: dict[str, Any]) -> None:
    """The figures as a table."""
    for each in result["lives"]:
        print(
            f"{each['sessions']:>7,} sessions, {each['versions']:,} versions, recorded in "
            f"{each['recorded_seconds']:.2f} s; prompt of {each['prompt_tokens']} tokens"
        )
        for name, step in each["steps"].items():
            print(f"    {name:<20} {1000 * step['seconds']:8.1f} ms {step['peak_bytes'] / 1e6:8.2f} MB")
    longest, before = (result["lives"][place]["sessions"] for place in (-1, -2))
    print(f"{longest:,} against {before:,} sessions:")
    for name, ratio in result["ratios"].items():
        print(f"    {name:<20} {ratio['seconds']:8.2f} x  {ratio['peak_bytes']:8.2f} x")


def read(arguments: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[10, 100, 10_000])
    parser.add_argument("--versions", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.quick:
        options.sessions, options.versions, options.repeats = [10, 60, 240], 20, 1
    if len(options.sessions) < 2 or min(options.sessions) < 2:
        parser.error("--sessions takes at least two numbers, each of at least 2.")
    return options


if __name__ == "__main__":
    sys.exit(main())
