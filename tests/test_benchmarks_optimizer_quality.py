import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "optimizer_quality.py"


def run(*arguments):
    command = [sys.executable, BENCHMARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_smallest_size_runs_goes_on_and_reports(tmp_path):
    runs, file = tmp_path / "runs.jsonl", tmp_path / "figures.json"
    done = run("--quick", "--methods", "ours,gepa", "--runs", runs, "--json", file)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert [(cell["method"], cell["runs"]) for cell in figures["cells"]] == [("ours", 2), ("gepa", 2)]
    for cell in figures["cells"]:
        for mean, low, high in (cell["recovered"], cell["worse"], cell["end"]):
            assert 0.0 <= low <= mean <= high <= 1.0
        assert f"{cell['recovered'][0]:.3f}" in done.stdout
    assert figures["noise"]["medium"]["missed"] == 0.2
    assert "held-out" in figures["methods"]["gepa"]

    lines = runs.read_text().splitlines()
    runs.write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])  # as if it had been killed while it wrote
    again = run("--quick", "--methods", "ours,gepa", "--runs", runs, "--json", file)
    assert "4 runs, 3 of them done before" in again.stderr
    assert json.loads(file.read_text())["cells"][0]["recovered"] == figures["cells"][0]["recovered"]


def test_wrong_usage():
    for arguments in (["--users", "0"], ["--noise", "loud"], ["--methods", "magic"], ["--seeds", "x"]):
        assert run(*arguments).returncode == 2, arguments
