"""`personaopt eval personabench run` and `report` as they are typed: killed and gone on with, limited, refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, chat_server
from command_line import Command, started, wait_for_rows
from dspy.lm15 import request_from_openai_chat

from personaopt.cli.personabench_roles import Cast
from personaopt.cli.personabench_run import Wanted, experiment_of
from personaopt.evals.personabench import OfflineBackend, Size, generate
from personaopt.evals.personabench.rows import ROLES, Row
from personaopt.evals.personabench.runs.running import Run
from personaopt.evals.personabench.stand_in import CapableStandIn
from personaopt.evals.results import Results, read_rows

METHODS = "none,golden,k1"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three personas of five sessions."""
    folder = tmp_path_factory.mktemp("benches") / "bench"
    generate(folder, OfflineBackend(), Size(personas=3, sessions=5, seed=12))
    return folder


class Served:
    """The stand-in behind a server of this process, which counts how often each question was asked."""

    def __init__(self) -> None:
        self.engine = CapableStandIn()
        self.asked: Counter[str] = Counter()
        self.server: ChatServer | None = None
        self.down = False
        self.quick: float = math.inf
        """So many questions are answered at once, all after them late: what is to be ended has not ended by itself."""

    def answer(self, body: dict[str, Any], number: int) -> Answer:
        said = json.dumps(body["messages"])
        if "`echo`" in said:  # whether it is there at all
            return Answer("[[ ## echo ## ]]\nready\n\n[[ ## completed ## ]]")
        self.asked[hashlib.sha256(said.encode()).hexdigest()] += 1
        if self.down:
            return Answer(status=400)
        reply = self.engine.complete(request_from_openai_chat(body))
        return Answer(reply.text or "", after=0.0 if self.asked.total() <= self.quick else 0.5)

    def asking(self, bench: Path, out: Path, *more: object) -> list[object]:
        """The command line that asks this server."""
        at = ("--lm", "openai/x", "--judge-lm", "rules", "--api-base", self.server.url if self.server else "")
        return [
            "eval",
            "personabench",
            "run",
            "--bench",
            bench,
            "--out",
            out,
            *at,
            "--personas",
            2,
            "--methods",
            METHODS,
            *more,
        ]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    state = Served()
    with chat_server(state.answer) as server:
        state.server = server
        yield state


def plain(out: Path) -> set[str]:
    """The rows of a folder without how long they took."""
    return {
        json.dumps(
            dataclasses.replace(
                row,
                seconds=0.0,
                **{role: dataclasses.replace(getattr(row, role), seconds=0.0) for role in ROLES},
            ).to_dict(),
            sort_keys=True,
        )
        for row in read_rows(out, Row)
    }


def test_killed_in_the_middle_it_goes_on_and_asks_nothing_twice(
    command: Command, served: Served, bench: Path, tmp_path: Path
) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    code, stdout, stderr = command(*served.asking(bench, whole, "--json"))
    assert code == 0, stderr
    result = json.loads(stdout)
    assert result["finished"]
    assert result["run"]["sessions"] == result["run"]["done"] == 3 * 2 * 5
    assert result["run"]["calls"] == served.asked.total()
    assert set(result["summary"]["personabench"]) == set(METHODS.split(","))
    asked = Counter(served.asked)

    served.asked.clear()
    served.quick = 25
    process = started(served.asking(bench, part, "--concurrency", 2))
    wait_for_rows(part, 8)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    served.quick = math.inf
    file = part / "results.jsonl"
    finished = file.read_bytes()
    assert 8 <= finished.count(b"\n") < 30
    assert list((part / "unfinished").iterdir())
    file.write_bytes(finished + b'{"schema": 1, "method": "k1", "per')  # torn in the middle of a line
    code, stdout, stderr = command(*served.asking(bench, part, "--json"))
    assert code == 0, stderr
    assert json.loads(stdout)["run"]["done_before"] == finished.count(b"\n")
    assert plain(part) == plain(whole)
    assert not (part / "unfinished").exists()
    # Only what was on its way when it was killed, at most one question a sitting, was asked again.
    assert set(served.asked) == set(asked)
    assert (served.asked - asked).total() <= 2


