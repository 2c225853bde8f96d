"""How fast PersonaBench's offline generator is, how different what it writes is, and whether queries give anybody away.

    python benchmarks/personabench_generator.py --json generator.json

makes a bench of `--personas` x `--sessions` (seed `--seed`), twice, and reports personas and scenes a second (all five
stages with their files), whether both are the same to the byte, the share of near-duplicates among distinct scenes
(word trigrams), how close each scene's nearest neighbour is by embedding (`--neighbours` scenes), and the leak check: a
classifier of every field on the queries of `--leak-personas` personas, against the same classifier on shuffled
personas, and on the queries as they were before they were neutralised. `--quick` is the smallest size.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import personaopt as po
from personaopt.evals.personabench import Bench, Leak, OfflineBackend, Size, generate, leaks, load_bench, report_of
from personaopt.evals.personabench.drafts import Filtered
from personaopt.evals.personabench.files import read_records
from personaopt.evals.personabench.generation import FILES

CLOSE = (0.9, 0.95, 0.98)


def main(arguments: list[str] | None = None) -> int:
    options = read(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = measured(Path(folder), options)
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one bench."""
    size = Size(options.personas, options.sessions, options.seed)
    seconds = []
    for name in ("first", "second"):
        started = time.perf_counter()
        generate(folder / name, OfflineBackend(), size)
        seconds.append(time.perf_counter() - started)
    bench = load_bench(folder / "first")
    same = all(
        (folder / "second" / path.name).read_bytes() == path.read_bytes() for path in (folder / "first").glob("*.jsonl")
    )
    filtered = read_records(folder / "first" / FILES["filtered"], Filtered)
    report = report_of(bench, filtered)
    best = min(seconds)
    distinct = report["scenes"]["distinct"]
    return {
        "settings": {name: getattr(options, name) for name in ("personas", "sessions", "seed")},
        "seconds": seconds,
        "personas_a_second": options.personas / best,
        "scenes_a_second": distinct / best,
        "sessions_a_second": len(bench.sessions) / best,
        "same_files": same,
        "scenes": distinct,
        "near_duplicates": report["near_duplicates"]["share"],
        "diversity": report["diversity"],
        "filtering": report["filtering"],
        "lasting_changes_a_persona": report["events"]["lasting_changes_a_persona"],
        "nearest_neighbours": neighbours(bench, options.neighbours),
        "leaks": leak_check(bench, filtered, options),
    }


def neighbours(bench: Bench, most: int) -> dict[str, float]:
    """How similar the nearest other scene is, by embedding of context and query."""
    scenes = {session.scene: f"{session.context} {session.query}" for session in bench.sessions}
    texts = list(scenes.values())[:most]
    vectors = po.local_embedder()(texts)
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1.0)
    nearest = likeness.max(axis=1)
    return {
        "scenes": len(texts),
        "median": float(np.median(nearest)),
        **{f"share at {close}": float((nearest >= close).mean()) for close in CLOSE},
    }


def leak_check(bench: Bench, filtered: list[Filtered], options: argparse.Namespace) -> dict[str, Any]:
    """The leak check on neutral queries, on those before they were neutralised, and on contexts."""
    profiles = list(bench.profiles.values())[: options.leak_personas]
    known = {profile.id for profile in profiles}
    sessions = [session for session in bench.sessions if session.persona in known]
    before = {each.scene: each.before for each in filtered}
    raw = [session.model_copy(update={"query": before[session.scene]}) for session in sessions]
    embedder = po.local_embedder()
    checks = {
        "neutral": leaks(profiles, sessions, embedder, fields=options.fields),
        "before": leaks(profiles, raw, embedder, fields=options.fields),
        "contexts": leaks(profiles, sessions, embedder, fields=options.fields, text="context"),
    }
    return {"queries": len(sessions), **{name: figures(found) for name, found in checks.items()}}


def figures(found: list[Leak]) -> dict[str, Any]:
    worst = max(found, key=lambda leak: leak.excess)
    return {
        "mean_excess": math.fsum(leak.excess for leak in found) / len(found),
        "worst": worst.to_dict(),
        "above_two_points_for_certain": [leak.field for leak in found if leak.low > 0.02],
        "fields": [leak.to_dict() for leak in found],
    }


def show(result: dict[str, Any]) -> None:
    print(
        f"{result['personas_a_second']:.1f} personas, {result['sessions_a_second']:.0f} sessions and "
        f"{result['scenes_a_second']:.0f} distinct scenes a second; the same files twice: {result['same_files']}"
    )
    print(f"near-duplicates among {result['scenes']} scenes: {100 * result['near_duplicates']:.2f} %")
    print(
        "nearest neighbours: "
        + ", ".join(f"{name} {value:.3f}" for name, value in result["nearest_neighbours"].items())
    )
    for name in ("neutral", "before", "contexts"):
        found = result["leaks"][name]
        worst = found["worst"]
        print(
            f"leak check, {name}: {100 * found['mean_excess']:+.2f} points on average, worst {worst['field']} "
            f"{100 * worst['excess']:+.2f} ({100 * worst['low']:+.2f} to {100 * worst['high']:+.2f})"
        )


def read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--personas", type=int, default=400)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--neighbours", type=int, default=2000, help="scenes whose nearest neighbour is looked for")
    parser.add_argument("--leak-personas", type=int, default=250)
    parser.add_argument("--fields", nargs="+", help="fields of the leak check; all without it")
    parser.add_argument("--quick", action="store_true", help="the smallest size")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.quick:
        options.personas, options.sessions, options.neighbours, options.leak_personas = 8, 6, 20, 8
        options.fields = ["life.diet", "pattern.usage"]
    if options.personas < 6 or options.sessions < 2 or options.neighbours < 2 or options.leak_personas < 6:
        parser.error("at least 6 personas, 2 sessions, 2 neighbours and 6 personas for the leak check")
    return options


if __name__ == "__main__":
    sys.exit(main())
