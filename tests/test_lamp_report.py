"""The report of a run: figures with known answers, cells that are missing, tables, plots and the page of users."""

from __future__ import annotations

import dataclasses
import json
import re
import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from lamp_rows import Invented, row, write

from personaopt.errors import DataError
from personaopt.evals.lamp.case_studies import case_studies
from personaopt.evals.lamp.cases_page import page, word_diff
from personaopt.evals.lamp.comparing import scaled
from personaopt.evals.lamp.frames import read_frame
from personaopt.evals.lamp.paper import CALLED
from personaopt.evals.lamp.personas import (
    Learnt,
    between_users,
    distances,
    jaccard,
    lengths,
    positions,
    studied,
    vectors,
)
from personaopt.evals.lamp.report import tables_text, write_report
from personaopt.evals.lamp.rows import Point
from personaopt.evals.lamp.selection import METHOD_ORDER, sections
from personaopt.evals.lamp.summary import summaries, to_dict
from personaopt.evals.lamp.tables import tables
from personaopt.evals.tasks import LAMP_2M
from personaopt.persona import estimate_tokens


def answers(method, right, *, per_user=2, **values):
    """Rows of a method: for each question whether it is answered rightly; users have `per_user` questions each."""
    made = []
    for number, correct in enumerate(right):
        user, place = f"u{number // per_user}", number % per_user
        prediction = "comedy" if correct else "action"
        made.append(row(user, f"{user}-{place}", prediction, "comedy", **({"place": place, "method": method} | values)))
    return made


def test_a_cell_by_hand() -> None:
    sure, unsure = {"comedy": 0.8, "action": 0.2}, {"comedy": 0.25, "action": 0.75}
    spent = {"calls": 2, "input_tokens": 100, "output_tokens": 10, "seconds": 0.5}
    prepared = {"calls": 10, "input_tokens": 900, "output_tokens": 100, "seconds": 4.0, "usd": 0.5, "personas": ["p"]}
    rows = [
        row("u", "1", "comedy", "comedy", probabilities=sure, measured=unsure, preparation=prepared, **spent),
        row("u", "2", "action", "comedy", probabilities=unsure, measured=sure, **spent, place=1),
        row("v", "3", "", "action", error="The LM is down.", seconds=2.0, preparation={**prepared, "calls": 20}),
    ]
    cell = to_dict(summaries(rows))["LaMP-2M"]["rag"]
    assert (cell["n"], cell["users"], cell["failed"], cell["measured"]) == (3, 2, 1, 2)
    assert cell["accuracy"] == pytest.approx(1 / 3)
    assert cell["f1"] == pytest.approx((2 / 3) / 15)  # comedy: precision 1, recall 1/2; the 14 others have nothing
    assert cell["nll"] == pytest.approx(-(np.log(0.8) + np.log(0.25)) / 2)
    assert cell["nll_raw"] == pytest.approx(cell["nll"])
    assert cell["ece"] == pytest.approx((0.8 + 0.75 - 1) / 2)  # one bin: said to be right 1.55 times, was so once
    assert (cell["calls"], cell["tokens"], cell["seconds"]) == pytest.approx((4 / 3, 220 / 3, 1.0))
    assert cell["preparation"] == {"n": 2, "calls": 15, "tokens": 1000, "seconds": 4.0, "usd": 0.5}
    assert cell["usd"] is None
    notes = tables(summaries(rows)[0])[0].notes
    assert any("counted as wrong" in note for note in notes)
    assert any("rag 2 of 3" in note for note in notes)
    assert (cell["data"], cell["called"], cell["lm"]) == ("LaMP_2M_like", "LaMP-2M-like", "local")


