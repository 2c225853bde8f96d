"""Whether a persona keeps up with a user who changes: PersonaBench under every method, and the goals of `personaopt`.

    python benchmarks/lifelong_personas.py --json lifelong.json
    python benchmarks/lifelong_personas.py --wording usual --out usual
    python benchmarks/lifelong_personas.py --lm local --personas 6 --sessions 6 --out local

makes a bench of `--personas` x `--sessions` offline (seed `--seed`), in words that no rule was written for
(`--wording held-out`), holds every session under every method, and prints the figures and the goals with 95 % intervals
over personas. `--lm scripted` is a stand-in for a capable LM: it reads nothing but the text of its prompt, passes over
`--noise`'s first share of the facts and makes one up in its second share of updates; user, satisfaction check and judge
are rules. With `--out` everything is kept, and the same command goes on after it was killed. Settings of `personaopt`
were chosen on benches of the seeds 7000 to 7009, of which nothing may be reported. `--quick` is the smallest size.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personaopt.cli.personabench_roles import Cast
from personaopt.cli.personabench_run import Wanted, carry_out
from personaopt.errors import PersonaOptError
from personaopt.evals.personabench import OfflineBackend, Size, generate

TUNING_SEEDS = range(7000, 7010)
SHOWN = ("similarity", "field_f1", "field_f1_after_change", "changes_learnt", "utterances", "utterances_knowable",
         "staleness", "staleness_at_risk", "tool_accuracy")  # fmt: skip
BENCH, RUN = "bench", "run"


def main(arguments: list[str] | None = None) -> int:
    options = read(arguments)
    started = time.perf_counter()
    try:
        with folder_of(options.out) as folder:
            result = measured(folder, options)
    except PersonaOptError as error:
        print(error, file=sys.stderr)
        return 1
    result["seconds"] = round(time.perf_counter() - started, 1)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of a run on a bench that is made for it."""
    size = Size(options.personas, options.sessions, options.seed)
    generate(folder / BENCH, OfflineBackend(wording=options.wording), size)
    misses, invents = options.noise
    cast = Cast(
        options.lm, options.lm, misses=misses, invents=invents, systematic=options.systematic, seed=options.seed
    )
    wanted = Wanted(
        bench=folder / BENCH,
        out=folder / RUN,
        cast=cast,
        methods=options.methods,
        personas=None,
        sessions=None,
        turns=3,
        retrieve=8,
        seed=options.seed,
        concurrency=None,
        processes=options.processes,
        limit_seconds=None,
        retry_failed=False,
    )
    done = carry_out(wanted, json=True)
    names = ("personas", "sessions", "seed", "wording", "lm", "noise", "systematic", "methods")
    return {
        "settings": {name: getattr(options, name) for name in names},
        "run": done["run"],
        "methods": done["summary"]["personabench"],
    }


@contextlib.contextmanager
def folder_of(out: Path | None) -> Iterator[Path]:
    """Where everything goes; away again where it is not to be kept."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def show(result: dict[str, Any]) -> None:
    settings, run = result["settings"], result["run"]
    print(
        f"{settings['personas']} personas, {settings['sessions']} sessions each, {settings['wording']} wording, "
        f"{settings['lm']}: {run['calls']:,} calls in {result['seconds']:,.0f} s"
    )
    for method, figures in result["methods"].items():
        shown = [
            f"{name} {_interval(figures[name], figures['ci'][name])}" for name in SHOWN if figures[name] is not None
        ]
        print(f"{method}: " + ", ".join(shown))
    for goal in result["methods"].get("personaopt", {}).get("goals", {}).values():
        met = {True: "met", False: "not met"}.get(goal["met"], goal["met"])
        print(f"{met}: {goal['goal']}; it is {_interval(goal['point'], goal['ci'])}")


def _interval(mean: float | None, ends: list[float] | None) -> str:
    return "not known" if mean is None or ends is None else f"{mean:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"


def read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--personas", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wording", default="held-out", choices=("usual", "held-out"))
    parser.add_argument("--lm", default="scripted", help="scripted, local, or PROVIDER/MODEL")
    parser.add_argument("--noise", type=float, nargs=2, default=(0.10, 0.05), metavar=("MISSES", "INVENTS"))
    parser.add_argument("--systematic", action="store_true", help="a sentence is missed always, or never")
    parser.add_argument("--methods", default="all")
    parser.add_argument("--processes", type=int, help="0 for threads; one a core for scripted without it")
    parser.add_argument("--out", type=Path, help="a folder for the bench and the run; kept")
    parser.add_argument("--quick", action="store_true", help="the smallest size")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.quick:
        options.personas, options.sessions = 2, 6
    if options.personas < 1 or options.sessions < 2:
        parser.error("at least 1 persona and 2 sessions")
    if options.seed in TUNING_SEEDS and not options.quick:
        print("These personas were used for tuning: nothing of them may be reported.", file=sys.stderr)
    return options


if __name__ == "__main__":
    sys.exit(main())
