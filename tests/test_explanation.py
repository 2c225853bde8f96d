"""Why an agent answered what it did: what it had, and what each part of it changed."""

from __future__ import annotations

import enum
import json
import re
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, measuring_lm, scripted_lm

import personaopt as po
from personaopt.lm.calibration import Calibration

CRIME = po.Statement('Calls every comedy with crime "dark comedy".', evidence=("i0",))
IDLE = po.Statement("Lives by the sea.", source="stated")


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "dark comedy", "drama"] = dspy.OutputField()


def by_prompt(prompt: str, answer: str) -> float:
    """Half a nat for each shown memory of the answer, and two for the rule where it is shown and applies."""
    persona = prompt.rpartition("crime in it")[0]
    remembered = len(re.findall(rf"^Tag: {answer}$", prompt, re.MULTILINE))
    return 0.5 * remembered + 2.0 * (answer == "dark comedy" and 'with crime "dark comedy"' in persona)


@pytest.fixture
def user():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for number, tag in enumerate(("dark comedy", "drama", "comedy")):
            truth = {"tag": tag}
            user.record(
                po.Interaction({"description": f"A film {number}"}, ground_truth=truth, time=number, id=f"i{number}")
            )
        user.save_persona(po.Persona((IDLE, CRIME)), parent=0, author="me")
        yield user


@pytest.fixture
def agent(user):
    return po.PersonaAgent(TagFilm, user=user, retrieve=2, calibration=None)


def test_each_part_is_left_out_once(agent):
    lm = measuring_lm(by_prompt)
    with dspy.context(lm=lm, adapter=po.LocalAdapter()):
        prediction = agent(description="A comedy with crime in it")
        assert prediction.tag == "dark comedy"
        lm.engine.prompts.clear()
        why = agent.why(prediction)
        assert why.calls == len(lm.engine.prompts) == 1 + 2 + 2
        assert why.measured["tag"] == pytest.approx(prediction.probabilities["tag"]["dark comedy"])
        assert [part.statement for part in why.statements] == [CRIME, IDLE]  # the strongest first
        assert why.statements[0].effect["tag"] > 0.3
        assert why.statements[1].effect["tag"] == pytest.approx(0.0, abs=1e-9)
    assert {part.memory.interaction.id for part in why.memories} == {m.interaction.id for m in prediction.memories}
    assert "+0." in str(why)
    assert "i0" in str(why)
    assert "comedy with crime" in why._repr_html_()
    json.dumps(why.to_dict())
    assert "A film" not in json.dumps(why.to_dict())  # memories by id


def test_a_memorys_effect_has_its_sign(agent):
    with dspy.context(lm=measuring_lm(by_prompt), adapter=po.LocalAdapter()):
        prediction = agent(description="A film 0 with a dog")
        why = agent.why(prediction)
        effects = {part.memory.interaction.ground_truth["tag"]: part.effect["tag"] for part in why.memories}
    assert prediction.tag in effects
    for tag, effect in effects.items():
        assert (effect > 0) == (tag == prediction.tag)


def test_the_calibration_forgets_the_memory_too(user):
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=1, calibration=Calibration({"neighbours": 1.0}))
    with dspy.context(lm=measuring_lm(lambda prompt, answer: 0.0), adapter=po.LocalAdapter()):
        prediction = agent(description="A film 1")
        (part,) = agent.why(prediction).memories
    assert prediction.tag == part.memory.interaction.ground_truth["tag"] == "drama"
    assert part.effect["tag"] > 0.05


def test_without_measuring_nothing_is_called(agent):
    lm = measuring_lm(by_prompt)
    with dspy.context(lm=lm, adapter=po.LocalAdapter()):
        prediction = agent(description="A comedy with crime in it")
        lm.engine.prompts.clear()
        why = agent.why(prediction, measure=False)
    assert lm.engine.prompts == []
    assert [part.statement for part in why.statements] == [IDLE, CRIME]  # as they stand in the prompt
    assert all(part.effect is None for part in (*why.statements, *why.memories))
    assert (why.calls, why.note, why.persona_version) == (0, "", 1)


