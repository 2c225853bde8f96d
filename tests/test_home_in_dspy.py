"""The agent as a DSPy program: evaluated, run in parallel, awaited, streamed, saved, and fitted by ReAnchor."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Literal

import dspy
import pytest
from dspy.adapters.decision import record_evidence
from dspy.experimental import ReAnchor
from dspy.lm15 import Message, Request, Response, TextPart, Usage
from hashed_words import HashedWords
from scripted_lm import Rules, measuring_lm, scripted_lm

import personaopt as po
from personaopt.lm.calibration import Calibration
from personaopt.optimizers.critics import LMCritic
from personaopt.optimizers.editors import LMEditor
from personaopt.optimizers.starts import ProfileStart

SIGNED = Rules(sign_off="Best, Kim")
QUESTIONS = [f"Can we meet at {place}?" for place in ("the lake", "the station", "work", "the mill", "home", "sea")]


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "dark comedy", "drama"] = dspy.OutputField()


@pytest.fixture
def store():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for number, message in enumerate(QUESTIONS[:3]):
            truth = {"reply": SIGNED.reply(message)}
            user.record(po.Interaction({"message": message}, ground_truth=truth, time=number, id=f"i{number}"))
        line = po.Statement(SIGNED.lines()[0], evidence=("i0", "i2"))
        user.save_persona(po.Persona((line,)), parent=0, author="me")
        yield store


@pytest.fixture
def agent(store):
    return po.PersonaAgent("message -> reply", user=store.user("u"), retrieve=1)


@pytest.fixture
def lm():
    lm = scripted_lm()
    with dspy.context(lm=lm, adapter=None):
        yield lm


def examples(questions=QUESTIONS):
    return [dspy.Example(message=q, reply=SIGNED.reply(q)).with_inputs("message") for q in questions]


def test_evaluate(agent, lm):
    result = dspy.Evaluate(devset=examples(), metric=same_reply, num_threads=3, display_progress=False)(agent)
    assert result.score == 100.0
    assert [prediction.persona_version for _, prediction, _ in result.results] == [1] * 6
    assert lm.engine.count() == 6


def same_reply(example, prediction, trace=None):
    return prediction.reply == example.reply


def test_parallel(agent, lm, store):
    other = po.PersonaAgent("message -> reply", user=store.user("somebody else"))
    pairs = [(agent if place % 2 else other, example) for place, example in enumerate(examples())]
    answered = dspy.Parallel(num_threads=4, disable_progress_bar=True)(pairs)
    for place, (question, prediction) in enumerate(zip(QUESTIONS, answered, strict=True)):
        assert prediction.reply == (SIGNED if place % 2 else Rules()).reply(question)
        assert prediction.persona_version == place % 2


def test_asyncify(agent, lm):
    async def several():
        ask = dspy.asyncify(agent)
        return await asyncio.gather(*(ask(message=question) for question in QUESTIONS))

    assert [prediction.reply for prediction in asyncio.run(several())] == [SIGNED.reply(q) for q in QUESTIONS]


# ---- saving ----


def test_a_saved_state_carries_statements_with_their_evidence_and_the_version(agent, lm, store, tmp_path):
    path = tmp_path / "state.json"
    agent.save(path)
    json.loads(path.read_text())
    store.user("u").save_persona(po.Persona(), parent=1, author="me")
    loaded = po.PersonaAgent("message -> reply", user=store.user("u"), retrieve=1)
    assert (loaded.persona, loaded.persona_version) == (po.Persona(), 2)
    loaded.load(path)
    assert loaded.persona == agent.persona
    assert loaded.persona.statements[0].evidence == ("i0", "i2")
    assert loaded.persona_version == 1  # a snapshot, as it was saved
    assert loaded(message="Shall we?").reply == SIGNED.reply("Shall we?")
    loaded.persona = loaded.persona.apply(po.Edit("add", po.Statement("Is new.")))
    with pytest.raises(po.VersionConflict):
        loaded.save_persona(author="me")
    assert loaded.refresh().persona == po.Persona()


def test_the_same_persona_under_another_number_is_found(agent, store, tmp_path):
    agent.save(tmp_path / "state.json")
    with po.open_store(":memory:", embedder=HashedWords()) as elsewhere:
        user = elsewhere.user("u")
        user.save_persona(po.Persona.from_text("Another."), parent=0, author="me")
        user.save_persona(agent.persona, parent=1, author="me")
        user.save_persona(po.Persona.from_text("A third."), parent=2, author="me")
        loaded = po.PersonaAgent("message -> reply", user=user)
        loaded.load(tmp_path / "state.json")
        assert loaded.persona_version == 2


def test_a_persona_that_the_store_does_not_have_can_be_saved_into_it(agent, store, tmp_path):
    agent.save(tmp_path / "state.json")
    with po.open_store(":memory:", embedder=HashedWords()) as elsewhere:
        user = elsewhere.user("u")
        user.save_persona(po.Persona.from_text("Another."), parent=0, author="me")
        loaded = po.PersonaAgent("message -> reply", user=user)
        loaded.load(tmp_path / "state.json")
        assert loaded.persona_version == 1  # the one it would follow
        assert loaded.save_persona(author="restored").parent == 1
        assert user.persona == agent.persona
        assert loaded.persona_version == 2


def test_another_users_state_is_refused(agent, store, tmp_path):
    agent.save(tmp_path / "state.json")
    other = po.PersonaAgent("message -> reply", user=store.user("other"))
    with pytest.raises(po.ProgramError, match="user 'u'"):
        other.load(tmp_path / "state.json")
    assert other.persona == po.Persona()
    assert "Kim" not in other.predict.signature.instructions


class Office(dspy.Module):
    """A program with an agent inside."""

    def __init__(self, user):
        super().__init__()
        self.clerk = po.PersonaAgent("message -> reply", user=user, retrieve=0)

    def forward(self, message):
        return self.clerk(message=message)


def test_inside_another_program(store, lm, tmp_path):
    office = Office(store.user("u"))
    office.save(tmp_path / "office.json")
    store.user("u").save_persona(po.Persona(), parent=1, author="me")
    loaded = Office(store.user("u"))
    loaded.load(tmp_path / "office.json")
    assert loaded(message="Hi").reply == SIGNED.reply("Hi")
    assert loaded.clerk.persona_version == 1
    assert loaded.clerk.persona == office.clerk.persona


# ---- streaming ----


class Stream:
    """Answers in small pieces."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked = 0

    def complete(self, request: Request) -> Response:
        self.asked += 1
        return Response(None, "scripted/stream", Message.assistant([TextPart(self.text)]), "stop", Usage(1, 1))

    def stream(self, request: Request):
        from dspy._vendor.lm15.result import response_to_events
        from dspy.lm15 import StreamDeltaEvent, TextDelta

        for event in response_to_events(self.complete(request)):
            if event.type == "delta":
                for place in range(0, len(self.text), 4):
                    yield StreamDeltaEvent(TextDelta(self.text[place : place + 4], part_index=0))
            else:
                yield event


