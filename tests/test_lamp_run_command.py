"""`personaopt eval lamp run` as it is typed: killed and gone on with, interrupted, limited, refused."""

from __future__ import annotations

import hashlib
import json
import math
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, chat_server
from command_line import Command, started, wait_for_rows
from lamp_folder import write_lamp_folder

from personaopt.evals.lamp.data import is_tuning_user, load_lamp
from personaopt.evals.lamp.results import read_rows
from personaopt.evals.tasks import LAMP_2M

METHODS = "majority,prompt,icl"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six users of ten films, the last four of which are asked."""
    path = tmp_path / "LaMP_2M_own"
    write_lamp_folder(path, users=6, interactions=10, questions=4)
    return path


class Served:
    """An LM on a server of this process that counts how often each question was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.server: ChatServer | None = None
        self.said = ""
        """What is said to every question, where it is not empty."""
        self.quick: float = math.inf
        """So many questions are answered at once, all after them late: what is to be ended has not ended by itself."""

    def answer(self, body: dict[str, Any], number: int) -> Answer:
        said = json.dumps(body["messages"])
        if "`echo`" in said:  # whether it is there at all
            return Answer("[[ ## echo ## ]]\nready\n\n[[ ## completed ## ]]")
        digest = hashlib.sha256(said.encode()).hexdigest()
        self.asked[digest] += 1
        if self.said:
            return Answer(self.said)
        tag = LAMP_2M.labels[int(digest, 16) % len(LAMP_2M.labels)]
        return Answer(
            f"[[ ## tag ## ]]\n{tag}\n\n[[ ## completed ## ]]", after=0.0 if self.asked.total() <= self.quick else 2.0
        )

    def asking(self, data: Path, out: Path, *more: object) -> list[object]:
        """The command line that asks this server."""
        at = ("--lm", "openai/x", "--api-base", self.server.url if self.server else "")
        common = ("--all-users", "--per-user", 3, "--calibration", "none", "--methods", METHODS)
        return ["eval", "lamp", "run", "--data", data, "--out", out, *at, *common, *more]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    state = Served()
    with chat_server(state.answer) as server:
        state.server = server
        yield state


def plain(out: Path) -> set[str]:
    """The rows of a folder without how long they took."""

    def without_time(values: dict[str, Any]) -> dict[str, Any]:
        preparation = values["preparation"] and {**values["preparation"], "seconds": 0}
        return {**values, "seconds": 0, "preparation": preparation}

    return {json.dumps(without_time(row.to_dict()), sort_keys=True) for row in read_rows(out)}


def test_killed_in_the_middle_it_goes_on_and_asks_nothing_twice(
    command: Command, served: Served, folder: Path, tmp_path: Path
) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    code, stdout, stderr = command(*served.asking(folder, whole, "--json"))
    assert code == 0, stderr
    result = json.loads(stdout)
    assert result["finished"]
    assert result["run"] | {"seconds": 0, "usd": 0} == {
        "questions": 54, "done": 54, "done_before": 0, "errors": 0, "calls": 36, "tokens": 36 * 110, "usd": 0,
        "seconds": 0,
    }  # fmt: skip
    assert set(result["summary"]["LaMP-2M"]) == set(METHODS.split(","))
    assert max(served.asked.values()) == 1
    asked_by_whole = set(served.asked)

    served.asked.clear()
    served.quick = 12
    process = started(served.asking(folder, part, "--concurrency", 2))
    wait_for_rows(part, 9)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    served.quick = math.inf
    file = part / "results.jsonl"
    finished = file.read_bytes()
    assert 9 <= finished.count(b"\n") < 54
    file.write_bytes(finished + b'{"schema": 1, "study": "main", "ta')  # torn in the middle of a line
    before = Counter(served.asked)
    code, stdout, stderr = command(*served.asking(folder, part, "--json"))
    assert code == 0, stderr
    assert json.loads(stdout)["run"]["done_before"] == finished.count(b"\n")
    assert plain(part) == plain(whole)
    assert set(served.asked) == asked_by_whole
    # Only what was under way when it was killed, at most one question a sitting, was asked again.
    again = [digest for digest, times in served.asked.items() if times > 1]
    assert len(again) <= 2
    assert all(before[digest] == 1 for digest in again)
    assert json.loads((part / "config.json").read_text())["settings"]["per_user"] == 3


