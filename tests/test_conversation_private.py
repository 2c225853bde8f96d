"""Conversations that leave nothing behind, and those of users who did not agree to be recorded."""

from __future__ import annotations

import asyncio
import gc
import json
import types
from pathlib import Path

import dspy
import pytest
from hashed_words import HashedWords
from talking import talking_lm
from test_actions_wikipedia import MediaWiki
from test_conversation import Caption, Reply, talk

import personaopt as po

CANARY = "zanzibarine"


@pytest.fixture
def cache(tmp_path):
    """DSPy's cache in a folder of its own, so that what is in it can be looked through."""
    before = dspy.cache
    dspy.configure_cache(disk_cache_dir=str(tmp_path / "cache"), enable_disk_cache=True, enable_memory_cache=True)
    yield tmp_path / "cache"
    dspy.cache = before


def in_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def in_memory(*but: object) -> list[str]:
    """Everything in this process that holds a text with the canary: containers, attributes, and the caches of DSPy."""
    gc.collect()

    def is_a(value: object, *kinds: type) -> bool:
        return issubclass(type(value), kinds)  # isinstance asks objects that load what they stand for

    left_out = {id(each) for each in but}
    found = []
    for holder in gc.get_objects():
        if id(holder) in left_out or is_a(holder, types.FrameType, types.ModuleType, types.CodeType):
            continue
        values: list = []
        if is_a(holder, dict):
            values = [*dict.keys(holder), *dict.values(holder)]  # what it holds, not what it would load
        elif is_a(holder, list, tuple, set, frozenset):
            values = list(holder)
        elif hasattr(type(holder), "__slots__") and type(holder).__module__.startswith(("dspy", "personaopt")):
            values = [getattr(holder, name, None) for name in type(holder).__slots__]
        if any(is_a(value, str, bytes) and CANARY in str(value) for value in values):
            found.append(f"{type(holder).__name__}: {str(holder)[:200]}")
    return found


def one_temporary_conversation(user: po.User, lm: dspy.LM) -> None:
    with dspy.context(lm=lm):
        conversation = po.Conversation(user, po.PersonaAgent(Reply, user=user), temporary=True)
        turn = conversation(message=f"I live in {CANARY}ville")
        assert turn.reply == f"In {CANARY}."
        assert not turn.turn
        conversation(message="Where do I live?")
        assert f"{CANARY}ville" in str(lm.engine.requests[-1].earlier), "it is remembered while it lasts"

        async def more() -> None:
            await conversation.acall(message=f"{CANARY} awaited")
            async for _ in conversation.stream(message=f"{CANARY} streamed"):
                pass
            stream = conversation.stream(message=f"{CANARY} broken off")
            await anext(stream)
            await stream.aclose()

        asyncio.run(more())
        assert "temporary" in conversation.notice
        with pytest.raises(po.ConsentError, match="temporary"):
            conversation.feedback(thumbs="up")
        lm.engine.requests.clear()


def test_nothing_is_left_of_a_temporary_conversation(tmp_path, cache) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    with po.open_store(folder / "s.db", embedder=HashedWords(), lm_cache="shared") as store:
        user = store.user("u1")
        user.record(po.Interaction({"message": "Hi"}, ground_truth={"reply": "hey"}))
        lm = talking_lm(lambda said: f"In {CANARY}.")
        one_temporary_conversation(user, lm)
        store.embedder.texts.clear()
        assert user.count() == 1
        assert not user.facts()
        assert not in_memory(globals()), "nor in a history, a trace, a cache"
        assert not in_files(folder)
    assert not in_files(tmp_path)


def test_the_search_for_what_is_left_finds_what_another_conversation_leaves(tmp_path, cache) -> None:
    with po.open_store(tmp_path / "s.db", embedder=HashedWords(), lm_cache="shared") as store:
        lm, user = talking_lm(lambda said: f"In {CANARY}."), store.user("u1")
        talk(user, lm)(message="Where do I live?")
        lm.engine.requests.clear()
        store.embedder.texts.clear()
        assert in_memory(globals())
        assert {path.suffix for path in in_files(tmp_path)} & {".db", ".db-wal"}
        assert in_files(cache)
    lm.history.clear()
    from dspy.clients.base_lm import GLOBAL_HISTORY

    GLOBAL_HISTORY.clear()
    dspy.settings.trace.clear()


def test_pictures_of_a_temporary_conversation_are_not_kept_by_dspy(tmp_path) -> None:
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        conversation = talk(store.user("u1"), talking_lm(), Caption, temporary=True)
        conversation(picture=dspy.Image("data:image/png;base64,aGVsbG8="), request="x")
        assert dspy.Image.format.cache_info().currsize == 0


def test_without_consent_a_conversation_works_and_says_that_nothing_is_kept(store) -> None:
    lm, user = talking_lm(), store.user("u1")
    conversation = talk(user, lm)
    assert not conversation.notice
    user.consent = "none"
    assert "not agreed" in conversation.notice
    assert not conversation(message=f"I live in {CANARY}ville").turn
    assert conversation(message="Where do I live?").reply == "Answer 2."
    assert CANARY in str(lm.engine.requests[-1].earlier)
    assert not user.count()
    assert "not agreed" in conversation._repr_html_()
    with pytest.raises(po.ConsentError, match="not agreed"):
        conversation.feedback(thumbs="up")
    user.consent = "record"
    assert conversation(message="You may remember this").turn
    assert user.count() == 1
    assert [turn.inputs["message"] for turn in conversation.turns][-1] == "You may remember this"


def test_consent_that_is_taken_back_while_a_turn_is_answered(store) -> None:
    user = store.user("u1")

    def reply(said) -> str:
        user.consent = "none"
        return "Too late."

    assert not talk(user, talking_lm(reply))(message="x").turn
    assert not user.count()


def test_a_forgotten_turn_is_gone_from_the_trace_that_dspy_keeps(tmp_path) -> None:
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as store:
        mine, others = talk(store.user("u1"), talking_lm()), talk(store.user("u2"), talking_lm())
        turn = mine(message=f"I live in {CANARY}ville")
        others(message="I live in Basel, by the river")
        assert CANARY in str(dspy.settings.trace)
        store.user("u1").forget(turn.turn)
        assert CANARY not in str(dspy.settings.trace)
        assert "by the river" in str(dspy.settings.trace)
        store.forget("u2")
        assert "by the river" not in str(dspy.settings.trace)


def test_what_a_temporary_conversation_searches_for_is_not_kept_by_the_tool() -> None:
    wiki = MediaWiki()

    def reply(said) -> str:
        if "[[ ## calls ## ]]" in said.last:
            return json.dumps([{"tool": "wikipedia_search", "arguments": {"query": f"pumpkin {CANARY}"}}])
        return "A squash."

    with po.open_store(":memory:", embedder=HashedWords()) as store, dspy.context(lm=talking_lm(reply)):
        user, search = store.user("u1"), po.WikipediaSearch(base_url=wiki.url)
        user.allow_tools("wikipedia_search")
        agent = po.PersonaAgent("message -> reply", user=user, tools=[search], max_actions=1)
        for _ in range(2):
            po.Conversation(user, agent, temporary=True)(message="What is it?")
        assert len(wiki.asked) == 2, "nothing was kept of the first time"
        for _ in range(2):
            po.Conversation(user, agent)(message="What is it?")
        assert len(wiki.asked) == 3, "and now it was"
    wiki.server.shutdown()
    wiki.server.server_close()
