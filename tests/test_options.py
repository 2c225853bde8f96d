"""Answers that stand for inputs: the texts behind them are what is scored, in a prompt that does not list them."""

import json
from typing import Annotated, Literal

import dspy
import pytest

from personaopt.errors import ProgramError
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.options import read
from personaopt.signatures.portable import signature_from_dict, signature_to_dict
from personaopt.signatures.respond import Respond, compose
from personaopt.signatures.standing import StandsFor, case_of, options_of, stands_for

RULE = StandsFor({"[1]": "first", "[2]": "second"}, said="Orders")


class Order(dspy.Signature):
    """Choose what this guest orders."""

    meal: str = dspy.InputField()
    first: str = dspy.InputField()
    second: str = dspy.InputField()
    choice: Annotated[Literal["[1]", "[2]"], RULE] = dspy.OutputField(desc="what is ordered")


CASE = {"meal": "dessert", "first": "Chocolate\ncake", "second": "Grilled fish"}
PAST = {"inputs": {**CASE, "meal": "dinner"}, "answer": {"choice": "[2]"}}


def test_what_an_answer_stands_for_survives_the_composition_of_signatures() -> None:
    field = compose(Respond, Order).output_fields["choice"]
    assert stands_for(field) == RULE
    assert hash(stands_for(field)) == hash(RULE)
    assert options_of(field, CASE) == {"[1]": "Chocolate cake", "[2]": "Grilled fish"}


@pytest.mark.parametrize("second", [None, " ", "Chocolate cake", 3])
def test_options_that_cannot_be_told_apart_are_none(second: object) -> None:
    assert options_of(Order.output_fields["choice"], {**CASE, "second": second}) == {}


def test_a_question_is_about_what_is_no_option() -> None:
    assert case_of(Order, CASE) == {"meal": "dessert"}
    assert case_of(dspy.Signature("text -> tag"), {"text": "so"}) == {"text": "so"}


def test_a_prompt_shows_what_was_chosen_and_lists_no_options() -> None:
    prompt = LocalAdapter().format(compose(Respond, Order), [], {**CASE, "memories": [PAST]})[0]["content"]
    assert prompt == "Meal: dinner\nOrders: Grilled fish\n\nMeal: dessert\n"


def test_without_texts_for_all_answers_the_case_stays_as_it_is() -> None:
    assert read(Order, {"meal": "tea", "first": "cake", "choice": "[1]"}) == {
        "meal": "tea",
        "first": "cake",
        "choice": "[1]",
    }


def test_a_saved_task_keeps_what_its_answers_stand_for() -> None:
    values = json.loads(json.dumps(signature_to_dict(Order)))
    assert stands_for(signature_from_dict(values).output_fields["choice"]) == RULE
    values["outputs"][0]["stands_for"] = {"inputs": ["first"]}
    with pytest.raises(ProgramError, match="stand for"):
        signature_from_dict(values)


@pytest.mark.local_model
def test_probabilities_come_back_under_the_answers(local_lm: dspy.LM) -> None:
    with dspy.context(lm=local_lm, adapter=LocalAdapter()):
        said = dspy.Predict(Order)(**CASE)
        turned = dspy.Predict(Order)(meal="dessert", first=CASE["second"], second=CASE["first"])
    assert set(said.probabilities["choice"]) == {"[1]", "[2]"}
    assert sum(said.probabilities["choice"].values()) == pytest.approx(1.0)
    assert said.choice == max(said.probabilities["choice"], key=lambda a: said.probabilities["choice"][a])
    assert turned.probabilities["choice"]["[2]"] == pytest.approx(said.probabilities["choice"]["[1]"], abs=0.02)
    assert said.choice == "[1]"  # cake rather than fish


def test_a_chat_model_answers_with_the_label() -> None:
    lm = dspy.utils.DummyLM([{"choice": "[2]"}])
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter()):
        assert dspy.Predict(Order)(**CASE).choice == "[2]"
    assert "Grilled fish" in json.dumps(lm.history[-1]["messages"])
