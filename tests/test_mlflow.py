"""Alignments in MLflow: real tracking in a database of its own, and never what a user said."""

from __future__ import annotations

import os

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # before MLflow is imported

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po

mlflow = pytest.importorskip("mlflow")

RULES = Rules(sign_off="Best, Kim")
PLACES = ("the lake", "the station", "the mill", "work", "home", "the sea", "the bakery")
SAID = "Can we meet at"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Made once: setting up the tables takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.MlflowClient(tracking_uri=uri).search_experiments()
    return uri, folder


@pytest.fixture
def tracking(database, request):
    """An experiment of the test's own, active; gives a reader of its runs."""
    uri, folder = database
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    name = request.node.name
    identifier = client.create_experiment(name, artifact_location=str(folder / name.translate({91: "_", 93: "_"})))
    mlflow.set_experiment(name)
    yield Tracking(client, identifier)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


class Tracking:
    def __init__(self, client, experiment):
        self.client = client
        self.experiment = experiment

    def runs(self):
        return sorted(self.client.search_runs([self.experiment]), key=lambda run: run.info.start_time)

    def artifacts(self, run) -> dict[str, str]:
        if not self.client.list_artifacts(run.info.run_id):
            return {}
        root = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id))
        return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}

    def history(self, run, name):
        return [(metric.step, metric.value) for metric in self.client.get_metric_history(run.info.run_id, name)]


@pytest.fixture
def store():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        for name in ("u42", "u43"):
            for number, place in enumerate(PLACES):
                message = f"{SAID} {place}?"
                truth = {"reply": RULES.reply(message)}
                item = po.Interaction({"message": message}, ground_truth=truth, time=number, id=f"i{number}")
                store.user(name).record(item)
        yield store


@pytest.fixture
def agent(store):
    return po.PersonaAgent("message -> reply", user=store.user("u42"), retrieve=0)


def aligned(agent, *callbacks, awaited=False, lm=None, **settings):
    aligner = po.PersonaAligner(**{"latest": 3, "held_out": 2, "epochs": 2, "callbacks": callbacks, **settings})
    with dspy.context(lm=lm or scripted_lm(), adapter=None):
        return asyncio.run(aligner.acompile(agent)) if awaited else aligner.compile(agent)


@pytest.mark.parametrize("awaited", [False, True])
def test_an_alignment_is_a_run(tracking, agent, awaited):
    program = aligned(agent, po.MLflowCallback(), awaited=awaited, seed=3)
    record = program.detailed_results
    assert record.accepted
    (run,) = tracking.runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "align u42"
    assert run.data.params["user"] == "u42"
    assert (run.data.params["latest"], run.data.params["seed"], run.data.params["window_size"]) == ("3", "3", "3")
    assert tracking.history(run, "loss") == list(enumerate(record.losses))
    assert run.data.metrics["calls"] == record.usage.calls
    assert run.data.metrics["input_tokens"] + run.data.metrics["output_tokens"] == record.usage.tokens
    assert "usd" not in run.data.metrics  # the scripted LM has no price
    assert run.data.metrics["kept"] == 1
    assert run.data.metrics["persona_version"] == 1
    verdicts = [value for _, value in tracking.history(run, "accepted")]
    assert verdicts == [float(c.accepted) for step in record.steps for c in step.candidates]

    files = tracking.artifacts(run)
    assert files["persona/before.txt"] == "\n"
    assert files["persona/after.txt"] == f"{program.persona.render()}\n"
    assert po.Persona.from_dict(json.loads(files["persona/after.json"])) == program.persona
    assert "Best, Kim" in files["persona/changes.txt"]
    assert json.loads(files["record.json"])["losses"] == list(record.losses)
    assert mlflow.active_run() is None


def test_nothing_that_the_user_said_is_logged(tracking, agent):
    program = aligned(agent, po.MLflowCallback())
    assert program.detailed_results.steps[0].gradients
    (run,) = tracking.runs()
    everything = json.dumps([tracking.artifacts(run), run.data.to_dictionary(), dict(run.data.tags)])
    assert "i4" in everything  # ids
    assert SAID not in everything
    assert "Thank you" not in everything
    assert all(feedback not in everything for step in program.detailed_results.steps for feedback in step.gradients)


def test_what_was_refused_is_told_without_its_words(tracking, agent):
    copied = f"Was asked: {SAID} the lake?"
    lm = scripted_lm(replies={"edit": lambda given: {"edits": [{"action": "add", "text": copied, "feedback": [1]}]}})
    program = aligned(agent, po.MLflowCallback(), lm=lm)
    assert not program.detailed_results.accepted
    (run,) = tracking.runs()
    everything = json.dumps([tracking.artifacts(run), run.data.to_dictionary(), dict(run.data.tags)])
    assert SAID not in everything
    assert run.data.metrics["refused"] >= 1


def test_interactions_when_they_are_asked_for(tracking, agent, store):
    aligned(agent, po.MLflowCallback(log_interactions=True, store=store))
    (run,) = tracking.runs()
    files = tracking.artifacts(run)
    logged = json.loads(files["interactions.json"])
    assert [len(logged[part]) for part in ("window", "held_out")] == [3, 2]
    assert all(item["inputs"]["message"].startswith(SAID) for part in logged.values() for item in part)
    assert json.loads(files["record.json"])["steps"][0]["feedback"]
    with pytest.raises(po.ConfigurationError, match="store"):
        po.MLflowCallback(log_interactions=True)