async def collected(program, **inputs):
    return [value async for value in program(**inputs)]


def test_free_text_is_streamed(agent):
    reply = "The lake is fine with me, and so is the hour that you named."
    engine = Stream(f"[[ ## reply ## ]]\n{reply}\n\n[[ ## completed ## ]]")
    listener = dspy.streaming.StreamListener(signature_field_name="reply")
    with dspy.context(lm=dspy.LM("scripted/stream", engine=engine, cache=False), adapter=dspy.ChatAdapter()):
        streamed = dspy.streamify(agent, stream_listeners=[listener])
        *chunks, last = asyncio.run(collected(streamed, message="Where?"))
    assert len(chunks) > 3
    assert "".join(chunk.chunk for chunk in chunks).strip() == reply
    assert (last.reply, last.persona_version) == (reply, 1)


@pytest.mark.parametrize("listening", [True, False])
def test_what_is_decided_as_a_whole_says_so_before_anything_is_sent(store, listening):
    lm = measuring_lm(lambda prompt, answer: 0.0)
    listeners = [dspy.streaming.StreamListener(signature_field_name="tag")] if listening else []
    agent = po.PersonaAgent(TagFilm, user=store.user("u"), calibration=None)
    with dspy.context(lm=lm, adapter=po.LocalAdapter()):
        with pytest.raises(po.ConfigurationError, match="tag is chosen by its probability"):
            asyncio.run(collected(dspy.streamify(agent, stream_listeners=listeners), description="A comedy"))
        assert lm.engine.prompts == []
        assert agent(description="A comedy").tag == "comedy"


