"""Conversations: what a turn is shown and what is recorded of it, at length, at once, and of images."""

from __future__ import annotations

import asyncio
import base64
import gc
import threading
import time
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import measuring_lm
from talking import talking_lm

import personaopt as po


class Reply(dspy.Signature):
    """Reply as this user would."""

    message: str = dspy.InputField()
    reply: str = dspy.OutputField()


class Caption(dspy.Signature):
    """Write what this user would write under a picture."""

    picture: dspy.Image = dspy.InputField()
    request: str = dspy.InputField()
    caption: str = dspy.OutputField()


class Own(dspy.Signature):
    """Reply as this user would."""

    history: dspy.History = dspy.InputField()
    message: str = dspy.InputField()
    reply: str = dspy.OutputField()


class Label(dspy.Signature):
    """Say which kind it is."""

    message: str = dspy.InputField()
    kind: Literal["good", "bad"] = dspy.OutputField()
    reason: str = dspy.OutputField()


@pytest.fixture
def memory():
    with po.open_store(":memory:", embedder=HashedWords()) as opened:
        yield opened


def talk(user: po.User, lm: dspy.LM, task: type[dspy.Signature] = Reply, **more) -> po.Conversation:
    agent = po.PersonaAgent(task, user=user)
    agent.predict.lm = lm
    return po.Conversation(user, agent, **more)


def texts(lm: dspy.LM) -> list[tuple[str, str]]:
    """What stood before the question in the last prompt, without what adapters add."""
    return [(role, text.split("## ]]\n", 1)[1].split("\n\n")[0]) for role, text in lm.engine.requests[-1].earlier]


def test_a_turn_is_recorded_and_shown_to_the_next(store) -> None:
    lm, user = talking_lm(), store.user("u1")
    conversation = talk(user, lm, session="s7")
    first = conversation(message="Hello there")
    assert not lm.engine.requests[-1].earlier
    second = conversation(message="And now?")
    assert texts(lm) == [("user", "Hello there"), ("assistant", "Answer 1.")]
    assert [first.reply, second.reply] == ["Answer 1.", "Answer 2."]
    one, two = user.history()
    assert conversation.turns == [one, two]
    assert (one.id, two.id) == (first.turn, second.turn)
    assert (dict(one.inputs), dict(one.response), one.session, one.task) == (
        {"message": "Hello there"},
        {"reply": "Answer 1."},
        "s7",
        "Reply",
    )
    assert not one.ground_truth
    assert dict(two.metadata) == {"earlier_turns": [one.id]}
    again = talk(user, lm, session="s7")
    again(message="Still there?")
    assert len(texts(lm)) == 4, "another object goes on with the session"
    talk(user, lm)(message="A new one")
    assert not lm.engine.requests[-1].earlier


@pytest.mark.parametrize("temporary", [False, True])
def test_a_conversation_may_have_a_time_of_its_own(memory, temporary: bool) -> None:
    lm, user, moments = talking_lm(), memory.user("u1"), iter(range(1000, 2000))
    conversation = talk(user, lm, clock=lambda: float(next(moments)), temporary=temporary)
    conversation(message="Hello there")
    conversation(message="And now?")
    assert texts(lm) == [("user", "Hello there"), ("assistant", "Answer 1.")]
    assert [turn.time for turn in conversation.turns] == [1001.0, 1002.0]
    if not temporary:
        assert conversation.feedback(accepted=True).signals["log"][0]["time"] == 1003.0


@pytest.mark.parametrize("moment", ["noon", True, float("nan")])
def test_feedback_has_a_time(memory, moment) -> None:
    user = memory.user("u1")
    turn = user.record(po.Interaction({"message": "Hi"}, response={"reply": "Hello."}))
    assert user.feedback(turn.id, accepted=True, at=5.0).signals["log"][0]["time"] == 5.0
    with pytest.raises(po.DataError, match="in seconds"):
        user.feedback(turn.id, accepted=True, at=moment)


def test_a_first_turn_asks_exactly_what_the_agent_asks(memory) -> None:
    lm, user = talking_lm(), memory.user("u1")
    user.record(po.Interaction({"message": "Hi"}, ground_truth={"reply": "hey"}))
    conversation = talk(user, lm)
    conversation(message="Hello")
    conversation.agent(message="Hello")
    first, plain = lm.engine.requests
    assert first.messages == plain.messages
    assert first.system == plain.system


