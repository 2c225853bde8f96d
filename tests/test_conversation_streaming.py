"""Answers that are heard while they are written, and readers that go away."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import dspy
import pytest
from dspy.streaming import StreamResponse
from hashed_words import HashedWords
from talking import talking_lm
from test_conversation import Label, talk

import personaopt as po

WORDS = "one two three four five six seven eight nine ten eleven twelve"


@pytest.fixture
def user(tmp_path):
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as opened:
        yield opened.user("u1")


async def heard(conversation: po.Conversation, **inputs) -> tuple[dict[str, str], dspy.Prediction]:
    pieces: dict[str, str] = {}
    last = None
    async for value in conversation.stream(**inputs):
        assert last is None, "the prediction is the last value"
        if isinstance(value, StreamResponse):
            pieces[value.signature_field_name] = pieces.get(value.signature_field_name, "") + value.chunk
        else:
            last = value
    return pieces, last


def test_a_streamed_turn_is_the_same_as_any_other(user) -> None:
    lm = talking_lm(lambda said: WORDS)
    conversation = talk(user, lm)

    async def one_after_the_other() -> None:
        told, turn = await heard(conversation, message="Count")
        assert told == {"reply": WORDS}
        assert turn.reply == WORDS
        assert user.interaction(turn.turn).response == {"reply": WORDS}
        assert (await conversation.acall(message="Again")).turn

    asyncio.run(one_after_the_other())
    assert len(lm.engine.requests[-1].earlier) == 2


def test_several_outputs_and_adapters_that_cannot_be_followed(user) -> None:
    conversation = talk(user, talking_lm(lambda said: "good"), dspy.Signature("message -> subject, body"))
    told, turn = asyncio.run(heard(conversation, message="x"))
    assert told == {"subject": "good", "body": "good"}
    labelled = talk(user, talking_lm(lambda said: "good"), Label)
    told, turn = asyncio.run(heard(labelled, message="x"))
    assert told == {"reason": "good"}
    assert turn.kind == "good"

    class Mine(dspy.ChatAdapter):
        pass

    with dspy.context(adapter=Mine()):
        told, turn = asyncio.run(heard(conversation, message="y"))
    assert told == {"subject": "good", "body": "good"}


@pytest.mark.parametrize("how", ["closed", "cancelled", "dropped", "timed out"])
def test_a_reader_that_goes_away_leaves_a_turn_that_says_so(user, how) -> None:
    lm = talking_lm(lambda said: WORDS, pause=0.02)
    conversation = talk(user, lm)

    async def go_away() -> None:
        there = asyncio.Event()

        async def read() -> None:
            async with asyncio.timeout(None) as limit:
                async for value in conversation.stream(message="Count"):
                    if "three" in value.chunk:
                        there.set()
                        if how == "timed out":
                            limit.reschedule(asyncio.get_running_loop().time())
                        await asyncio.sleep(60)

        if how in ("closed", "dropped"):
            stream = conversation.stream(message="Count")
            async for value in stream:
                if "three" in value.chunk:
                    break
            if how == "closed":
                await stream.aclose()
            del stream
            gc.collect()
        else:
            task = asyncio.create_task(read())
            await there.wait()
            if how == "cancelled":
                task.cancel()
            with pytest.raises(asyncio.CancelledError if how == "cancelled" else TimeoutError):
                await task
        for _ in range(500):  # what is not closed by hand is closed by the event loop, soon
            if user.count() or how == "closed":
                break
            await asyncio.sleep(0.01)
        (turn,) = user.history()
        assert not turn.response
        assert turn.metadata["interrupted"] is True
        partial = turn.metadata["partial"]["reply"]
        assert WORDS.startswith(partial)
        assert partial.startswith("one two three")
        lm.engine.pause = 0.0
        assert (await conversation.acall(message="Go on")).reply == WORDS
        assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    asyncio.run(go_away())
    assert lm.engine.closed == 1, "the LM's stream was closed"
    shown = str(lm.engine.requests[-1].earlier)
    assert "Count" in shown
    assert "[interrupted]" in shown
    with pytest.raises(po.DataError, match="has no answer"):
        conversation.feedback(user.history()[0].id, thumbs="up")


def test_a_stream_closed_by_another_task_than_the_one_that_read_it(user) -> None:
    conversation = talk(user, talking_lm(lambda said: WORDS, pause=0.02))

    async def go_away() -> None:
        stream = conversation.stream(message="Count")
        await asyncio.create_task(anext(stream))
        await asyncio.create_task(stream.aclose())
        assert user.history()[0].metadata["interrupted"]

    asyncio.run(go_away())


def test_a_stream_that_is_never_read_asks_nothing(user) -> None:
    lm = talking_lm()

    async def never() -> None:
        stream = talk(user, lm).stream(message="x")
        await stream.aclose()

    asyncio.run(never())
    assert not lm.engine.requests
    assert not user.count()


def test_a_turn_that_is_cancelled_leaves_a_whole_record_or_none(user) -> None:
    async def at_every_moment() -> None:
        for moment in range(30):
            conversation = talk(user, talking_lm(lambda said: WORDS, pause=0.005), session=f"s{moment}")
            task = asyncio.create_task(conversation.acall(message="Count"))
            await asyncio.sleep(moment * 0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(at_every_moment())
    assert all(turn.response == {"reply": WORDS} for turn in user.history())


def test_an_lm_that_fails_in_mid_stream_is_told_and_leaves_nothing(user) -> None:
    def reply(said) -> str:
        raise RuntimeError("down")

    conversation = talk(user, talking_lm(reply))
    with pytest.raises(dspy.LMError, match="down"):
        asyncio.run(heard(conversation, message="x"))
    assert not user.count()


def test_streams_side_by_side_do_not_mix(user) -> None:
    lm = talking_lm(lambda said: f"{said.last.split('## ]]')[2].split()[0]} " * 10, pause=0.002)
    conversations = [talk(user, lm) for _ in range(8)]

    async def all_at_once() -> list:
        return await asyncio.gather(*(heard(each, message=f"m{n}") for n, each in enumerate(conversations)))

    for number, (told, turn) in enumerate(asyncio.run(all_at_once())):
        assert set(told["reply"].split()) == {f"m{number}"}
        assert turn.reply == told["reply"].strip()


def test_an_agent_that_acts_is_heard_when_it_answers_and_its_actions_are_recorded(user) -> None:
    def reply(said) -> str:
        if "[[ ## calls ## ]]" in said.last:
            return '[{"tool": "opening_hours", "arguments": {"place": "library"}}]'
        return "The library is open from nine to seventeen hundred."

    def opening_hours(place: str) -> str:
        """When a place is open."""
        return f"The {place} is open from nine to seventeen hundred."

    user.allow_tools("opening_hours")
    agent = po.PersonaAgent("message -> reply", user=user, tools=[opening_hours], max_actions=1)
    agent.predict.lm = lm = talking_lm(reply)
    with dspy.context(lm=lm):
        conversation = po.Conversation(user, agent)
        told, turn = asyncio.run(heard(conversation, message="When may I come?"))
        again = conversation(message="Really?")
    assert told == {"reply": turn.reply}
    for prediction in (turn, again):
        (action,) = user.interaction(prediction.turn).actions
        assert action["tool"] == "opening_hours"
        assert action["arguments"] == {"place": "library"}
        assert action["used"] is True
        assert "seventeen" in action["result"]


def test_a_client_that_disconnects_from_a_server_ends_the_turn(user) -> None:
    lm = talking_lm(lambda said: f"{WORDS} " * 200, pause=0.002)
    conversation = talk(user, lm)

    async def serve_and_leave() -> None:
        over = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                async with contextlib.aclosing(conversation.stream(message="Count")) as stream:
                    async for value in stream:
                        writer.write(getattr(value, "chunk", "").encode())
                        await writer.drain()
            except ConnectionError:
                over.set()
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.readuntil(b"three")
        writer.transport.abort()
        await asyncio.wait_for(over.wait(), 30)
        server.close()
        (turn,) = user.history()
        assert turn.metadata["partial"]["reply"].startswith("one two three")
        assert len(turn.metadata["partial"]["reply"]) < len(WORDS) * 200

    asyncio.run(serve_and_leave())
    assert lm.engine.closed == 1
