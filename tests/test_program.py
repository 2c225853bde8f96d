"""Programs as files: what is written, what is refused, and that a new process gives the same answers."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, Optional

import dspy
import pytest
from hashed_words import HashedWords

import personaopt as po
from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import TagFilm, WriteReply
from personaopt.signatures.portable import signature_from_dict, signature_to_dict

ANSWER = """
import json, sys
import personaopt as po
program = po.load(sys.argv[1])
for inputs in json.loads(sys.argv[2]):
    answer = program(**inputs)
    outputs = {name: answer[name] for name in program.task.output_fields}
    print(json.dumps([outputs, answer.get("probabilities"), answer.persona_version, len(answer.memories)]))
"""


def answers(program: po.PersonaAgent, asked: list[dict[str, Any]]) -> list[list[Any]]:
    found = []
    for inputs in asked:
        answer = program(**inputs)
        outputs = {name: answer[name] for name in program.task.output_fields}
        found.append([outputs, answer.get("probabilities"), answer.persona_version, len(answer.memories)])
    return found


def answers_of_a_new_process(path: Path, asked: list[dict[str, Any]]) -> list[list[Any]]:
    command = [sys.executable, "-c", ANSWER, str(path), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.local_model
def test_a_new_process_gives_the_same_answers(local_lm: Any, tmp_path: Path) -> None:
    store = po.open_store(":memory:")
    for task, signature, count in (("tags", TagFilm, 3), ("replies", WriteReply, 1)):
        (user,) = synthetic_users(task, users=1, interactions=14, seed=3)
        owner = store.user(task)
        owner.record(user.history[:10])
        owner.save_persona(po.Persona.from_text("Answers quickly."), parent=0, author="a person")
        with dspy.context(lm=local_lm):
            agent = po.PersonaAgent(signature, user=owner, retrieve=2)
            aligned = po.PersonaAligner(latest=2, held_out=1, epochs=1, candidates=1).compile(agent)
            assert aligned.detailed_results.usage.calls > 0
            aligned.predict.config = {"max_tokens": 24}
            path = po.export(aligned, tmp_path / f"{task}.json")
            asked = [dict(item.inputs) for item in user.history[10 : 10 + count]]
            here = answers(aligned, asked)
        there = answers_of_a_new_process(path, asked)
        assert [answer[0] for answer in there] == [answer[0] for answer in here]
        assert [answer[2:] for answer in there] == [answer[2:] for answer in here]
        for (_, mine, version, memories), (_, theirs, *_) in zip(here, there, strict=True):
            assert version >= 1
            assert memories == 2
            if task == "tags":
                assert theirs["tag"] == pytest.approx(mine["tag"], abs=1e-6)
                assert 0 < max(mine["tag"].values()) < 1


class Rich(dspy.Signature):
    """Do it."""

    text: str = dspy.InputField(desc="what was said")
    many: list[str] = dspy.InputField()
    maybe: int | None = dspy.InputField(default=None)
    stars: int = dspy.OutputField(ge=1, le=5)
    share: float = dspy.OutputField(desc="in all")
    sure: bool = dspy.OutputField()
    tag: Literal["a", 2, True] = dspy.OutputField()
    by_name: dict[str, Optional[float]] = dspy.OutputField()  # noqa: UP045 - the older spelling is meant


@pytest.fixture
def agent() -> po.PersonaAgent:
    store = po.open_store(":memory:")
    user = store.user("u/1")
    user.record([po.Interaction(inputs={"text": f"t{n}", "many": []}, ground_truth={"stars": 1}) for n in range(3)])
    for text in ("Says little.", "Says {much} <b>."):
        statement = po.Statement(text, evidence=("i1", "i2"))
        user.save_persona(po.Persona((statement,)), parent=user.version, author="a person")
    return po.PersonaAgent(Rich, user=user, retrieve=3)


def test_every_type_that_is_allowed_comes_back() -> None:
    again = signature_from_dict(json.loads(json.dumps(signature_to_dict(Rich))))
    assert again.instructions == Rich.instructions
    assert again.__name__ == "Rich"
    assert list(again.fields) == list(Rich.fields)
    for name, field in Rich.fields.items():
        assert again.fields[name].annotation == field.annotation
        assert again.fields[name].metadata == field.metadata
        assert again.fields[name].json_schema_extra["desc"] == field.json_schema_extra["desc"]
        assert again.fields[name].is_required() == field.is_required()


@pytest.mark.parametrize("annotation", [set[str], tuple[int, int], Path, int | str, dict[int, str], dspy.Image])
def test_other_types_are_refused_by_the_fields_name(annotation: Any) -> None:
    signature = dspy.Signature({"q": (str, dspy.InputField()), "odd": (annotation, dspy.OutputField())}, "Do it.")
    with pytest.raises(po.ProgramError, match="'odd'"):
        signature_to_dict(signature)


def test_a_loaded_program_is_the_agent_that_was_exported(agent: po.PersonaAgent, tmp_path: Path) -> None:
    agent.predict.demos = [dspy.Example(text="x", many=[], stars=3)]
    agent.predict.config = {"temperature": 0.5}
    agent.predict.lm = dspy.LM("openai/some-model", api_key="secret-key", api_base="https://secret.example")
    path = po.export(agent, tmp_path / "u.json")
    assert "secret" not in path.read_text()
    assert json.loads(path.read_text())["content"]["lm"] == "openai/some-model"
    program = po.load(path, lm=agent.predict.lm)
    assert program.persona == agent.persona
    assert program.persona_version == program.user.version == 2
    assert program.user.id == "u/1"
    assert program.user.history() == agent.user.history()
    assert program.retrieve == 3
    assert program.calibration == "shipped"
    assert program.predict.config == {"temperature": 0.5}
    assert [demo.toDict() for demo in program.predict.demos] == [{"text": "x", "many": [], "stars": 3}]
    assert program.predict.signature.instructions == agent.predict.signature.instructions
    assert po.export(program, tmp_path / "v.json").read_text() == path.read_text()


def test_instructions_of_another_optimizer_are_exported(agent: po.PersonaAgent, tmp_path: Path) -> None:
    asked = agent.predict.signature
    agent.predict.signature = asked.with_instructions(asked.instructions.replace("Do it.", "Do it well."))
    program = po.load(po.export(agent, tmp_path / "u.json"), lm=object())
    assert program.task.instructions == "Do it."
    assert program.persona == agent.persona
    assert program.persona.statements[-1] == po.Statement("Do it well.", source="written")


def test_memories_can_be_left_out(agent: po.PersonaAgent, tmp_path: Path) -> None:
    path = po.export(agent, tmp_path / "u.json", memories=False)
    program = po.load(path, lm=object())
    assert program.user.count() == 0
    assert program.persona == agent.persona


def test_a_store_of_ones_own(agent: po.PersonaAgent, tmp_path: Path) -> None:
    path = po.export(agent, tmp_path / "u.json")
    with po.open_store(tmp_path / "s.db") as store:
        for _ in range(2):  # loading again records nothing twice
            program = po.load(path, store=store, lm=object())
            assert (store.user("u/1").count(), store.user("u/1").version, program.persona_version) == (3, 1, 1)
        store.user("u/1").save_persona(po.Persona(), parent=1, author="a person")
        assert po.load(path, store=store, lm=object()).persona_version == 1  # a snapshot of that version
    with po.open_store(":memory:") as other:
        other.user("u/1").save_persona(po.Persona.from_text("Another."), parent=0, author="a person")
        with pytest.raises(po.ProgramError, match="another persona"):
            po.load(path, store=other, lm=object())


def test_another_embedder_needs_its_store(tmp_path: Path) -> None:
    store = po.open_store(":memory:", embedder=HashedWords())
    path = po.export(po.PersonaAgent("q -> a", user=store.user("u")), tmp_path / "u.json")
    with pytest.raises(po.ProgramError, match="hashed-words/1"):
        po.load(path, lm=object())
    assert po.load(path, store=store, lm=object()).user.id == "u"


def test_the_weights_of_a_calibration_are_kept(agent: po.PersonaAgent, tmp_path: Path) -> None:
    from personaopt.lm.calibration import Calibration

    agent.calibration = Calibration({"model": 0.25}, "a test")
    path = po.export(agent, tmp_path / "u.json")
    assert po.load(path, lm=object()).calibration == agent.calibration
    agent.calibration = "shipped"
    document = json.loads(po.export(agent, path).read_text())
    document["content"]["calibration"]["weights"] = {"model": 0.5}  # as if a later version shipped other ones
    write(path, document)
    assert po.load(path, lm=object()).calibration.weights == {"model": 0.5}


def write(path: Path, document: dict[str, Any]) -> Path:
    """Write a document with a right checksum."""
    canonical = json.dumps(document["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    document["checksum"] = f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"
    path.write_text(json.dumps(document))
    return path


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("executed"),))


def damaged(good: dict[str, Any]) -> dict[str, bytes]:
    text = json.dumps(good)
    return {
        "not JSON": text[: len(text) // 2].encode(),
        "not JSON, or": b"",
        "not JSON, or is": b"\xff\xfe\x00",
        "damaged \\(RecursionError\\)|not a program": b"[" * 200_000,
        "pickle": pickle.dumps(Evil()),
        "not JSON.*": pickle.dumps(Evil(), protocol=0),
        "not a program": b'{"persona": {}}',
        "not a program.*": b"[1]",
        "schema 2 and": json.dumps({**good, "schema": 2}).encode(),
        "unknown schema": json.dumps({**good, "schema": "1"}).encode(),
        "checksum": text.replace("Says little", "Says lots").replace("Says {much}", "Says nothing").encode(),
        "checksum is wrong": json.dumps({**good, "checksum": ""}).encode(),
        "its checksum": json.dumps({**good, "content": []}).encode(),
    }


def test_files_that_cannot_be_trusted_are_refused(
    agent: po.PersonaAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = json.loads(po.export(agent, "u.json").read_text())
    for reason, content in damaged(good).items():
        Path("bad.json").write_bytes(content)
        with pytest.raises(po.ProgramError, match=reason) as refused:
            po.load("bad.json", lm=object())
        assert is_one_sentence(str(refused.value)), refused.value
    for path, reason in (("none.json", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(po.ProgramError, match=reason):
            po.load(path)
    assert not Path("executed").exists()


def is_one_sentence(text: str) -> bool:
    return "\n" not in text and text.endswith(".") and text.count(". ") == 0


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("task", {"instructions": "x", "inputs": [], "outputs": []}, "inputs"),
        ("persona", {"statements": "x"}, "statement"),
        ("persona_version", -1, "version"),
        ("persona_version", 10**9, "version"),
        ("retrieve", "8", "8"),
        ("user_id", "", "user id"),
        ("memories", [{"inputs": {}}], "inputs"),
        ("calibration", {"weights": {"os": 1}}, "calibration"),
        ("demos", [3], "part"),
        ("settings", 3, "part"),
    ],
)
def test_contents_that_make_no_sense_are_refused(
    agent: po.PersonaAgent, tmp_path: Path, part: str, value: Any, reason: str
) -> None:
    document = json.loads(po.export(agent, tmp_path / "u.json").read_text())
    document["content"][part] = value
    with pytest.raises(po.ProgramError, match=reason):
        po.load(write(tmp_path / "u.json", document), lm=object())
    del document["content"][part]
    with pytest.raises(po.ProgramError, match=part):
        po.load(write(tmp_path / "u.json", document), lm=object())


@pytest.mark.parametrize("kind", ["__import__('os')", "Path", None, {"type": "str"}, 3])
def test_types_of_a_file_are_looked_up_and_never_evaluated(kind: Any) -> None:
    values = signature_to_dict(Rich)
    values["inputs"][0]["type"] = {"type": kind}
    with pytest.raises(po.ProgramError, match="'text'"):
        signature_from_dict(values)
    deep: dict[str, Any] = {"type": "str"}
    for _ in range(100):
        deep = {"type": "list", "of": deep}
    values["inputs"][0]["type"] = deep
    with pytest.raises(po.ProgramError, match="'text'"):
        signature_from_dict(values)


def test_places_that_cannot_be_written(agent: po.PersonaAgent, tmp_path: Path) -> None:
    with pytest.raises(po.ProgramError, match="folder"):
        po.export(agent, tmp_path)
    with pytest.raises(po.ProgramError, match="does not exist"):
        po.export(agent, tmp_path / "none" / "u.json")
    with pytest.raises(po.ProgramError, match="PersonaAgent"):
        po.export(dspy.Predict("q -> a"), tmp_path / "u.json")
    with pytest.raises(po.ConfigurationError, match="markdown"):
        po.export(agent, tmp_path / "u.json", format="pickle")
    agent.predict.demos = [dspy.Example(text=object())]
    with pytest.raises(po.ProgramError, match="JSON"):
        po.export(agent, tmp_path / "u.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(
    agent: po.PersonaAgent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = po.export(agent, tmp_path / "u.json")
    old = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(po.ProgramError, match="No space left"):
        po.export(agent, path, memories=False)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_formats_for_use_without_personaopt(agent: po.PersonaAgent, tmp_path: Path) -> None:
    prompt = po.export(agent, tmp_path / "u.txt", format="prompt").read_text()
    assert prompt.startswith("Do it.\n")
    assert "- Says {much} &lt;b&gt;.\n</persona>" in prompt
    assert "- tag: one of a, 2, True" in prompt
    assert prompt.endswith("text: {text}\nmany: {many}\nmaybe: {maybe}\n")
    messages = json.loads(po.export(agent, tmp_path / "u.json", format="messages").read_text())
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "\n\n".join(message["content"] for message in messages) == prompt.removesuffix("\n")
    assert messages[1]["content"].format(text="hi", many=[], maybe=None) == "text: hi\nmany: []\nmaybe: None"
    page = po.export(agent, tmp_path / "u.md", format="markdown").read_text()
    assert "# Persona of u/1, version 2" in page
    assert "- Says {much} <b>. (learnt; interactions i1, i2)" in page
    assert prompt.removesuffix("\n") in page
