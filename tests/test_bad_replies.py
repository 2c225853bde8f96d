"""Bad input and bad replies: each ends as a sentence in the record, and none of it becomes part of a persona."""

from __future__ import annotations

import json
import random

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.optimizers.quoting import MOST_COPIED, Texts, is_refusal
from personaopt.optimizers.starts import EmptyStart
from personaopt.persona import Edit, Persona, Statement, estimate_tokens
from personaopt.signatures.excerpt import LONGEST_SHOWN, excerpt, excerpts

KIM = Rules(sign_off="Best, Kim", lower=True, words=8)
REFUSAL = "I'm sorry, but I can't help with that request."
WORDS = (
    "when the harvest moon rises over our quiet valley we gather near an old stone bridge and sing until morning comes"
)


@pytest.fixture
def store():
    with po.open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


@pytest.fixture
def user(store):
    user = store.user("u")
    user.record(interactions(10))
    return user


def interactions(count, text="Shall we meet tomorrow at house {}"):
    texts = [text.format(number) for number in range(count)]
    return [
        po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, time=number, id=f"i{number}")
        for number, text in enumerate(texts)
    ]


def aligned(user, lm, *, retrieve=2, persona=None, trainset=None, **settings):
    settings = {"latest": 4, "held_out": 2, "epochs": 2} | settings
    with dspy.context(lm=lm, adapter=None):
        agent = po.PersonaAgent("message -> reply", user=user, retrieve=retrieve, persona=persona)
        return po.PersonaAligner(**settings).compile(agent, trainset=trainset)


def in_form(**fields):
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in texts.items()) + "[[ ## completed ## ]]"


def everything(user):
    return "\n".join(f"{item.inputs['message']} {item.ground_truth['reply']}" for item in user.history())


