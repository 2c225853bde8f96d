import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "personalised_action.py"


def run(*arguments):
    command = [sys.executable, BENCHMARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_the_smallest_size_runs_and_reports(tmp_path):
    file = tmp_path / "figures.json"
    done = run("--users", 2, "--epochs", 2, "--json", file, "--seed", 3)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    rows = figures["rows"]
    assert len(rows) == figures["users"] == 2
    for name in ("before", "after", "answered_before", "answered_after"):
        mean, low, high = figures[name]
        assert 0.0 <= low <= mean <= high <= 1.0
        assert mean == pytest.approx(sum(sum(row[name]) for row in rows) / sum(len(row[name]) for row in rows))
        assert f"{mean:.3f}" in done.stdout
    assert figures["gain"][0] == pytest.approx(figures["after"][0] - figures["before"][0])
    assert figures["after"][0] > figures["before"][0]
    assert figures["settings"]["epochs"] == 2


def test_wrong_usage(tmp_path):
    for arguments in (["--users", "0"], ["--data", tmp_path]):
        assert run(*arguments).returncode == 2, arguments
