"""Semantic memory: what is believed, from when to when, and what is never learnt."""

import json
import threading

import dspy
import pytest
from hashed_words import HashedWords

from personaopt.errors import ConsentError, ForgottenError, ModelError
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.consolidation import Observation
from personaopt.memory.semantic import (
    LMSummary,
    StatisticalSummary,
    as_persona,
    own_words,
    recalled,
    summarise,
)
from personaopt.persona import Persona, Statement


def said(text, tag="drama", **values):
    return Interaction({"text": text}, {"tag": "what an agent said"}, {"tag": tag}, **values)


@pytest.fixture
def user(store):
    user = store.user("u")
    user.record(said(f"text {n}", id=str(n), time=float(n)) for n in range(8))
    return user


def texts(user, holds=True):
    return [fact.statement.text for fact in user.facts() if fact.holds == holds]


def test_two_witnesses_or_the_users_word(store, user):
    store.observe(
        "u", [Observation("Once.", ("1",)), Observation("Twice.", ("1", "3")), Observation("Told.", ("2",), True)]
    )
    assert set(texts(user)) == {"Twice.", "Told."}
    assert texts(user, holds=False) == ["Once."]
    store.observe("u", [Observation("once.", ("5",)), Observation("Once.", ("1",)), Observation("Nobody's.", ("99",))])
    assert set(texts(user)) == {"Once.", "Twice.", "Told."}
    (once,) = [fact for fact in user.facts() if fact.statement.text == "Once."]
    assert (once.first_seen, once.last_seen, once.statement.evidence) == (1.0, 5.0, ("1", "5"))
    assert once.statement.source == "learnt"
    user.forget("5")  # one witness is gone, and with it the belief
    assert texts(user, holds=False) == ["Once."]


def test_confidence_grows_with_evidence(store, user):
    store.observe("u", [Observation("A.", ("1", "2"))])
    few = user.facts()[0].statement.confidence
    store.observe("u", [Observation("A.", ("3", "4", "5"))])
    assert few < user.facts()[0].statement.confidence < 1
    assert store.observe("u", [Observation("A.", ("3", "4"))]) == []


def test_what_is_contradicted_ends_and_stays(store, user):
    store.observe("u", [Observation("Lives in Rome.", ("0", "1"), topic="home")])
    (rome,) = user.facts()
    store.observe("u", [Observation("Lives in Oslo.", ("4",), topic="home")])
    assert texts(user) == ["Lives in Rome."]  # one witness ends nothing
    store.observe("u", [Observation("Lives in Oslo.", ("5",), topic="home")])
    assert texts(user) == ["Lives in Oslo."]
    ended = next(fact for fact in user.facts() if fact.id == rome.id)
    assert (ended.statement.valid_from, ended.statement.valid_to) == (0.0, 4.0)
    oslo = next(fact for fact in user.facts() if fact.holds)
    assert ended.superseded_by == oslo.id
    store.observe("u", [Observation("Lives in Rome.", ("6", "7"), topic="home")])  # back again, from then on
    assert texts(user) == ["Lives in Rome."]
    assert len(user.facts()) == 3
    store.observe("u", [Observation("Is at sea.", ("7",), True, replaces=next(f.id for f in user.facts() if f.holds))])
    assert texts(user) == ["Is at sea."]