def test_an_lm_that_measures_nothing_is_not_asked(user):
    lm = scripted_lm()
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=1)
    with dspy.context(lm=lm, adapter=None):
        prediction = agent(description="A comedy with crime in it")
        why = agent.why(prediction)
    assert lm.engine.count() == 1
    assert "no probabilities" in why.note
    assert why.answer == {"tag": Rules.of(CRIME.text).label("A comedy with crime")}


@pytest.mark.local_model
def test_a_text_that_the_local_model_wrote(user, local_lm):
    signed = po.Statement("Ends every reply with: see you at the lake.")
    user.save_persona(po.Persona((IDLE, signed)), parent=1, author="me")
    agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
    with dspy.context(lm=local_lm.copy(max_tokens=8), adapter=None):
        prediction = agent(message="Are you free?")
        prediction.reply = "Yes, see you at the lake."  # so that it is known what carried it
        why = agent.why(prediction)
    assert (why.unit, why.calls) == ("log-likelihood a token", 3)
    assert why.statements[0].statement == signed
    assert why.statements[0].effect["reply"] > 0.1 > abs(why.statements[1].effect["reply"])
    assert why.measured["reply"] < 0
    assert "log-likelihood a token -" in str(why)


def test_it_is_about_the_persona_that_answered(agent, user):
    with dspy.context(lm=measuring_lm(by_prompt), adapter=po.LocalAdapter()):
        prediction = agent(description="A comedy with crime in it")
        user.save_persona(po.Persona(), parent=1, author="me")
        agent.refresh()
        why = agent.why(prediction)
    assert why.persona_version == 1
    assert why.statements[0].statement == CRIME
    assert why.statements[0].effect["tag"] > 0.3


def test_only_this_users_predictions(agent, user):
    with pytest.raises(po.ConfigurationError, match="Only a prediction"):
        agent.why(dspy.Prediction(tag="drama"))
    other = po.PersonaAgent(TagFilm, user=user.store.user("other"), calibration=None)
    with dspy.context(lm=measuring_lm(by_prompt), adapter=po.LocalAdapter()):
        prediction = other(description="A comedy")
        with pytest.raises(po.ConfigurationError, match="'other'"):
            agent.why(prediction)


@pytest.mark.local_model
def test_with_the_local_model(user, local_lm):
    user.save_persona(
        po.Persona((IDLE, po.Statement("The user's most frequent choice of tag: drama."))), parent=1, author="me"
    )
    agent = po.PersonaAgent(TagFilm, user=user, retrieve=2)
    with dspy.context(lm=local_lm, adapter=None):
        prediction = agent(description="Two brothers inherit a farm and quarrel.")
        why = agent.why(prediction)
    assert why.measured["tag"] == pytest.approx(prediction.probabilities["tag"][prediction.tag], abs=1e-3)
    assert why.calls == 5
    assert all(-1 <= part.effect["tag"] <= 1 for part in (*why.statements, *why.memories))
    assert max(part.strength for part in (*why.statements, *why.memories)) > 0.001


class Tone(enum.Enum):
    WARM = "warm"
    COOL = "cool"


class Judge(dspy.Signature):
    """Judge the text."""

    text: str = dspy.InputField()
    tone: Tone = dspy.OutputField()
    good: bool = dspy.OutputField()


def test_answers_that_are_no_text(user):
    agent = po.PersonaAgent(Judge, user=user, retrieve=0, calibration=None)
    with dspy.context(lm=measuring_lm(by_prompt), adapter=po.LocalAdapter()):
        prediction = agent(text="new")
        why = agent.why(prediction)
    assert (prediction.tone, prediction.good) == (Tone.WARM, True)
    assert why.measured == {"tone": 0.5, "good": 0.5}
    assert why.to_dict()["answer"] == {"tone": "warm", "good": "true"}
