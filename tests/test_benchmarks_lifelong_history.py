import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "lifelong_history.py"


def run(*arguments):
    command = [sys.executable, BENCHMARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_the_smallest_size_runs_and_an_update_does_not_grow(tmp_path):
    file = tmp_path / "figures.json"
    done = run("--quick", "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    short, middle, long = figures["lives"]
    assert (short["interactions"], long["sessions"]) == (10 * 3 + 4, 240)
    assert short["prompt_tokens"] == middle["prompt_tokens"] == long["prompt_tokens"]
    assert [life["calls_of_an_update"] for life in figures["lives"]] == [1, 1, 1]
    assert figures["ratios"]["update"]["peak_bytes"] < 1.5
    assert figures["ratios"]["update"]["peak_bytes"] == (
        long["steps"]["update"]["peak_bytes"] / middle["steps"]["update"]["peak_bytes"]
    )
    assert "240 against 60 sessions" in done.stdout


def test_wrong_usage():
    assert run("--sessions", 5).returncode == 2
