"""PersonaBench's generator with an LM that reads nothing but its prompts, in another language, with bad replies."""

import json
import os
import subprocess
import sys
import zlib

import dspy
import pytest
from chat_server import Answer, chat_server
from scripted_lm import scripted_lm, sections

import personaopt as po
from personaopt.evals.personabench import Size, generate, load_bench
from personaopt.evals.personabench.checks import passes
from personaopt.evals.personabench.forecast import forecast
from personaopt.evals.personabench.generation import FILES
from personaopt.evals.personabench.revealing import revealed
from personaopt.evals.personabench.writing import LMBackend

OPTIONS = ["eine Suppe", "einen Salat", "ein Brot"]
SIZE = Size(personas=3, sessions=8, seed=2)


def writer(given):
    """Answers every question of the generator by what stands in its prompt."""
    if "facts" in given:
        values = json.loads(given["values"])
        return {"biography": f"Jemand mit {len(values)} Eigenheiten.", "wordings": {v: f"{v} eben" for v in values}}
    if "depends_on" in given:
        return scene(given)
    if "items" in given:
        items = json.loads(given["items"])
        return {"sentences": [f"Ich sage: {item.partition(' is ')[2]}" for item in items]}
    if "told" in given:
        number = zlib.crc32(given["message"].encode())
        return {"neutral": given["message"] if "stur" in given["message"] else f"Was empfiehlst du mir ({number})?"}
    if "message" in given:
        told = [{"field": "job", "words": "als Bäcker"}] if "als Bäcker" in given["message"] else []
        return {"told": [*told, {"field": "x", "words": "nicht darin"}]}
    number = zlib.crc32(given["context"].encode())
    if number % 9 == 4:
        return {"query": f"Ich bin stur als Bäcker {number}."}
    return {"query": f"Was soll ich als Bäcker nehmen {number}?" if number % 3 == 0 else f"Was rätst du {number}?"}


def scene(given):
    value = given["depends_on"].partition(": ")[2]
    number = zlib.crc32(f"{given['persona']}{given['depends_on']}{given.get('about')}".encode())
    said = {"expected": f"Nennt {value}.", "complaint": f"Bei mir gilt {value}."}
    if "options" in given:
        options = json.loads(given["options"])
        return {**said, "right": options[:1], "outdated": options[1:2]}
    options = [f"Ding {number % 97}", f"Sache {number % 89}", f"Kram {number % 83}"]
    draft = {**said, "context": f"Heute um {number} gibt es {', '.join(options)}.", "options": options}
    return {"scene": {**draft, "right": options[:1], "outdated": options[1:2]}}


def backend(**dials):
    return LMBackend(scripted_lm(replies={"answer": writer}, **dials), language="German", concurrency=4)


def test_an_lm_writes_the_bench_in_its_language(tmp_path):
    bad = {"count": 0}

    def spoil(kind, number, prompt):
        bad["count"] += number % 7 == 0
        return "I would rather talk about the weather." if number % 7 == 0 else None

    lm = backend(spoil=spoil)
    generate(tmp_path, lm, SIZE)
    bench = load_bench(tmp_path)
    assert bad["count"] > 3
    assert bench.config["language"] == "German"
    assert bench.config["backend"] == "scripted/rule-obeying"
    stages = {
        name: [json.loads(line) for line in (tmp_path / file).read_text().splitlines()] for name, file in FILES.items()
    }
    for profile in bench.profiles.values():
        assert profile.biography.startswith("Jemand mit")
        assert profile.values_at(profile.sessions[0])["life.diet"][0].endswith(" eben")
        assert profile.fields_at(profile.sessions[-1]).life.home.endswith(" eben")
    for session in bench.sessions:
        assert session.context.startswith("Heute um")
        assert not revealed(session.query, lm.giveaways([bench.profiles[session.persona]]))
        assert "Bäcker" not in session.query
        for check in session.checks:
            if check.kind == "first_named":
                assert passes(check, f"Nimm {check.accepted[0]}.")
            if check.kind == "argument":
                argument = json.loads(session.calls[0].arguments)[check.argument.partition(".")[2]]
                assert str(argument) in check.accepted
    # What still tells something after three turns is left out, with its reason; remarks wait for the next session.
    left = [each for each in stages["filtered"] if not each["kept"]]
    assert left
    assert all("als Bäcker" in each["reason"] for each in left)
    assert any(each["kept"] and each["revealed"] for each in stages["filtered"])
    assert not {each["scene"] for each in left} & {session.scene for session in bench.sessions}
    planned = sum(len(each["remarks"]) for each in stages["remarks"])
    assert 0 <= planned - sum(len(session.remarks) for session in bench.sessions) < 8


