"""The agent: any DSPy task, answered for one user under that user's persona and with that user's memories."""

from __future__ import annotations

import asyncio
import enum
import json
import math
from typing import Literal

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, measuring_lm, scripted_lm

from personaopt.agent import PersonaAgent, spelled
from personaopt.errors import ConfigurationError, DataError, PersonaError
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.calibration import Calibration
from personaopt.memory import open_store
from personaopt.persona import Edit, Persona, Statement

SIGNED = Rules(sign_off="Best, Kim <k&m>")


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField()
    tag: Literal["comedy", "dark comedy", "drama"] = dspy.OutputField()


@pytest.fixture
def user():
    with open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u")
        for number, place in enumerate(("the lake", "the station", "the lake house", "work")):
            message = f"Can we meet at {place}?"
            truth = {"reply": SIGNED.reply(message)}
            user.record(Interaction({"message": message}, ground_truth=truth, time=number, id=f"i{number}"))
        yield user


@pytest.fixture
def lm():
    lm = scripted_lm()
    with dspy.context(lm=lm, adapter=None):
        yield lm


def persona_of(rules: Rules) -> Persona:
    return Persona.from_text("\n".join(rules.lines()))


def test_persona_and_memories_are_in_the_prompt_and_steer_the_answer(user, lm):
    user.save_persona(persona_of(SIGNED), parent=0, author="me")
    agent = PersonaAgent("message -> reply", user=user, retrieve=2)
    prediction = agent(message="Can we meet at the lake tomorrow?")
    assert prediction.reply == SIGNED.reply("Can we meet at the lake tomorrow?")
    assert prediction.persona_version == 1
    assert {memory.interaction.id for memory in prediction.memories} == {"i0", "i2"}
    assert "probabilities" not in prediction
    (call,) = lm.engine.calls
    shown = json.loads(call.sections["memories"])
    assert [memory["inputs"]["message"] for memory in shown] == [
        memory.interaction.inputs["message"] for memory in reversed(prediction.memories)
    ]
    assert "Best, Kim &lt;k&amp;m&gt;" in call.system


def test_without_a_persona_the_instructions_are_the_tasks(user, lm):
    agent = PersonaAgent(TagFilm, user=user, retrieve=0)
    assert agent.predict.signature.instructions == TagFilm.instructions
    prediction = agent(description="A comedy with crime in it")
    assert prediction.tag == "comedy"
    assert prediction.persona_version == 0
    assert prediction.memories == []
    assert lm.engine.calls[0].sections["memories"] == "[]"


def test_decided_outputs_obey_the_persona_too(user, lm):
    rules = Rules(labels=(("comedy", "crime", "dark comedy"),))
    agent = PersonaAgent(TagFilm, user=user, retrieve=1, persona=persona_of(rules))
    assert agent(description="A comedy with crime in it").tag == "dark comedy"
    assert agent(description="A comedy with dogs in it").tag == "comedy"


def test_awaiting_gives_the_same(user, lm):
    user.save_persona(persona_of(SIGNED), parent=0, author="me")
    agent = PersonaAgent("message -> reply", user=user)
    called = agent(message="Shall we?")
    awaited = asyncio.run(agent.acall(message="Shall we?"))
    assert called.toDict() == awaited.toDict()
    first, second = lm.engine.calls
    assert (first.system, first.user) == (second.system, second.user)


def test_memories_come_strictly_before(user, lm):
    agent = PersonaAgent("message -> reply", user=user, retrieve=9)
    history = user.history()
    for place, interaction in enumerate(history):
        recalled = agent.recall(interaction.inputs, before=interaction)
        assert [memory.interaction.id for memory in recalled.earlier] == [item.id for item in history[:place]]
        assert {memory.interaction.id for memory in recalled.memories} == {item.id for item in history[:place]}
    assert len(agent.recall(history[0].inputs, before=2.0).earlier) == 2
    assert len(agent.recall({"message": "new"}).memories) == 4
    with pytest.raises(DataError):
        agent.recall(history[0].inputs, before=Interaction({"message": "not recorded"}))


