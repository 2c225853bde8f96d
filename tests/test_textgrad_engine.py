"""The bridge between DSPy and TextGrad: stock TextGrad on a dspy.LM, and a TextGrad engine under DSPy."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys
import uuid
from pathlib import Path

import dspy
import pytest
from chat_server import Answer, chat_server

import personaopt as po
from personaopt.evals.testbed.prompts import EVALUATOR
from personaopt.evals.testbed.stand_in import stand_in_lm
from personaopt.lm.metering import Meter
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.lm.textgrad_engine import dspy_lm

tg = textgrad()
MESSAGE = "A customer writes from Lyon in the evening about travel: case 1."
EXPECTED = "folder: red\nreply: Dear friend,\nwe gladly read every point"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 8
SYSTEM = "You answer messages."


def one_step(engine, *, text=SYSTEM):
    """Stock TextGrad: forward, TextLoss, backward, TGD.step."""
    persona = tg.Variable(text, requires_grad=True, role_description="system prompt that describes the user")
    answer = tg.BlackboxLLM(engine, system_prompt=persona)(
        tg.Variable(MESSAGE, requires_grad=False, role_description="message")
    )
    evaluation = f"{EVALUATOR}\n<QUESTION>{MESSAGE}</QUESTION>\n<EXPECTED>{EXPECTED}</EXPECTED>"
    tg.TextLoss(evaluation, engine=engine)(answer).backward(engine)
    tg.TGD(parameters=[persona], engine=engine).step()
    return persona


def test_stock_textgrad_runs_on_a_dspy_lm_which_keeps_usage_and_history():
    lm = stand_in_lm()
    with dspy.context(lm=None), Meter().running() as meter, dspy.track_usage() as usage:
        persona = one_step(po.textgrad_engine(lm))
    assert "folder" not in SYSTEM
    assert "red" in persona.value  # the folder that the user really chose was learnt from the loss
    # Answer, loss, its gradient on the answer, the answer's on the persona, the update: 4n + 1.
    assert meter.usage.calls == 5
    assert len(lm.history) == 5
    assert meter.usage.input_tokens == sum(entry["usage"]["prompt_tokens"] for entry in lm.history) > 100
    assert usage.get_total_tokens()[lm.model]["prompt_tokens"] == meter.usage.input_tokens
    assert lm.history[0]["messages"][0] == {"role": "system", "content": SYSTEM}
    assert lm.history[0]["messages"][1] == {"role": "user", "content": MESSAGE}


@pytest.mark.local_model
def test_stock_textgrad_runs_on_the_local_model(local_lm):
    engine = po.textgrad_engine(local_lm.copy(max_tokens=8))
    model = tg.BlackboxLLM(engine, system_prompt=tg.Variable("Answer.", role_description="system prompt"))
    said = model(tg.Variable("Say a colour.", role_description="question", requires_grad=False))
    assert said.value.strip()
    assert engine.generate("Say a colour.", system_prompt="Answer.", max_tokens=3).strip()


def test_the_configured_lm_answers_where_none_was_given():
    engine = po.textgrad_engine()
    with dspy.context(lm=None), pytest.raises(po.ConfigurationError, match=r"No LM is configured"):
        engine("hello")
    first, second = stand_in_lm(), stand_in_lm()
    for lm in (first, second):
        with dspy.context(lm=lm):
            engine("hello")
    assert (len(first.history), len(second.history)) == (1, 1)


def test_only_a_dspy_lm_is_taken():
    with pytest.raises(po.ConfigurationError, match=r"takes a dspy.LM; it got a str"):
        po.textgrad_engine("gpt-4o")


def test_settings_system_prompt_and_cache_reach_the_provider():
    seen = []
    one = f"one {uuid.uuid4()}"  # DSPy's cache on disk outlives the test

    def answer(body, number):
        seen.append(body)
        return Answer(f"reply {number}")

    with chat_server(answer) as server:
        lm = server.lm("openai/gpt-4o-mini", cache=True, temperature=0.25, max_tokens=77)
        engine = po.textgrad_engine(lm, system_prompt="Be brief.")
        with Meter().running() as meter:
            replies = [engine(one), engine(one), engine(one, system_prompt="Be long."), engine(one, cache=False)]
            redrawn = engine(one, temperature=1.0, rollout_id=7)
    assert replies == ["reply 1", "reply 1", "reply 2", "reply 3"]  # the second one came from DSPy's cache
    assert redrawn == "reply 4"
    assert meter.usage.calls == 4
    assert [message["content"] for message in seen[0]["messages"]] == ["Be brief.", one]
    assert seen[1]["messages"][0]["content"] == "Be long."
    assert [body["temperature"] for body in seen] == [0.25, 0.25, 0.25, 1.0]
    assert all(77 in (body.get("max_tokens"), body.get("max_completion_tokens")) for body in seen)
    assert all("rollout_id" not in body and "cache" not in body for body in seen)
    assert engine.model_string == "gpt-4o-mini"


def test_texts_and_images_in_order():
    seen = []

    def answer(body, number):
        seen.append(body)
        return Answer("a cat")

    with chat_server(answer) as server:
        engine = po.textgrad_engine(server.lm("openai/gpt-4o"))
        assert engine(["What is this?", PNG]) == "a cat"
        assert engine(("two", "texts")) == "a cat"
    assert [part["type"] for part in seen[0]["messages"][1]["content"]] == ["text", "image_url"]
    assert seen[0]["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert "two" in json.dumps(seen[1]["messages"][1]["content"])
    for wrong, said in ((["x", b"GIF89a"], "JPEG or a PNG"), (7, "a text, or a list"), (["x", 7], "a text, or a list")):
        with pytest.raises(po.ConfigurationError, match=said):
            engine(wrong)


def test_what_goes_wrong_is_one_sentence():
    with chat_server(lambda body, number: Answer(status=401)) as server:
        engine = po.textgrad_engine(server.lm("openai/gpt-4o", num_retries=0))
        with pytest.raises(po.ModelError, match=r"TextGrad's call of openai/gpt-4o failed") as failed:
            engine("secret words")
    assert "secret words" not in str(failed.value)
    assert "\n" not in str(failed.value)
    with chat_server(lambda body, number: Answer("")) as server:
        engine = po.textgrad_engine(server.lm("openai/gpt-4o", num_retries=0))
        with pytest.raises(po.ModelError, match=r"without any text"):
            engine("secret words")
        with pytest.raises(po.ConfigurationError, match=r"cannot be sent to openai/gpt-4o"):
            engine("secret words", no_such_setting=1)


def test_copies_share_the_lm_and_pickles_ask_the_same_model():
    lm = stand_in_lm()
    engine = po.textgrad_engine(lm, system_prompt="Be brief.")
    answer = tg.BlackboxLLM(engine)(tg.Variable(MESSAGE, role_description="message"))
    copied = copy.deepcopy(answer)  # its graph holds the engine
    assert copied.value == answer.value
    twin = copy.deepcopy(engine)
    assert twin is not engine
    assert (twin.lm, twin.system_prompt) == (lm, "Be brief.")
    plain = po.textgrad_engine(dspy.LM("openai/gpt-4o", cache=False), system_prompt="Be brief.")
    thawed = pickle.loads(pickle.dumps(plain))
    assert (thawed.lm.model, thawed.model_string, thawed.system_prompt) == ("openai/gpt-4o", "gpt-4o", "Be brief.")


class Shouting(tg.EngineLM):
    """A TextGrad engine as its users write them."""

    model_string = "shouting"

    def __init__(self):
        self.asked = []

    def generate(self, prompt, system_prompt=None, **settings):
        self.asked.append((prompt, system_prompt))
        return f"[[ ## answer ## ]]\n{prompt.split()[0].upper()}\n\n[[ ## completed ## ]]"

    def __call__(self, prompt, **settings):
        return self.generate(prompt, **settings)


def test_a_textgrad_engine_answers_as_a_dspy_lm():
    engine = Shouting()
    with dspy.context(lm=dspy_lm(engine), adapter=None), Meter().running() as meter:
        program = dspy.Predict("question -> answer")
        assert program(question="why").answer == "[["
        assert asyncio.run(program.acall(question="why")).answer == "[["
    assert meter.usage.calls == 2
    assert meter.usage.input_tokens > 20
    assert "question" in engine.asked[0][1]


def test_who_is_asked_where_no_engine_is_named():
    lm = stand_in_lm()
    assert dspy_lm(lm) is lm
    assert dspy_lm(po.textgrad_engine(lm)) is lm
    with dspy.context(lm=lm):
        assert dspy_lm(None) is lm
    with dspy.context(lm=None), pytest.raises(po.ConfigurationError, match=r"it got nothing"):
        dspy_lm(None)
    with pytest.raises(po.ConfigurationError, match=r"no engine 'nonsense'"):
        dspy_lm("nonsense")
    with pytest.raises(po.ConfigurationError, match=r"it got a int"):
        dspy_lm(7)
    tg.set_backward_engine(Shouting(), override=True)
    try:
        assert dspy_lm(None).model == "textgrad/shouting"
    finally:
        tg.set_backward_engine(None, override=True)


QUIET = """
import json, logging, os, socket, sys
sys.path.insert(0, sys.argv[1])
tried = []
def refused(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        tried.append(address)
        raise OSError("no network here")
    return connect(self, address)
connect, socket.socket.connect = socket.socket.connect, refused
def unknown(host, *args, **kwargs):
    tried.append(host)
    raise OSError("no network here")
socket.getaddrinfo = unknown
class Everything(logging.Formatter):
    def format(self, record):
        return json.dumps({name: str(value) for name, value in vars(record).items()})
handler = logging.FileHandler(sys.argv[2])
handler.setFormatter(Everything())
logging.basicConfig(level=logging.INFO, handlers=[handler])
import personaopt as po
assert "textgrad" not in sys.modules
po.textgrad_engine, po.PersonaDescent
assert "textgrad" in sys.modules
assert not tried, tried
from test_textgrad_engine import one_step
from personaopt.evals.testbed.stand_in import stand_in_lm
persona = one_step(po.textgrad_engine(stand_in_lm()), text="You answer the secret messages.")
assert "red" in persona.value
assert not tried, tried
print(os.listdir("."))
"""


def test_no_folder_no_prompt_in_any_log_and_no_network(tmp_path):
    log = tmp_path / "application.jsonl"
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-c", QUIET, str(Path(__file__).parent), str(log)]
    done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert list(empty.iterdir()) == []
    assert "secret" not in log.read_text() + done.stdout + done.stderr


BEFORE = """
import sys
sys.path.insert(0, sys.argv[1])
import textgrad as tg
import dspy, personaopt as po
from personaopt.evals.testbed.stand_in import stand_in_lm
persona = tg.Variable("You answer the secret messages.", role_description="system prompt")
gradient = tg.Variable("Keep mail about travel in the folder red.", role_description="feedback")
persona.gradients.add(gradient)
optimizer = po.PersonaDescent(parameters=[persona], engine=stand_in_lm())
optimizer.step()
assert len(optimizer.applied) + len(optimizer.skipped) == 1
"""


def test_an_import_of_the_applications_own_keeps_its_log_and_we_write_nothing_to_it(tmp_path):
    command = [sys.executable, "-c", BEFORE, str(Path(__file__).parent)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (log,) = (tmp_path / "logs").iterdir()
    assert "secret" not in log.read_text()
