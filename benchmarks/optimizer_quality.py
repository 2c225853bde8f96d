"""What optimizers recover of a user's hidden rules, under noise, for the same number of LM calls.

    python benchmarks/optimizer_quality.py [--users N] [--budget CALLS] [--noise off,medium,double] [--seeds 0,1]
        [--methods ours,ungated,textgrad,gepa] [--workers W] [--runs FILE] [--json FILE] [--quick]

Users, stand-in and scores are `personaopt.evals.testbed`'s, see docs/testbed.md. Every run is one user under one seed;
what it left behind is read without noise. With `--runs` each finished run is written down at once, and a later call
with the same file goes on where it stopped.

Settings were chosen on users of seed 7001; report others.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import math
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from personaopt.evals.statistics import bootstrap_mean
from personaopt.evals.testbed import scoring
from personaopt.evals.testbed.scoring import Score
from personaopt.evals.testbed.stand_in import NOISE
from personaopt.evals.testbed.users import InventedUser, invented_users

TUNING_SEED = 7001
METHODS = ("ours", "ungated", "textgrad", "gepa")
SHARES = ("recovered", "visible", "lost", "end", "start")
COLUMNS = (
    ("recovered", "recovered"), ("lost", "lost"), ("invented", "wrong rules"), ("end", "quality"),
    ("worse", "ends worse"), ("near", "reach 90 %"), ("median_calls_to_near", "calls to 90 %"), ("calls", "calls"),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Job:
    """One run: a method on one user."""

    method: str
    noise: str
    seed: int
    user: int
    budget: int

    @property
    def key(self) -> str:
        return json.dumps(dataclasses.astuple(self))


def main(arguments: list[str] | None = None) -> int:
    options = read(arguments)
    jobs = [
        Job(method, noise, seed, user, options.budget)
        for noise in options.noise
        for seed in options.seeds
        for user in range(options.users)
        for method in options.methods
    ]
    begun = time.perf_counter()
    done = dict(written(options.runs))
    left = [job for job in jobs if job.key not in done]
    print(f"{len(jobs)} runs, {len(jobs) - len(left)} of them done before", file=sys.stderr)
    for number, (job, score, seconds) in enumerate(ran(left, options.workers), 1):
        done[job.key] = {"score": score.to_dict(), "seconds": seconds}
        if options.runs:
            with options.runs.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"job": job.key, **done[job.key]}) + "\n")
        if number % 100 == 0 or number == len(left):
            print(f"{number} of {len(left)}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    result = {
        "users": options.users,
        "seeds": options.seeds,
        "budget": options.budget,
        "workers": options.workers,
        "seconds": time.perf_counter() - begun,
        "noise": {name: dataclasses.asdict(NOISE[name]) for name in options.noise},
        "methods": {name: settings_of(name) for name in options.methods},
        "cells": [
            cell(method, noise, [done[job.key] for job in jobs if (job.method, job.noise) == (method, noise)])
            for noise in options.noise
            for method in options.methods
        ],
    }
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


def read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=200, help="for each noise, method and seed (default 200)")
    parser.add_argument("--budget", type=int, default=300, help="LM calls of one run (default 300)")
    parser.add_argument("--noise", default=",".join(NOISE), help=f"of {', '.join(NOISE)}; all by default")
    parser.add_argument("--methods", default=",".join(METHODS), help="of those by name; see --help of the docs")
    parser.add_argument("--seeds", default="0", help="of users and noise, with commas between (default 0)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--runs", type=Path, metavar="FILE", help="write every finished run there, and go on from it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="two users, 60 calls, medium noise, one process")
    options = parser.parse_args(arguments)
    options.noise, options.methods = options.noise.split(","), options.methods.split(",")
    if options.quick:
        options.users, options.budget, options.noise, options.workers = 2, 60, ["medium"], 1
    if min(options.users, options.budget, options.workers) < 1:
        parser.error("--users, --budget and --workers are at least 1")
    if unknown := [name for name in options.noise if name not in NOISE]:
        parser.error(f"the noise {unknown[0]!r} is not one of {', '.join(NOISE)}")
    known = methods()
    if unknown := [name for name in options.methods if name not in known]:
        parser.error(f"the method {unknown[0]!r} is not one of {', '.join(known)}")
    try:
        options.seeds = [int(seed) for seed in options.seeds.split(",")]
    except ValueError:
        parser.error("--seeds are whole numbers with commas between")
    return options


def methods() -> dict[str, Any]:
    from personaopt.evals.testbed.methods import METHODS as known

    return dict(known)


def settings_of(method: str) -> str:
    """What a method is and how it is set, in its own words."""
    return " ".join((methods()[method].__doc__ or method).partition("Args:")[0].split())


def ran(jobs: list[Job], workers: int) -> Iterator[tuple[Job, Score, float]]:
    """Run the jobs, several at once; results as they come."""
    if workers == 1:
        yield from map(run, jobs)
        return
    os.environ["OMP_NUM_THREADS"] = "1"
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(run, jobs, chunksize=8)


def run(job: Job) -> tuple[Job, Score, float]:
    """One run, and its seconds."""
    from personaopt.evals.testbed.methods import Trial

    user = user_of(job.seed, job.user)
    trial = Trial(user, NOISE[job.noise], job.budget, seed=job.seed * 100_000 + job.user)
    begun = time.perf_counter()
    path = methods()[job.method](trial)
    return job, scoring.scored(user, path, user.history), time.perf_counter() - begun


@functools.lru_cache(maxsize=16)
def user_of(seed: int, number: int) -> InventedUser:
    return invented_users(number + 1, seed=seed)[number]


def written(file: Path | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Runs that an earlier call finished; a line that was cut off is passed over."""
    if file is None or not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        yield values["job"], values