def test_corrected_turns_are_shown_in_the_users_words_and_remembered(memory) -> None:
    lm, user = talking_lm(), memory.user("u1")
    conversation = talk(user, lm)
    conversation(message="Thank Ann")
    conversation.feedback(edited="thx ann")
    conversation(message="Thank Bob")
    assert ("assistant", "thx ann") in texts(lm)
    other = talk(user, lm)(message="Thank Ann again")
    assert [dict(memory.interaction.ground_truth) for memory in other.memories] == [{"reply": "thx ann"}]


def test_only_the_latest_turns_are_shown_as_far_as_they_fit_and_similar_older_ones(memory) -> None:
    lm, user = talking_lm(lambda said: "Noted."), memory.user("u1")
    conversation = talk(user, lm, turns=3, tokens=200)
    conversation(message="My cat is called Zerbinetta")
    for number in range(6):
        conversation(message=f"Number {number}")
    conversation(message="What is my cat called?")
    shown = [text for role, text in texts(lm) if role == "user"]
    assert shown[-3:] == ["Number 3", "Number 4", "Number 5"]
    assert "My cat is called Zerbinetta" in shown[:-3]
    conversation(message="long " * 5000)
    conversation(message="Go on")
    (last,) = [text for role, text in texts(lm) if role == "user"]
    assert "tokens left out" in last, "the very latest is shown in parts"
    none = talk(user, lm, session=conversation.session, turns=0)
    none(message="Nothing before")
    assert not lm.engine.requests[-1].earlier


def test_a_task_with_a_history_of_its_own_gets_the_turns_there(memory) -> None:
    lm, user = talking_lm(), memory.user("u1")
    conversation = talk(user, lm, Own)
    conversation(message="One")
    conversation(message="Two")
    assert texts(lm) == [("user", "One"), ("assistant", "Answer 1.")]
    assert "earlier_turns" not in lm.engine.requests[-1].system
    assert list(user.history()[-1].inputs) == ["message"]


def test_a_model_that_is_prompted_in_plain_form_sees_turns_as_cases(memory) -> None:
    class Kind(dspy.Signature):
        """Say which kind it is."""

        message: str = dspy.InputField()
        kind: Literal["good", "bad"] = dspy.OutputField()

    lm, user = measuring_lm(lambda prompt, answer: float(answer == "good")), memory.user("u1")
    conversation = talk(user, lm, Kind)
    with dspy.context(adapter=po.LocalAdapter()):
        first = conversation(message="One")
        conversation.feedback(correction="bad")
        conversation(message="Two")
        assert first.probabilities["kind"]["good"] > 0.5
        assert lm.engine.prompts[-1].count("Message: One\nKind: bad\n\n") >= 1
        assert lm.engine.prompts[-1].endswith("Message: Two\n")
        told = asyncio.run(_all(conversation.stream(message="Three")))
    assert [type(value) for value in told] == [dspy.Prediction], "what is decided comes as a whole"


async def _all(stream) -> list:
    return [value async for value in stream]


def test_an_image_is_seen_and_recorded_as_a_reference(memory) -> None:
    pixels = base64.b64encode(b"the pixels of a holiday" * 50).decode()
    picture = dspy.Image(f"data:image/png;base64,{pixels}")
    lm, user = talking_lm(lambda said: "Sea." if "image" in said.messages[-1][2] else "Nothing."), memory.user("u1")
    conversation = talk(user, lm, Caption)
    assert conversation(picture=picture, request="Short please").caption == "Sea."
    held = user.history()[0].inputs["picture"]
    assert held["attachment"] == "image"
    assert held["reference"].startswith("sha256:")
    assert (held["media_type"], held["bytes"]) == ("image/png", 1150)
    assert pixels[:40] not in str(user.history()[0].to_dict())
    conversation(picture=dspy.Image("https://example.org/beach.png"), request="Longer please")
    assert user.history()[1].inputs["picture"]["reference"] == "https://example.org/beach.png"
    assert user.history()[1].query_text() == "Longer please", "what is similar is found by the text"
    conversation.feedback(edited="the sea, at last")
    conversation(picture=picture, request="Longer please")
    assert "beach.png" in str(lm.engine.requests[-1].messages[-1])
    assert pixels[:40] not in lm.engine.requests[-1].last, "earlier pictures are told by a word, not shown again"
    kept = talk(user, lm, Caption, keep_media=True)
    kept(picture=picture, request="Keep this one")
    assert user.history()[-1].inputs["picture"]["data"].endswith(pixels)
    kept(picture=picture, request="And now?")
    assert [kinds for _, _, kinds in lm.engine.requests[-1].messages] == [("image",), (), ("image",)]


