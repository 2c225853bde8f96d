"""A run of the bench: what is held, what is kept, what is gone on with, and what nobody is shown."""

from __future__ import annotations

import dataclasses
import json
import math
import queue
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy.lm15 import Request, Response
from hashed_words import HashedWords

from personaopt.errors import ConfigurationError, DataError, StoreError
from personaopt.evals.exams import KnownTexts
from personaopt.evals.guessing import GuessingEngine, guess_of
from personaopt.evals.meters import Stop
from personaopt.evals.personabench import Bench, OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.measuring.judging import Judge
from personaopt.evals.personabench.measuring.rule_judge import RuleJudge
from personaopt.evals.personabench.methods.registry import METHODS
from personaopt.evals.personabench.rows import ROLES, Row, Spent
from personaopt.evals.personabench.runs.examining import examined, read_judge_report
from personaopt.evals.personabench.runs.experiment import Experiment, chosen
from personaopt.evals.personabench.runs.preview import foretell, rehearsed, rehearsing
from personaopt.evals.personabench.runs.processes import _uninterrupted, _work
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.running import UNANSWERED, Run, open_turns
from personaopt.evals.personabench.runs.sittings import UNFINISHED
from personaopt.evals.personabench.simulation.satisfaction import LMSatisfaction
from personaopt.evals.personabench.simulation.users import LMUser
from personaopt.evals.personabench.stand_in import CapableStandIn, Noise
from personaopt.evals.results import Results, read_rows
from personaopt.evals.tally import Tally
from personaopt.evals.tape import Tape, TapedLM
from personaopt.lm.metering import Meter


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Two personas of six sessions."""
    folder = tmp_path_factory.mktemp("bench")
    generate(folder, OfflineBackend(), Size(personas=2, sessions=6, seed=11))
    return load_bench(folder)


class Heard:
    """An engine that answers as another one does, and keeps what it was asked; it may fail.

    Args:
        engine: Who answers.
        fails: Told the number of a request, from 1; whether the LM is out of reach then.
    """

    supports_response_schema = False
    supported_params = frozenset({"temperature", "max_tokens"})

    def __init__(self, engine: Any, fails: Callable[[int], bool] = lambda number: False) -> None:
        self.engine = engine
        self.fails = fails
        self.prompts: list[str] = []

    def complete(self, request: Request) -> Response:
        said = [str(request.system), *(part.text for message in request.messages for part in message.parts)]
        self.prompts.append("\n".join(said))
        if self.fails(len(self.prompts)):
            raise dspy.lm15.ServerError("out of reach")
        return self.engine.complete(request)


def listening(fails: Callable[[int], bool] = lambda number: False, noise: Noise | None = None) -> tuple[dspy.LM, Heard]:
    engine = Heard(CapableStandIn(noise or Noise(0.0, 0.0)), fails)
    return dspy.LM("heard/stand-in", engine=engine, cache=False, num_retries=0), engine


def experiment(bench: Bench, methods: str, lm: Any, **settings: Any) -> Experiment:
    cast = {"judge": RuleJudge(), "here": frozenset({"answering", "learning"})} | settings.pop("cast", {})
    return Experiment(
        bench, chosen(methods, METHODS, list(METHODS)), "scripted", lambda: Roles(lm, **cast),
        KnownTexts(HashedWords()), **settings,
    )  # fmt: skip


def ran(what: Experiment, folder: Path, **settings: Any) -> tuple[Tally, list[Row]]:
    with Results(folder, Row) as results:
        tally = Run(what, results, **settings).go()
    return tally, read_rows(folder, Row)


def timeless(row: Row) -> str:
    """A row without how long it took."""
    spent = {role: dataclasses.replace(getattr(row, role), seconds=0.0) for role in ROLES}
    return json.dumps(dataclasses.replace(row, seconds=0.0, **spent).to_dict(), sort_keys=True)


# --- rows and tapes --------------------------------------------------------------------------------------------------


def test_a_row_is_read_as_it_was_written_and_anything_else_is_refused() -> None:
    row = Row("k1", "p0", 3, "p0-s003", 9.0, answering=Spent(2, 30, 4, usd=None), similarity_parts={"coverage": 3.0})
    assert Row.from_dict(json.loads(json.dumps(row.to_dict()))) == dataclasses.replace(row, notes=[])
    assert row.key != dataclasses.replace(row, seed=1).key
    assert (Spent(1, 2, 3, usd=0.5) + Spent(1, 1, 1, usd=0.25)).tokens == 7
    assert (Spent(usd=0.5) + Spent(usd=None)).usd is None
    for damaged in ({}, [], {**row.to_dict(), "schema": 9}, {**row.to_dict(), "answering": {"calls": 1, "odd": 2}}):
        with pytest.raises(DataError):
            Row.from_dict(damaged)


@pytest.mark.parametrize(
    ("name", "value"),
    [("method", 5), ("method", ["k1"]), ("persona", None), ("number", "first"), ("lm", None), ("utterances", "many"),
     ("field_f1", "high"), ("helpfulness", math.nan), ("since_change", "long"), ("dialogue", [1]), ("notes", None),
     ("error", None), ("similarity_parts", {"coverage": "all"}), ("judging", None), ("answering", {"calls": "some"}),
     ("learning", {"usd": math.inf})],
)  # fmt: skip
def test_a_value_of_another_kind_makes_no_row(name: str, value: Any, tmp_path: Path) -> None:
    row = Row("k1", "p0", 3, "p0-s003", 9.0, answering=Spent(2, 30, 4), helpfulness=3.0).to_dict()
    (tmp_path / "results.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, name: value}) + "\n")
    with pytest.raises(DataError, match=rf"line 2 is no row of results \(A row's {name}.* is wrong: "):
        read_rows(tmp_path, Row)


def test_calls_on_a_tape_are_not_made_again_and_count_as_they_did(tmp_path: Path) -> None:
    engine = Heard(GuessingEngine(None))
    lm = TapedLM.of(dspy.LM("heard/guess", engine=engine, cache=False, num_retries=0))
    file = tmp_path / "some" / "tape.jsonl"

    def asked(tape: Tape) -> tuple[list[Any], Any]:
        with tape.running(), dspy.context(lm=lm), Meter().running() as meter:
            said = [dspy.Predict("question -> answer, score: int")(question=each) for each in ("a", "b", "a")]
            typed = lm(Request(lm.model, messages=(dspy.lm15.Message.user("hello"),)))
        return [dict(each) for each in said] + [typed.message], dataclasses.replace(meter.usage, seconds=0, usd=None)

    first = asked(Tape(file))
    assert len(engine.prompts) == 4
    assert asked(Tape(file)) == first
    assert len(engine.prompts) == 4

    whole = file.read_bytes()
    file.write_bytes(whole[: whole.rindex(b'"gave"')])  # cut short in the last line
    assert asked(Tape(file)) == first
    assert len(engine.prompts) == 5
    assert len(file.read_bytes().splitlines()) == 4
    tape = Tape(file)
    tape.remove()
    assert not file.parent.exists()
    assert asked(tape)[0] == first[0]
    with dspy.context(lm=lm):
        dspy.Predict("question -> answer, score: int")(question="a")  # no tape is running: it is asked
    assert len(engine.prompts) == 6


def test_a_tape_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be read"):
        Tape(tmp_path / "file" / "tape.jsonl")
    tape = Tape(tmp_path / "folder" / "tape.jsonl")
    (tmp_path / "folder").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        tape.keep({"asked": "x"})


# --- what is held ----------------------------------------------------------------------------------------------------


def test_every_session_has_a_row_under_every_method(bench: Bench, tmp_path: Path) -> None:
    lm, heard = listening()
    tally, rows = ran(experiment(bench, "none,golden,rag,k1,k3,personaopt", lm), tmp_path / "out")
    sessions = len(bench.sessions)
    assert (tally.whole, tally.done, tally.before, tally.errors) == (6 * sessions, 6 * sessions, 0, 0)
    assert not any(row.error for row in rows)
    by = {name: [row for row in rows if row.method == name] for name in METHODS}
    assert {row.session for row in by["k1"]} == {session.id for session in bench.sessions}
    for name, held in by.items():
        numbers = [row.number for row in held if row.persona == "p0000"]
        assert numbers == sorted(numbers), name
    assert tally.usage.calls == len(heard.prompts) == sum(row.spent.calls for row in rows)
    assert all(row.answering.calls and row.answering.usd == 0.0 for row in rows)
    assert all(row.field_f1 == 1.0 and row.similarity == 10.0 for row in by["golden"])
    assert all(row.field_f1 is None and row.similarity is None and not row.persona_text for row in by["none"])
    assert all(row.learning.calls == 0 for name in ("none", "golden", "rag") for row in by[name])
    assert [row.learning.calls for row in by["k3"] if row.persona == "p0001"] == [0, 0, 1, 0, 0, 1]
    versions = [row.persona_version for row in by["k1"] if row.persona == "p0001"]
    assert versions == sorted(versions)
    assert versions[0] == 1
    assert versions[-1] > 3
    last = by["k1"][-1]
    assert last.field_f1_said > 0.9, "what was said is known, without noise"
    assert by["k1"][0].field_f1 < last.field_f1
    assert last.dialogue["exchanges"][0]["message"].endswith(bench.of("p0001")[-1].query)
    assert sum(row.utterances for row in by["golden"]) < sum(row.utterances for row in by["none"])
    assert not (tmp_path / "out" / UNFINISHED).exists()


def test_nobody_is_shown_what_is_still_to_come(bench: Bench, tmp_path: Path) -> None:
    """Whatever a method asks an LM about in one session holds no word that is said later, and no expected answer."""
    sessions = bench.of("p0000")
    whole = {session.id: session for session in sessions}
    for method in METHODS:
        lm, heard = listening()
        seen: list[tuple[str, list[str]]] = []

        def after(row: Row, tally: Tally, heard: Heard = heard, seen: Any = seen) -> None:
            seen.append((row.session, heard.prompts[sum(len(prompts) for _, prompts in seen) :]))

        what = experiment(bench, method, lm, personas=1, cast={"judge": None})
        ran(what, tmp_path / method, listen=after)
        assert [name for name, _ in seen] == list(whole)
        for name, prompts in seen:
            now = whole[name].number
            said = " ".join(remark.text for each in sessions[: now + 1] for remark in each.remarks)
            later = {
                text
                for each in sessions
                if each.number > now
                for text in (each.query, each.expected, *(remark.text for remark in each.remarks))
                if text not in said
            } - {session.query for session in sessions[: now + 1]}
            told = "\n".join(prompts)
            assert prompts, name
            assert not [text for text in later if text in told], (method, name)
            assert whole[name].expected not in told, (method, name)


def test_every_role_is_metered_apart_and_unread_verdicts_are_left_out(bench: Bench, tmp_path: Path) -> None:
    def guessing(name: str, **written: str) -> tuple[Any, Heard]:
        engine = Heard(GuessingEngine(None, {key: lambda prompt, text=text: text for key, text in written.items()}))
        return dspy.LM(f"guess/{name}", engine=engine, cache=False, num_retries=0), engine

    agent, _ = listening()
    (user, users), (check, checks), (judge, judges) = (guessing(name) for name in ("user", "check", "judge"))
    cast = {"user": LMUser(user), "satisfaction": LMSatisfaction(check), "judge": Judge(judge), "editor": None}
    tally, rows = ran(experiment(bench, "golden", agent, personas=1, cast=cast), tmp_path / "out")
    assert not tally.errors
    assert sum(row.simulating.calls for row in rows) == len(users.prompts) + len(checks.prompts) > len(rows)
    assert sum(row.judging.calls for row in rows) == len(judges.prompts) == 2 * len(rows)
    assert all(0 <= score <= 10 for row in rows for score in (row.helpfulness, row.personalization, row.similarity))
    assert all(row.simulating.usd is None and row.answering.usd == 0.0 for row in rows), "a price is not made up"

    prose, _ = guessing("prose", helpfulness="It is rather good.", coverage="Most of it.")
    cast = {"judge": Judge(prose)}
    _, rows = ran(experiment(bench, "golden", agent, personas=1, sessions=2, cast=cast), tmp_path / "prose")
    assert [(row.helpfulness, row.similarity, row.unread, row.error) for row in rows] == [(None, None, 2, "")] * 2


# --- going on --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_run_that_ended_early_goes_on_as_if_it_had_not(bench: Bench, tmp_path: Path, concurrency: int) -> None:
    noisy = Noise(0.1, 0.05)
    methods = "none,rag,k1,personaopt"
    lm, heard = listening(noise=noisy)
    _, whole = ran(experiment(bench, methods, TapedLM.of(lm)), tmp_path / "whole")
    asked = sorted(heard.prompts)

    lm, heard = listening(noise=noisy)
    out, stop = tmp_path / "out", Stop()
    tally, part = ran(
        experiment(bench, methods, TapedLM.of(lm)), out, stop=stop, concurrency=concurrency,
        listen=lambda row, tally: stop.now("enough") if tally.done == 8 else None,
    )  # fmt: skip
    assert 8 <= tally.done == len(part) < len(whole)
    assert (out / UNFINISHED).is_dir(), "a sitting was cut short"
    tally, rows = ran(experiment(bench, methods, TapedLM.of(lm)), out, concurrency=concurrency)
    assert tally.before == len(part)
    assert tally.done == len(rows) == len(whole)
    assert {timeless(row) for row in rows} == {timeless(row) for row in whole}
    assert sorted(heard.prompts) == asked, "nothing was asked twice"
    assert not (out / UNFINISHED).exists()
    tally, _ = ran(experiment(bench, methods, None), out)
    assert tally.before == tally.whole == len(whole)


@pytest.mark.parametrize("request_", [1, 2, 3, 10])
def test_a_session_that_failed_is_a_row_and_is_held_again_on_request(
    bench: Bench, tmp_path: Path, request_: int
) -> None:
    """Whatever was asked when the LM failed: a function to call, a reply, a change of fields."""
    lm, _ = listening(fails=lambda number: number == request_)
    what = experiment(bench, "k1", TapedLM.of(lm), personas=1)
    tally, rows = ran(what, tmp_path / "out")
    assert (tally.done, tally.errors) == (6, 1)
    failed = next(row for row in rows if row.error)
    assert "out of reach" in failed.error
    assert (failed.utterances, failed.dialogue) == (0, None)
    assert failed.number < 5
    assert not tally.all_failed
    again, _ = ran(what, tmp_path / "out")
    assert again.before == 6, "on request only"
    lm, heard = listening()
    tally, rows = ran(experiment(bench, "k1", TapedLM.of(lm), personas=1), tmp_path / "out", failed_again=True)
    assert tally.before == failed.number, "what came after it rests on it"
    assert not any(row.error for row in rows)
    fresh, asked = listening()
    _, whole = ran(experiment(bench, "k1", TapedLM.of(fresh), personas=1), tmp_path / "whole")
    assert {timeless(row) for row in rows} == {timeless(row) for row in whole}
    answered = request_ - 1
    assert len(heard.prompts) <= len(asked.prompts) - answered, "what was answered before was not asked again"


def test_what_was_asked_is_kept_until_its_rows_are_on_the_disk(bench: Bench, tmp_path: Path) -> None:
    """A sitting that another process has ended is lost where the run ends before its rows are heard."""
    lm, heard = listening()
    what = experiment(bench, "k1", TapedLM.of(lm), personas=1)
    todo: queue.Queue[Any] = queue.Queue()
    back: queue.Queue[Any] = queue.Queue()
    todo.put(("k1", "p0000", 0))
    todo.put(None)
    before = signal.getsignal(signal.SIGINT)
    try:
        _work(lambda: what, tmp_path, todo, back)
    finally:
        signal.signal(signal.SIGINT, before)
    key, told, broken = back.get_nowait()
    assert (key, len(told), broken) == (("k1", "p0000"), 6, "")
    asked = len(heard.prompts)
    assert asked > 6
    _, rows = ran(what, tmp_path)
    assert {timeless(row) for row in rows} == {timeless(row) for row in told}
    assert len(heard.prompts) == asked, "nothing was asked again"
    assert not (tmp_path / UNFINISHED).exists()

    (sitting,) = what.sittings()
    left = sitting.tape(tmp_path)  # as of a run that was killed between the last row and the tape's end
    with left.running():
        left.keep({"asked": "a"})
    assert left.file.exists()
    ran(what, tmp_path)
    assert not (tmp_path / UNFINISHED).exists()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no such signals here")
def test_other_processes_leave_an_interruption_to_the_one_that_began_them() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('here')"
    others = []

    def begun() -> None:
        with _uninterrupted():
            signal.raise_signal(signal.SIGINT)
            others.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False))

    with pytest.raises(KeyboardInterrupt):
        begun()
    assert [(each.returncode, each.stdout, each.stderr) for each in others] == [(0, "here\n", "")]


def test_an_lm_that_is_out_of_reach_ends_the_run(bench: Bench, tmp_path: Path) -> None:
    lm, heard = listening(fails=lambda number: True)
    stop = Stop()
    tally, rows = ran(experiment(bench, "none,golden,rag", lm), tmp_path / "out", stop=stop)
    assert stop.failed
    assert f"{UNANSWERED} sessions in a row" in stop.reason
    assert tally.done == len(rows) == UNANSWERED < tally.whole
    assert tally.all_failed
    assert UNANSWERED <= len(heard.prompts) <= 2 * UNANSWERED, "nobody is asked for what cannot be had"


# --- what is asked for -----------------------------------------------------------------------------------------------


def test_what_makes_no_run_is_refused(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no method 'k9'; there are none, golden, .*, and `all`"):
        chosen("k1,k9", METHODS, ["k1"])
    with pytest.raises(ConfigurationError, match="No method is named"):
        chosen(" , ", METHODS, ["k1"])
    assert list(chosen("all", METHODS, ["k1", "none"])) == ["k1", "none"]
    assert list(chosen("rag, rag,none", METHODS, [])) == ["rag", "none"]
    for settings in ({"personas": 0}, {"sessions": -1}, {"turns": 0}):
        with pytest.raises(ConfigurationError, match="1 or more"):
            experiment(bench, "none", None, **settings)
    with Results(tmp_path / "out", Row) as results, pytest.raises(ConfigurationError, match="At least 1 sitting"):
        Run(experiment(bench, "none", None), results, concurrency=0)


def test_a_run_is_foretold_without_asking(bench: Bench, tmp_path: Path) -> None:
    lm, _ = listening()
    guess = rehearsing(dspy.LM("openai/some"))
    cast = Roles(guess, guess, LMUser(guess), LMSatisfaction(guess), Judge(guess))
    what = experiment(bench, "none,k1", lm, sessions=3)
    told = foretell(open_turns(what, {}), cast, lambda role, read, wrote: read / 1000)
    by = {line.method: line for line in told.lines}
    assert {name: line.sessions for name, line in by.items()} == {"none": 6, "k1": 6}
    assert by["none"].roles["learning"] == 0
    assert by["none"].roles["judging"] == 6, "a method without a persona has no similarity"
    assert by["k1"].roles["learning"] == 6
    assert by["k1"].roles["judging"] == 12
    assert by["k1"].roles["simulating"] == 6 * 3, "two checks and a complaint a session"
    assert by["k1"].roles["answering"] == by["none"].roles["answering"] >= 12
    for line in told.lines:
        assert 0 < line.expected.calls == sum(line.roles.values()) < line.at_most.calls
        assert line.expected.usd == pytest.approx(line.expected.input_tokens / 1000)
    learner = next(sitting for sitting in what.sittings() if sitting.method == "k1")
    learning = rehearsed(learner, cast, 2)["learning"]
    assert learning.output_tokens / learning.calls > 60, "an update hears several facts, and writes a change for each"
    assert told.total.expected.calls == by["none"].expected.calls + by["k1"].expected.calls
    _, rows = ran(what, tmp_path / "out")
    lasting = foretell(open_turns(what, {row.key: row for row in rows}), cast, lambda *each: None, len(rows))
    assert (lasting.lines, lasting.known) == ((), 12)


def test_the_judge_of_a_run_is_judged_on_what_it_judged(bench: Bench, tmp_path: Path) -> None:
    lm, heard = listening()
    what = experiment(bench, "none,golden", lm)
    _, rows = ran(what, tmp_path / "out")
    before = len(heard.prompts)
    report = examined(what.roles(), bench, rows, tmp_path / "out", Stop())
    assert report == read_judge_report(tmp_path / "out")
    assert (report.judge, report.agreement, report.wrong_passed) == ("rules", 1.0, 0.0)
    assert report.replies > 5
    assert len(heard.prompts) == before, "rules ask nobody"
    assert read_judge_report(tmp_path) is None
    (tmp_path / "judge.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_judge_report(tmp_path)
    for name, value in (("agreement", "a"), ("replies", "many"), ("judge", None), ("gap", math.nan), ("odd", 1)):
        (tmp_path / "judge.json").write_text(json.dumps({**report.to_dict(), name: value}))
        with pytest.raises(DataError, match=rf"judge.json cannot be read: .* wrong {name}: "):
            read_judge_report(tmp_path)
    nobody = dataclasses.replace(what.roles(), judge=None)
    assert examined(nobody, bench, rows, tmp_path / "none", Stop()) is None


def test_names_of_tapes_and_rows_are_those_of_the_work(bench: Bench, tmp_path: Path) -> None:
    sittings = list(experiment(bench, "none,k1", None).sittings())
    files = {sitting.tape(tmp_path).file for sitting in sittings}
    assert len(files) == len(sittings) == 4
    assert all(re.fullmatch(r"(none|k1)-[0-9a-f]{16}\.jsonl", file.name) for file in files)
    assert [sitting.method for sitting in sittings] == ["none", "k1", "none", "k1"], (
        "a persona has all methods together"
    )
    assert guess_of(None).model == "local/preview"