def test_what_has_no_ground_truth_is_not_shown(user, lm):
    user.record(Interaction({"message": "Unanswered"}, response={"reply": "by the agent"}, time=9))
    recalled = PersonaAgent("message -> reply", user=user, retrieve=9).recall({"message": "Unanswered"})
    assert len(recalled.earlier) == len(recalled.memories) == 4


def test_an_agent_is_a_snapshot(user, lm):
    agent = PersonaAgent("message -> reply", user=user, retrieve=0)
    user.save_persona(persona_of(SIGNED), parent=0, author="me")
    assert "Kim" not in agent(message="Hi").reply
    assert agent.refresh() is agent
    assert "Kim" in agent(message="Hi").reply
    assert agent.persona_version == 1


def test_copies_share_the_memory_and_nothing_else(user, lm):
    agent = PersonaAgent("message -> reply", user=user, persona=persona_of(SIGNED))
    twin = agent.deepcopy()
    assert twin.user is agent.user
    assert twin.task is agent.task
    assert twin.predict is not agent.predict
    assert twin.persona == agent.persona
    twin.persona = Persona.from_text("Other.")
    assert agent.persona == persona_of(SIGNED)
    assert agent.reset_copy().persona == persona_of(SIGNED)
    assert [name for name, _ in agent.named_predictors()] == ["predict"]


def test_dspys_saved_state_carries_the_persona(user, lm, tmp_path):
    agent = PersonaAgent("message -> reply", user=user, persona=persona_of(SIGNED))
    path = tmp_path / "state.json"
    agent.save(path)
    fresh = PersonaAgent("message -> reply", user=user)
    fresh.load(path)
    assert fresh.persona.render() == agent.persona.render()
    assert fresh(message="Hi").reply == agent(message="Hi").reply
    assert "meet at" not in path.read_text()  # memories are not part of a program


def test_lines_that_another_optimizer_wrote_are_marked(user, lm):
    known = Statement("Likes tea.", evidence=("i1",), id="tea")
    agent = PersonaAgent("message -> reply", user=user, persona=Persona((known, Statement("Is brief."))))
    instructions = agent.predict.signature.instructions.replace("Is brief.", "Is very brief.\n- Asks nothing.")
    agent.predict.signature = agent.predict.signature.with_instructions(instructions)
    assert agent.persona.statements[0] == known
    assert [(s.text, s.source) for s in agent.persona.statements[1:]] == [
        ("Is very brief.", "written"),
        ("Asks nothing.", "written"),
    ]


@pytest.mark.parametrize("append", [True, False])
def test_instructions_that_another_optimizer_replaced_are_one_written_statement(user, lm, append):
    task = compose_task()
    agent = PersonaAgent(task, user=user, persona=Persona.from_text("Gone."))
    foreign = "Write as Kim would:\nshort, and signed."
    rewritten = f"{task.instructions}\n\n{foreign}" if append else foreign
    agent.predict.signature = agent.predict.signature.with_instructions(rewritten)
    (statement,) = agent.persona.statements
    assert (statement.text, statement.source) == ("Write as Kim would: short, and signed.", "written")
    agent.persona = agent.persona.apply(Edit("add", Statement("Uses emoji.")))
    assert agent.predict.signature.instructions.startswith(f"{task.instructions}\n\nWhat is known")
    assert agent.predict.signature.instructions.count("Write as Kim") == 1
    assert [s.text for s in agent.persona.statements][1] == "Uses emoji."


def test_a_rewrite_above_the_token_limit_is_refused(user, lm):
    agent = PersonaAgent("message -> reply", user=user)
    agent.predict.signature = agent.predict.signature.with_instructions("word " * 500)
    with pytest.raises(PersonaError, match="limit is 400"):
        _ = agent.persona
    assert agent.refresh().persona == Persona()


def compose_task() -> type[dspy.Signature]:
    return dspy.Signature("message -> reply", "Answer the message.")


@pytest.mark.parametrize("retrieve", [-1, 2.0, True, "4", None])
def test_how_many_memories_is_a_whole_number(user, retrieve):
    with pytest.raises(ConfigurationError, match="retrieves"):
        PersonaAgent("message -> reply", user=user, retrieve=retrieve)


