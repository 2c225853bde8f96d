"""The command line in tests: in this process, and as a process of its own that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from personaopt.cli.main import _run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line in this process: exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["personaopt", *map(str, arguments)])
        capsys.readouterr()
        code = _run()
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def started(arguments: list[object]) -> subprocess.Popen[str]:
    """The command line as a process that has been begun."""
    line = [sys.executable, "-m", "personaopt.cli.main", *map(str, arguments)]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=Path(__file__).parents[1]
    )


def wait_for_rows(out: Path, count: int) -> None:
    """Return when a run has written so many rows."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        file = out / "results.jsonl"
        if file.exists() and file.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    raise AssertionError("no rows came")
