"""The report of a PersonaBench run: figures with known answers, comparisons, goals, and runs that are not whole."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from personabench_rows import SKILL, Invented, row, write

from personaopt.errors import DataError
from personaopt.evals.personabench.measuring.judge_checks import JudgeReport
from personaopt.evals.personabench.report import read_report, write_report
from personaopt.evals.personabench.reporting.goals import Goal
from personaopt.evals.personabench.reporting.paper import RESULTS
from personaopt.evals.personabench.reporting.selection import Plan
from personaopt.evals.personabench.reporting.summary import summaries, to_dict
from personaopt.evals.personabench.reporting.tables import tables
from personaopt.evals.personabench.rows import Spent
from personaopt.evals.statistics import Interval, bootstrap_ratio


def of(rows, method="rag"):
    return to_dict(summaries(rows))["personabench"][method]


def both(persona, number, mine, theirs, **values):
    """A session under ours and under golden, by what differs."""
    return [
        row("personaopt", persona, number, **values | mine),
        row("golden", persona, number, **values | theirs),
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("run"), Invented().rows())
    judge = JudgeReport("openai/judge", replies=10, agreement=0.5, made=4, right_passed=1.0, wrong_passed=0.5, gap=2.0)
    (folder / "judge.json").write_text(json.dumps(judge.to_dict()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = write_report(folder)
    return folder, summary


def test_every_persona_weighs_the_same() -> None:
    rows = [row(persona="a", number=n, helpfulness=8.0, utterances=1) for n in range(4)]
    rows += [row(persona="b", number=n, helpfulness=None if n else 2.0, utterances=3) for n in range(2)]
    found = of(rows)
    assert found["helpfulness"] == 5.0  # and not 6.8, the mean of all sessions
    assert found["utterances"] == 2.0
    assert found["counted"]["helpfulness"] == {"personas": 2, "sessions": 5}
    assert (found["n"], found["personas"], found["seeds"], found["lm"]) == (6, 2, 1, "scripted")
    assert found["ci"]["helpfulness"] == [2.0, 8.0]


def test_seeds_of_a_persona_are_no_more_personas() -> None:
    rows = [row(persona=p, seed=s, utterances=u) for p, u in (("a", 1), ("b", 3)) for s in range(5)]
    found = of([*rows, row(persona="b", seed=5, utterances=3)])
    assert (found["utterances"], found["personas"], found["seeds"]) == (2.0, 2, 6)
    assert found["ci"]["utterances"] == [1.0, 3.0]


def test_which_sessions_each_figure_is_of() -> None:
    rows = [
        row(number=0, stale=True, utterances=3, knowable=False, field_f1=0.1, field_f1_said=0.2, similarity=1.0),
        row(number=1, stale=True, at_risk=True, knowable=True, utterances=2, since_change=0, field_f1_said=0.3),
        row(number=2, stale=False, at_risk=False, knowable=True, since_change=1, field_f1_said=0.5),
        row(number=3, at_risk=True, knowable=True, since_change=2, field_f1=0.6, field_f1_said=0.7, calls_expected=2,
            calls_right=1),
        row(number=4, calls_expected=1, calls_right=1, since_change=3, field_f1=0.8, field_f1_said=0.9, similarity=7.0,
            similarity_parts={"coverage": 6.0, "correctness": 8.0}, field_precision=1.0, persona_tokens=120),
    ]  # fmt: skip
    found = of(rows)
    assert found["staleness"] == pytest.approx(1 / 3)
    assert found["staleness_at_risk"] == 0.5
    assert found["utterances"] == pytest.approx(8 / 5)
    assert found["utterances_knowable"] == pytest.approx(4 / 3)
    assert (found["field_f1"], found["field_f1_said"], found["field_f1_after_change"]) == (0.8, 0.9, 0.7)
    assert found["field_f1_after_change_all"] == 0.6
    assert (found["similarity"], found["similarity_coverage"], found["similarity_correctness"]) == (7.0, 6.0, 8.0)
    assert found["tool_accuracy"] == 0.75  # of the two sessions that need calls
    assert (found["field_precision"], found["field_recall"], found["helpfulness"]) == (1.0, None, None)
    assert found["ci"]["helpfulness"] is None
    assert found["persona_tokens"] == 120


def test_what_was_spent_is_of_a_session() -> None:
    rows = [
        row(number=0, answering=Spent(2, 100, 10, usd=0.5), learning=Spent(1, 40, 10), judging=Spent(3, 1, 1)),
        row(number=1, answering=Spent(1, 50, 0, usd=None), seconds=2.0),
    ]
    found = of(rows)
    assert (found["calls"], found["tokens"], found["seconds"]) == (2.0, 105.0, 1.0)  # the judge's apart
    assert (found["answering"]["calls"], found["answering"]["usd"], found["learning"]["usd"]) == (1.5, None, 0.0)
    assert (found["learning"]["tokens"], found["judging"]["calls"]) == (25.0, 1.5)


def test_failed_sessions_are_counted_and_left_out() -> None:
    rows = [
        row(number=0, utterances=1, field_f1=0.5),
        row(number=1, utterances=0, error="The LM is down."),
        row("k1", number=1, utterances=1, field_f1=0.9),
    ]
    report = summaries(rows, Plan(("rag", "k1")))
    found = to_dict(report)["personabench"]["rag"]
    assert (found["utterances"], found["failed"], found["n"]) == (1.0, 1, 1)
    assert (found["field_f1"], found["ends"], found["sittings"]) == (None, 0, 1)  # its last session has no persona
    assert any("rag: 1 of 2 sessions failed" in each for each in report[0].missing)


def test_the_interval_of_a_ratio_is_that_of_all_resamples() -> None:
    a = {"u": 2.0, "v": 1.0, "w": 1.5, "x": 3.0, "y": 1.0}
    b = {"u": 1.0, "v": 1.0, "w": 2.0, "x": 1.5, "y": 1.0}
    found = bootstrap_ratio(a, b, resamples=60_000)
    assert found.mean == pytest.approx(8.5 / 6.5)
    exact = [
        sum(a[user] for user in drawn) / sum(b[user] for user in drawn)
        for drawn in itertools.product(sorted(a), repeat=5)
    ]
    assert [found.low, found.high] == pytest.approx(np.quantile(exact, [0.025, 0.975]), abs=0.02)
    assert bootstrap_ratio(a, a).low == bootstrap_ratio(a, a).high == 1.0
    with pytest.raises(DataError, match="same users"):
        bootstrap_ratio(a, {"u": 1.0})
    with pytest.raises(DataError, match="above 0"):
        bootstrap_ratio({"u": 1.0}, {"u": 0.0})


def test_beside_golden_on_the_sessions_of_both() -> None:
    score = {"helpfulness": 8.0, "personalization": 5.0}
    rows = [
        *both("a", 0, score | {"utterances": 3}, score | {"utterances": 1}, knowable=True),
        *both("a", 1, score | {"personalization": 6.0}, score),
        *both("a", 2, score | {"helpfulness": 1.0}, score),
        *both("a", 3, score, {"helpfulness": None}, error=""),
        *both("b", 0, {"helpfulness": 5.0, "personalization": 8.0}, score, utterances=2),
        row("personaopt", "b", 1, utterances=9, **score),  # golden did not hold it
    ]
    found = of(rows, "personaopt")
    # a: 6/4 and 4/4 messages a session; b: 2 and 2.
    assert found["utterances_ratio"] == pytest.approx((1.5 + 2) / (1 + 2))
    assert found["utterances_ratio_knowable"] == 3.0
    assert (found["win"], found["tie"], found["loss"]) == pytest.approx((1 / 6, (1 / 3 + 1) / 2, 1 / 6))
    assert found["ci"]["tie"] == pytest.approx([1 / 3, 1.0])
    assert (found["shared_with_golden"], found["judged_with_golden"]) == (5, 4)
    assert "utterances_ratio" not in of(rows, "golden")
    assert found["versus"]["golden"]["utterances"]["difference"] == pytest.approx(0.25)  # a: 0.5, b: 0
    assert found["versus"]["golden"]["utterances"]["n"] == 5


def test_a_share_of_none_is_not_certain_and_of_few_sessions_no_goal_is_met() -> None:
    def stale_goal(sessions: int, stale: int = 0):
        rows = [
            row("personaopt", persona=f"p{place}", number=number, knowable=True, stale=place < stale and number == 0)
            for place in range(10)
            for number in range(sessions)
        ]
        return of(rows, "personaopt")["goals"]["staleness"]

    few, many = stale_goal(5), stale_goal(40)
    assert few["point"] == many["point"] == 0.0
    assert few["ci"] == pytest.approx([0.0, 1 - 0.025 ** (1 / 50)])
    assert (few["met"], many["met"]) == ("unresolved", True)
    assert stale_goal(2, stale=10)["ci"] == [0.5, 0.5]  # no two personas differ, but it is not 0 or 1
    found = of([row("personaopt", satisfied=True), row("personaopt", persona="q", satisfied=True)], "personaopt")
    assert found["ci"]["satisfied"] == pytest.approx([0.025**0.5, 1.0])


def test_a_change_that_was_missed_shows_where_a_score_of_all_fields_hardly_does() -> None:
    rows = [row("k3", number=4, since_change=2, field_f1_said=0.96, changes_said=1, changes_learnt=0)]
    rows += [row("k3", number=5, since_change=3, field_f1_said=0.96)]
    found = of(rows, "k3")
    assert (found["field_f1_after_change"], found["changes_learnt"]) == (0.96, 0.0)
    assert found["counted"]["changes_learnt"] == {"personas": 1, "sessions": 1}


def test_as_many_sessions_are_not_the_same_sessions(tmp_path) -> None:
    rows = [row(name, number=number) for name in ("rag", "k1") for number in range(3)]
    text = read_report(write(tmp_path / "same", rows)).tables_text()
    assert "not comparable; comparisons" not in text
    rows[0] = row("rag", number=0, error="LMError: no answer")
    rows[4] = row("k1", number=1, error="LMError: no answer")
    assert "these rows are not comparable" in read_report(write(tmp_path / "other", rows)).tables_text()


@pytest.mark.parametrize(
    ("low", "high", "personas", "least", "met"),
    [
        (0.95, 0.99, 10, True, True),
        (0.94, 0.99, 200, True, "unresolved"),
        (0.90, 0.949, 10, True, False),
        (0.96, 0.99, 9, True, "unresolved"),  # of few personas nothing is resolved
        (0.90, 0.95, 10, False, True),
        (0.96, 0.99, 10, False, False),
    ],
)
def test_a_goal_is_met_where_the_whole_interval_says_so(low, high, personas, least, met) -> None:
    goal = Goal("g", "said", 0.95, least, Interval((low + high) / 2, low, high, personas, personas))
    assert goal.met == met
    assert goal.to_dict()["met"] == met


def test_goals_of_ours_alone(written) -> None:
    _, summary = written
    methods = summary["personabench"]
    assert [name for name in methods if "goals" in methods[name]] == ["personaopt"]
    goals = methods["personaopt"]["goals"]
    assert list(goals) == [
        "field_f1",
        "field_f1_after_change",
        "field_f1_after_change_all",
        "staleness",
        "utterances",
        "utterances_knowable",
    ]
    assert goals["field_f1"]["point"] == methods["personaopt"]["field_f1"]
    assert goals["utterances"]["ci"] == methods["personaopt"]["ci"]["utterances_ratio"]
    assert (goals["field_f1"]["met"], goals["utterances"]["met"]) == (True, False)  # as the rows were made
    unmeasured = of([row("personaopt")], "personaopt")["goals"]["utterances"]
    assert (unmeasured["point"], unmeasured["met"]) == (None, "unresolved")


def test_the_summary_is_that_of_the_other_benchmark_in_shape(written) -> None:
    folder, summary = written
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert list(summary) == ["personabench"]
    assert list(summary["personabench"]) == ["none", "rag", "k1", "k3", "k5", "personaopt", "golden"]
    for method, figures in summary["personabench"].items():
        for name in ("helpfulness", "personalization", "utterances", "staleness", "tool_accuracy"):
            low, high = figures["ci"][name]
            assert low - 1e-9 <= figures[name] <= high + 1e-9
        assert (figures["field_f1"] is None) == (SKILL[method] is None)
        assert (figures["n"], figures["personas"]) == (192, 12)
    curves = summary["personabench"]["k3"]["curves"]
    assert [point["at"] for point in curves["field_f1"]] == list(range(16))
    assert curves["field_f1"][-1]["mean"] == pytest.approx(summary["personabench"]["k3"]["field_f1"])
    assert [(point["at"], point["to"]) for point in curves["staleness"]] == [(0, 3), (4, 7), (8, 11), (12, 15)]
    assert curves["since_change"][2]["mean"] == pytest.approx(
        summary["personabench"]["k3"]["field_f1_after_change"], abs=0.01
    )


def test_the_tables_hold_the_paper_the_judge_and_what_the_figures_mean(written) -> None:
    folder, _ = written
    text = (folder / "tables.md").read_text()
    assert "What is missing" not in text
    for theirs in (f"{value:.2f}" for values in RESULTS.values() for value in values if value is not None):
        assert theirs in text
    assert "not comparable with this run's figures" in text
    assert "mean over personas of a persona's own mean" in text
    assert "The judge, examined: openai/judge" in text
    assert "The judge passes 50% of deliberately wrong replies." in text
    assert "| utterances at most 3 % more than golden's |" in text
    assert "of the changes alone speaks changes learnt" in text
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) == 11
    for block in blocks:
        assert len({line.count(" | ") for line in block.splitlines()}) == 1, block


def test_the_plots_are_there_and_can_be_read(written) -> None:
    folder, _ = written
    names = {path.stem for path in (folder / "plots").glob("*.png")}
    assert names == {
        "methods", "sessions-field_f1", "sessions-field_f1_said", "sessions-similarity", "sessions-utterances",
        "sessions-staleness", "since-change", "utterances-golden", "wins-golden", "goals", "cost",
    }  # fmt: skip
    for path in (folder / "plots").glob("*.svg"):
        ElementTree.parse(path)
    assert {path.stem for path in (folder / "plots").glob("*.svg")} == names


def test_of_few_personas_no_p_value_and_marked_intervals(tmp_path) -> None:
    report = read_report(write(tmp_path, Invented(personas=4, sessions=6).rows()))
    ours = report.to_dict()["personabench"]["personaopt"]
    assert all(each["p"] is None for other in ours["versus"].values() for each in other.values())
    assert all(goal["met"] == "unresolved" for goal in ours["goals"].values())
    text = report.tables_text()
    assert "marked * is of fewer than 10 personas" in text
    cells = re.findall(r"\d \[[^%\]]*\]([^ ]?) \|", text)
    assert cells
    assert set(cells) == {"*"}
    assert "<0.001" not in text
    assert not re.search(r"\| 0\.\d{3} \|", text.split("less each method")[1].split("###")[0])


def test_p_values_are_there_for_enough_personas(written) -> None:
    folder, summary = written
    versus = summary["personabench"]["personaopt"]["versus"]
    assert all(each["p"] <= each["p_holm"] for other in versus.values() for each in other.values())
    assert versus["none"]["utterances"]["p_holm"] < 0.05
    assert "]*" not in (folder / "tables.md").read_text()


def test_an_unfinished_run_says_what_is_missing(tmp_path) -> None:
    made = Invented(personas=12, sessions=8)
    ended = [each for each in made.cell("personaopt") if int(each.persona[1:]) < 3 or each.number < 5]
    rows = [*made.cell("none"), *made.cell("k3", sessions=5), *(each for each in ended if each.persona != "p0011")]
    folder = write(tmp_path, rows, methods=["none", "k3", "personaopt", "golden"])
    with (folder / "results.jsonl").open("a") as file:
        file.write('{"schema": 1, "method": "k3", "pers')  # what a killed process left
    found = write_report(folder)["personabench"]
    text = (folder / "tables.md").read_text()
    assert "Not run: golden." in text
    assert "there is no win rate and no ratio of utterances" in text
    assert "k3: 12 of 12 personas not ended" in text
    assert "personaopt: 1 of 12 personas not begun" in text
    assert "personaopt: 8 of 11 personas not ended" in text
    assert found["k3"]["field_f1"] is None
    assert found["k3"]["curves"]["field_f1"][4]["mean"] > 0
    assert found["personaopt"]["counted"]["field_f1"] == {"personas": 3, "sessions": 3}
    assert found["personaopt"]["goals"]["field_f1"]["met"] == "unresolved"
    assert found["personaopt"]["goals"]["utterances"]["point"] is None
    assert "these rows are not comparable" in text
    # Of what both held they can be compared all the same.
    assert found["personaopt"]["versus"]["none"]["utterances"]["users"] == 11
    assert {path.stem for path in (folder / "plots").glob("*.png")} & {"wins-golden", "utterances-golden"} == set()


def test_roles_that_were_answered_for_by_rule_are_no_secret(tmp_path) -> None:
    notes = ["The satisfaction check gave nothing usable: it said neither yes nor no.", "a call was left out"]
    rows = [row(number=n, dialogue={"session": f"p0-{n}", "exchanges": [], "closing": "", "notes": notes[n:]})
            for n in range(3)]  # fmt: skip
    text = read_report(write(tmp_path, rows)).tables_text()
    assert "rag: in 1 of 3 sessions the agent, the user or the satisfaction check gave nothing usable" in text


def test_a_run_that_was_ended_early_knows_what_was_planned(tmp_path) -> None:
    rows = list(Invented(personas=3, sessions=4).cell("personaopt"))
    plan = {"personas": 5, "methods": {"personaopt": {}}, "ends": {"usual": 5, "others": {"p0001": 3}}}
    report = read_report(write(tmp_path, rows, **plan))
    text = report.tables_text()
    assert "2 of 5 personas not begun under any method." in text
    assert "personaopt: 2 of 3 personas not ended" in text
    assert report.to_dict()["personabench"]["personaopt"]["counted"]["field_f1"] == {"personas": 1, "sessions": 1}
    (tmp_path / "config.json").write_text('{"ends": {"usual": "soon"}}')
    with pytest.raises(DataError, match="not what a run writes"):
        read_report(tmp_path)


def test_one_method_one_persona_one_session_and_nothing_judged(tmp_path) -> None:
    folder = write(tmp_path, [row("none", utterances=2)])
    found = write_report(folder)["personabench"]
    text = (folder / "tables.md").read_text()
    assert found["none"]["utterances"] == 2.0
    assert "Not run: rag, k1, k3, k5, personaopt, golden." in text
    assert "Without personaopt no goal is looked at." in text
    assert "Measured of no method: helpfulness, personalization, similarity" in text
    assert "The judge was not examined" in text


def test_a_run_without_rows_and_no_run(tmp_path) -> None:
    folder = write(tmp_path / "empty", [])
    assert write_report(folder) == {"personabench": {}}
    assert "There are no rows yet." in (folder / "tables.md").read_text()
    assert read_report(folder)._repr_html_() == "<p>no rows</p>"
    with pytest.raises(DataError, match=r"results\.jsonl cannot be read"):
        write_report(tmp_path / "nowhere")


def test_all_failed(tmp_path) -> None:
    folder = write(tmp_path, [row("golden", number=n, error="down", utterances=0) for n in range(3)])
    found = write_report(folder)["personabench"]["golden"]
    assert (found["n"], found["failed"], found["utterances"]) == (0, 3, None)
    assert "golden: 3 of 3 sessions failed" in (folder / "tables.md").read_text()


def test_several_language_models_have_a_part_each(tmp_path) -> None:
    small, large = Invented(personas=3, sessions=4), Invented(personas=3, sessions=4, lm="openai/large")
    folder = write(tmp_path, [*small.rows(["none", "golden"]), *large.rows(["none", "k1"])])
    found = write_report(folder)["personabench"]
    assert found["none"]["lm"] == "scripted"
    assert found["none"]["other_lms"]["openai/large"]["n"] == 12
    assert found["k1"]["other_lms"]["openai/large"]["field_f1"] is not None
    assert "k1" not in {name for name in found if "n" in found[name]}
    text = (folder / "tables.md").read_text()
    assert "## What is missing, openai/large" in text
    assert {"methods-scripted.png", "methods-openai-large.png"} <= {p.name for p in (folder / "plots").iterdir()}


def test_other_methods_stand_behind_ours() -> None:
    rows = [row(method) for method in ("golden", "no-lines", "personaopt", "another", "none")]
    assert list(to_dict(summaries(rows))["personabench"]) == ["none", "personaopt", "another", "no-lines", "golden"]


def test_a_judge_of_rules_is_called_one_and_a_broken_file_is_said_to_be(tmp_path) -> None:
    folder = write(tmp_path, [row()])
    (folder / "judge.json").write_text(json.dumps(JudgeReport("rules").to_dict()))
    assert "This judge is no model but rules" in read_report(folder).tables_text()
    (folder / "judge.json").write_text('{"judge": ')
    with pytest.raises(DataError, match=r"judge\.json cannot be read"):
        write_report(folder)
    (folder / "judge.json").write_text('["no report"]')
    with pytest.raises(DataError, match=r"judge's report"):
        write_report(folder)


def test_who_played_which_role_is_said(tmp_path) -> None:
    config = {
        "settings": {
            "turns": 3,
            "retrieve": 8,
            "sessions": None,
            "editor": "scripted",
            "user": "rules",
            "judge": "a/b",
        },
        "lms": {"scripted": {"misses": 0.1}, "a/b": {}},
        "bench": {"made": {"backend": "offline/1", "wording": "held-out", "seed": 3}},
    }
    report = read_report(write(tmp_path, [row()], **config))
    text = report.tables_text()
    for said in ("| agent | scripted |", "| user | rules |", "| judge | a/b |", "wording held-out", "misses 0.1"):
        assert said in text
    assert "| run | turns 3, retrieve 8 |" in text
    assert "stands in for a language model" in text
    assert "How it was run" in report._repr_html_()
    strange = write(tmp_path / "strange", [row()], settings=["odd"], lms=3, bench="x")
    assert "How it was run" not in read_report(strange).tables_text()


def test_rows_as_a_frame_and_the_report_in_a_notebook(written) -> None:
    folder, _ = written
    report = read_report(folder)
    frame = report.rows()
    assert len(frame) == 7 * 12 * 16
    assert str(frame["since_change"].dtype) == "Int64"
    assert frame.loc[frame["method"] == "personaopt", "learning_input_tokens"].mean() == 1500
    assert report._repr_html_().count("<table>") == sum(len(tables(part)) for part in report.parts) + 1
