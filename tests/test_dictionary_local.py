"""The dictionary of a user kept by the small local model, which decides and copies and writes nothing."""

from __future__ import annotations

import dspy
import pytest
from sessions_lm import FIELDS, Talk

import personaopt as po
from personaopt.optimizers.field_cues import fields_of, spans_of

SLOTS = FIELDS.slots()


@pytest.mark.parametrize(
    ("sentence", "path", "span"),
    [
        ("I live in New Delhi near the river.", "life.home", "New Delhi"),
        ("I can spend 800 euros on it.", "life.budget", "800"),
        ("My friend got me into rock climbing.", "personality.interests", "rock climbing"),
        ("In the E or I question I am an I.", "personality.extraversion", "I"),
        ("Please answer in bullet points.", "preference.formats", "bullet points"),
    ],
)
def test_the_right_field_and_words_are_among_the_options(sentence, path, span):
    assert path in [slot.path for slot in fields_of(sentence, list(SLOTS.values()))]
    assert span in spans_of(sentence, SLOTS[path])


@pytest.mark.parametrize(
    "sentence",
    ["A fellow passenger put my name down already.", "The chamber has opened its autumn list of classes.",
     "I am at the kitchen table.", "It is the long weekend.", "We are on the way home.", "It can begin with a plan."],
)  # fmt: skip
def test_what_is_told_beside_a_request_is_about_no_field(sentence):
    assert fields_of(sentence, list(SLOTS.values())) == []


def test_questions_and_small_talk_leave_nothing_to_decide():
    for sentence in ("Do you live in Rome?", "Thank you very much.", "The train leaves at nine."):
        assert fields_of(sentence, list(SLOTS.values())) == []
    assert spans_of("I live in Rome, not in Oslo.", SLOTS["life.home"], ["Oslo"]) == ["Rome"]
    assert spans_of("I spend a lot.", SLOTS["life.budget"]) == []


@pytest.mark.local_model
def test_a_life_with_the_local_model(local_lm):
    talk = Talk()
    talk.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=1)
    with dspy.context(lm=local_lm, adapter=po.LocalAdapter()):

        def tell(*texts):
            talk.say(*texts)
            talk.agent = talk.optimizer.compile(talk.agent)
            return talk.known

        assert tell("Hello, my name is Oleg.", "Which shoes are good?", "I live in Vienna since May.") == {
            "demographics.name": "Oleg",
            "life.home": "Vienna",
        }
        known = tell("I moved from Vienna to Porto last week.", "I love gardening.")
        assert (known["life.home"], known["personality.interests"]) == ("Porto", ["gardening"])
        assert any(line.startswith("Lives in: Vienna (until") for line in talk.lines)
        assert tell("I said Porto by mistake, that was only a visit.")["life.home"] == "Vienna"
    talk.store.close()