def test_interrupted_it_says_how_to_go_on(served: Served, folder: Path, tmp_path: Path) -> None:
    served.quick = 6
    process = started(served.asking(folder, tmp_path / "out", "--concurrency", 1))
    wait_for_rows(tmp_path / "out", 8)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert re.search(r"it was interrupted; \d+ of 54 questions are answered\. Go on with: personaopt eval lamp", stderr)
    assert "Traceback" not in stderr
    assert 8 <= len(read_rows(tmp_path / "out")) < 54


def test_a_time_limit_ends_it_with_a_report_and_no_failure(
    command: Command, served: Served, folder: Path, tmp_path: Path
) -> None:
    served.quick = 2
    code, stdout, stderr = command(
        *served.asking(folder, tmp_path / "out", "--limit-seconds", 1.5, "--concurrency", 1, "--json")
    )
    assert code == 0, stderr
    result = json.loads(stdout)
    assert not result["finished"]
    assert result["stopped"] == "the time is over"
    assert 0 < result["run"]["done"] < 54
    assert "Go on with:" in stderr
    assert (tmp_path / "out" / "summary.json").exists()


def test_a_run_in_which_every_question_failed_has_failed(
    command: Command, served: Served, folder: Path, tmp_path: Path
) -> None:
    served.said = "nothing of use"
    out = tmp_path / "out"
    asking = served.asking(folder, out, "--methods", "prompt", "--users", 1)
    code, _, stderr = command(*asking)
    assert code == 1
    assert stderr.splitlines()[-1].startswith("Every question failed, the last one with: ")
    assert "Traceback" not in stderr
    assert [bool(row.error) for row in read_rows(out)] == [True] * 3
    served.said = ""
    code, _, stderr = command(*asking, "--retry-failed")
    assert code == 0, stderr
    assert not any(row.error for row in read_rows(out))


def test_what_cannot_be_run_is_refused_in_one_sentence(
    command: Command, served: Served, folder: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "results.jsonl").touch()

    def refused(code: int, says: str, *more: object, base: list[object] | None = None) -> None:
        found, _, stderr = command(*(base or served.asking(folder, tmp_path / "out")), *more)
        assert found == code, stderr
        assert says in stderr.splitlines()[-1]
        assert "Traceback" not in stderr

    refused(2, "no method 'magic'", "--methods", "magic")
    refused(2, "nothing to run: no method for main", "--methods", "")
    refused(2, "nothing to run: knn for personas", "--methods", "knn", "--study", "personas")
    refused(2, "nonsense.json holds no calibrations", "--calibration", "nonsense.json")
    deep = tmp_path / "deep" / "out"
    refused(2, "nonsense.json holds no calibrations", "--calibration", "nonsense.json", "--out", deep)
    assert not deep.parent.exists()
    assert not (tmp_path / "out").exists()
    refused(2, "exclude each other", "--tuning")
    refused(1, "no data of LaMP-3", "--data", tmp_path, "--task", "LaMP-3", base=["eval", "lamp", "run", "--out", "o"])
    refused(2, "'more' is not", "--study", "more")
    write_lamp_folder(tmp_path / "one", users=1)
    only = ["eval", "lamp", "run", "--data", tmp_path / "one", "--methods", "knn", "--out", tmp_path / "two"]
    of_one = "--tuning" if not is_tuning_user(load_lamp(tmp_path / "one")[0].user_id) else "--preview"
    refused(2, "None of the 1 users of one is a", of_one, base=only)
    assert command(*served.asking(folder, tmp_path / "out", "--methods", "majority"))[0] == 0
    refused(2, "settings: retrieve = 8 and not 4", "--retrieve", 4)
    refused(2, "made with calibrations without", "--calibration", "shipped")
    refused(1, "holds no rows", base=["eval", "lamp", "recalibrate", empty, "--out", tmp_path / "anew"])
    refused(1, "cannot be read", base=["eval", "lamp", "report", tmp_path / "none"])
    refused(1, "holds no rows yet", base=["eval", "lamp", "report", empty])
    assert [path.name for path in empty.iterdir()] == ["results.jsonl"]
    refused(1, "tuning users", base=["eval", "lamp", "calibrate", tmp_path / "out", "--out", tmp_path / "c.json"])


