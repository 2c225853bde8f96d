"""DSPy's own optimizers with a persona agent as student: the store stays as it is, what they write can be kept."""

from __future__ import annotations

import contextlib
import html
import json
import logging
import re
import sqlite3

import dspy
import pytest
from dspy.lm15 import Message, Request, Response, TextPart, Usage
from hashed_words import HashedWords
from scripted_lm import Rules, sections

import personaopt as po

TASK = "Answer the message."
RULES = Rules(sign_off="Best, Kim")
KNOWN = po.Statement("Answers in English.", evidence=("i1", "i3"))
LINE = RULES.lines()[0]
PLACES = ("the lake", "the station", "the lake house", "work", "the bakery", "the old mill")


class WritingEngine:
    """Obeys rules wherever they stand in its prompt, and writes what the optimizers ask for: the rule it was given.

    Args:
        line: The rule that it puts into every instruction it writes.
        lucky: Whether it keeps the rule by chance in every other handful of answers, as SIMBA needs.
    """

    def __init__(self, line: str = LINE, lucky: bool = False) -> None:
        self.line = line
        self.lucky = lucky
        self.answers = 0
        self.systems: list[str] = []

    def complete(self, request: Request) -> Response:
        system = request.system if isinstance(request.system, str) else ""
        user = "\n".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart))
        outputs = re.findall(r"^\d+\. `(\w+)`", system.partition("Your output fields are:")[2], re.MULTILINE)
        fields = {name: self._field(name, system, sections(user)) for name in outputs}
        reply = "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in fields.items())
        reply = json.dumps(fields) if "JSON object" in user else reply
        return Response(None, "scripted/writing", Message.assistant([TextPart(reply)]), "stop", Usage(9, 9))

    def _field(self, name: str, system: str, given: dict[str, str]) -> str:
        if name in ("proposed_instruction", "new_instruction"):
            return f"{TASK}\n{self.line}"
        if name == "module_advice":
            return json.dumps({"predict": self.line})
        if name != "reply":
            return "Something about letters."
        self.answers += 1
        self.systems.append(system)
        task = html.unescape(system.partition("objective is:")[2])
        kept = Rules.of(task).sign_off or (self.lucky and (self.answers // len(PLACES)) % 2)
        return (RULES if kept else Rules()).reply(given["message"])


def writing_lm(**dials) -> dspy.LM:
    return dspy.LM("scripted/writing", engine=WritingEngine(**dials), cache=False, num_retries=0)


def metric(example, prediction, trace=None, name=None, name_trace=None):
    right = float(prediction.reply == example.reply)
    feedback = "Right." if right else f"Expected {example.reply!r}."
    return dspy.Prediction(score=right, feedback=feedback) if name is not None else right


@pytest.fixture
def store(tmp_path):
    with po.open_store(tmp_path / "s.db", embedder=HashedWords()) as store:
        for name in ("u", "other"):
            user = store.user(name)
            for number, place in enumerate(PLACES):
                message = f"Can we meet at {place}?"
                truth = {"reply": RULES.reply(message)}
                user.record(po.Interaction({"message": message}, ground_truth=truth, time=number, id=f"i{number}"))
            user.save_persona(po.Persona((KNOWN,)), parent=0, author="me")
            user.search("anything", 1)  # embeds, which the first search would otherwise do
        yield store


@pytest.fixture
def agent(store):
    return po.PersonaAgent(dspy.Signature("message -> reply", TASK), user=store.user("u"), retrieve=0)


@pytest.fixture
def rows(tmp_path):
    """Reads everything that is in the file."""

    def read() -> list[str]:
        with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as connection:
            return list(connection.iterdump())

    return read


def trainset(store) -> list[dspy.Example]:
    return [
        dspy.Example(**item.inputs, **item.ground_truth).with_inputs("message") for item in store.user("u").history()
    ]


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("dspy").setLevel(logging.ERROR)
    yield
    logging.getLogger("dspy").setLevel(logging.WARNING)


def compiled(optimizer: str, agent, store):
    """The agent after one of DSPy's optimizers, with the smallest settings that let it change something."""
    examples = trainset(store)
    if optimizer == "GEPA":
        gepa = dspy.GEPA(metric, max_metric_calls=40, reflection_lm=dspy.settings.lm, num_threads=1, use_merge=False)
        return gepa.compile(agent, trainset=examples[:4], valset=examples[4:])
    if optimizer == "COPRO":
        copro = dspy.COPRO(metric=metric, breadth=2, depth=1)
        return copro.compile(agent, trainset=examples, eval_kwargs={"num_threads": 1, "display_progress": False})
    if optimizer == "SIMBA":
        simba = dspy.SIMBA(metric=metric, bsize=6, num_candidates=2, max_steps=1, max_demos=0, num_threads=1)
        return simba.compile(agent, trainset=examples, seed=0)
    pytest.importorskip("optuna")
    mipro = dspy.MIPROv2(
        metric=metric,
        auto=None,
        num_candidates=2,
        num_threads=1,
        max_bootstrapped_demos=0,
        max_labeled_demos=0,
        init_temperature=1.0,
    )
    return mipro.compile(agent, trainset=examples[:3], valset=examples[3:], num_trials=3, minibatch=False, seed=1)


@pytest.mark.filterwarnings("ignore:Argument ``multivariate``")
@pytest.mark.parametrize("optimizer", ["GEPA", "COPRO", "SIMBA", "MIPROv2"])
def test_what_an_optimizer_writes_comes_back_as_a_version(optimizer, agent, store, rows):
    before = rows()
    instructions = agent.predict.signature.instructions
    with dspy.context(lm=writing_lm(lucky=optimizer == "SIMBA"), adapter=None):
        written = compiled(optimizer, agent, store)
        assert rows() == before
        assert agent.predict.signature.instructions == instructions
        assert agent.persona == po.Persona((KNOWN,))
        assert isinstance(written, po.PersonaAgent)
        assert LINE in written.predict.signature.instructions
        assert written(message="Shall we?").reply == RULES.reply("Shall we?")

        (*_, new) = written.persona.statements
        assert LINE in new.text
        assert new.source == "written"
        version = written.save_persona(author=optimizer, reason="It helped.")
        assert (version.version, version.parent, version.author, version.reason) == (2, 1, optimizer, "It helped.")
        assert version.persona == written.persona == store.user("u").persona
        assert store.user("u").personas()[0].persona.apply(version.edits) == version.persona
        assert written.persona_version == 2
        answer = written(message="Shall we?")
    # The instructions are the task's own with the persona behind them, and say the same.
    assert written.predict.signature.instructions.startswith(f"{TASK}\n\nWhat is known of this user")
    assert written.predict.signature.instructions.count(LINE) == 1
    assert (answer.reply, answer.persona_version) == (RULES.reply("Shall we?"), 2)
    assert store.user("other").version == 1
    assert agent.refresh().persona == version.persona


def test_simbas_advice_stands_beside_what_was_known(agent, store):
    """SIMBA appends: the block is still there, and its statements keep their evidence."""
    with dspy.context(lm=writing_lm(lucky=True), adapter=None):
        written = compiled("SIMBA", agent, store)
    assert written.persona.statements == (KNOWN, po.Statement(LINE, source="written"))
    version = written.save_persona(author="SIMBA")
    assert [(edit.action, edit.statement.text) for edit in version.edits] == [("add", LINE)]


def test_bootstrapped_examples_stay_in_the_program(agent, store, rows, tmp_path):
    store.user("u").save_persona(po.Persona((KNOWN, po.Statement(LINE))), parent=1, author="me")
    before = rows()
    agent.refresh()
    with dspy.context(lm=writing_lm(), adapter=None):
        optimizer = dspy.BootstrapFewShot(metric=metric, max_bootstrapped_demos=2, max_labeled_demos=3)
        student = po.PersonaAgent(agent.task, user=agent.user, retrieve=1)
        written = optimizer.compile(student, trainset=trainset(store))
        assert rows() == before
        assert student.predict.demos == []
        demos = written.predict.demos
        assert len([demo for demo in demos if demo.get("augmented")]) == 2
        assert len(demos) == 3
        assert written.persona == agent.persona
        assert written.save_persona(author="BootstrapFewShot") == store.user("u").personas()[-1]  # nothing new
        assert rows() == before

        expected = written(message="Shall we?").reply
        written.save(tmp_path / "state.json")
        loaded = po.PersonaAgent(agent.task, user=agent.user, retrieve=1)
        loaded.load(tmp_path / "state.json")
        exported = po.load(po.export(written, tmp_path / "u.json"), store=store)
        for program in (loaded, exported):
            assert [demo["message"] for demo in program.predict.demos] == [demo["message"] for demo in demos]
            assert program(message="Shall we?").reply == expected
            prompt = dspy.ChatAdapter().format(program.predict.signature, program.predict.demos, {"message": "x"})
            assert sum(message["role"] == "assistant" for message in prompt) == 3


def test_a_version_saved_meanwhile_is_not_overwritten(agent, store):
    with dspy.context(lm=writing_lm(), adapter=None):
        written = compiled("COPRO", agent, store)
    store.user("u").save_persona(po.Persona(), parent=1, author="somebody else")
    with pytest.raises(po.VersionConflict):
        written.save_persona(author="COPRO")
    assert store.user("u").version == 2
    assert written.persona_version == 1
    assert LINE in str(written.persona)  # it is still there, to be saved after a look at the other one


def test_a_rewrite_above_the_limit_is_refused_and_changes_nothing(agent, store, rows):
    before = rows()
    with dspy.context(lm=writing_lm(line=f"{LINE} {'Be kind to all of them. ' * 100}"), adapter=None):
        written = compiled("COPRO", agent, store)
        with pytest.raises(po.PersonaError, match="limit is 400"):
            written.save_persona(author="COPRO")
        assert written(message="Shall we?").reply == RULES.reply("Shall we?")  # it answers as it was rewritten
    assert rows() == before


def test_an_empty_persona_is_not_saved(store):
    agent = po.PersonaAgent("message -> reply", user=store.user("new"))
    with pytest.raises(po.PersonaError, match="no persona to save"):
        agent.save_persona(author="me")
    assert store.user("new").version == 0
