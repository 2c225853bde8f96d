"""The benchmarks of the memory run at their smallest size, and see what they are there to see."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from personaopt.memory import interactions, open_store

FOLDER = Path(__file__).parent.parent / "benchmarks"


def run(name, tmp_path, *arguments):
    file = tmp_path / "figures.json"
    command = [sys.executable, FOLDER / f"{name}.py", "--quick", "--folder", tmp_path, "--json", file, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    figures = json.loads(file.read_text())
    assert json.loads(done.stdout) == figures
    return figures


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not hasattr(sys, "getswitchinterval") or sys.platform == "win32", reason="forks and kills")
def test_durability(tmp_path):
    figures = run("memory_durability", tmp_path)
    assert figures["writers"]["stored"] == figures["writers"]["writes"] == 60
    assert figures["kills"]["kills"] == 10
    assert figures["kills"]["acknowledged_writes"] > 0
    assert figures["edits"]["redone"] == {"kept": 3, "refused": 0}
    assert figures["edits"]["given_up"]["kept"] >= 1
    assert figures["writers"]["lost"] == figures["kills"]["lost"] == figures["edits"]["lost"] == 0


def test_isolation(tmp_path):
    figures = run("memory_isolation", tmp_path, "--probes", "200")
    assert "sqlite" in figures["probes"]
    for part in figures["probes"].values():
        assert part["found"] == 0
        assert part["answers_with_own_canary"] > 50
    assert {part["recall"] for part in figures["recall"].values()} == {1.0}


def test_a_store_that_mixes_users_is_found_out(monkeypatch, tmp_path):
    benchmark = loaded("memory_isolation")

    def anybodys(connection, user_id, numbers):
        query = f"SELECT {interactions.COLUMNS} FROM interactions WHERE number IN ({connection.listed})"
        return dict(interactions.parsed(row) for row in connection.execute(query, (json.dumps(list(numbers)),)))

    monkeypatch.setattr(interactions, "at_numbers", anybodys)
    with open_store(":memory:", embedder=benchmark.RandomVectors()) as store:
        assert benchmark.probed(store, 300, random.Random(0), 15, tmp_path)["found"] > 0


def test_speed(tmp_path):
    figures = run("memory_speed", tmp_path)
    assert figures["record"]["threads_1"] > 10  # the disk decides, and it may be busy
    for size in ("small", "large"):
        for kind in ("cold", "warm"):
            assert 0 < figures[f"context_{size}"][kind]["p50_ms"] < 200
    assert figures["context_large"]["interactions"] == 4_000
    assert figures["context_large"]["users"] == 20
