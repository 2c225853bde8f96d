"""The experiment's protocol, its sittings and its folder: what is asked, what is seen, and what is kept."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy._vendor.lm15.judgments import judgments_in_schema
from dspy.lm15 import DataPart, Message, Response, Usage
from hashed_words import HashedWords
from lamp_folder import write_lamp_folder
from scripted_lm import MeasuringEngine

from personaopt.errors import ConfigurationError, DataError, StoreError
from personaopt.evals.exams import KnownTexts
from personaopt.evals.lamp.calibrating import Calibrations
from personaopt.evals.lamp.data import is_tuning_user, load_lamp
from personaopt.evals.lamp.experiment import STUDIES, DataSet, Protocol, in_turns
from personaopt.evals.lamp.methods.method import Preparation, Setting
from personaopt.evals.lamp.methods.prompting import Prompt
from personaopt.evals.lamp.methods.registry import METHODS
from personaopt.evals.lamp.preview import foretell
from personaopt.evals.lamp.results import Results, read_rows
from personaopt.evals.lamp.rows import Point, Row
from personaopt.evals.lamp.running import Experiment, Run
from personaopt.evals.meters import Stop
from personaopt.evals.tally import Tally
from personaopt.evals.tasks import LAMP_2M
from personaopt.memory import User


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Eight users of twelve films, the last four of which are asked."""
    folder = tmp_path_factory.mktemp("data") / "LaMP_2M_own"
    write_lamp_folder(folder, users=8, interactions=12, questions=4)
    return DataSet("LaMP_2M_own", LAMP_2M, tuple(load_lamp(folder)), "d")


class Asking(Prompt):
    """Asks the LM, with everything that the memory holds in the question."""

    def forward(self, **inputs: Any) -> dspy.Prediction:
        known = " / ".join(item.query_text() for item in self.user.history())
        return super().forward(description=f"{inputs['description']} KNOWN {known}")


class Failing(Asking):
    """Cannot answer every second question."""

    def forward(self, **inputs: Any) -> dspy.Prediction:
        if self.user.count() % 2:
            raise ValueError("no answer\nto this")
        return super().forward(**inputs)


class Unready(Asking):
    """Cannot prepare."""

    def prepare(self) -> Preparation:
        raise DataError("There is nothing to learn from.")


class Engine(MeasuringEngine):
    """Measures where there are answers to choose from, and writes the same few words where there are none."""

    parameters = 1  # a small local model, by which the whole run speaks its form

    def __init__(self) -> None:
        super().__init__(lambda prompt, answer: float(len(prompt) * len(answer) % 7))
        self.asked: list[str] = []

    def complete(self, request: Any) -> Response:
        said = [str(request.system), *(part.text for message in request.messages for part in message.parts)]
        self.asked.append("\n".join(said))
        schema = request.config.response_format["schema"]
        if judgments_in_schema(schema):
            return super().complete(request)
        texts = {"string": "Likes films.", "array": ["Likes films."]}
        values = {name: texts[value["type"]] for name, value in schema["properties"].items()}
        return Response(None, "scripted/measuring", Message.assistant([DataPart(values)]), "stop", Usage(9, 9))


def scripted() -> dspy.LM:
    return dspy.LM("scripted/measuring", engine=Engine(), cache=False, num_retries=0)


def experiment(data: DataSet, methods: dict[str, Any], lm: Any = None, **settings: Any) -> Experiment:
    studies = settings.pop("studies", ["main"])
    protocol = Protocol(**{"users": 2, "per_user": 2, "who": "all", **settings})
    return Experiment(
        data=[data],
        lms={"scripted": lambda: lm or scripted()},
        jobs=protocol.jobs(studies, list(methods), named=True, own={}),
        protocol=protocol,
        methods=methods,
        setting=Setting(data.task),
        calibrations=Calibrations({}),
        embedder=KnownTexts(HashedWords()),
    )


def short(what: Experiment) -> Experiment:
    """The same with small alignments."""
    point = Point(latest=3, epochs=1, online=what.protocol.online)
    jobs = [dataclasses.replace(job, point=point, shown=(("main", point),)) for job in what.jobs]
    return dataclasses.replace(what, jobs=jobs)


def ran(what: Experiment, folder: Path, **settings: Any) -> tuple[Tally, list[Row]]:
    with Results(folder) as results:
        tally = Run(what, results, **settings).go()
    return tally, read_rows(folder)


