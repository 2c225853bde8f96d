"""The latency benchmark at its smallest size: the calls, by kind, as the server counted them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "optimizer_latency.py"


def test_the_calls_are_those_that_the_design_promises(tmp_path):
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--sizes", "2", "--repeats", "1", "--seconds", "0.05", "--out", out],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(out.read_text())
    (size,) = document["sizes"]
    assert (size["n"], size["held_out"]) == (2, 1)
    rows = size["methods"]
    assert {name: row["calls_in_all"] for name, row in rows.items()} == {
        "stock": 4 * 2 + 1,
        "accepting": (2 + 1) + 2 + 1 + (2 + 1),
        "accepting async": (2 + 1) + 2 + 1 + (2 + 1),
        "ungated": 2 * 2 + 1,
        "ungated async": 2 * 2 + 1,
    }
    assert rows["accepting"]["calls"] == {"answer": 6, "critique": 2, "edit": 1}
    assert rows["ungated"]["calls"] == {"answer": 2, "critique": 2, "edit": 1}
    assert {name: row["dependent_calls"] for name, row in rows.items() if "async" not in name} == {
        "stock": 9,
        "accepting": 4,
        "ungated": 3,
    }
    for name, row in rows.items():
        assert row["seconds"] >= 0.05 * row["dependent_calls"], name  # nothing was answered early
        assert f"{row['times_faster_than_stock']:.1f}x" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_wrong_usage():
    done = subprocess.run([sys.executable, BENCHMARK, "--sizes", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "at least 1" in done.stderr