@pytest.mark.parametrize("damage", [{"data": "data:image/png;base64,!!!"}, {"data": 5}, {"reference": "file:///x"}])
def test_a_damaged_picture_is_told_by_a_word(memory, damage) -> None:
    lm, user = talking_lm(lambda said: "Sea."), memory.user("u1")
    conversation = talk(user, lm, Caption)
    held = {"attachment": "image", "reference": "sha256:1", **damage}
    user.record(
        po.Interaction(
            {"picture": held, "request": "x"}, {"caption": "y"}, session=conversation.session, task="Caption"
        )
    )
    picture = dspy.Image("https://example.org/beach.png")
    assert conversation(picture=picture, request="And now?").caption == "Sea."
    assert [kinds for _, _, kinds in lm.engine.requests[-1].messages] == [(), (), ("image",)]


def test_two_hundred_turns_cost_no_more_than_twenty(tmp_path) -> None:
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as store:
        lm, user = talking_lm(lambda said: "Yes."), store.user("u1")
        conversation, spent = talk(user, lm), []
        for number in range(200):
            start = time.perf_counter()
            conversation(message=f"Turn {number} about {number % 7}")
            spent.append(time.perf_counter() - start)
        assert len(conversation.turns) == 200
        sizes = [len(str(said.messages)) for said in lm.engine.requests]
        assert max(sizes[150:]) < 1.5 * max(sizes[20:50]), "prompts do not grow"
        early, late = sorted(spent[20:50])[15], sorted(spent[170:])[15]
        assert late < 3 * early + 0.02, (early, late)


def test_the_form_of_a_prompt_is_made_once_and_not_for_every_turn(memory) -> None:
    def forms() -> int:
        gc.collect()
        kinds = [each for each in gc.get_objects() if issubclass(type(each), type) and issubclass(each, dspy.Signature)]
        return sum("earlier_turns" in kind.input_fields for kind in kinds if kind is not dspy.Signature)

    before = forms()
    conversation = talk(memory.user("u1"), talking_lm())
    for number in range(4):
        conversation(message=str(number))
    assert forms() == before + 1