def test_weighed_answers_of_a_chat_model_are_not_streamed_either(store, lm):
    agent = po.PersonaAgent(TagFilm, user=store.user("u"))
    agent.predict.fields = {"tag": {"instructions": "Which tag?"}}
    with pytest.raises(po.ConfigurationError, match="cannot be streamed"):
        asyncio.run(collected(dspy.streamify(agent), description="A comedy"))
    assert lm.engine.count() == 0


@pytest.mark.local_model
def test_the_local_model_in_dspys_hands(store, local_lm):
    agent = po.PersonaAgent("message -> reply", user=store.user("u"), retrieve=1)
    with dspy.context(lm=local_lm.copy(max_tokens=12), adapter=None):
        *_, last = asyncio.run(collected(dspy.streamify(agent), message="Where?"))
        assert last.reply == agent(message="Where?").reply
        listener = dspy.streaming.StreamListener(signature_field_name="reply")
        with dspy.context(adapter=po.LocalAdapter()), pytest.raises(po.ConfigurationError, match="StreamListener"):
            asyncio.run(collected(dspy.streamify(agent, stream_listeners=[listener]), message="Where?"))
        tagger = po.PersonaAgent(TagFilm, user=store.user("u"), retrieve=0)
        pairs = [(tagger, {"description": f"A comedy about {q}"}) for q in QUESTIONS[:3]]
        answered = dspy.Parallel(num_threads=3, disable_progress_bar=True)(pairs)
        for (_, inputs), prediction in zip(pairs, answered, strict=True):
            assert tagger(**inputs).probabilities["tag"] == pytest.approx(prediction.probabilities["tag"])


# ---- ReAnchor ----

FILMS = [f"{kind} {thing}" for thing in ("lake", "station", "house", "mill") for kind in ("crime", "love")]


def shy(prompt: str, answer: str) -> float:
    """A model that knows a dark comedy when it sees one, and does not dare to say so."""
    return {"comedy": 1.0, "dark comedy": 0.6 if "crime" in prompt else -1.0, "drama": -3.0}[answer]


def films():
    return [
        dspy.Example(description=film, tag="dark comedy" if "crime" in film else "comedy").with_inputs("description")
        for film in FILMS
    ]


def same_tag(example, prediction, trace=None):
    return float(prediction.tag == example.tag)


@pytest.fixture
def tagger(store):
    return po.PersonaAgent(TagFilm, user=store.user("u"), retrieve=0, calibration=None)


@pytest.mark.parametrize("calibration", [None, Calibration({"model": 0.3}), Calibration({"model": 3.0, "length": 0.1})])
def test_reanchor_fits_the_label_weights(tagger, calibration, store, tmp_path):
    tagger.calibration = calibration
    with dspy.context(lm=measuring_lm(shy), adapter=po.LocalAdapter()):
        before = tagger(description="crime lake")
        assert before.tag == "comedy"
        optimizer = ReAnchor(same_tag, num_threads=1, require_cache=False)
        fitted = optimizer.compile(tagger, trainset=films())
        assert (optimizer.report["train_score_before"], optimizer.report["train_score"]) == (0.5, 1.0)
        assert tagger.predict.fields == {}
        weights = fitted.predict.fields["tag"]["weights"]
        assert weights != dict.fromkeys(weights, 1.0)
        crime, love = fitted(description="crime lake"), fitted(description="love lake")
        awaited = asyncio.run(fitted.acall(description="crime lake"))

        # The weights are applied to what was calibrated, and to nothing else.
        products = {tag: p * weights[tag] for tag, p in before.probabilities["tag"].items()}
        expected = {tag: p / sum(products.values()) for tag, p in products.items()}
        assert crime.probabilities["tag"] == pytest.approx(expected)
        assert math.isclose(sum(crime.probabilities["tag"].values()), 1.0)
        assert crime.probabilities == awaited.probabilities
        assert (crime.tag, love.tag, awaited.tag) == ("dark comedy", "comedy", "dark comedy")

        fitted.save(tmp_path / "state.json")
        loaded = po.PersonaAgent(TagFilm, user=store.user("u"), retrieve=0, calibration=calibration)
        loaded.load(tmp_path / "state.json")
        exported = po.load(po.export(fitted, tmp_path / "u.json"), store=store)
        for program in (loaded, exported):
            assert program(description="crime lake").probabilities["tag"] == pytest.approx(expected)


