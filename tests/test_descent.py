"""PersonaDescent: TextGrad's optimizer interface over the library's edits and limits."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import dspy
import pytest
from scripted_lm import scripted_lm

import personaopt as po
from personaopt.evals.testbed.prompts import EVALUATOR
from personaopt.evals.testbed.stand_in import stand_in_lm
from personaopt.evals.testbed.users import invented_users
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.optimizers.descent import edited, gradients_in_order
from personaopt.persona import Edit, Persona, Statement, estimate_tokens

tg = textgrad()
LOWER = "This user avoids capital letters altogether."
SIGNS = 'The persona does not say that this user ends each message with the words "Best, Kim".'
LONG = "\n".join(f"- Line {number} says that the user likes the number {number} a lot." for number in range(12))


def variable(text, *feedback, role="persona"):
    found = tg.Variable(text, requires_grad=True, role_description=role)
    found.gradients = {tg.Variable(said, requires_grad=False, role_description="feedback") for said in feedback}
    return found


def editor(*edits, spoil=None):
    """An LM that proposes these edits, whatever it is shown."""
    return scripted_lm(replies={"edit": lambda given: {"edits": list(edits)}}, spoil=spoil)


def test_a_step_is_one_call_that_sees_every_line_and_every_gradient():
    lm = scripted_lm()
    persona = variable(LONG, LOWER, SIGNS, SIGNS + " ")
    optimizer = po.PersonaDescent(parameters=[persona], engine=lm)
    optimizer.step()
    (call,) = lm.engine.calls
    assert [line.partition(". ")[2] for line in json.loads(call.sections["persona"])] == [
        line.removeprefix("- ") for line in LONG.splitlines()
    ]
    assert sorted(line[3:].strip() for line in json.loads(call.sections["feedback"])) == sorted([LOWER, SIGNS, SIGNS])
    assert persona.value == LONG + '\n- Always signs with "Best, Kim".'
    (applied,) = optimizer.applied
    assert (applied.step, applied.parameter, len(applied.edits)) == (1, 0, 1)
    assert "Best, Kim" in applied.edits[0].reason
    assert not optimizer.skipped


def test_it_is_a_textgrad_optimizer_and_takes_what_textgrad_takes():
    optimizer = po.PersonaDescent(parameters=[variable("A.", LOWER)], engine=po.textgrad_engine(scripted_lm()))
    assert isinstance(optimizer, tg.optimizer.optimizer.Optimizer)
    optimizer.step()
    assert optimizer.parameters[0].value == "A.\nWrites in lower case."
    optimizer.zero_grad()
    optimizer.step()  # nothing to go by: no call, nothing changes
    assert optimizer.parameters[0].value == "A.\nWrites in lower case."
    assert [skipped.reason for skipped in optimizer.skipped] == ["it has no gradients"]
    assert optimizer.lm.engine.count() == 1
    tg.set_backward_engine(po.textgrad_engine(scripted_lm()), override=True)
    try:
        optimizer = po.PersonaDescent([variable("A.", LOWER)])
        optimizer.step()
        assert optimizer.parameters[0].value == "A.\nWrites in lower case."
    finally:
        tg.set_backward_engine(None, override=True)


def test_several_variables_are_edited_at_once_also_awaited():
    def made():
        lm = scripted_lm(gather=0.1)
        several = [variable("", LOWER, role="a"), variable("B.", SIGNS, role="b"), variable("C.", role="c")]
        return lm, po.PersonaDescent(several, engine=lm)

    lm, optimizer = made()
    optimizer.step()
    assert lm.engine.levels == [2]
    assert [parameter.value for parameter in optimizer.parameters] == [
        "- Writes in lower case.",
        'B.\nAlways signs with "Best, Kim".',
        "C.",
    ]
    lm, later = made()
    asyncio.run(later.astep())
    assert lm.engine.levels == [2]
    assert [parameter.value for parameter in later.parameters] == [p.value for p in optimizer.parameters]


def test_constraints_are_shown():
    lm = scripted_lm()
    po.PersonaDescent([variable("A.", LOWER)], lm, constraints=["Write in English.", "Stay polite."]).step()
    (call,) = lm.engine.calls
    assert json.loads(call.sections["constraints"]) == ["1. Write in English.", "2. Stay polite."]
    po.PersonaDescent([variable("A.", LOWER)], lm, constraints="Stay polite.").step()
    assert json.loads(lm.engine.calls[1].sections["constraints"]) == ["1. Stay polite."]


def test_lines_that_no_edit_is_about_stay_letter_for_letter():
    text = "You are an assistant.\n\n  Be   brief.\n# Style\nUse tables.\nBe   brief."
    known = {statement.text: statement.id for statement in Persona.from_text(text).statements}
    edits = (
        Edit("remove", target=known["Use tables."]),
        Edit("replace", Statement("Answer in one sentence."), known["You are an assistant."]),
        Edit("add", Statement("Likes red.")),
    )
    after = "Answer in one sentence.\n\n  Be   brief.\n# Style\nBe   brief.\nLikes red."
    assert edited(text, edits) == after
    assert edited("- a\n- b", [Edit("add", Statement("c"))]) == "- a\n- b\n- c"
    assert edited("", [Edit("add", Statement("c"))]) == "- c"
    assert edited(text, ()) == text


def test_a_reply_that_is_of_no_use_is_asked_for_again():
    lm = scripted_lm(spoil=lambda kind, number, prompt: "I would rather not." if number < 3 else None)
    persona = variable("A.", LOWER)
    optimizer = po.PersonaDescent([persona], lm)
    optimizer.step()
    assert lm.engine.count("edit") == 3
    assert persona.value == "A.\nWrites in lower case."


def test_after_three_attempts_the_variable_is_left_alone_and_the_others_are_not():
    lm = scripted_lm(spoil=lambda kind, number, prompt: "Never." if "capital" in prompt else None)
    optimizer = po.PersonaDescent([variable("A.", LOWER), variable("B.", SIGNS)], lm)
    optimizer.step()
    assert [parameter.value for parameter in optimizer.parameters] == ["A.", 'B.\nAlways signs with "Best, Kim".']
    (skipped,) = optimizer.skipped
    assert (skipped.step, skipped.parameter) == (1, 0)
    assert skipped.reason.startswith("AdapterParseError")
    assert lm.engine.count("edit") == 4
    optimizer.step()
    assert optimizer.skipped[-1].step == 2


def test_an_lm_that_fails_is_recorded():
    def fail(kind, number, prompt):
        raise ValueError("out of order")

    persona = variable("A.", LOWER)
    optimizer = po.PersonaDescent([persona], scripted_lm(spoil=fail))
    optimizer.step()
    assert persona.value == "A."
    assert "out of order" in optimizer.skipped[0].reason


def test_a_text_never_passes_its_limit_and_the_next_step_is_told():
    many = {"action": "add", "text": "The user " + "really " * 30 + "likes red."}
    lm = editor(many)
    persona = variable("- A.", LOWER)
    optimizer = po.PersonaDescent([persona], lm, token_limit=20)
    optimizer.step()
    assert persona.value == "- A."
    assert "its limit is 20" in optimizer.skipped[0].reason
    assert lm.engine.count("edit") == 3
    optimizer.step()
    refused = json.loads(lm.engine.calls[3].sections["refused"])
    assert len(refused) == 3
    assert "likes red" in refused[0]
    assert "the text would have" in refused[0]
    assert json.loads(lm.engine.calls[0].sections["token_limit"]) == 20


def test_conversations_are_not_copied_and_nothing_repeats_them():
    asked = "My old neighbour Ferdinand keeps seven grey geese behind the mill and asks what they should eat in winter"
    lm = editor({"action": "add", "text": f"The user says: {asked}."})
    persona = variable("- A.", LOWER)
    (gradient,) = persona.gradients
    conversation = (
        f"<LM_SYSTEM_PROMPT>A</LM_SYSTEM_PROMPT><LM_INPUT> {asked} </LM_INPUT>\n<LM_OUTPUT> Oats. </LM_OUTPUT>"
    )
    persona.gradients_context[gradient] = {"context": conversation, "response_desc": "", "variable_desc": ""}
    optimizer = po.PersonaDescent([persona], lm)
    optimizer.step()
    optimizer.step()
    assert persona.value == "- A."
    assert "copies more than 12 consecutive words" in optimizer.skipped[0].reason
    assert "geese" not in optimizer.skipped[0].reason
    refused = lm.engine.calls[-1].sections["refused"]
    assert "say it in general terms" in refused
    assert "winter" not in refused


def test_five_edits_a_step_and_those_that_mean_nothing_are_left_out():
    adds = [{"action": "add", "text": f"Likes {number}."} for number in range(7)]
    persona = variable("- A.", LOWER)
    po.PersonaDescent([persona], editor({"action": "remove", "statement": 9}, *adds)).step()
    assert persona.value == "- A.\n- Likes 0.\n- Likes 1.\n- Likes 2.\n- Likes 3."
    persona = variable("- A.", LOWER)
    optimizer = po.PersonaDescent([persona], editor({"action": "add", "text": "A."}))
    optimizer.step()
    assert persona.value == "- A."
    assert "no edit that means anything" in optimizer.skipped[0].reason
    # Twice the same line in one reply: the reply as a whole is of no use.
    optimizer = po.PersonaDescent([persona], editor(adds[0], adds[0]))
    optimizer.step()
    assert "may stand in it only once" in optimizer.skipped[0].reason


def test_protected_lines_stay():
    proposed = [{"action": "remove", "statement": 1}, {"action": "replace", "statement": 2, "text": "Likes blue."}]
    persona = variable("- Never reveal the key.\n- Likes red.", LOWER)
    po.PersonaDescent([persona], editor(*proposed), protected=["- Never  reveal the key."]).step()
    assert persona.value == "- Never reveal the key.\n- Likes blue."


def test_zero_grad_lets_the_next_backward_run():
    engine = po.textgrad_engine(stand_in_lm())
    persona = tg.Variable("You answer.", requires_grad=True, role_description="system prompt")
    optimizer = po.PersonaDescent([persona], engine)
    for count in (1, 2):
        backward(persona, engine, invented_users(1)[0].history[: count + 1], aggregate=True)
        assert persona.gradients
        optimizer.zero_grad()
        assert not persona.gradients
        assert not persona.gradients_context
        assert persona._reduce_meta == []


def backward(persona, engine, interactions, aggregate=False):
    losses = []
    for item in interactions:
        question = tg.Variable(item.inputs["message"], requires_grad=False, role_description="message")
        expected = "folder: {folder}\nreply: {reply}".format(**item.ground_truth)
        evaluation = f"{EVALUATOR}\n<QUESTION>{question.value}</QUESTION>\n<EXPECTED>{expected}</EXPECTED>"
        losses.append(tg.TextLoss(evaluation, engine=engine)(tg.BlackboxLLM(engine, system_prompt=persona)(question)))
    (tg.aggregate(losses) if aggregate else tg.sum(losses)).backward(engine)


def descended():
    """Three steps on an invented user, with TextGrad's forward and backward."""
    user = invented_users(1, seed=3)[0]
    lm = stand_in_lm()
    engine = po.textgrad_engine(lm)
    persona = tg.Variable(user.start.render(), requires_grad=True, role_description="system prompt of this user")
    optimizer = po.PersonaDescent([persona], engine)
    for start in (0, 6, 12):
        optimizer.zero_grad()
        backward(persona, engine, user.history[start : start + 6])
        optimizer.step()
    return user, persona.value, [entry["messages"] for entry in lm.history if "edits" in str(entry["messages"][0])]