def test_its_processes_end_with_it_and_pay_for_nothing_more(
    command: Command, served: Served, bench: Path, tmp_path: Path
) -> None:
    served.quick = 4
    asking = served.asking(bench, tmp_path / "out", "--personas", 1, "--sessions", 3, "--methods", "k1")
    process = started([*asking, "--processes", 1])
    end = time.monotonic() + 60
    while served.asked.total() < 5 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.7)
    asked = served.asked.total()
    time.sleep(1.0)
    assert 5 <= asked == served.asked.total()
    served.quick = math.inf
    code, _, stderr = command(*asking)
    assert code == 0, stderr
    assert (served.asked - Counter(set(served.asked))).total() <= 1, "only what was on its way is asked again"


def test_a_time_limit_ends_it_with_a_report_and_no_failure(
    command: Command, served: Served, bench: Path, tmp_path: Path
) -> None:
    served.quick = 4
    code, stdout, stderr = command(
        *served.asking(bench, tmp_path / "out", "--limit-seconds", 2.5, "--concurrency", 1, "--json")
    )
    assert code == 0, stderr
    result = json.loads(stdout)
    assert not result["finished"]
    assert result["stopped"] == "the time is over"
    assert 0 < result["run"]["done"] < 30
    assert re.search(r"\d+ of 30 sessions are held\. Go on with: personaopt eval personabench run", stderr)
    code, stdout, stderr = command("eval", "personabench", "report", tmp_path / "out", "--json")
    assert code == 0, stderr
    assert json.loads(stdout) == result["summary"]


def test_a_server_that_is_gone_ends_it_with_a_failure_that_can_be_mended(
    command: Command, served: Served, bench: Path, tmp_path: Path
) -> None:
    served.down = True
    out = tmp_path / "out"
    asking = served.asking(bench, out, "--sessions", 2, "--personas", 1)
    code, _, stderr = command(*asking)
    assert code == 1
    assert stderr.splitlines()[-1].startswith("Every session failed, the last one with: LMError: ")
    assert "Traceback" not in stderr
    assert [bool(row.error) for row in read_rows(out, Row)] == [True] * 6
    served.down = False
    code, _, stderr = command(*asking, "--retry-failed")
    assert code == 0, stderr
    assert not any(row.error for row in read_rows(out, Row))


def test_the_scripted_lm_in_several_processes_gives_the_same_rows(
    command: Command, bench: Path, tmp_path: Path
) -> None:
    base = ["eval", "personabench", "run", "--bench", bench, "--lm", "scripted", "--personas", 2, "--json"]
    one, two = tmp_path / "one", tmp_path / "two"
    code, stdout, stderr = command(*base, "--methods", "golden,k1", "--out", two, "--processes", 2)
    assert code == 0, stderr
    assert json.loads(stdout)["run"]["sessions"] == 20
    cast = Cast("scripted", "scripted")
    wanted = Wanted(bench, one, cast, "golden,k1", 2, None, 3, 8, 0, 1, 0, None, False)
    with Results(one, Row) as results:
        Run(experiment_of(wanted), results).go()
    assert plain(one) == plain(two)
    config = json.loads((two / "config.json").read_text())
    assert config["lms"]["scripted"]["misses"] == 0.1
    judge = json.loads((two / "judge.json").read_text())
    assert (judge["judge"], judge["unread"], judge["agreement"]) == ("rules", 0, 1.0)

    code, stdout, stderr = command(*base, "--methods", "none", "--out", two, "--processes", 0)
    assert code == 0, stderr
    summary = json.loads(stdout)["summary"]["personabench"]
    assert list(summary) == ["none", "k1", "golden"], "methods are added to a folder"
    assert set(json.loads((two / "config.json").read_text())["methods"]) == set(summary)
    assert summary["golden"]["field_f1"] == 1.0
    assert summary["golden"]["n"] == 10


