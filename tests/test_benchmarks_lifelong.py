import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "lifelong_personas.py"


def run(*arguments):
    command = [sys.executable, BENCHMARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


def test_the_smallest_size_runs_and_reports(tmp_path):
    file, out = tmp_path / "figures.json", tmp_path / "out"
    options = ("--quick", "--seed", 7003, "--methods", "none,golden,personaopt", "--processes", 0)
    done = run(*options, "--out", out, "--json", file)
    assert done.returncode == 0, done.stderr
    assert "nothing of them may be reported" not in done.stderr  # nobody reports two personas
    figures = json.loads(file.read_text())
    methods = figures["methods"]
    assert set(methods) == {"none", "golden", "personaopt"}
    assert {each["n"] for each in methods.values()} == {figures["run"]["sessions"] // 3}
    # The run's own rows say the same.
    rows = [json.loads(line) for line in (out / "run" / "results.jsonl").read_text().splitlines()]
    assert len(rows) == figures["run"]["done"] == figures["run"]["sessions"]
    for name, known in methods.items():
        personas = {}
        for row in rows:
            if row["method"] == name:
                personas.setdefault(row["persona"], []).append(row["utterances"])
        means = [sum(each) / len(each) for each in personas.values()]
        assert known["utterances"] == pytest.approx(sum(means) / len(means))
        assert f"{name}: " in done.stdout
        assert f"utterances {known['utterances']:.3f} [" in done.stdout
    assert methods["golden"]["field_f1"] == 1.0
    assert methods["golden"]["staleness"] == 0.0
    assert methods["none"]["field_f1"] is None
    assert 0.3 < methods["personaopt"]["field_f1"] <= 1.0
    goals = methods["personaopt"]["goals"]
    assert {goal["met"] for goal in goals.values()} == {"unresolved"}  # two personas resolve nothing
    assert done.stdout.count("unresolved: ") == len(goals) == 6
    assert "wording" in (out / "bench" / "config.json").read_text()
    assert figures["settings"]["wording"] == "held-out"


def test_wrong_usage(tmp_path, capsys):
    main = runpy.run_path(str(BENCHMARK))["main"]
    for arguments in (["--sessions", "1"], ["--wording", "none"], ["--noise", "x", "y"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2, arguments
    assert main(["--quick", "--methods", "k9", "--out", str(tmp_path)]) == 1
    assert "There is no method 'k9'" in capsys.readouterr().err
