"""The harness benchmark at its smallest size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "harness_overhead.py"


def test_the_parts_of_a_run_are_its_whole(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    size = ["--lm", "served", "--users", "1", "--questions", "2", "--interactions", "8", "--seconds", "0.2"]
    command = [sys.executable, BENCHMARK, *size, "--methods", "prompt,icl", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())["lms"]["served"]
    assert (figures["questions"], figures["calls"], figures["errors"]) == (4, 4, 0)
    assert figures["lm_s"] >= 4 * 0.2
    parts = figures["lm_s"] + figures["embedding_s"] + figures["harness_s"]
    assert abs(parts - figures["wall_s"]) < 0.01
    assert 0 < figures["overhead"] < 1.0
    assert "goal 3%" in done.stdout


def test_wrong_usage() -> None:
    done = subprocess.run([sys.executable, BENCHMARK, "--users", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