def cell(method: str, noise: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of one method under one noise, with 95 % intervals over users."""
    scores = [Score(**entry["score"]) for entry in runs]
    figures: dict[str, Any] = {"method": method, "noise": noise, "runs": len(scores)}
    for name in ("recovered", "lost", "invented", "start", "end", "calls", "visible"):
        mean = bootstrap_mean({str(place): [float(getattr(score, name))] for place, score in enumerate(scores)})
        figures[name] = [mean.mean, mean.low, mean.high]
    figures["worse"] = share([score.worse for score in scores])
    far = [score for score in scores if score.start < scoring.NEAR - scoring.TIE]
    figures["began_below_90"] = len(far)
    if far:
        figures["near"] = share([score.calls_to_near is not None for score in far])
        figures["near_at_the_end"] = share([score.calls_to_stay is not None for score in far])
        figures["median_calls_to_near"] = median(far)
    figures["seconds_a_run"] = math.fsum(entry["seconds"] for entry in runs) / len(runs)
    return figures


def share(hits: Iterable[bool]) -> list[float]:
    hits = list(hits)
    return [sum(hits) / len(hits), *scoring.wilson(sum(hits), len(hits))]


def median(scores: list[Score], resamples: int = 2000) -> list[float | None]:
    """The median of calls to 90 % with its bootstrap interval; None is beyond the budget."""
    draw = random.Random(0)
    drawn = sorted(scoring.median_calls(draw.choices(scores, k=len(scores))) for _ in range(resamples))
    ends = (drawn[int(0.025 * resamples)], drawn[int(0.975 * resamples)])
    return [None if math.isinf(calls) else calls for calls in (scoring.median_calls(scores), *ends)]


def show(result: dict[str, Any]) -> None:
    print(f"{result['budget']} calls a run, users of seeds {result['seeds']}; mean [95 % interval]")
    for noise in result["noise"]:
        cells = [entry for entry in result["cells"] if entry["noise"] == noise]
        print(f"\nnoise {noise} ({cells[0]['runs']} runs each)")
        print(f"{'':10}" + "".join(f"{title:>22}" for _, title in COLUMNS))
        for entry in cells:
            print(f"{entry['method']:10}" + "".join(f"{figure(entry, name):>22}" for name, _ in COLUMNS))


def figure(entry: dict[str, Any], name: str) -> str:
    values = entry.get(name)
    if values is None:
        return "-"
    digits = 0 if "calls" in name else 3
    texts = ["never" if value is None else f"{value:.{digits}f}" for value in values]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


if __name__ == "__main__":
    sys.exit(main())
