import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "memory_forgetting.py"


def test_the_benchmark_runs_and_finds_nothing(tmp_path):
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--quick", "--json", file], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    parts = json.loads(file.read_text())["parts"]
    assert [part["beside"] for part in parts] == ["nothing", "open", "reader"]
    for part in parts:
        assert part["found_before"] == part["canaries"] == 20  # the search finds what is there
        assert (part["found_after"], part["histories_after"], part["integrity"]) == (0, 0, "ok")
        assert part["histories_before"] > 0
    assert parts[2]["found_while_read"] > 0
    assert parts[2]["ways"]["remains"] > 0


def test_wrong_usage():
    done = subprocess.run([sys.executable, BENCHMARK, "--users", "0"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "at least 1" in done.stderr
