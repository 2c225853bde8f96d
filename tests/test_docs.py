"""Everything that the documentation tells the reader to type works as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lamp_folder import write_lamp_folder

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_ELSEWHERE = {
    "personaopt demo": "test_cli_demo.py",
    "python benchmarks/local_lm.py": "test_benchmarks_local_lm.py",
    "python benchmarks/memory_durability.py": "test_benchmarks_memory.py",
    "python benchmarks/memory_forgetting.py": "test_benchmarks_forgetting.py",
    "python benchmarks/memory_isolation.py": "test_benchmarks_memory.py",
    "python benchmarks/memory_speed.py": "test_benchmarks_memory.py",
    "python benchmarks/optimizer_quality.py": "test_benchmarks_optimizer_quality.py",
    "python benchmarks/optimizer_latency.py": "test_benchmarks_optimizer_latency.py",
    "python benchmarks/personabench_generator.py": "test_benchmarks_personabench.py",
    "python benchmarks/lifelong_personas.py": "test_benchmarks_lifelong.py",
    "python benchmarks/personalised_action.py": "test_benchmarks_personalised_action.py",
}
COMMAND = re.compile(r"^    ((?:personaopt|python benchmarks/)\S*[^\n]*)$", re.MULTILINE)


def run(command, folder, **extra):
    environment = {**os.environ, "PYTHONWARNINGS": "error::DeprecationWarning:personaopt", **extra}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=600)


@pytest.mark.local_model
@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")], ids=str)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    done = run([sys.executable, "-c", "\n".join(blocks)], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    left = [path.name for path in tmp_path.iterdir()]  # no logs, no stores left behind
    if page.name == "README.md":
        assert "the user said:" in done.stdout
        assert "mean loss" in done.stdout
        assert left == ["u1.json"]
    else:
        assert left == []


def commands():
    """Each command of the pages, without its comment, once."""
    found = [command for page in PAGES for command in COMMAND.findall(page.read_text(encoding="utf-8"))]
    return list(dict.fromkeys(re.sub(r"\s+#.*", "", command) for command in found))


@pytest.mark.local_model
def test_every_command_of_the_pages_runs(tmp_path):
    """Placeholders are filled in, and sizes are the smallest. What has a test of its own is not run twice."""
    user = write_lamp_folder(tmp_path / "LaMP_2M")
    tried = commands()
    assert any(command.startswith("personaopt align") for command in tried)
    for command in tried:
        if command.startswith(tuple(RUN_ELSEWHERE)):
            assert (ROOT / "tests" / RUN_ELSEWHERE[" ".join(command.split()[:2])]).exists()
            continue
        if command.startswith("personaopt align"):
            command += " --epochs 1 --latest 3"
        if command.startswith("personaopt eval personabench run"):
            command += " --personas 1 --sessions 3"
        if command.startswith("python benchmarks/"):
            command = smallest(command)
        words = [user if word == "USER" else word for word in command.split()]
        program = [sys.executable, "-m", "personaopt.cli.main"] if words[0] == "personaopt" else [sys.executable]
        words = [str(ROOT / word) if word.startswith("benchmarks/") else word for word in words[1:]]
        done = run([*program, *words], tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
        if "--json" in words and "benchmarks" not in command:
            json.loads(done.stdout)


def smallest(command: str) -> str:
    """A benchmark's command at the size that a test can afford, on invented data."""
    command = re.sub(r"--data (\S+)( \S*like\S*)*", "--data LaMP_2M", command)
    if "fit_calibration" in command:
        return f"{re.sub(r'--out .*', '', command)} --users 2 --questions 1 --out calibrations.json"
    return f"{re.sub(r'--(seeds|tuning) [a-z0-9]+', '', command)} --seeds 1 --users 1 --questions 1"


def test_links_of_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
