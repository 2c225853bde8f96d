import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "local_lm.py"


@pytest.mark.local_model
def test_the_benchmark_runs_and_both_ways_agree(tmp_path):
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--quick", "--json", file], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    for name in ("labels", "personas"):
        assert figures[name]["largest_difference"] <= 1e-4
        assert f"{figures[name]['ratio']:.1f}x" in done.stdout
    # Short prompts share little, and the machine may be busy: far below what the whole benchmark shows.
    assert figures["labels"]["cpu_ratio"] > 3
    assert figures["personas"]["cpu_ratio"] > 1.2


def test_wrong_usage():
    done = subprocess.run([sys.executable, BENCHMARK, "--repeats", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "at least 1" in done.stderr
