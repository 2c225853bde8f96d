"""How long one step takes: PersonaAligner, with and without acceptance, against stock TextGrad 0.1.8.

    python benchmarks/optimizer_latency.py [--sizes 1 4 8 16 32] [--repeats 3] [--seconds 0.2] [--out FILE]

All of them ask the same server (`loopback_server.py`): real HTTP on 127.0.0.1, in a process of its own, every answer
after 200 ms, with replies that are decided from the prompts. The user is the same invented one, who starts without a
persona, so that no answer is right, every answer is criticised and the edit is worth accepting.

* ours: window n, held-out slice h = n // 2, one epoch, one candidate; `compile` (threads) and `acompile` (one event
  loop, as in a server); with `ImprovesBoth` and with `AcceptAll`, which judges nothing and needs no slice. The store is
  a file on disk; retrieval is off, as TextGrad has none.
* stock: for each of n interactions a forward call with the persona as system prompt and a `TextLoss`; then `tg.sum`,
  `backward` and `TGD.step`, through TextGrad's own engine for OpenAI-compatible servers, with an empty cache.

Calls are counted by the server. The critical path is the number of calls that have to wait for each other times the
time of one. Everything is run once before it is measured; then in turn, and the fastest counts, because other processes
only ever make it slower; the median stands beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dspy
from loopback_server import counts, running

from personaopt.agent import PersonaAgent
from personaopt.evals.testbed.prompts import EVALUATOR
from personaopt.evals.testbed.stand_in import Judge
from personaopt.evals.testbed.users import AnswerMail, InventedUser, invented_users
from personaopt.interaction import Interaction
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.memory import open_store
from personaopt.optimizers.acceptance import AcceptAll
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.starts import EmptyStart

MODEL = "gpt-4.1-mini"
LEVELS = {"accepting": 4, "ungated": 3}
GOALS = "goals: 6x with and 9x without acceptance at n=8, 20x at n=32, 1.15 of the critical path up to n=16"
Step = Callable[[], None]


def aligned(user: InventedUser, n: int, *, gated: bool, loop: asyncio.Runner | None) -> Step:
    """One step of ours, in threads or on a loop."""
    held_out = n // 2 if gated else 0
    agent = PersonaAgent(AnswerMail, user=_stored(user), retrieve=0)
    aligner = PersonaAligner(
        latest=n,
        held_out=held_out,
        epochs=1,
        candidates=1,
        metric=Judge(),
        start=EmptyStart(),
        acceptance=None if gated else AcceptAll(),
        threads=n + held_out,
    )

    def step() -> None:
        after = loop.run(aligner.acompile(agent)) if loop else aligner.compile(agent)
        assert after.detailed_results.accepted, after.detailed_results.stopped
        assert user.quality(after.persona.render()) > 0.0

    return step


def stock(url: str, user: InventedUser, n: int) -> Step:
    """One step of TextGrad's, by its own classes alone."""
    tg = textgrad()
    from openai import OpenAI
    from textgrad.engine.local_model_openai_api import ChatExternalClient

    engine = ChatExternalClient(OpenAI(base_url=url, api_key="none"), f"{MODEL}-{uuid.uuid4()}")  # names its cache
    engine.model_string = MODEL
    role = "system prompt that describes the user"
    persona = tg.Variable(AnswerMail.instructions, requires_grad=True, role_description=role)
    model = tg.BlackboxLLM(engine, system_prompt=persona)
    descent = tg.TGD(parameters=[persona], engine=engine)

    def step() -> None:
        losses = []
        for item in user.history[-n:]:
            question = tg.Variable(item.inputs["message"], requires_grad=False, role_description="message")
            losses.append(tg.TextLoss(_evaluation(item), engine=engine)(model(question)))
        tg.sum(losses).backward(engine)
        descent.step()
        assert user.quality(persona.value) > 0.0, persona.value

    return step