def same(rows: Sequence[Row]) -> set[str]:
    """Rows without what differs between runs: how long it took, and the order."""

    def plain(row: Row) -> dict[str, Any]:
        values = row.to_dict() | {"seconds": 0}
        if row.preparation:
            values["preparation"] = dict(row.preparation) | {"seconds": 0}
        return values

    return {json.dumps(plain(row), sort_keys=True) for row in rows}


# --- the protocol ----------------------------------------------------------------------------------------------------


def test_users_are_a_sample_by_hash_that_grows_and_are_disjoint(data: DataSet) -> None:
    tested = [user.user_id for user in Protocol(who="all").tested(data.users)]
    assert sorted(tested) == sorted(user.user_id for user in data.users)
    assert tested != [user.user_id for user in data.users]
    assert [user.user_id for user in Protocol(users=3, who="all").tested(reversed(data.users))] == tested[:3]
    tuning = {user.user_id for user in Protocol(who="tuning").tested(data.users)}
    reporting = {user.user_id for user in Protocol(who="reporting").tested(data.users)}
    assert tuning
    assert reporting
    assert not tuning & reporting
    assert tuning | reporting == set(tested)
    assert all(is_tuning_user(user) for user in tuning)


def test_a_cold_start_cuts_the_history_to_its_latest_and_nothing_else(data: DataSet) -> None:
    protocol, user = Protocol(per_user=2), data.users[0]
    whole, cut = protocol.exam(user), protocol.exam(user, 5)
    assert cut.history == whole.history[-5:]
    assert len(whole.history) == 10
    assert (cut.questions, cut.news) == (whole.questions, whole.news)
    assert protocol.exam(user, 100).history == whole.history


def test_examples_come_from_tuning_users_but_the_one_who_is_asked(data: DataSet) -> None:
    owners = {item.id: user.user_id for user in data.users for item in user.interactions}
    tuning = next(user.user_id for user in data.users if is_tuning_user(user.user_id))
    drawn = Protocol(seed=3).examples(data.users).apart_from(tuning)
    assert drawn == Protocol(seed=3).examples(reversed(data.users)).apart_from(tuning)
    assert drawn != Protocol(seed=4).examples(data.users).apart_from(tuning)
    assert all(is_tuning_user(owners[item.id]) and owners[item.id] != tuning for item in drawn)
    assert len({item.id for item in drawn}) == len(drawn) > 8
    others = sum(is_tuning_user(user.user_id) for user in data.users) - 1
    assert len({owners[item.id] for item in drawn[:others]}) == others  # one of each before a second one of any


def test_studies_share_what_is_the_same_setting() -> None:
    own = {"personaopt": Point(8, 3)}
    jobs = Protocol(retrieve=8).jobs(STUDIES, list(METHODS), named=False, own=own)
    assert len({(job.method, job.point) for job in jobs}) == len(jobs)
    (default,) = [job for job in jobs if (job.method, job.point) == ("personaopt", Point(8, 3, 8))]
    shown = dict(default.shown)
    assert {"main", "ablation", "scaling", "personas"} == set(shown)
    assert ("scaling", Point(latest=8)) in default.shown
    assert ("scaling", Point(epochs=3)) in default.shown
    assert ("scaling", Point(retrieve=8)) in default.shown
    scaling = [point for job in jobs if job.method == "personaopt" for study, point in job.shown if study == "scaling"]
    assert sorted(point.latest for point in scaling if point.latest) == [1, 2, 4, 8, 16]
    assert sorted(point.epochs for point in scaling if point.epochs is not None) == [0, 1, 2, 3, 4, 5]
    assert sorted(point.retrieve for point in scaling if point.retrieve is not None) == [0, 1, 2, 4, 8, 16]
    assert {job.point.history for job in jobs if job.shown[0][0] == "coldstart"} == {5, 10, 20}
    with pytest.raises(ConfigurationError, match="no study 'mian'"):
        Protocol().jobs(["mian"], ["prompt"], named=True, own={})


def test_a_run_that_ends_early_has_something_of_everything() -> None:
    assert in_turns([[1, 2, 3], [10], []]) == [1, 10, 2, 3]


def test_what_is_asked_later_is_not_known_though_an_earlier_profile_lists_it(data: DataSet) -> None:
    """With dates that are equal or missing a profile may list a question of the same user that is still to come."""
    user = data.users[0]
    first, *rest, last = user.questions
    early = dataclasses.replace(first, profile=(*first.profile, last.to_interaction()))
    exam = Protocol(per_user=2).exam(dataclasses.replace(user, questions=(early, *rest, last)))
    assert exam == Protocol(per_user=2).exam(user)
    assert last.id in {question.id for question in exam.questions}


# --- sittings --------------------------------------------------------------------------------------------------------