def test_a_failure_ends_the_run_as_failed(tracking, agent):
    def spoil(kind, number, user):
        raise RuntimeError(f"the server said no to {user}")

    for awaited in (False, True):
        with pytest.raises(po.ModelError):
            aligned(agent, po.MLflowCallback(), lm=scripted_lm(spoil=spoil), awaited=awaited)
    for run in tracking.runs():
        assert run.info.status == "FAILED"
        assert run.data.tags["personaopt.error"] == "ModelError"
        assert SAID not in json.dumps([tracking.artifacts(run), dict(run.data.tags)])
    assert len(tracking.runs()) == 2


def test_below_the_active_run_or_into_it(tracking, agent):
    with mlflow.start_run() as mine:
        aligned(agent, po.MLflowCallback(run_name="below"))
        assert mlflow.active_run().info.run_id == mine.info.run_id
        aligned(agent.deepcopy().refresh(), po.MLflowCallback(into_active_run=True), epochs=1)
        assert mlflow.active_run().info.run_id == mine.info.run_id
    parent, child = tracking.runs()
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id == mine.info.run_id
    assert child.info.run_name == "below"
    assert "record.json" in tracking.artifacts(parent)
    assert parent.info.status == "FINISHED"


def test_several_at_once(tracking, store):
    callback = po.MLflowCallback()
    agents = [po.PersonaAgent("message -> reply", user=store.user(name), retrieve=0) for name in ("u42", "u43")]
    threads = [threading.Thread(target=aligned, args=(agent, callback)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = tracking.runs()
    assert sorted(run.data.params["user"] for run in runs) == ["u42", "u43"]
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    assert all("record.json" in tracking.artifacts(run) for run in runs)


def test_a_tracking_server_that_is_gone_does_not_cost_the_alignment(agent, tracking, caplog):
    class Gone(po.MLflowCallback):
        def _begin(self, event):
            raise ConnectionError("no server")

    program = aligned(agent, Gone())
    assert program.detailed_results.accepted
    assert "listener failed" in caplog.text


BESIDE_AUTOLOG = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
import dspy, mlflow, json
import personaopt as po
from personaopt.optimizers.aligner import PersonaAligner
from hashed_words import HashedWords
from scripted_lm import scripted_lm
from test_mlflow import RULES, PLACES, SAID

mlflow.set_tracking_uri({uri!r})
mlflow.set_experiment({name!r})
mlflow.dspy.autolog(log_compiles=True, log_traces=False, silent=True)
store = po.open_store(":memory:", embedder=HashedWords())
user = store.user("u42")
examples = []
for number, place in enumerate(PLACES):
    message = f"{{SAID}} {{place}}?"
    truth = {{"reply": RULES.reply(message)}}
    user.record(po.Interaction({{"message": message}}, ground_truth=truth, time=number, id=f"i{{number}}"))
    examples.append(dspy.Example(message=message, **truth).with_inputs("message"))
agent = po.PersonaAgent("message -> reply", user=user, retrieve=0)
aligner = PersonaAligner(latest=3, held_out=2, epochs=1, callbacks=[po.MLflowCallback()])
dspy.configure(lm=scripted_lm())
assert aligner.compile(agent).detailed_results.accepted
aligner.compile(agent.refresh(), trainset=examples)
assert mlflow.active_run() is None

mlflow.dspy.autolog(log_compiles=True, silent=True)
asyncio.run(aligner.acompile(agent.refresh()))
"""


def test_beside_autolog(tracking, database, tmp_path):
    """In a process of its own: autolog replaces methods of classes, and is not undone."""
    uri, _ = database
    name = tracking.client.get_experiment(tracking.experiment).name
    code = BESIDE_AUTOLOG.format(tests=str(Path(__file__).parent), uri=uri, name=name)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    *runs, awaited = tracking.runs()
    for theirs, ours, given in ((*runs[:2], False), (*runs[2:], True)):
        assert ours.data.tags["mlflow.parentRunId"] == theirs.info.run_id
        assert [theirs.info.status, ours.info.status] == ["FINISHED", "FINISHED"]
        assert tracking.history(ours, "loss")
        files = tracking.artifacts(theirs)
        assert "Best, Kim" in files["best_model.json"]  # the persona
        # What the documentation says: a training set that is given is logged by autolog, the user's history is not.
        assert ("trainset.json" in files) == given
        assert (SAID in json.dumps(files)) == given
        assert SAID not in json.dumps(tracking.artifacts(ours))
    # Nor does it know that an awaited alignment is one: no run of its own, and its calls are traced.
    assert awaited.data.tags["personaopt.user"] == "u42"
    traces = mlflow.search_traces(locations=[tracking.experiment], return_type="list")
    assert any(SAID in trace.to_json() for trace in traces)


def test_without_mlflow_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(po.ConfigurationError, match=r"personaopt\[mlflow\]"):
        po.MLflowCallback()