def methods(url: str, user: InventedUser, n: int, loop: asyncio.Runner) -> dict[str, Callable[[], Step]]:
    """What is compared, by name; each makes a fresh step."""

    def ours(gated: bool, loop: asyncio.Runner | None) -> Callable[[], Step]:
        return lambda: aligned(user, n, gated=gated, loop=loop)

    return {
        "stock": lambda: stock(url, user, n),
        "accepting": ours(True, None),
        "accepting async": ours(True, loop),
        "ungated": ours(False, None),
        "ungated async": ours(False, loop),
    }


def measured(url: str, n: int, repeats: int, seconds: float, loop: asyncio.Runner) -> dict[str, Any]:
    """All methods at one size, in turn."""
    user = invented_users(1, interactions=n + n // 2 + 4)[0]
    times: dict[str, list[float]] = {}
    asked: dict[str, dict[str, int]] = {}
    for _ in range(repeats):
        for name, prepare in methods(url, user, n, loop).items():
            step = prepare()
            counts(url)
            start = time.perf_counter()
            step()
            times.setdefault(name, []).append(time.perf_counter() - start)
            asked[name] = counts(url)["calls"]
    best = {name: min(values) for name, values in times.items()}
    rows = {}
    for name, values in times.items():
        levels = LEVELS.get(name.split()[0], 4 * n + 1)
        rows[name] = {
            "seconds": round(best[name], 3),
            "median": round(statistics.median(values), 3),
            "calls": asked[name],
            "calls_in_all": sum(asked[name].values()),
            "dependent_calls": levels,
            "of_critical_path": round(best[name] / (levels * seconds), 3),
            "times_faster_than_stock": round(best["stock"] / best[name], 2),
        }
    return {"n": n, "held_out": n // 2, "methods": rows}


def table(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The figures as text."""
    yield f"{'n':>3} {'h':>3}  {'method':<16} {'calls':>6} {'seconds':>8} {'median':>8} {'of path':>8} {'faster':>7}"
    for result in results:
        for name, row in result["methods"].items():
            held_out = result["held_out"] if name.startswith("accepting") else 0
            yield (
                f"{result['n']:>3} {held_out:>3}  {name:<16} {row['calls_in_all']:>6} {row['seconds']:>8.3f} "
                f"{row['median']:>8.3f} {row['of_critical_path']:>8.2f} {row['times_faster_than_stock']:>6.1f}x"
            )
    yield GOALS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 8, 16, 32], metavar="N", help="windows")
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=0.2, help="until the server answers")
    parser.add_argument("--out", type=Path, help="where the figures are written as JSON")
    chosen = parser.parse_args(arguments)
    if min(*chosen.sizes, chosen.repeats) < 1 or chosen.seconds < 0:
        parser.error("sizes and repeats are at least 1, seconds at least 0")
    with tempfile.TemporaryDirectory() as folder, running(chosen.seconds) as url, asyncio.Runner() as loop:
        os.environ["XDG_CACHE_HOME"] = folder  # TextGrad's engine caches there
        dspy.configure(lm=dspy.LM(f"openai/{MODEL}", api_base=url, api_key="none", cache=False, num_retries=0))
        measured(url, max(chosen.sizes), 1, chosen.seconds, loop)  # imports, connections, threads
        results = [measured(url, n, chosen.repeats, chosen.seconds, loop) for n in chosen.sizes]
    print("\n".join(table(results)))
    if chosen.out:
        document = {"seconds_per_call": chosen.seconds, "repeats": chosen.repeats, "sizes": results}
        chosen.out.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _stored(user: InventedUser) -> Any:
    memory = open_store(Path(os.environ["XDG_CACHE_HOME"]) / f"{uuid.uuid4()}.db").user(user.user_id)
    for item in user.history:
        memory.record(item)
    return memory


def _evaluation(item: Interaction) -> str:
    expected = "folder: {folder}\nreply: {reply}".format(**item.ground_truth)
    return f"{EVALUATOR}\n<QUESTION>{item.inputs['message']}</QUESTION>\n<EXPECTED>{expected}</EXPECTED>"


if __name__ == "__main__":
    sys.exit(main())