def test_every_question_is_a_row_with_what_it_cost(data: DataSet, tmp_path: Path) -> None:
    tally, rows = ran(experiment(data, {"asking": Asking}), tmp_path)
    assert (tally.whole, tally.done, tally.before, tally.errors) == (4, 4, 0, 0)
    assert [row.place for row in rows] == [0, 1, 0, 1] or len({row.user for row in rows[:2]}) == 2
    for row in rows:
        assert row.calls == 1
        assert row.input_tokens > 0
        assert row.seconds > 0
        assert len(row.prompt_hash) == 16
        assert row.prediction == max(row.probabilities, key=row.probabilities.get)
        assert sum(row.probabilities.values()) == pytest.approx(1)
        assert set(row.features) >= {"model", "neighbours"}
        assert row.history_size == 10 + row.place
        assert (row.preparation is None) == bool(row.place)
    assert len({row.prompt_hash for row in rows}) == 4
    assert {row.gold for row in rows} <= set(LAMP_2M.labels)


def test_no_prompt_of_any_method_shows_what_comes_later(data: DataSet, tmp_path: Path) -> None:
    """Each film of each user carries a word of its own; no prompt may hold one that is not older than its question."""
    marked = tuple(marked_user(user) for user in data.users)
    lm = scripted()
    seen = lm.engine.asked
    what = experiment(dataclasses.replace(data, users=marked), {**METHODS, "asking": Asking}, lm, users=1)
    what = short(what)
    (user,) = what.protocol.tested(marked)
    questions = [canary(user.user_id, question.id) for question in user.questions]
    found: dict[str, set[str]] = {}

    def listen(row: Row, tally: Tally) -> None:
        later = questions[2 + row.place + 1 :]
        leaks = {word for word in later for text in seen if word in text}
        own = {questions[2 + row.place] for text in seen if questions[2 + row.place] in text}
        found.setdefault(row.method, set()).update(leaks)
        assert own or row.method in ("majority", "knn"), row
        seen.clear()

    tally, rows = ran(what, tmp_path, concurrency=1, listen=listen)
    assert tally.done == tally.whole == 2 * (len(METHODS) + 1)
    assert found == {method: set() for method in [*METHODS, "asking"]}
    assert {row.history_size for row in rows} == {10, 11}
    assert not [row.error for row in rows if row.error]


def canary(user_id: str, item_id: str) -> str:
    return f"canary{user_id}x{item_id}".replace("-", "x")


def marked_user(user: Any) -> Any:
    def mark(item: Any) -> Any:
        word = canary(user.user_id, item.id)
        return dataclasses.replace(item, inputs={"description": f"{item.inputs['description']} {word}"})

    questions = tuple(
        dataclasses.replace(mark(question), profile=tuple(map(mark, question.profile))) for question in user.questions
    )
    return dataclasses.replace(
        user,
        profile=tuple(map(mark, user.profile)),
        questions=questions,
        interactions=tuple(map(mark, user.interactions)),
    )


def test_what_goes_wrong_is_a_row_and_the_run_goes_on(data: DataSet, tmp_path: Path) -> None:
    class Unmade:
        def __init__(self, user: User, setting: Setting) -> None:
            raise RuntimeError("not here")

    methods = {"failing": Failing, "unready": Unready, "unmade": Unmade, "asking": Asking}
    tally, rows = ran(experiment(data, methods), tmp_path)
    assert tally.errors == 2 + 4 + 4
    errors = {method: {row.error for row in rows if row.method == method} for method in methods}
    assert errors["failing"] == {"", "ValueError: no answer to this"}
    assert errors["unready"] == {"It could not prepare: DataError: There is nothing to learn from."}
    assert errors["unmade"] == {"It could not be made: RuntimeError: not here"}
    assert errors["asking"] == {""}
    assert all(row.prediction == "" and row.probabilities is None for row in rows if row.error)
    again, rows = ran(experiment(data, {**methods, "failing": Asking, "unready": Asking, "unmade": Asking}), tmp_path)
    assert again.before == 16
    tally, rows = ran(
        experiment(data, {**methods, "failing": Asking, "unready": Asking, "unmade": Asking}),
        tmp_path,
        failed_again=True,
    )
    assert tally.before == 6
    assert not [row for row in rows if row.error]
    assert len(rows) == 16


def test_an_lm_that_is_down_ends_the_run_and_not_only_every_question(data: DataSet, tmp_path: Path) -> None:
    from dspy.utils.exceptions import LMError

    class Down(Asking):
        def forward(self, **inputs: Any) -> dspy.Prediction:
            raise LMError("connection refused")

    stop = Stop()
    tally, _ = ran(experiment(data, {"down": Down}, users=8), tmp_path, concurrency=1, stop=stop)
    assert tally.done == 10 < tally.whole
    assert stop.failed
    assert "failed on 10 questions in a row (LMError: connection refused)" in stop.reason