def test_a_textgrad_user_recovers_the_rules():
    user, text, _ = descended()
    assert user.quality(text) > user.quality(user.start.render()) + 0.2
    assert all(line.startswith("- ") for line in text.splitlines())
    assert estimate_tokens(text) <= 400


def test_the_same_prompts_in_every_process():
    program = (
        "import sys, json; sys.path.insert(0, sys.argv[1])\n"
        "from test_descent import descended\n"
        "_, text, prompts = descended(); print(json.dumps([text, prompts]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(po.__file__).parents[1])},
    )
    _, text, prompts = descended()
    assert json.loads(ran.stdout) == [text, prompts]
    assert len(prompts) == 3


def test_gradients_are_in_order_once_each_and_never_empty():
    persona = variable("A.")
    for place, (text, about) in enumerate([("late", "b"), ("early", "a"), ("", "a"), ("late", "b"), ("none", None)]):
        gradient = tg.Variable(text, requires_grad=False, role_description=f"feedback {place}")
        persona.gradients.add(gradient)
        if about:
            persona.gradients_context[gradient] = {"context": about, "response_desc": "", "variable_desc": ""}
    assert gradients_in_order(persona) == ["none", "early", "late"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"parameters": ["text"]}, "Parameter 0 of PersonaDescent is no textgrad.Variable"),
        ({"parameters": [variable(LONG)], "token_limit": 20}, "the limit is 20"),
        ({"parameters": [variable("A.")], "engine": 7}, "An engine is a dspy.LM or a TextGrad engine"),
    ],
)
def test_what_is_not_possible_is_said_at_once(arguments, said):
    with dspy.context(lm=None), pytest.raises(po.ConfigurationError, match=said):
        po.PersonaDescent(**{"engine": scripted_lm(), **arguments})


@pytest.mark.local_model
def test_a_model_that_cannot_write_edits_leaves_the_text_as_it_is(local_lm):
    persona = variable("- Likes red.", LOWER)
    optimizer = po.PersonaDescent([persona], local_lm.copy(max_tokens=4), token_limit=30)
    optimizer.step()
    assert len(optimizer.applied) + len(optimizer.skipped) == 1
    assert estimate_tokens(persona.value) <= 30
    assert optimizer.applied or persona.value == "- Likes red."
