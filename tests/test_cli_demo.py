"""`personaopt demo`, made small."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from personaopt.cli.main import _run

SMALL = ("--users", "1", "--interactions", "24")


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    monkeypatch.setattr(sys, "argv", ["personaopt", "demo", *SMALL, *arguments])
    capsys.readouterr()
    code = _run()
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out, printed.err


@pytest.fixture
def tiny(tiny_lm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model in the place of the small one: quick, and its context has no room for memories."""
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: tiny_lm)


def test_one_document_the_same_for_the_same_seed(
    tiny: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdout, stderr = run(monkeypatch, capsys, "--json")
    report = json.loads(stdout)
    assert {"before", "after", "users", "text", "calls", "tokens", "seconds"} <= set(report)
    assert set(report["before"]) == set(report["after"]) == {"accuracy", "nll", "n"}
    assert set(report["text"]["before"]) == set(report["text"]["after"]) == {"nll_per_token", "similarity", "n"}
    assert report["before"]["n"] == report["after"]["n"] == 15
    assert set(report["users"]) == {"film-u1", "text-u1"}
    for user in report["users"].values():
        assert user["hidden"]
        assert [change["edit"] for change in user["diff"]] or not user["accepted"]
        assert user["persona"].count("\n") + 1 >= len(user["diff"])
        assert user["calls"] > 0
    assert report["calls"] > sum(user["calls"] for user in report["users"].values())
    assert "film-u1: aligning on 9 interactions" in stderr
    assert "What to type next" in stderr
    again = json.loads(run(monkeypatch, capsys, "--json")[0])
    # The last digits of a likelihood depend on which requests happened to be answered together.
    assert {name: user["persona"] for name, user in again["users"].items()} == {
        name: user["persona"] for name, user in report["users"].items()
    }
    for part in ("before", "after"):
        assert again[part] == pytest.approx(report[part], abs=1e-5)
        assert again["text"][part] == pytest.approx(report["text"][part], abs=1e-5)


def test_what_a_person_sees(tiny: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stdout, stderr = run(monkeypatch, capsys)
    assert "film-u1 tags films: learnt from 9 interactions" in stdout
    assert "What this invented user does: " in stdout
    assert "On the 15 interactions after them: accuracy" in stdout
    assert "replies: similarity of the written text" in stdout
    assert "19 questions tell large differences from none" in stdout
    assert "personaopt align --data DIR" in stdout
    assert max(map(len, stdout.splitlines())) <= 100
    assert "loading the local model" in stderr