def test_learning_online_prepares_again_and_says_so(data: DataSet, tmp_path: Path) -> None:
    class Learning(Asking):
        def prepare(self) -> Preparation:
            return Preparation(personas=(f"knows {self.user.count()}",))

    _, rows = ran(experiment(data, {"learning": Learning}, users=1, online=True), tmp_path)
    assert [row.preparation["personas"] for row in rows] == [["knows 10"], ["knows 11"]]
    assert all(row.point.online for row in rows)


@pytest.mark.parametrize("online", [False, True])
def test_what_personaopt_learnt_is_not_learnt_again_without_action(data: DataSet, tmp_path: Path, online: bool) -> None:
    both, alone = (
        short(experiment(data, {name: METHODS[name] for name in names}, online=online))
        for names in (("no-action", "personaopt"), ("no-action",))
    )
    told = {line.method: line.calls for line in foretell(both).lines}
    _, rows = ran(both, tmp_path / "both")
    _, single = ran(alone, tmp_path / "alone")
    for method in ("personaopt", "no-action"):
        own = [row for row in rows if row.method == method]
        spent = [row.preparation["calls"] for row in own if row.preparation]
        assert len(spent) == (4 if online else 2)
        assert (min(spent) > 0) == (method == "personaopt"), "it is paid where it is learnt, by both users"
    assert min(told.values()) == 4, "the preview says so"

    def learnt(rows: Sequence[Row]) -> list[Any]:
        own = sorted((row for row in rows if row.method == "no-action"), key=lambda row: (row.user, row.place))
        return [
            (row.user, row.place, row.prediction, row.probabilities, row.persona_version, row.prompt_hash,
             row.preparation and row.preparation["personas"])
            for row in own
        ]  # fmt: skip

    assert learnt(rows) == learnt(single)
    assert any(row.persona_version for row in rows), "something was learnt"


# --- going on --------------------------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_and_gives_the_rows_of_one_that_was_not(data: DataSet, tmp_path: Path) -> None:
    what = experiment(data, {"asking": Asking, "other": Asking}, users=4)
    _, whole = ran(what, tmp_path / "whole")
    stop, part = Stop(), tmp_path / "part"

    def after_five(row: Row, tally: Tally) -> None:
        if tally.done == 5:
            stop.now("enough")

    tally, rows = ran(what, part, concurrency=1, stop=stop, listen=after_five)
    assert 5 <= tally.done == len(rows) < 16
    with (part / "results.jsonl").open("a") as file:
        file.write('{"schema": 1, "study": "ma')  # what a killed process leaves
    lm = scripted()
    calls = lm.engine.asked
    tally, rows = ran(experiment(data, {"asking": Asking, "other": Asking}, lm, users=4), part)
    assert tally.before == 16 - len(calls)
    assert same(rows) == same(whole)
    assert ran(what, part)[0].before == 16


def test_two_runs_of_one_seed_are_the_same(data: DataSet, tmp_path: Path) -> None:
    runs = [same(ran(experiment(data, {"asking": Asking}), tmp_path / str(n), concurrency=n)[1]) for n in (1, 2)]
    assert runs[0] == runs[1]


def test_another_study_takes_over_what_is_known(data: DataSet, tmp_path: Path) -> None:
    methods = dict.fromkeys(("personaopt", "no-memory"), Asking)
    ran(experiment(data, methods), tmp_path)
    lm = scripted()
    tally, rows = ran(experiment(data, methods, lm, studies=["ablation"]), tmp_path)
    assert not lm.engine.asked
    assert tally.before == tally.whole == 8
    assert len(rows) == 16
    assert same(dataclasses.replace(row, study="main") for row in rows if row.study == "ablation") == same(
        [row for row in rows if row.study == "main"]
    )
    with Results(tmp_path) as results:  # a longer run holds the shorter one
        assert Run(experiment(data, methods, users=3), results).count().before == 8


def test_the_time_is_over_in_the_middle_of_a_question(data: DataSet, tmp_path: Path) -> None:
    class Slow(Asking):
        def prepare(self) -> Preparation:
            while True:
                time.sleep(0.02)
                super().forward(description="again")

    stop = Stop(0.3)
    began = time.monotonic()
    tally, rows = ran(experiment(data, {"asking": Asking, "slow": Slow}, users=1), tmp_path, stop=stop, concurrency=1)
    assert time.monotonic() - began < 10
    assert stop.reason == "the time is over"
    assert not stop.failed
    assert tally.done == 2
    assert {row.method for row in rows} == {"asking"}