def test_a_field_named_memories_is_refused(user):
    with pytest.raises(ConfigurationError, match="memories"):
        PersonaAgent("memories -> reply", user=user)


class Tone(enum.Enum):
    WARM = "warm"
    COOL = "cool"


class Judge(dspy.Signature):
    """Judge the text."""

    text: str = dspy.InputField()
    tone: Tone = dspy.OutputField()
    good: bool = dspy.OutputField()
    stars: int = dspy.OutputField(ge=1, le=5)


@pytest.mark.parametrize(
    "calibration", [None, Calibration({"model": 0.5, "frequencies": 2.0}), Calibration({"neighbours": 3.0})]
)
@pytest.mark.parametrize("awaited", [False, True])
def test_probabilities_sum_to_one_and_the_answer_is_the_likeliest(calibration, awaited):
    favourite = {"warm": 2.0, "cool": 1.0, "true": 0.5, "false": 0.0, "4": 1.0}
    with (
        open_store(":memory:", embedder=HashedWords()) as store,
        dspy.context(lm=measuring_lm(lambda prompt, answer: favourite.get(answer, -1.0)), adapter=LocalAdapter()),
    ):
        user = store.user("u")
        truth = {"tone": "cool", "good": False, "stars": 2}
        user.record([Interaction({"text": f"text {n}"}, ground_truth=truth, time=n) for n in range(6)])
        agent = PersonaAgent(Judge, user=user, retrieve=2, calibration=calibration)
        call = asyncio.run(agent.acall(text="new")) if awaited else agent(text="new")
    assert set(call.probabilities) == {"tone", "good", "stars"}
    for name, distribution in call.probabilities.items():
        assert math.isclose(sum(distribution.values()), 1.0, abs_tol=1e-9)
        assert spelled(call[name]) == max(distribution, key=distribution.get)
    assert (call.tone, call.good, call.stars) == (
        (Tone.WARM, True, 4) if calibration is None else (Tone.COOL, False, 2)
    )
    assert type(call.stars) is int


def test_a_calibration_sees_only_what_was_remembered():
    with (
        open_store(":memory:", embedder=HashedWords()) as store,
        dspy.context(lm=measuring_lm(lambda prompt, answer: 0.0), adapter=LocalAdapter()),
    ):
        user = store.user("u")
        user.record(
            [Interaction({"description": f"film {n}"}, ground_truth={"tag": "drama"}, time=n) for n in range(5)]
        )
        agent = PersonaAgent(TagFilm, user=user, calibration=Calibration({"frequencies": 1.0}))
        measured = {"comedy": 1 / 3, "dark comedy": 1 / 3, "drama": 1 / 3}
        shares = [
            agent.calibrated("tag", measured, agent.recall(item.inputs, before=item))["drama"]
            for item in user.history()
        ]
    assert shares[0] == pytest.approx(1 / 3)
    assert shares == sorted(shares)
    assert shares[1] == pytest.approx(1.3 / 1.9)


def test_nothing_is_embedded_where_nothing_is_recalled(lm):
    with open_store(":memory:", embedder=HashedWords()) as store:
        someone = store.user("u")
        someone.record(Interaction({"message": "a"}, ground_truth={"reply": "b"}))
        free = PersonaAgent("message -> reply", user=someone, retrieve=0)
        assert free(message="Can we meet?").memories == []
        assert store.embedder.texts == []
        # A closed set of answers has a prior, which is made from all that is remembered, shown or not.
        someone.record(Interaction({"description": "a"}, ground_truth={"tag": "drama"}))
        assert PersonaAgent(TagFilm, user=someone, retrieve=0).recall({"description": "a"}).earlier
        assert store.embedder.texts


def test_simulations_under_one_persona_share_its_prompt(user):
    agent = PersonaAgent("message -> reply", user=user)
    first, second = persona_of(SIGNED), persona_of(Rules(lower=True))
    recalled = agent.recall({"message": "a"})

    def composed(persona):
        return agent.prompt_inputs({"message": "a"}, recalled, persona)["signature"]

    shared = composed(first)
    assert composed(first) is shared
    assert "lower case" in composed(second).instructions
    assert "lower case" not in composed(first).instructions
