import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "personabench_generator.py"


def run(*arguments):
    command = [sys.executable, BENCHMARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.local_model
def test_the_smallest_size_runs_and_reports(tmp_path):
    file = tmp_path / "figures.json"
    done = run("--quick", "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["same_files"] is True
    assert figures["personas_a_second"] == pytest.approx(8 / min(figures["seconds"]))
    assert figures["near_duplicates"] <= 0.01
    neutral = figures["leaks"]["neutral"]
    excess = [leak["accuracy"] - leak["chance"] for leak in neutral["fields"]]
    assert neutral["mean_excess"] == pytest.approx(sum(excess) / len(excess))
    assert figures["leaks"]["queries"] == 48
    assert "leak check, neutral" in done.stdout


def test_wrong_usage():
    assert run("--personas", 2).returncode == 2