def test_the_interval_is_over_users() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    right = [1, 1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1]
    cell = to_dict(summaries(answers("rag", right)))["LaMP-2M"]["rag"]
    users = np.array(right).reshape(-1, 2).mean(axis=1)  # equally many questions: the mean of the users' means
    other = scipy_stats.bootstrap((users,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    low, high = other.confidence_interval
    assert cell["ci"] == pytest.approx([low, high], abs=0.04)
    assert cell["ci"][0] < cell["accuracy"] < cell["ci"][1]


def test_ratings_and_texts_have_their_own_figures() -> None:
    rated = [row("u", "1", "5", "3", task="LaMP-3"), row("v", "2", "nonsense", "2", task="LaMP-3")]
    cell = to_dict(summaries(rated))["LaMP-3"]["rag"]
    assert (cell["mae"], cell["rmse"]) == pytest.approx((2.5, np.sqrt((4 + 9) / 2)))
    assert cell["nll"] is None
    written = [row("u", "1", "a cat sat", "a cat sat down", task="LaMP-4")]
    cell = to_dict(summaries(written))["LaMP-4"]["rag"]
    assert (cell["rouge_1"], cell["rouge_l"]) == pytest.approx((6 / 7, 6 / 7))


def test_a_task_of_ones_own_is_measured_as_it_says_or_as_its_rows_show() -> None:
    probabilities = {"tea": 0.6, "coffee": 0.4}
    rows = [row("u", "1", "tea", "tea", task="Drinks", data="drinks", probabilities=probabilities)]
    assert to_dict(summaries(rows))["Drinks"]["rag"]["f1"] == pytest.approx(0.5)  # the mean over both answers
    own = dataclasses.replace(LAMP_2M, name="Films")
    rows = [row("u", "1", "comedy", "comedy", task="Films", data="films")]
    assert "rouge_l" in to_dict(summaries(rows))["Films"]["rag"]
    assert to_dict(summaries(rows, [own]))["Films"]["rag"]["accuracy"] == 1.0


def test_what_did_not_run_has_no_cell() -> None:
    rows = answers("personaopt", [1, 1]) + answers("rag", [1, 0]) + answers("no-memory", [0, 0], study="ablation")
    rows += answers("prompt", [1, 0], study="scaling", point=Point(retrieve=2))
    (summary,) = summaries(rows)
    values = to_dict([summary])["LaMP-2M"]
    assert [*values] == ["rag", "personaopt", "no-memory"]
    assert "majority" not in tables_text([summary])
    assert {table.rows[0][-1] for table in tables(summary) if "methods" in table.title} <= {""}
    assert to_dict([]) == {}


def test_the_top_level_names_tasks_alone() -> None:
    rows = answers("rag", [1, 0]) + answers("rag", [1, 1], data="LaMP_2M_real") + answers("knn", [0], data="mine")
    rows += [*answers("rag", [0, 0], lm="openai/gpt-4.1"), row("u", "1", "3", "3", task="LaMP-3")]
    values = to_dict(summaries(rows))
    assert [*values] == ["LaMP-2M", "LaMP-3"]
    cell = values["LaMP-2M"]["rag"]
    assert (cell["accuracy"], cell["other_data"]["LaMP_2M_real"]["accuracy"]) == (0.5, 1.0)
    assert cell["other_lms"]["openai/gpt-4.1"]["accuracy"] == 0.0
    assert values["LaMP-2M"]["knn"]["other_data"]["mine"]["called"] == "LaMP-2M (mine)"
    assert "called" not in values["LaMP-2M"]["knn"]


def test_methods_are_compared_on_the_questions_that_both_answered() -> None:
    ours = answers("personaopt", [1, 1, 1, 0, 1, 1])
    theirs = answers("rag", [1, 0, 0, 0])  # two users fewer than ours would have
    theirs.append(row("w", "of another", "comedy", "comedy"))
    versus = to_dict(summaries(ours + theirs))["LaMP-2M"]["personaopt"]["versus"]
    assert (versus["rag"]["accuracy"]["n"], versus["rag"]["accuracy"]["users"]) == (4, 2)
    assert versus["rag"]["accuracy"]["difference"] == pytest.approx(0.5)
    assert "nll" not in versus["rag"]
    (summary,) = summaries(ours + theirs)
    assert any("not here" in note for note in tables(summary)[0].notes)


def test_the_best_baseline_is_named_and_p_values_are_corrected() -> None:
    rows = answers("personaopt", [1, 1, 1, 1, 1, 0] * 4) + answers("rag", [1, 0, 1, 1, 1, 0] * 4)
    rows += answers("knn", [0, 0, 1, 0, 0, 0] * 4) + answers("no-memory", [1, 1, 1, 1, 1, 1] * 4, study="ablation")
    values = to_dict(summaries(rows))["LaMP-2M"]["personaopt"]
    assert values["best_baseline"] == "rag"  # a part of our own method is no baseline
    assert {*values["versus"]} == {"rag", "knn"}
    assert {*values["without"]} == {"no-memory"}
    p, corrected = (sorted(each["accuracy"][name] for each in values["versus"].values()) for name in ("p", "p_holm"))
    assert corrected == pytest.approx([2 * p[0], max(2 * p[0], p[1])])
    lower = [row("u", str(k), "3", "3", task="LaMP-3", method="personaopt") for k in range(3)]
    lower += [row("u", str(k), guess, "3", task="LaMP-3", method=m) for m, guess in (("knn", "5"), ("rag", "4")) for k in range(3)]  # fmt: skip # noqa: E501
    assert to_dict(summaries(lower))["LaMP-3"]["personaopt"]["best_baseline"] == "rag"


def test_a_later_row_of_the_same_work_counts_and_seeds_are_pooled() -> None:
    failed = row("u", "1", "", "comedy", error="The LM is down.")
    again = row("u", "1", "comedy", "comedy")
    cell = to_dict(summaries([failed, again, row("u", "1", "action", "comedy", seed=1)]))["LaMP-2M"]["rag"]
    assert (cell["n"], cell["failed"], cell["seeds"], cell["accuracy"]) == (2, 0, 2, 0.5)


def test_a_curve_saturates_where_the_best_is_no_longer_told_apart() -> None:
    rows = []
    for value, right in ((1, [0] * 16), (2, [1, 0] * 8), (4, [1, 1, 1, 1, 1, 1, 1, 0] * 2), (8, [1] * 16)):
        rows += answers("personaopt", right, study="scaling", point=Point(latest=value))
    (section,) = sections(rows)
    (curve,) = section.curves()
    found = scaled(curve, section.measure)
    assert (curve.dimension, [value for value, _ in curve.points]) == ("n", [1, 2, 4, 8])
    assert [curve.points[place][0] for place in (found.saturates, found.best)] == [4, 8]
    assert found.saturates_nll is None
    rows += answers("personaopt", [1, 1], study="scaling", point=Point(latest=16))  # ended after one user
    (section,) = sections(rows)
    (curve,) = section.curves()
    assert [each.first.n for each in scaled(curve, section.measure).figures] == [2] * 5  # the common questions


def test_cold_start_ends_with_the_whole_history_and_lms_make_a_curve() -> None:
    rows = answers("rag", [1, 1]) + answers("rag", [1, 0], lm="other")
    for history in (20, 5):
        rows += answers("rag", [1, 0], study="coldstart", point=Point(history=history))
    (section,) = sections(rows)
    cold, lms = section.curves()
    assert [value for value, _ in cold.points] == [5, 20, None]
    assert (lms.dimension, [value for value, _ in lms.points]) == ("lm", ["local", "other"])


def test_a_cold_start_says_that_users_may_have_less() -> None:
    (summary,) = summaries(answers("rag", [1, 0]) + answers("rag", [1, 0], study="coldstart", point=Point(history=20)))
    assert tables(summary)[-1].head[2:4] == ("at most 20 known", "all")


@pytest.mark.parametrize(("users", "shown"), [(9, False), (10, True)])
def test_no_p_value_of_few_users_is_shown(users, shown) -> None:
    rows = answers("personaopt", [1, 1] * users) + answers("rag", [1, 0] * users)
    (summary,) = summaries(rows)
    table = next(table for table in tables(summary) if "p, Holm" in table.head)
    assert table.rows[0][table.head.index("p, Holm")] == ("<0.001" if shown else "")
    assert any("are left out" in note for note in table.notes) is not shown
    assert any("corrected p <0.001" in note for note in table.notes) is shown
    compared = to_dict([summary])["LaMP-2M"]["personaopt"]["versus"]["rag"]["accuracy"]
    assert (compared["p"] is not None, compared["p_holm"] is not None) == (shown, shown)
    assert any("difference +0.500" in note for note in table.notes)


def test_online_learning_is_the_methods_own_point() -> None:
    rows = answers("rag", [1, 0], point=Point(online=True)) + answers("rag", [0, 0], point=Point(3, 2, 4, None, True))
    assert to_dict(summaries(rows))["LaMP-2M"]["rag"]["accuracy"] == 0.5


def test_the_papers_figures_stand_in_a_column_of_their_own() -> None:
    rows = answers("personaagent", [1, 0]) + answers("majority", [1, 0])
    (summary,) = summaries(rows)
    table = tables(summary)[0]
    assert table.head[-1] == f"{CALLED}: accuracy / F1"
    assert [line[-1] for line in table.rows] == ["", "0.513 / 0.424"]
    (unknown,) = summaries(answers("majority", [1, 0]))
    assert CALLED not in tables_text([unknown])
    assert tables_text([unknown]).count("## LaMP-2M-like") == 2  # the heading and its table; never called LaMP-2M
    assert not re.search(r"LaMP-2M(?!-like)", tables_text([unknown]))


def test_a_table_is_markdown_whatever_stands_in_it() -> None:
    (summary,) = summaries(answers("a|b\nc", [1, 0], data="x|y"))
    lines = [line for line in tables(summary)[0].markdown().splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "a\\|b c" in lines[2]


class Tags(HTMLParser):
    """Collects tags and texts, and sees that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.open, self.attributes, self.texts = [], [], set(), []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.texts.append(data)


def parsed(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert not tags.open
    return tags


def test_the_page_of_users_is_self_contained_and_escaped() -> None:
    evil = "<script>alert('x')</script>"
    learnt = {"personas": [f"Likes {evil} and tea.", "Likes coffee & tea.\nHates rain."], "accepted": 1, "refused": 2}
    rows = [
        row(evil, "1", "comedy", "comedy", method="personaopt", inputs={"description": evil * 20}, preparation=learnt),
        row(evil, "1", evil, "comedy", method="no-alignment", study="ablation"),
    ]
    (summary,) = summaries(rows)
    studies = case_studies(summary)
    assert studies is not None
    assert (studies.reference, studies.chosen[0].gain) == ("no-alignment", 1.0)
    text = page([studies])
    tags = parsed(text)
    assert "script" not in tags.seen
    assert not tags.attributes & {"src", "href", "onclick", "style"}
    assert "".join(tags.texts).count(evil) >= 4
    assert '<span class="better">better</span>' in text
    assert {"del", "ins", "details"} <= {*tags.seen}
    assert parsed(page([])).texts


def test_users_are_chosen_from_most_to_least_helped_or_by_name() -> None:
    (summary,) = summaries([*Invented(users=9, questions=2).ablation()])
    studies = case_studies(summary)
    assert studies is not None
    gains = [study.gain for study in studies.chosen]
    assert len(gains) == 6
    assert gains == sorted(gains, reverse=True)
    assert studies.spread
    named = case_studies(summary, ["LaMP-2M-user-03", "nobody"])
    assert named is not None
    assert [study.learnt.user for study in named.chosen] == ["LaMP-2M-user-03"]
    assert case_studies(summary, ["nobody"]) is None


def test_a_word_diff_marks_words_and_keeps_lines() -> None:
    left, right = word_diff("Likes tea a lot.\nOld line.", "Likes coffee a lot.\nOld line.\nNew <line>.")
    assert left == "Likes <del>tea</del> a lot.\nOld line."
    assert right == "Likes <ins>coffee</ins> a lot.\nOld line.\n<ins>New &lt;line&gt;.</ins>"
    assert word_diff("", "a") == ("", "<ins>a</ins>")
    assert word_diff("same", "same") == ("same", "same")


def test_personas_by_hand() -> None:
    matrix = jaccard(["films about war", "war and peace", ""])
    assert matrix[0, 1] == pytest.approx(1 / 3)  # "about" and "and" are stop words: {films, war} and {war, peace}
    assert (matrix[2, 2], matrix[0, 2]) == (1.0, 0.0)
    assert between_users(matrix) == pytest.approx((1 / 3 + 0 + 0) / 3)
    found = [Learnt("u", ("a b c", "a x c d")), Learnt("v", ("a",))]
    assert lengths(found).tolist() == [[estimate_tokens("a b c"), 4], [1, 1]]
    assert distances(found).tolist() == [[2], [0]]
    figures = studied(found)
    assert (figures.changed, figures.tokens_before, figures.tokens) == (1.0, 2.0, 2.5)
    assert (figures.users, figures.likeness) == (2, 0.0)  # {x, c, d} and nothing but a stop word
    assert studied(found[:1]).likeness is None
    places, how = positions(vectors(["war", "war war", "tea", "tea films"], "words")[0])
    assert (places.shape, how) == ((4, 2), "principal components")
    assert np.allclose(places[0], places[1])
    assert vectors(["", "the"], "words")[0].shape[0] == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not positions(np.full((3, 4), 0.7))[0].any(), "personas that are all the same lie in one place"


def test_a_report_is_written_from_the_rows_alone(tmp_path) -> None:
    invented = Invented(users=4, questions=2)
    rows = [*invented.cell("majority"), *invented.cell("personaopt"), *invented.cell("no-alignment", "ablation")]
    rows += [*invented.cell("personaopt", "scaling", Point(latest=1)), *invented.cell("personaopt", "scaling", Point(latest=2))]  # fmt: skip # noqa: E501
    rows += [*invented.cell("personaopt", "coldstart", Point(history=5))]
    folder = write(tmp_path / "run", rows)
    with (folder / "results.jsonl").open("a") as file:
        file.write('{"schema": 1, "study": "main", "ta')  # the process was killed here
    report = write_report(folder, embedder="words")
    assert json.loads((folder / "summary.json").read_text()) == report.to_dict()
    text = (folder / "tables.md").read_text()
    assert all(part in text for part in ("saturates", "cold start", "what each part is worth", "Holm", "Jaccard"))
    names = {path.stem.removeprefix("LaMP-2M-like-") for path in report.plots}
    kinds = {"methods", "reliability", "scaling", "coldstart"}
    assert names == kinds | {f"personaopt-{kind}" for kind in ("jaccard", "map", "personas")}
    for path in report.plots:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert ElementTree.parse(path.with_suffix(".svg")).getroot().tag.endswith("svg")
    assert parsed((folder / "cases.html").read_text()).seen.count("article") == 4
    assert parsed(report._repr_html_()).seen.count("table") == len(tables(report.tasks[0]))
    assert len(report.rows()) == len(rows) == len(read_frame(folder))
    frame = report.figures().set_index("method")
    assert [*frame.index] == [name for name in METHOD_ORDER if name in ("majority", "personaopt", "no-alignment")]
    assert frame.loc["personaopt", "accuracy"] == report.to_dict()["LaMP-2M"]["personaopt"]["accuracy"]


def test_a_folder_without_results_is_refused_in_a_sentence(tmp_path) -> None:
    with pytest.raises(DataError, match=r"results\.jsonl"):
        write_report(tmp_path)
    assert not list(tmp_path.iterdir())
    report = write_report(write(tmp_path / "empty", []))
    assert (report.to_dict(), report.plots) == ({}, [])
    # A line whose end is missing is a row all the same where it is complete.
    (tmp_path / "empty" / "results.jsonl").write_text(json.dumps(row(gold="comedy").to_dict()))
    assert [*write_report(tmp_path / "empty").to_dict()] == ["LaMP-2M"]