def test_it_goes_on_without_asking_again_and_says_when_the_lm_is_away(tmp_path):
    def away(kind, number, prompt):
        if number > 12:
            raise dspy.LMRateLimitError("no more")

    with pytest.raises(po.ModelError, match=r"does not answer: .* goes on from here"):
        generate(tmp_path, backend(spoil=away), SIZE)
    done = sum(len((tmp_path / file).read_text().splitlines()) for file in FILES.values() if (tmp_path / file).exists())
    lm = backend()
    generate(tmp_path, lm, SIZE)
    calls = forecast(SIZE)
    whole = backend()
    generate(tmp_path / "whole", whole, SIZE)
    assert lm.lm.engine.count() < whole.lm.engine.count()
    assert calls.calls <= whole.lm.engine.count() <= calls.at_most
    assert done > SIZE.personas
    assert (tmp_path / "sessions.jsonl").read_bytes() == (tmp_path / "whole" / "sessions.jsonl").read_bytes()


def test_an_lm_that_writes_nothing_of_use_is_one_sentence(tmp_path):
    lm = LMBackend(scripted_lm(spoil=lambda kind, number, prompt: "I would rather not."), concurrency=2)
    with pytest.raises(po.ModelError, match=r"Nothing that scripted/rule-obeying wrote is of use"):
        generate(tmp_path, lm, Size(1, 3, 1))


def test_an_lm_that_writes_the_same_scene_again_and_again_gets_it_once(tmp_path):
    def dull(given):
        said = writer(given)
        if "scene" in said:
            said["scene"] |= {"context": f"Es gibt {', '.join(OPTIONS)}.", "options": OPTIONS, "right": OPTIONS[:1]}
        return said

    lm = LMBackend(scripted_lm(replies={"answer": dull}), concurrency=2)
    generate(tmp_path, lm, Size(1, 5, 1))
    assert len({session.scene for session in load_bench(tmp_path).sessions}) == 1
    assert (tmp_path / FILES["filtered"]).read_text().count("is nearly the same as") == 4


def test_what_an_lm_says_of_a_scene_is_checked(tmp_path):
    """Options that are not in the context, or all of them right: no scene, and the session is left out."""

    def careless(given):
        said = writer(given)
        if "scene" in said:
            said["scene"] |= {"right": said["scene"]["options"]}
        return said

    lm = LMBackend(scripted_lm(replies={"answer": careless}), concurrency=2)
    generate(tmp_path, lm, Size(1, 6, 1))
    bench = load_bench(tmp_path)
    assert 0 < len(bench.sessions) < 6
    assert all(session.checks[0].kind != "first_named" for session in bench.sessions)


def test_the_command_takes_any_lm_over_http(tmp_path):
    def answer(body, number):
        user = body["messages"][-1]["content"]
        given = sections(user if isinstance(user, str) else user[0]["text"])
        fields = {"echo": "ready"} if "word" in given else writer(given)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        text = "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in texts.items())
        return Answer(f"{text}[[ ## completed ## ]]", after=0.05)

    with chat_server(answer) as server:
        command = f"eval personabench generate --backend openai/x --language German --api-base {server.url} --json"
        sizes = f"--personas 1 --sessions 3 --concurrency 2 --out {tmp_path / 'bench'}"
        done = subprocess.run(
            [sys.executable, "-m", "personaopt.cli.main", *command.split(), *sizes.split()],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OPENAI_API_KEY": "none", "DSPY_CACHEDIR": str(tmp_path / "cache")},
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["personas"] == 1
    assert load_bench(tmp_path / "bench").sessions[0].context.startswith("Heute um")
    assert server.most_at_once == 2