BAD = {
    "empty": lambda user: "",
    "not JSON": lambda user: "[[ ## edits ## ]]\n[{oops\n\n[[ ## completed ## ]]",
    "a refusal": lambda user: REFUSAL,
    "another language": lambda user: "Je ne réponds qu'en français, désolé.",
    "all of the data": everything,
    "binary noise": lambda user: "\x00\x01\ufffd" * 50,
    "very long": lambda user: "so " * 60_000,
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", ["profile", "critique", "edit"])
def test_a_reply_that_cannot_be_read_is_asked_for_again_and_skipped_with_a_record(user, kind, bad):
    text = BAD[bad](user)
    lm = scripted_lm(spoil=lambda asked, number, prompt: text if asked == kind else None)
    after = aligned(user, lm)
    results = after.detailed_results
    assert results.usage.calls == lm.engine.count()
    asks = {"profile": 1, "critique": 4, "edit": 1}[kind]
    assert lm.engine.count(kind) >= 3 * asks
    assert results.usage.repeats >= 2 * asks
    record = json.dumps(results.to_dict())
    assert "AdapterParseError" in record
    for said in ("sorry", "désolé", "tomorrow at house"):
        assert said not in after.persona.render()
        assert said not in json.dumps([step.gradients for step in results.steps])
    assert after.persona_version == user.version


@pytest.mark.parametrize("text", [REFUSAL, "As an AI language model, I won't.", "I cannot provide feedback on people."])
def test_a_refusal_in_the_right_form_becomes_neither_gradient_nor_statement(user, text):
    def spoil(kind, number, prompt):
        if kind == "critique" and "house 9" in prompt:
            return in_form(feedback=text)
        if kind == "profile":
            return in_form(statements=[text, "Answers in English."])
        if kind == "edit" and number == 1:
            return in_form(edits=[{"action": "add", "text": text}])
        return None

    lm = scripted_lm(spoil=spoil)
    after = aligned(user, lm)
    first = after.detailed_results.steps[0]
    assert "The critic gave no feedback." in first.skipped[0]
    assert len(first.gradients) == 3
    assert lm.engine.count("edit") >= 2  # the refusal was asked for again
    assert text not in json.dumps(after.detailed_results.to_dict())
    assert "Answers in English." in after.persona.render()
    assert after.detailed_results.accepted


def test_what_is_a_refusal_and_what_a_user_may_be_like():
    for text in (REFUSAL, "Sorry, no.", "I can't assist with that", "I’m unable to provide that.", "I apologize, but"):
        assert is_refusal(text), text
    for text in (
        "Is often sorry.",
        "I cannot eat nuts.",
        "The user says sorry first.",
        "Will not travel by plane.",
        "",
    ):
        assert not is_refusal(text), text


def proposing(text):
    return {"edit": lambda given: {"edits": [{"action": "add", "text": text}]}}


def telling(count=10):
    """A user whose interactions have long texts of their own."""
    draw = random.Random(1)
    words = WORDS.split()
    items = []
    for number in range(count):
        draw.shuffle(words)
        text = WORDS if number == 7 else " ".join(words)
        items.append(po.Interaction({"message": text}, ground_truth={"reply": KIM.reply(text)}, time=number))
    return items


@pytest.mark.parametrize("where", ["inputs", "response", "ground_truth"])
@pytest.mark.parametrize(("copied", "tried"), [(MOST_COPIED, True), (MOST_COPIED + 1, False)])
def test_a_statement_may_repeat_twelve_words_of_an_interaction_and_not_thirteen(store, where, copied, tried):
    user = store.user("u")
    parts = {"inputs": {"message": "hello"}, "response": {"reply": "hi"}, "ground_truth": {"reply": "best wishes"}}
    for number in range(8):
        own = {name: {key: f"{value} {number}" for key, value in part.items()} for name, part in parts.items()}
        if number == 5:
            own[where] = dict.fromkeys(own[where], WORDS)
        user.record(po.Interaction(**own, time=number))
    text = f'Is somebody who likes to say: "{" ".join(WORDS.split()[3 : 3 + copied]).upper()}".'
    lm = scripted_lm(replies=proposing(text))
    results = aligned(user, lm, epochs=1, start=EmptyStart()).detailed_results
    (candidate,) = results.steps[0].candidates
    answers = lm.engine.count("answer")
    if tried:
        assert answers == 2 * 6
        assert candidate.loss is not None
    else:
        assert answers == 6  # it was not even simulated
        assert "copies more than 12 consecutive words" in candidate.reason
        assert WORDS[:60].upper() not in json.dumps(results.to_dict()).upper()


def test_the_whole_training_data_as_persona_is_refused_unseen(user):
    lm = scripted_lm(replies=proposing(everything(user)))
    after = aligned(user, lm, start=EmptyStart())
    assert lm.engine.count("answer") == 6
    assert after.persona == Persona()
    assert all("copies more than 12" in record["reason"] for record in after.detailed_results.refused)
    assert len(after.detailed_results.refused) == 2
    # The editor is told, in a few words.
    second = [call for call in lm.engine.calls if call.kind == "edit"][1]
    assert "copies more than 12" in second.sections["refused"]
    assert len(second.sections["refused"]) < 400


def test_a_first_persona_that_copies_is_left_out(store):
    user = store.user("u")
    user.record(telling())
    lm = scripted_lm(replies={"profile": lambda given: {"statements": [WORDS, "Writes at night."]}})
    after = aligned(user, lm, epochs=0)
    assert [statement.text for statement in after.persona.statements] == ["Writes at night."]


def test_scripts_without_spaces_are_counted_by_their_signs():
    said = "今日は朝から雨が降っていて電車がとても混んでいました"
    texts = Texts([po.Interaction({"message": said})])
    assert texts.copied(f"よく「{said}」と言う。")
    assert not texts.copied("雨の日は電車が混む。")


def test_what_is_stated_by_the_user_may_quote():
    texts = Texts([po.Interaction({"message": WORDS})])
    assert texts.refused([Edit("add", Statement(WORDS))])
    assert not texts.refused([Edit("add", Statement(WORDS, source="stated"))])
    assert not texts.refused([Edit("remove", target="x")])


def test_an_edit_in_another_language_is_judged_like_any_other(user):
    lm = scripted_lm(replies=proposing("Écrit toujours en français, avec beaucoup de points d'exclamation."))
    results = aligned(user, lm, start=EmptyStart()).detailed_results
    assert results.accepted == []
    assert "too small an effect" in results.refused[0]["reason"]


@pytest.mark.parametrize("trainset", [[], [po.Interaction({"message": "hi"})]])
def test_an_empty_window_is_one_sentence(user, trainset):
    lm = scripted_lm()
    with pytest.raises(po.DataError, match="The training set for user 'u' has no interaction with the inputs message"):
        aligned(user, lm, trainset=trainset)
    assert lm.engine.count() == 0


def test_where_all_is_right_there_are_no_calls_beyond_the_simulation(user):
    lm = scripted_lm()
    results = aligned(user, lm, persona=Persona.from_text("\n".join(KIM.lines()))).detailed_results
    assert lm.engine.count() == lm.engine.count("answer") == 6
    assert results.stopped.startswith("nothing to learn")


def test_interactions_that_contradict_each_other_end_sanely_and_are_named(store):
    user = store.user("u")
    user.record(
        po.Interaction({"message": f"Hello {number // 2}"}, ground_truth={"reply": f"Answer {number}"}, time=number)
        for number in range(12)
    )
    after = aligned(user, scripted_lm(), latest=8, held_out=4, start=EmptyStart())
    results = after.detailed_results
    assert "6 questions of the window were answered in more than one way" in " ".join(results.notes)
    assert results.losses[-1] <= results.losses[0]
    assert after.persona_version == user.version


def test_an_interaction_of_twenty_thousand_tokens_is_shown_in_parts_with_a_note(store):
    user = store.user("u")
    user.record(interactions(9))
    long = " ".join(f"w{number}" for number in range(20_000))
    user.record(po.Interaction({"message": f"{long} end"}, ground_truth={"reply": long}, time=8.5, id="long"))
    user.record(interactions(13)[9:])
    lm = scripted_lm()
    results = aligned(user, lm, latest=8, held_out=2, retrieve=20).detailed_results
    assert "long" in results.window
    assert "1 interactions have a text of more than 1000 tokens" in " ".join(results.notes)
    for call in lm.engine.calls:
        own = call.kind == "answer" and call.sections["message"].endswith("end")
        assert own or estimate_tokens(call.user) < 12_000, call.kind
    asked = [call for call in lm.engine.calls if call.kind == "critique" and "tokens left out" in call.user]
    assert asked
    assert "tokens left out" in next(call.user for call in lm.engine.calls if call.kind == "profile")
    assert any("tokens left out" in call.sections["memories"] for call in lm.engine.calls if call.kind == "answer")
    assert results.accepted


def test_an_excerpt_keeps_the_beginning_and_the_end():
    text = " ".join(f"w{number}" for number in range(5000))
    short = excerpt(text)
    assert short.startswith("w0 w1 ")
    assert short.endswith(" w4999")
    assert "about 4000 tokens left out" in short
    assert LONGEST_SHOWN * 0.8 < estimate_tokens(short) < LONGEST_SHOWN * 1.2
    assert excerpt("as it is") == "as it is"
    assert excerpts({"a": text, "b": 3}, 10)["b"] == 3
