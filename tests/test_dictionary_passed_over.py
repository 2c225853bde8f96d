"""What a reading of sessions passed over: sentences of messages that correct a reply, or that nobody asked for."""

from __future__ import annotations

import dspy
import pytest
from sessions_lm import DAY, FIELDS, Talk, change

import personaopt as po
from personaopt.optimizers.field_passed_over import MOST_ASKED, not_wanted, passed_over, told
from personaopt.optimizers.sessions import messages_of
from personaopt.signatures.change_fields import FieldChange, ReadAgain


@pytest.fixture
def talk():
    made = Talk()
    made.optimizer = po.DictionaryOptimizer(fields=FIELDS, readings=2)
    yield made
    made.store.close()


def corrected(talk, *texts):
    """A session in which the first reply was corrected."""
    talk.say(*texts)
    first = [turn for turn in talk.user.history() if turn.inputs["message"] == texts[0]][-1]
    talk.user.feedback(first.id, correction={"reply": "What the user wanted."})


def unasked(talk, text):
    """A message that got no reply."""
    talk.day += 1
    talk.user.record(po.Interaction({"message": text}, time=DAY * talk.day, session=f"s{talk.day:g}"))


def left(talk, *found):
    messages = messages_of(talk.user.history(), ["message"])
    changes = [FieldChange(**each) for each in found]
    return [sentence for _, sentence in passed_over(messages, changes, talk.agent.persona, FIELDS)]


def test_messages_that_correct_a_reply_or_ask_for_none_tell_something(talk):
    talk.say("What is for dinner?", "And for lunch?")
    corrected(talk, "Find me a flat.", "Somewhere warm, please.")
    talk.say("A new session.")
    unasked(talk, "By the way, it is getting cold.")
    said = [message.text for message in told(messages_of(talk.user.history(), ["message"]))]
    assert said == ["Somewhere warm, please.", "By the way, it is getting cold."]
    assert [turn.inputs["message"] for turn in talk.user.history() if not_wanted(turn)] == ["Find me a flat."]


def test_a_reply_that_was_turned_down_is_not_what_the_user_wanted(talk):
    talk.say("Find me a flat.", "No.")
    talk.user.feedback(talk.user.history()[0].id, thumbs="down")
    assert [not_wanted(turn) for turn in talk.user.history()] == [True, False]


def test_sentences_on_which_something_rests_and_questions_are_not_passed_over(talk):
    corrected(talk, "Cook for me.", "I eat no meat, being vegan. Rome is home. Is that all right? Ann is what I go by.")
    assert left(talk) == ["I eat no meat, being vegan.", "Rome is home.", "Ann is what I go by."]
    home = change("life.home", "Rome", "Rome is home")
    assert left(talk, home) == ["I eat no meat, being vegan.", "Ann is what I go by."]
    talk.update(home)
    assert left(talk) == ["I eat no meat, being vegan.", "Ann is what I go by."]
    talk.say("And now?")
    unasked(talk, "Rome is too hot, though.")  # something else is said of it
    assert left(talk)[-1] == "Rome is too hot, though."


def test_only_the_latest_sentences_are_asked_about(talk):
    unasked(talk, " ".join(f"Number {place} is odd." for place in range(2 * MOST_ASKED)))
    assert left(talk)[-1] == f"Number {2 * MOST_ASKED - 1} is odd."
    assert len(left(talk)) == MOST_ASKED


def test_the_second_reading_is_asked_about_them_and_the_first_sees_what_was_not_wanted(talk):
    corrected(talk, "Cook for me.", "Vegan is all I eat. Rome is home.")
    talk.answers = [[change("life.home", "Rome", "Rome is home")], [change("life.diet", "vegan", "Vegan is all I eat")]]
    with dspy.context(lm=talk.lm):
        talk.agent = talk.optimizer.compile(talk.agent)
    assert talk.known == {"life.home": "Rome", "life.diet": "vegan"}
    first, second = talk.lm.engine.calls
    assert "passed_over" not in first.sections
    assert "Assistant (not what the user wanted): All right." in first.sections["sessions"]
    assert first.sections["sessions"].count("not what the user wanted") == 1
    assert "2. Vegan is all I eat." in second.sections["passed_over"]
    assert "Rome is home" not in second.sections["passed_over"]
    assert set(ReadAgain.output_fields) == {"changes"}


def test_a_sentence_without_an_end_is_not_shown_whole(talk):
    unasked(talk, "so " * 2000 + "it is.")
    talk.update()
    assert len(talk.lm.engine.calls[1].sections["passed_over"].split()) < 100


def test_where_nothing_was_passed_over_the_second_reading_is_as_the_first(talk):
    talk.say("I live in Rome.")
    talk.update(change("life.home", "Rome", "I live in Rome"))
    assert ["passed_over" in call.sections for call in talk.lm.engine.calls] == [False, False]
