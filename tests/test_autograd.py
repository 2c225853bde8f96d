"""Textual autograd on textgrad's variables, and textgrad kept quiet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

from personaopt.agent import PersonaAgent
from personaopt.interaction import Interaction
from personaopt.lm.driving import drive
from personaopt.memory import open_store
from personaopt.optimizers.autograd import TextualGraph
from personaopt.optimizers.critics import ChainedCritic, ContrastiveCritic, LMCritic
from personaopt.optimizers.losses import Outcome
from personaopt.persona import Persona

KIM = Rules(sign_off="Best, Kim")


def outcomes(count):
    found = []
    for number in range(count):
        text = f"Shall we meet at house {number}"
        truth = {"reply": KIM.reply(text)}
        interaction = Interaction({"message": text}, ground_truth=truth, id=f"i{number}")
        found.append(Outcome(interaction, {"reply": Rules().reply(text)}, 0.5))
    return found


@pytest.fixture
def agent():
    with open_store(":memory:", embedder=HashedWords()) as store:
        yield PersonaAgent("message -> reply", user=store.user("u"))


def backward(graph, critic, lm=None, names=None):
    names = [] if names is None else names

    def level(name, asks):
        names.append(name)
        return (yield asks)

    with dspy.context(lm=lm, adapter=None):
        return drive(graph.backward(critic, level), threads=8)


def test_losses_depend_on_responses_and_responses_on_the_persona(agent):
    from textgrad import Variable

    persona = Persona.from_text("Is brief.")
    graph = TextualGraph(agent, persona, outcomes(3))
    assert isinstance(graph.persona.variable, Variable)
    assert graph.persona.variable.requires_grad
    assert graph.persona.variable.value == persona.render()
    assert graph.persona.variable.predecessors == set()
    for loss, response, outcome in zip(graph.losses, graph.responses, graph.outcomes, strict=True):
        assert loss.variable.predecessors == {response.variable}
        assert response.variable.predecessors == {graph.persona.variable}
        assert response.variable.value == outcome.response["reply"]
        assert outcome.interaction.ground_truth["reply"] in loss.variable.value.encode().decode("unicode_escape")


@pytest.mark.parametrize("written", [True, False])
def test_backward_leaves_one_gradient_for_each_interaction_in_their_order(agent, written):
    graph = TextualGraph(agent, Persona(), outcomes(6))
    lm = scripted_lm(gather=0.1)
    assert backward(graph, LMCritic() if written else ContrastiveCritic(), lm) == []
    assert [gradient.outcome.interaction.id for gradient in graph.persona.gradients] == [f"i{n}" for n in range(6)]
    texts = {variable.value for variable in graph.persona.variable.gradients}
    assert texts == {gradient.text for gradient in graph.persona.gradients}
    assert all(not variable.requires_grad for variable in graph.persona.variable.gradients)
    assert [len(response.gradients) for response in graph.responses] == [1] * 6
    assert lm.engine.levels == ([6] if written else [])  # eight backward calls at once, not one after the other


def test_a_critique_that_fails_leaves_no_gradient_and_the_others_stay(agent):
    graph = TextualGraph(agent, Persona(), outcomes(4))
    lm = scripted_lm(spoil=lambda kind, number, prompt: "" if "house 2\n" in prompt else None)
    (failure,) = backward(graph, LMCritic(), lm)
    assert "AdapterParseError" in failure.reason
    assert [gradient.outcome.interaction.id for gradient in graph.persona.gradients] == ["i0", "i1", "i3"]
    assert [len(response.gradients) for response in graph.responses] == [1, 1, 0, 1]


def test_a_chained_critic_writes_the_losses_first_and_the_second_call_does_not_see_the_truth(agent):
    graph = TextualGraph(agent, Persona(), outcomes(5))
    lm = scripted_lm(gather=0.1)
    names: list = []
    assert backward(graph, ChainedCritic(), lm, names) == []
    assert names == ["loss", "critique"]
    assert lm.engine.levels == [5, 5]  # two levels, whatever n is
    assert [call.kind for call in lm.engine.calls] == ["loss"] * 5 + ["critique"] * 5
    for call in lm.engine.calls[5:]:
        assert "expected" not in call.sections
        assert call.sections["loss"] in {loss.variable.value for loss in graph.losses}
    assert all("Best, Kim" in loss.variable.value for loss in graph.losses)
    assert len(graph.persona.gradients) == len(graph.persona.variable.gradients) == 5


def test_a_loss_that_fails_costs_no_second_call(agent):
    graph = TextualGraph(agent, Persona(), outcomes(4))

    def spoil(kind, number, prompt):
        failed = {"loss": "house 1\n", "critique": "house 3\n"}.get(kind, "never")
        return "I'm sorry, I can't help with that." if failed in prompt else None

    lm = scripted_lm(spoil=spoil)
    failures = backward(graph, ChainedCritic(), lm)
    assert len(failures) == 2
    assert [gradient.outcome.interaction.id for gradient in graph.persona.gradients] == ["i0", "i2"]
    assert not [call for call in lm.engine.calls if call.kind == "critique" and "house 1\n" in call.user]


def test_critiques_drawn_anew_are_other_requests(agent):
    lm = scripted_lm()
    seen = []
    lm.engine.spoil = lambda kind, number, prompt: seen.append(kind)
    for again in (0, 1):
        graph = TextualGraph(agent, Persona(), outcomes(2))
        with dspy.context(lm=lm, adapter=None):
            drive(graph.backward(LMCritic(), lambda name, asks: (yield asks), again=again), threads=2)
    assert seen == ["critique"] * 4
    first, second = (
        [ask.asked.get("again") for ask in (LMCritic().gradient(agent, Persona(), outcome).again(time),)]
        for time, outcome in ((1, outcomes(1)[0]), (2, outcomes(1)[0]))
    )
    assert (first, second) == ([1], [2])


QUIET = """
import logging, os, sys
sys.path.insert(0, sys.argv[1])
import personaopt
assert "textgrad" not in sys.modules
import dspy
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm
lm = scripted_lm()
dspy.configure(lm=lm)
user = personaopt.open_store(":memory:", embedder=HashedWords()).user("u")
rules = Rules(lower=True)
for n in range(6):
    text = f"Secret number {n}"
    user.record(personaopt.Interaction({"message": text}, ground_truth={"reply": rules.reply(text)}, time=n))
agent = personaopt.PersonaAgent("message -> reply", user=user)
aligned = personaopt.PersonaAligner(latest=4, held_out=2).compile(agent)
assert aligned.detailed_results.accepted
assert "textgrad" in sys.modules
loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict] + [logging.root]
files = [h.baseFilename for logger in loggers for h in logger.handlers if isinstance(h, logging.FileHandler)]
assert not files, files
assert "TEXTGRAD_LOG_DIR" not in os.environ
print(os.listdir("."))
"""


def test_textgrad_writes_no_prompts_anywhere(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:personaopt", "-c", QUIET, str(Path(__file__).parent)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
    assert "Secret" not in ran.stderr