def test_many_turns_at_once_in_two_sessions_of_one_user_are_all_kept(store) -> None:
    lm, user = talking_lm(lambda said: said.last.split("## ]]\n")[2].split("\n")[0]), store.user("u1")
    agent = po.PersonaAgent(Reply, user=user)
    agent.predict.lm = lm
    sessions = [po.Conversation(user, agent, name) for name in ("a", "b")]

    def talk_for_a_while(conversation: po.Conversation, thread: int) -> None:
        for number in range(5):
            said = f"{conversation.session} {thread} {number}"
            turn = conversation(message=said)
            assert turn.reply == said
            conversation.feedback(turn, thumbs="up")

    threads = [threading.Thread(target=talk_for_a_while, args=(each, n)) for n in range(3) for each in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for conversation in sessions:
        turns = conversation.turns
        assert sorted(turn.response["reply"] for turn in turns) == sorted(
            f"{conversation.session} {thread} {number}" for thread in range(3) for number in range(5)
        )
        assert all(turn.ground_truth == turn.response == {"reply": turn.inputs["message"]} for turn in turns)


def test_turns_awaited_side_by_side_do_not_hold_up_the_event_loop(tmp_path) -> None:
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as store:
        lm, user = talking_lm(pause=0.2), store.user("u1")
        conversations = [talk(user, lm) for _ in range(10)]

        async def all_at_once() -> list[dspy.Prediction]:
            return await asyncio.gather(*(each.acall(message="Hello") for each in conversations))

        start = time.perf_counter()
        turns = asyncio.run(all_at_once())
        assert time.perf_counter() - start < 10 * 0.2
        assert len({turn.turn for turn in turns}) == user.count() == 10


def test_feedback_names_a_turn_of_this_session(memory) -> None:
    lm, user = talking_lm(), memory.user("u1")
    conversation = talk(user, lm, session="s1")
    with pytest.raises(po.DataError, match="no recorded turn"):
        conversation.feedback(thumbs="up")
    first, second = conversation(message="One"), conversation(message="Two")
    assert conversation.feedback(first, thumbs="down").id == first.turn
    assert conversation.feedback(second.turn, correction={"reply": "2"}).ground_truth == {"reply": "2"}
    assert conversation.feedback(accepted=True).id == second.turn
    assert talk(user, lm, session="s1").feedback(rating=4).id == second.turn, "the last one that is recorded"
    elsewhere = talk(user, lm)(message="Else")
    with pytest.raises(po.DataError, match="not a turn of session 's1'"):
        conversation.feedback(elsewhere, thumbs="up")
    for wrong, words in [
        ({"correction": {"answer": "x"}}, "names 'answer'"),
        ({"correction": 7}, "correction of reply is a text, not int"),
        ({"edited": {"reply": ["x"]}}, "edited text of reply is a text, not list"),
        ({"turn": "nothing", "thumbs": "up"}, "no interaction 'nothing'"),
        ({}, "at least one of"),
    ]:
        with pytest.raises(po.DataError, match=words):
            conversation.feedback(**wrong)
    labelled = talk(user, talking_lm(lambda said: "good"), Label)
    labelled(message="x")
    with pytest.raises(po.DataError, match="none of its answers"):
        labelled.feedback(correction={"kind": "fine"})
    with pytest.raises(po.DataError, match="names each output"):
        labelled.feedback(correction="bad")
    assert labelled.feedback(correction={"kind": "bad"}).ground_truth == {"kind": "bad", "reason": "good"}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "message is missing"),
        ({"message": "x", "tone": "y"}, "tone is unknown"),
        ({"message": float("nan")}, "cannot be written as JSON"),
        ({"message": "half \ud800"}, "cannot be written as JSON"),
        ({"message": "x" * 1_000_001}, "may have 1,000,000"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(memory, inputs, words) -> None:
    lm, user = talking_lm(), memory.user("u1")
    with pytest.raises(po.DataError, match=words):
        talk(user, lm)(**inputs)
    assert not lm.engine.requests
    assert not user.count()


def test_bad_arguments_are_refused(memory) -> None:
    user = memory.user("u1")
    agent = po.PersonaAgent(Reply, user=user)
    for wrong, words in [
        ({"user": memory.user("u2")}, "another|'u2'"),
        ({"turns": -1}, "0 or more"),
        ({"tokens": True}, "0 or more"),
    ]:
        with pytest.raises(po.ConfigurationError, match=words):
            po.Conversation(**{"user": user, "agent": agent, **wrong})
    conversation = po.Conversation(user, agent)
    with pytest.raises(po.ConfigurationError, match="'u2'"):
        conversation.agent = po.PersonaAgent(Reply, user=memory.user("u2"))
    assert conversation.agent is agent
    for session in ("", "x" * 600, "\x00"):
        with pytest.raises(po.DataError, match="session"):
            po.Conversation(user, agent, session)
    for task in ("message -> turn", "earlier_turns -> reply"):
        with pytest.raises(po.ConfigurationError, match="must not have a field"):
            po.Conversation(user, po.PersonaAgent(task, user=user))


def test_an_lm_that_fails_leaves_no_turn_and_a_conversation_that_goes_on(memory) -> None:
    down = [True]

    def reply(said) -> str:
        if down[0]:
            raise RuntimeError("down")
        return "Up."

    lm, user = talking_lm(reply), memory.user("u1")
    conversation = talk(user, lm)
    with pytest.raises(Exception, match="down"):
        conversation(message="Anybody?")
    assert not user.count()
    down[0] = False
    assert conversation(message="Anybody?").reply == "Up."


def test_forgotten_turns_are_shown_no_more(memory) -> None:
    lm, user = talking_lm(), memory.user("u1")
    conversation = talk(user, lm)
    turn = conversation(message="My secret is basalt")
    conversation(message="Go on")
    user.forget(turn.turn)
    conversation(message="What did I say?")
    assert "basalt" not in str(lm.engine.requests[-1])


def test_feedback_on_a_forgotten_turn_says_that_it_was_forgotten(memory) -> None:
    user = memory.user("u1")
    conversation = talk(user, talking_lm())
    user.forget(conversation(message="My secret is basalt").turn)
    with pytest.raises(po.DataError, match="was forgotten"):
        conversation.feedback(thumbs="up")
    with pytest.raises(po.DataError, match="no interaction 'other'"):
        conversation.feedback("other", thumbs="up")
    turn = conversation(message="Hello")
    assert conversation.feedback(thumbs="up").id == turn.turn


def test_it_is_shown_in_a_notebook_as_data(memory) -> None:
    user = memory.user("u<1>")
    conversation = talk(user, talking_lm(lambda said: "<b>bold</b>"))
    conversation(message="<script>alert(1)</script>")
    page = conversation._repr_html_()
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;bold" in page
    assert "<script>" not in page
    assert repr(conversation) == f"Conversation('u<1>', session={conversation.session!r})"