def test_an_lm_that_nobody_asks_is_not_loaded(data: DataSet, tmp_path: Path) -> None:
    def none() -> Any:
        raise AssertionError("it is not needed")

    what = experiment(data, {name: METHODS[name] for name in ("majority", "knn")})
    tally, rows = ran(dataclasses.replace(what, lms={"local": none}), tmp_path)
    assert (tally.done, tally.errors) == (8, 0)
    assert {row.usd for row in rows} == {0.0}
    late = dataclasses.replace(experiment(data, {"prompt": METHODS["prompt"]}), lms={"local": none})
    stop = Stop(0.0)
    assert ran(late, tmp_path, stop=stop)[0].done == 0
    assert stop.reason == "the time is over"


# --- what it will cost -----------------------------------------------------------------------------------------------


def test_a_preview_counts_the_calls_that_the_run_makes_and_asks_nothing(data: DataSet, tmp_path: Path) -> None:
    methods = {name: METHODS[name] for name in ("majority", "prompt", "rag", "pag", "no-persona")}
    lm = scripted()
    what = experiment(data, methods, lm)
    told = foretell(what)
    assert not lm.engine.asked
    expected = {line.method: line.calls for line in told.lines}
    assert expected == {"majority": 0, "prompt": 4, "rag": 4, "pag": 6, "no-persona": 4}
    tally, rows = ran(what, tmp_path)
    assert tally.usage.calls == told.total.calls == 18
    assert told.total.questions == tally.whole == 20
    assert told.total.usd == 0
    longer = foretell(experiment(data, methods, lm, users=3), rows)
    assert (longer.known, longer.total.questions) == (20, 10)
    assert longer.total.seconds < told.total.seconds  # measured on this machine, not assumed
    served = foretell(what, lms={"scripted": dspy.LM("openai/gpt-4.1-mini")})
    assert served.total.usd > 0
    assert served.total.output_tokens > served.total.calls


# --- the folder ------------------------------------------------------------------------------------------------------


def a_row(**values: Any) -> Row:
    return Row(**{
        "study": "main", "task": "LaMP-2M", "data": "d", "lm": "local", "method": "prompt", "user": "u",
        "question": "q", "place": 0, "gold": "comedy", "prediction": "comedy", **values,
    })  # fmt: skip


def test_of_one_question_the_last_row_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    with Results(tmp_path) as results:
        results.append([a_row(error="LMError"), a_row(question="r")])
        results.append([a_row()])
        assert len(results.rows) == 2
    file = tmp_path / "results.jsonl"
    file.write_bytes(file.read_bytes() + b'{"schema": 1')
    assert [(row.question, row.error) for row in read_rows(tmp_path)] == [("q", ""), ("r", "")]
    with Results(tmp_path):
        pass
    assert file.read_bytes().endswith(b"}\n")
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    with pytest.raises(DataError, match="line 1 is no row"):
        read_rows(tmp_path)


def test_one_run_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with Results(tmp_path), pytest.raises(StoreError, match="Another run writes"):
        Results(tmp_path)
    Results(tmp_path).close()


def test_rows_that_are_made_differently_do_not_mix(tmp_path: Path) -> None:
    fixed = ("settings", "data")
    config: dict[str, Any] = {"settings": {"retrieve": 8}, "data": {"a": {"sha256": "1"}}, "users": {"a": 3}}
    with Results(tmp_path) as results:
        results.configure(config, fixed)
        results.configure({**config, "settings": {"retrieve": 4}}, fixed)  # nothing is there yet
        results.append([a_row()])
        results.configure({**config, "settings": {"retrieve": 4}, "data": {"b": {"sha256": "2"}}}, fixed)
        with pytest.raises(ConfigurationError, match="retrieve = 4 and not 8"):
            results.configure(config, fixed)
        with pytest.raises(ConfigurationError, match="data: a: sha256"):
            results.configure({"data": {"a": {"sha256": "3"}}}, fixed)
    kept = json.loads((tmp_path / "config.json").read_text())
    assert set(kept["data"]) == {"a", "b"}


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Results(tmp_path / "file")
    with Results(tmp_path / "full") as results:
        results.append([a_row()])
        full: Callable[..., Any] = lambda *args: (_ for _ in ()).throw(OSError(28, "No space left on device"))  # noqa: E731
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            results.append([a_row(question="r")])
    assert len(read_rows(tmp_path / "full")) == 1