def test_the_evidence_is_what_the_weights_are_applied_to(tagger):
    tagger.predict.fields = {"tag": {"weights": {"drama": 2.0}}}
    tagger.calibration = Calibration({"model": 0.5})
    with dspy.context(lm=measuring_lm(shy), adapter=po.LocalAdapter()):
        tagger.predict.fields = {}
        plain = tagger(description="crime lake").probabilities["tag"]
        tagger.predict.fields = {"tag": {"weights": {"drama": 2.0}}}
        with record_evidence() as log:
            tagger(description="crime lake")
    ((caller, name, found),) = log
    assert (caller, name) == (tagger.predict, "tag")
    assert found["probabilities"] == pytest.approx(plain)


class Judge(dspy.Signature):
    """Judge the film."""

    description: str = dspy.InputField()
    good: bool = dspy.OutputField()


def test_reanchor_fits_a_threshold(store):
    examples = [dspy.Example(description=film, good="love" in film).with_inputs("description") for film in FILMS]
    judge = po.PersonaAgent(Judge, user=store.user("u"), retrieve=0, calibration=None)

    def keen(prompt: str, answer: str) -> float:
        return (2.0 if "love" in prompt else 1.0) if answer == "true" else 0.0

    with dspy.context(lm=measuring_lm(keen), adapter=po.LocalAdapter()):
        metric = lambda example, prediction, trace=None: float(prediction.good == example.good)  # noqa: E731
        fitted = ReAnchor(metric, num_threads=1, require_cache=False).compile(judge, trainset=examples)
        assert fitted.predict.fields["good"]["threshold"] > 1 / (1 + math.exp(-1.0))
        assert [fitted(description=film).good for film in FILMS] == ["love" in film for film in FILMS]
        answered = fitted(description="crime lake")
        assert answered.probabilities["good"]["true"] < 0.5
        assert answered.good is False


def test_worked_examples_stay_in_the_prompt_when_weights_are_set(tagger):
    lm = measuring_lm(shy)
    tagger.predict.demos = [dspy.Example(description="A film of long ago", tag="drama")]
    tagger.predict.fields = {"tag": {"weights": {"drama": 2.0}}}
    with dspy.context(lm=lm, adapter=po.LocalAdapter()):
        tagger(description="crime lake")
    assert "A film of long ago" in lm.engine.prompts[0]


class VerbalEngine:
    """A chat model that puts its probabilities into words."""

    def complete(self, request: Request) -> Response:
        user = "\n".join(part.text for part in request.messages[-1].parts)
        film = user.partition("## description ## ]]\n")[2].split("\n")[0]
        weights = {tag: math.exp(shy(film, tag)) for tag in ("comedy", "dark comedy", "drama")}
        shares = {tag: weight / sum(weights.values()) for tag, weight in weights.items()}
        answer = json.dumps({"probabilities": shares, "confidence": 0.5})
        reply = f"[[ ## tag ## ]]\n{answer}\n\n[[ ## completed ## ]]"
        if "probabilities" not in str(request.system):
            reply = f"[[ ## tag ## ]]\n{max(shares, key=shares.get)}\n\n[[ ## completed ## ]]"
        return Response(None, "scripted/verbal", Message.assistant([TextPart(reply)]), "stop", Usage(1, 1))