def test_observations_at_once_lose_nothing(address):
    with open_store(address, embedder=HashedWords()) as store:
        store.user("u").record(said("x", id=str(n)) for n in range(20))
        threads = [
            threading.Thread(
                target=store.observe,
                args=("u", [Observation("Same.", (str(n),)), Observation(f"{n}.", ("0", "1"))]),
            )
            for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        facts = {fact.statement.text: fact for fact in store.facts("u")}
        assert len(facts) == 13
        assert sorted(facts["Same."].statement.evidence, key=int) == [str(n) for n in range(12)]


def test_the_statistical_summary(store):
    user = store.user("u")
    user.record(
        said("x", tag, id=str(n)) for n, tag in enumerate(["drama", "comedy", "drama", "noir", "drama", "comedy"])
    )
    user.record(
        Interaction({"q": "?"}, ground_truth={"reply": "yes, i will come and bring some cake along"}, id=f"r{n}")
        for n in range(3)
    )
    summarise(user, StatisticalSummary())
    assert set(texts(user)) == {
        "Mostly gives the tag drama, comedy, noir.",
        "Writes a sentence or two as reply.",
        "Writes the reply in lower case.",
    }
    assert summarise(user, StatisticalSummary()) == []  # nothing new was recorded
    user.record(said("x", "western", id=f"w{n}") for n in range(9))
    changed = summarise(user, StatisticalSummary())
    assert {fact.holds for fact in changed} == {True, False}
    assert "Mostly gives the tag western, drama, comedy." in texts(user)
    assert "Mostly gives the tag drama, comedy, noir." in texts(user, holds=False)


class Observing:
    """An LM that notices what it is told to notice."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.prompts = []

    def complete(self, request):
        from dspy.lm15 import Message, Response, TextPart, Usage

        self.prompts.append("".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart)))
        reply = self.replies.pop(0) if self.replies else []
        if not isinstance(reply, str):
            asked_for_json = "JSON object" in self.prompts[-1]
            reply = json.dumps({"observations": reply} if asked_for_json else reply)
            reply = reply if asked_for_json else f"[[ ## observations ## ]]\n{reply}\n\n[[ ## completed ## ]]"
        return Response(None, "scripted/observing", Message.assistant([TextPart(reply)]), "stop", Usage(5, 5))


def observing(*replies):
    engine = Observing(*replies)
    return engine, dspy.LM("scripted/observing", engine=engine, cache=False, num_retries=0)


def noticed(text, *interactions, quote="", replaces=None):
    return {"text": text, "interactions": list(interactions), "quote": quote, "replaces": replaces}


def test_an_lm_writes_and_is_not_believed_too_soon(store):
    user = store.user("u")
    user.record(
        [said("I live in Rome, you know", id="a"), said("A quiet film", id="b"), said("Another quiet one", id="c")]
    )
    engine, lm = observing(
        [
            noticed("Lives in Rome.", 1, quote="i live in  rome"),
            noticed("Owns a boat.", 2, quote="I own a boat"),  # never said
            noticed("Likes quiet films.", 2, 3),
            noticed("Was made up.", 7, 0, -1),
            noticed(" ", 1),
        ]
    )
    with dspy.context(lm=lm):
        summarise(user, LMSummary())
        assert set(texts(user)) == {"Lives in Rome.", "Likes quiet films."}
        assert texts(user, holds=False) == ["Owns a boat."]
        assert summarise(user, LMSummary()) == []
    assert len(engine.prompts) == 1
    assert "what an agent said" not in engine.prompts[0]
    user.record(said("I moved to Oslo", id="d"))
    engine, lm = observing([noticed("Lives in Oslo.", 1, quote="I moved to Oslo", replaces=1)])
    summarise(user, LMSummary(lm))
    known = [fact.statement.text for fact in user.facts() if fact.holds]
    assert "Lives in Oslo." in known
    assert len(known) == 2
    assert "1. " in engine.prompts[0]


def test_a_reply_that_cannot_be_read_is_asked_for_again(user):
    _, lm = observing("nonsense", [noticed("Reads.", 1, 2)])
    summarise(user, LMSummary(lm))
    assert texts(user) == ["Reads."]
    _, lm = observing(*["nonsense"] * 8)
    user.record(said("more", id="more"))
    with pytest.raises(ModelError, match="could not be used"):
        summarise(user, LMSummary(lm))
    assert texts(user) == ["Reads."]
    _, lm = observing([noticed("Reads.", 1)])
    assert [fact.statement.evidence[-1] for fact in summarise(user, LMSummary(lm))] == [
        "more"
    ]  # it was not passed over


def test_without_an_lm_it_is_said(user):
    with dspy.context(lm=None), pytest.raises(ModelError, match="StatisticalSummary"):
        summarise(user, LMSummary())


def test_what_was_recalled_is_not_learnt_again():
    text = f"Context: {recalled('Owns a zebra </recalled> and a piano')} My question: and now?"
    words = own_words(
        Interaction({"text": text, "deep": [{"x": recalled("zebra")}]}, {"r": "zebra"}, {"r": recalled("z")})
    )
    assert words == {"said": {"text": "Context: My question: and now?", "deep": [{"x": ""}]}, "chose": {"r": ""}}
    assert own_words(Interaction({"text": "open <recalled>zebra"}))["said"] == {"text": "open"}


def test_a_persona_begins_with_what_holds(store, user):
    store.observe(
        "u",
        [
            Observation("Seen twice.", ("1", "2")),
            Observation("Seen often.", ("1", "2", "3", "4")),
            Observation("Seen once.", ("7",)),
            Observation("Far too long. " * 60, ("1", "2", "3", "4", "5")),
        ],
    )
    persona = as_persona(user.facts(), token_limit=40)
    assert [line.text for line in persona.statements] == ["Seen often.", "Seen twice."]
    assert persona.statements[0].evidence == ("1", "2", "3", "4")
    assert as_persona([]) == Persona()


def test_consent_and_forgetting_hold_here_too(store, user):
    class Forgets:
        def observe(self, reading):
            user.forget("1")
            return [Observation("From it.", ("0", "2"))]

    with pytest.raises(ForgottenError):
        summarise(user, Forgets())
    assert user.facts() == []
    user.consent = "record"
    with pytest.raises(ConsentError):
        summarise(user, StatisticalSummary())
    with pytest.raises(ConsentError):
        store.observe("u", [Observation("x", ("0", "2"))])


def test_what_an_lm_is_asked_stays_out_of_dspys_history_after_forgetting(store, user):
    _, lm = observing([noticed("Reads.", 1, 2)])
    summarise(user, LMSummary(lm))
    assert "text 3" in repr(lm.history)
    store.forget("u")
    assert "text 3" not in repr(lm.history)


def test_pinned_facts_are_not_ended(store, user):
    from personaopt.memory import Fact

    pinned = Fact(Statement("Lives in Rome.", field="home", pinned=True, source="written"), 0.0, 0.0)
    store.save_facts("u", [pinned])
    store.observe("u", [Observation("Lives in Oslo.", ("4", "5"), topic="home")])
    assert texts(user) == ["Lives in Rome.", "Lives in Oslo."]


def test_an_alignment_may_begin_with_it_and_is_not_judged_by_what_it_saw(store, user):
    import personaopt as po
    from personaopt.optimizers.starts import SemanticStart

    store.observe("u", [Observation("Seen early.", ("1", "2")), Observation("Seen late too.", ("1", "2", "7"))])
    agent = po.PersonaAgent("text -> tag", user=user, retrieve=0)
    history = user.history()[:6]
    assert SemanticStart().ask(agent, history).now(lambda calls: False).render() == "- Seen early."
    assert SemanticStart().ask(agent, history).calls == 0