TASK = """
from typing import Literal

import dspy

from personaopt.evals.tasks import Task


class PickDish(dspy.Signature):
    \"\"\"Pick the dish this guest would order.\"\"\"

    weather: str = dspy.InputField()
    dish: Literal["soup", "salad", "pie"] = dspy.OutputField()


DISHES = Task.of("dishes", PickDish)
"""


def test_a_table_and_a_task_of_ones_own_are_measured_as_the_task_says(command: Command, tmp_path: Path) -> None:
    (tmp_path / "dishes.py").write_text(TASK)
    orders = "".join(f"g{n % 4},2024-05-{n // 4 + 1:02d},sky {n},{'pie' if n % 3 else 'soup'}\n" for n in range(24))
    (tmp_path / "guests.csv").write_text("guest,when,sky,ordered\n" + orders)
    task, out = f"{tmp_path / 'dishes.py'}:DISHES", tmp_path / "out"
    columns = [
        part for each in ("user=guest", "time=when", "weather=sky", "answer=ordered") for part in ("--column", each)
    ]
    base = ["eval", "lamp", "run", "--data", tmp_path / "guests.csv", "--all-users", "--methods", "majority"]
    code, stdout, stderr = command(*base, "--task", task, *columns, "--out", out, "--json")
    assert code == 0, stderr
    cell = json.loads(stdout)["summary"]["dishes"]["majority"]
    assert (cell["n"], cell["users"]) == (12, 4)
    assert cell["f1"] == pytest.approx(
        cell["accuracy"] * 2 / (1 + cell["accuracy"]) / 3
    )  # of three, one is always said
    file = out / "results.jsonl"  # without probabilities the rows do not tell a choice from a text
    rows = [json.loads(line) | {"probabilities": None} for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, stdout, stderr = command("eval", "lamp", "report", out, "--json")
    assert "rouge_l" in json.loads(stdout)["dishes"]["majority"]
    assert "told from its rows (rouge_l, rouge_1); --task" in stderr
    code, stdout, stderr = command("eval", "lamp", "report", out, "--task", task, "--json")
    assert json.loads(stdout)["dishes"]["majority"]["f1"] == cell["f1"]
    assert "told from its rows" not in stderr


@pytest.mark.local_model
def test_the_local_model_is_measured_and_calibrated(
    command: Command, folder: Path, tmp_path: Path, local_lm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personaopt.lm.local.local_lm", lambda **settings: local_lm)  # the same model, loaded once
    base = ["eval", "lamp", "run", "--data", folder, "--per-user", 1, "--users", 1, "--methods", "prompt,rag"]
    code, _, stderr = command(*base, "--tuning", "--out", tmp_path / "tuning", "--calibration", "none", "--json")
    assert code == 0, stderr
    tuning = read_rows(tmp_path / "tuning")
    assert len(tuning) == 2
    assert all(sum(row.probabilities.values()) == pytest.approx(1) and row.calls == 1 for row in tuning)
    assert all(row.probabilities == pytest.approx(row.measured) for row in tuning)
    code, _, stderr = command("eval", "lamp", "calibrate", tmp_path / "tuning", "--out", tmp_path / "c.json")
    assert code == 0, stderr
    code, _, stderr = command(*base, "--out", tmp_path / "few", "--calibration", tmp_path / "c.json", "--json")
    assert code == 0, stderr
    few = read_rows(tmp_path / "few")
    assert all(row.probabilities == pytest.approx(row.measured) for row in few), "two answers fit nothing"
    code, _, stderr = command(*base, "--out", tmp_path / "out", "--json")
    assert code == 0, stderr
    rows = read_rows(tmp_path / "out")
    assert not {row.user for row in rows} & {row.user for row in tuning}
    assert all(row.probabilities != pytest.approx(row.measured) for row in rows)
    calibrated = {row.key: row for row in rows}
    # The same measurements without a calibration, and then under the same one again, without asking.
    for before, out, calibration in (("out", "raw", "none"), ("raw", "anew", "shipped")):
        code, _, stderr = command(
            "eval", "lamp", "recalibrate", tmp_path / before, "--out", tmp_path / out, "--calibration", calibration
        )
        assert code == 0, stderr
    assert all(row.probabilities == pytest.approx(row.measured) for row in read_rows(tmp_path / "raw"))
    for row in read_rows(tmp_path / "anew"):
        assert row.probabilities == pytest.approx(calibrated[row.key].probabilities, rel=1e-6)
        assert row.prediction == calibrated[row.key].prediction
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["lms"]["local"]["model"].startswith("local/")