def test_reanchor_with_a_chat_model(store):
    described = TagFilm.with_updated_fields("tag", desc="The tag that fits.")
    agent = po.PersonaAgent(described, user=store.user("u"), retrieve=0)
    lm = dspy.LM("scripted/verbal", engine=VerbalEngine(), cache=False, num_retries=0)
    with dspy.context(lm=lm, adapter=dspy.ChatAdapter()):
        assert agent(description="crime lake").tag == "comedy"
        fitted = ReAnchor(same_tag, num_threads=1, require_cache=False).compile(agent, trainset=films())
        assert [fitted(description=film).tag == "dark comedy" for film in FILMS] == ["crime" in film for film in FILMS]


@pytest.mark.local_model
def test_reanchor_with_the_local_model(tagger, local_lm):
    described = {"crime": "A heist goes wrong and everybody laughs", "love": "Two neighbours fall in love"}
    trainset = [
        dspy.Example(description=f"{text}, at the {place}.", tag="drama").with_inputs("description")
        for text in described.values()
        for place in ("lake", "mill")
    ]
    with dspy.context(lm=local_lm, adapter=po.LocalAdapter()):
        before = [tagger(**example.inputs()) for example in trainset]
        optimizer = ReAnchor(same_tag, num_threads=1, require_cache=False)
        fitted = optimizer.compile(tagger, trainset=trainset)
        after = [fitted(**example.inputs()) for example in trainset]
    right = [sum(p.tag == "drama" for p in row) / len(row) for row in (before, after)]
    assert right[0] < 1.0, "nothing to fit"
    assert right[1] > right[0]
    weights = fitted.predict.fields["tag"]["weights"]
    for old, new in zip(before, after, strict=True):
        products = {tag: p * weights[tag] for tag, p in old.probabilities["tag"].items()}
        total = sum(products.values())
        assert new.probabilities["tag"] == pytest.approx({tag: p / total for tag, p in products.items()}, abs=1e-4)


# ---- what DSPy asks of an optimizer ----


class Watcher(dspy.utils.callback.BaseCallback):
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def on_compile_start(self, call_id, instance, inputs):
        self.seen.append(("start", type(instance).__name__))

    def on_compile_end(self, call_id, outputs, exception=None):
        self.seen.append(("end", type(exception or outputs).__name__))


@pytest.mark.parametrize("awaited", [False, True])
def test_compile_callbacks_fire_once(agent, lm, store, awaited, caplog):
    told = []

    def compiled(student):
        aligner = po.PersonaAligner(latest=2, held_out=1, epochs=1, callbacks=[told.append])
        return asyncio.run(aligner.acompile(student)) if awaited else aligner.compile(student)

    watcher = Watcher()
    with dspy.context(callbacks=[watcher]):
        compiled(agent)
        assert watcher.seen == [("start", "PersonaAligner"), ("end", "PersonaAgent")]
        watcher.seen.clear()
        with pytest.raises(po.DataError):
            compiled(po.PersonaAgent("message -> reply", user=store.user("new")))
        assert watcher.seen == [("start", "PersonaAligner"), ("end", "DataError")]
    assert told  # our listeners are told of events ...
    assert "callback" not in caplog.text  # ... and are not taken for callbacks of DSPy's


def test_parameters_hold_no_secrets():
    lm = dspy.LM("openai/gpt-4.1-mini", api_key="sk-secret", api_base="http://secret.example")
    aligner = po.PersonaAligner(
        critic=LMCritic(lm=lm),
        editor=LMEditor(lm=lm),
        start=ProfileStart(lm=lm),
        metric=same_reply,
        budget=po.Budget(calls=9),
        callbacks=[po.Progress(), lambda event: lm],
    )
    parameters = aligner.get_params()
    assert "sk-secret" not in json.dumps(parameters)
    assert "secret.example" not in json.dumps(parameters)
    assert parameters["critic"] == "LMCritic"
    assert parameters["metric"] == "same_reply"
    assert parameters["budget"]["calls"] == 9
    assert parameters["latest"] == 8