def test_a_preview_asks_nothing_and_leaves_nothing(
    command: Command, served: Served, bench: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, stdout, stderr = command(*served.asking(bench, out, "--preview", "--user-lm", "openai/x", "--json"))
    assert code == 0, stderr
    told = json.loads(stdout)
    assert [line["method"] for line in told["lines"]] == METHODS.split(",")
    assert told["together"]["sessions"] == 30
    assert told["together"]["roles"]["simulating"] > 0
    assert 0 < told["together"]["expected"]["calls"] < told["together"]["at_most"]["calls"]
    code, stdout, stderr = command(*served.asking(bench, out, "--preview"))
    assert code == 0, stderr
    assert "Calls for answering" in stdout
    assert served.asked.total() == 0
    assert not out.exists()

    base = ["eval", "personabench", "run", "--bench", bench, "--lm", "scripted", "--methods", "none", "--personas", 1]
    told = json.loads(command(*base, "--out", out, "--preview", "--json")[1])["together"]["expected"]
    assert command(*base, "--out", out)[0] == 0
    used = [row.answering for row in read_rows(out, Row)]
    a_call = sum(each.input_tokens for each in used) / sum(each.calls for each in used)
    assert 0.7 < told["input_tokens"] / told["calls"] / a_call < 1.5, "both count tokens, and not words"
    for more in (["--turns", 2], ["--noise", "0,0"], ["--out", bench]):
        code, stdout, stderr = command(*base, "--out", out, *more, "--preview")
        assert (code, stdout) == (2, ""), "what the run would refuse"
        assert "--out" in stderr
    code, stdout, _ = command(*base, "--out", out, "--preview")
    assert code == 0
    assert "5 sessions are held already." in stdout


def test_what_cannot_be_run_is_refused_in_one_sentence(
    command: Command, bench: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path / "out"
    base = ["eval", "personabench", "run", "--bench", bench, "--lm", "scripted", "--processes", 0, "--personas", 1]

    def refused(code: int, says: str, *more: object, base: list[object] = base) -> None:
        found, _, stderr = command(*base, *more)
        assert found == code, stderr
        assert says in stderr.splitlines()[-1]
        assert "Traceback" not in stderr

    refused(2, "no method 'k9'", "--methods", "none,k9", "--out", out)
    refused(2, "No method is named", "--methods", ",", "--out", out)
    refused(1, "has no finished bench", "--bench", tmp_path / "none", "--out", out)
    refused(2, "The LM 'magic' is not known", "--lm", "magic", "--methods", "none", "--out", out)
    refused(2, "The agent needs a language model", "--lm", "rules", "--out", out)
    refused(2, "--noise is two numbers", "--noise", "some", "--out", out)
    refused(2, "The rate misses lies in [0, 1]", "--noise", "2,0", "--methods", "none", "--out", out)
    assert not out.exists()
    refused(1, "cannot be read", base=["eval", "personabench", "report", tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "results.jsonl").touch()
    refused(1, "holds no rows yet", base=["eval", "personabench", "report", tmp_path / "empty"])

    assert command(*base, "--methods", "none", "--sessions", 2, "--out", out)[0] == 0
    rows = (out / "results.jsonl").read_bytes()
    again = ["--methods", "none", "--out", out]
    refused(2, "settings: turns = 3 and not 2", "--sessions", 2, "--turns", 2, *again)
    refused(2, "settings: sessions = 2 and not null", *again)
    refused(2, "lms: scripted: misses = 0.1 and not 0.0", "--sessions", 2, "--noise", "0,0", *again)
    other = tmp_path_factory.mktemp("benches") / "other"
    generate(other, OfflineBackend(), Size(personas=1, sessions=5, seed=13))
    refused(2, "made with settings: bench = ", "--sessions", 2, "--bench", other, *again)
    assert (out / "results.jsonl").read_bytes() == rows
    assert command(*base, *again, "--sessions", 2, "--seed", 1)[0] == 0, "another seed may be added"
    assert {row.seed for row in read_rows(out, Row)} == {0, 1}


@pytest.mark.local_model
def test_the_local_model_takes_every_role(
    command: Command, bench: Path, tmp_path: Path, local_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = local_lm.copy(max_tokens=12)
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: short)  # the same model, loaded once
    base = ["eval", "personabench", "run", "--bench", bench, "--personas", 1, "--sessions", 1, "--turns", 1]
    code, stdout, stderr = command(*base, "--lm", "local", "--methods", "k1", "--out", tmp_path / "out", "--json")
    assert code == 0, stderr
    rows = read_rows(tmp_path / "out", Row)
    assert [(row.method, row.error) for row in rows] == [("k1", "")]
    assert all(row.answering.calls and row.answering.usd == 0.0 for row in rows)
    assert rows[-1].learning.calls
    assert all(row.dialogue["exchanges"][0]["reply"] for row in rows)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["lms"]["local"]["model"].startswith("local/")
    assert json.loads(stdout)["finished"]
