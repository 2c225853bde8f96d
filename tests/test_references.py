"""Choices for LaMP-1: made of what was cited, from nothing later, the same for the same seed."""

import numpy as np
import pytest

from personaopt.evals.lamp.deciding import decide, median
from personaopt.evals.tasks import LAMP_1, LAMP_3
from personaopt.evals.tasks.references import with_choices
from personaopt.interaction import Interaction
from personaopt.lm.calibration import RAW, Calibration
from personaopt.memory.choices import evidence
from personaopt.memory.episodic import Memory
from personaopt.memory.options import ALSO_CHOSEN, options_for

FIELD = LAMP_1.signature.output_fields["choice"]


def paper(number: int, user: str, *cited: str) -> Interaction:
    return Interaction(
        inputs={"title": f"{user} writes {number}"},
        time=float(number),
        id=f"{user}-{number}",
        metadata={"citation": cited},
    )


HISTORIES = {
    "ann": [paper(n, "ann", f"On ants {n}", f"On bees {n}", f"On wasps {n}") for n in range(1, 40)],
    "bob": [paper(n, "bob", f"On tax {n}") for n in range(1, 40)],
    "eve": [paper(n, "eve") for n in range(1, 40)],
}
MADE = with_choices(HISTORIES)


def chosen(case: Interaction) -> str:
    return case.inputs[{"[1]": "option_1", "[2]": "option_2"}[case.ground_truth["choice"]]]


def refused(case: Interaction) -> str:
    return case.inputs[{"[1]": "option_2", "[2]": "option_1"}[case.ground_truth["choice"]]]


def test_a_case_sets_a_citation_against_a_title_that_others_cited_before() -> None:
    cases = [case for made in MADE["ann"].values() for case in made]
    assert len(cases) > 60
    for case in cases:
        number = int(case.time or 0)
        assert chosen(case) in {f"On ants {number}", f"On bees {number}", f"On wasps {number}"}
        assert refused(case).startswith("On tax ")
        assert int(refused(case).split()[-1]) <= number
    first = MADE["ann"]["ann-7"][0]
    assert first.id == "ann-7"
    assert len(first.metadata[ALSO_CHOSEN]) == 1
    firsts = [case.ground_truth["choice"] == "[1]" for case in cases]
    assert 0.3 < np.mean(firsts) < 0.7


def test_a_paper_without_citations_gives_an_earlier_one_of_its_author() -> None:
    assert "eve-1" not in MADE["eve"]
    (case,) = MADE["eve"]["eve-9"]
    assert chosen(case) == "eve writes 8"
    assert not refused(case).startswith("eve")


def test_nothing_later_changes_a_case_and_the_seed_does() -> None:
    short = {user: papers[:20] for user, papers in HISTORIES.items()}
    again = with_choices(short)
    assert {**MADE["ann"], **again["ann"]} == MADE["ann"]
    assert again != with_choices(short, seed=1)


def test_evidence_counts_the_texts_that_were_chosen_not_the_numbers() -> None:
    earlier = [Memory(case, 0.5) for case in MADE["ann"]["ann-7"]]
    inputs = {"title": "New", "option_1": "on bees 7.", "option_2": "On tax 3"}
    options = options_for(FIELD, inputs)
    features = evidence("choice", {"[1]": 0.5, "[2]": 0.5}, earlier, options)
    assert features["neighbours"][0] > features["neighbours"][1]
    swapped = {**inputs, "option_1": "On tax 3", "option_2": "On bees 7"}
    turned = evidence("choice", {"[1]": 0.5, "[2]": 0.5}, earlier, options_for(FIELD, swapped))
    assert turned["neighbours"].tolist() == features["neighbours"][::-1].tolist()


class Words:
    name = "words"

    def __call__(self, texts):
        rows = np.array([[text.count("ants") + 0.01, text.count("tax") + 0.01] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_decision_weighs_how_an_option_relates_to_the_question() -> None:
    inputs = {"title": "How ants walk", "option_1": "On tax law", "option_2": "On ants"}
    even = {"[1]": 0.5, "[2]": 0.5}
    decision = decide(LAMP_1, even, None, inputs, Calibration({"model": 1.0, "related": 2.0}), Words())
    assert decision.prediction == "[2]"
    assert decision.probabilities["[2]"] > 0.8
    assert decide(LAMP_1, even, None, inputs, RAW, Words()).probabilities == pytest.approx(even)


def test_a_rating_is_answered_by_the_median() -> None:
    measured = {"1": 0.3, "2": 0.25, "3": 0.05, "4": 0.05, "5": 0.35}
    assert decide(LAMP_3, measured, None, {"review": "so so"}, RAW).prediction == "2"
    assert median({"5": 0.5, "1": 0.5}) == "1"
