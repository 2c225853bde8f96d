"""Bad input to personas of fields and to PersonaBench, end to end: one clear sentence each, and nothing is changed."""

from __future__ import annotations

import json
import pickle
import shutil
import time
import tracemalloc
from pathlib import Path

import dspy
import pytest
from chat_server import Answer, chat_server
from hashed_words import HashedWords
from scripted_lm import scripted_lm
from sessions_lm import DAY, FIELDS, Chat, change

import personaopt as po
from personaopt.cli import main
from personaopt.errors import ConfigurationError, DataError, PersonaOptError
from personaopt.evals.personabench import BenchFields, OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.generation import FILES
from personaopt.evals.personabench.stand_in import Noise, capable_lm
from personaopt.evals.results import CONFIG, ROWS
from personaopt.fields import PersonaFields, import_fields

SIZE = Size(personas=2, sessions=4, seed=5)
FINISHED = ("personas.jsonl", "sessions.jsonl", "config.json")


class Burglar:
    """What a pickle may do to whoever opens it."""

    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


RUBBISH = {
    "a pickle": pickle.dumps(Burglar()),
    "an old pickle": pickle.dumps(Burglar(), protocol=0),
    "a pickle with lines": b"\n".join([pickle.dumps(Burglar())] * 3) + b"\n",
    "no text": b"\xff\xfe\x00garbage\n" * 3,
    "a list": b"[1, 2]\n",
    "too deep": b'{"a": ' + b"[" * 100_000 + b"\n",
    "prose": b"Here is the bench that you asked for.\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished bench."""
    folder = tmp_path_factory.mktemp("made")
    generate(folder, OfflineBackend(), SIZE)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "bench"))


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command: its exit code, and the lines on stderr."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["personaopt", *map(str, words)])
        code = main._run()
        return code, [line for line in capsys.readouterr().err.splitlines() if line.strip()]

    return run


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def refused(call, *words):
    """Calls what must be refused with one sentence that has these words."""
    with pytest.raises(PersonaOptError) as raised:
        call()
    said = str(raised.value)
    assert "\n" not in said
    assert len(said) < 500
    assert all(str(word) in said for word in words), said


def edited(folder, name, change_of, line=0):
    """Change one record of a file."""
    records = [json.loads(each) for each in (folder / name).read_text().splitlines()]
    change_of(records[line])
    (folder / name).write_text("".join(f"{json.dumps(each)}\n" for each in records))


# --- a bench's folder


@pytest.mark.parametrize("name", FINISHED)
@pytest.mark.parametrize("kind", RUBBISH)
def test_a_bench_with_a_damaged_file_is_refused_and_stays_as_it_is(folder, command, name, kind):
    (folder / name).write_bytes(RUBBISH[kind])
    before = contents(folder)
    refused(lambda: load_bench(folder), folder / name)
    code, said = command(
        "eval", "personabench", "run", "--bench", folder, "--lm", "scripted", "--out", folder / "results"
    )
    assert (code, len(said)) == (1, 1)
    assert str(folder / name) in said[0]
    assert contents(folder) == before
    assert not (folder / "results").exists()


@pytest.mark.parametrize("name", FILES.values())
@pytest.mark.parametrize("kind", RUBBISH)
def test_a_stage_that_is_something_else_is_refused_and_stays_as_it_is(folder, name, kind):
    (folder / name).write_bytes(RUBBISH[kind])
    before = contents(folder)
    refused(lambda: generate(folder, OfflineBackend(), SIZE), folder / name)
    assert contents(folder) == before


@pytest.mark.parametrize("name", FILES.values())
def test_a_stage_that_was_cut_short_or_taken_away_is_made_again(made, folder, name):
    whole = (folder / name).read_bytes()
    for left in (whole[:-9], whole[: len(whole) // 2], b""):
        (folder / name).write_bytes(left)
        generate(folder, OfflineBackend(), SIZE)
        assert contents(folder) == contents(made)
    (folder / name).unlink()
    generate(folder, OfflineBackend(), SIZE)
    assert contents(folder) == contents(made)


def put(*path, value):
    def change_of(record):
        for step in path[:-1]:
            record = record[step]
        record[path[-1]] = value

    return change_of


def with_function(**values):
    def change_of(record):
        record["checks"] = []
        record["functions"] = [
            {"name": "f", "description": "", "parameters": "{}", "effect": "append", "table": "t"} | values
        ]

    return change_of


def with_call(record):
    with_function(name="f")(record)
    record |= {"checks": [], "calls": [{"name": "f", "arguments": "f(x)", "exact": []}]}


@pytest.mark.parametrize(
    ("name", "change_of", "words"),
    [
        ("personas.jsonl", put("held", 0, "field", value="life.moon"), ["p0000", "life.moon", "no such field"]),
        ("personas.jsonl", put("held", 0, "value", value=" "), ["p0000", "empty value"]),
        ("personas.jsonl", put("held", 0, "value", value=7), ["line 1", "held.0.value"]),
        ("personas.jsonl", put("held", 0, value={"field": "life.budget", "value": "much", "valid_from": 1.0}),
         ["p0000", "'much'", "life.budget does not fit", "valid integer"]),
        ("personas.jsonl", put("held", 0, value={"field": "personality.judging", "value": "X", "valid_from": 1.0}),
         ["personality.judging does not fit"]),
        ("personas.jsonl", put("held", 0, "valid_from", value=float("nan")), ["held.0.valid_from"]),
        ("personas.jsonl", put("held", 0, "valid_from", value=1e300), ["held.0.valid_from"]),
        ("personas.jsonl", put("held", 0, "valid_to", value=3.0), ["ends before it begins"]),
        ("personas.jsonl", put("events", 0, "field", value="hobbies"), ["an event of 'hobbies'"]),
        ("personas.jsonl", put("events", 0, "kind", value="miracle"), ["events.0.kind"]),
        ("personas.jsonl", put("id", value="p0001"), ["has 'p0001' twice"]),
        ("personas.jsonl", put("id", value="stranger"), ["the persona p0000 of a session is not in personas.jsonl"]),
        ("personas.jsonl", put("shoes", value=3), ["line 1 is no Profile (shoes"]),
        ("sessions.jsonl", put("id", value="p0000-s001"), ["has 'p0000-s001' twice"]),
        ("sessions.jsonl", put("id", value=""), ["empty id"]),
        ("sessions.jsonl", put("time", value="soon"), ["line 1 is no Session (time"]),
        ("sessions.jsonl", put("time", value=float("inf")), ["line 1 is no Session (time"]),
        ("sessions.jsonl", put("number", value=-1), ["line 1 is no Session (number"]),
        ("sessions.jsonl", put("query", value=""), ["p0000-s000 has no query"]),
        ("sessions.jsonl", put("state", value="{"), ["no JSON object as the state"]),
        ("sessions.jsonl", put("checks", 0, "field", value="mood"), ["is about 'mood'"]),
        ("sessions.jsonl", put("checks", 0, "accepted", value=[]), ["accepts nothing"]),
        ("sessions.jsonl", put("checks", 0, value={"field": "life.home", "kind": "argument", "accepted": ["x"],
                                                   "argument": "fly.to"}), ["'fly.to'", "no such function"]),
        ("sessions.jsonl", with_function(parameters="[]"), ["no JSON object as the parameters of f"]),
        ("sessions.jsonl", with_function(effect="explode"), ["functions.0.effect"]),
        ("sessions.jsonl", with_call, ["no JSON object as the arguments of f"]),
    ],
)  # fmt: skip
def test_records_that_do_not_go_together_are_named(folder, name, change_of, words):
    edited(folder, name, change_of)
    before = contents(folder)
    refused(lambda: load_bench(folder), folder, *words)
    assert contents(folder) == before


def test_sessions_out_of_order_are_put_in_order_and_none_at_all_are_refused(made, folder):
    lines = (folder / "sessions.jsonl").read_text().splitlines()
    (folder / "sessions.jsonl").write_text("\n".join(reversed(lines)) + "\n\n")
    assert load_bench(folder) == load_bench(made)
    (folder / "sessions.jsonl").write_text("\n")
    refused(lambda: load_bench(folder), "sessions.jsonl has no session")


def test_a_bench_that_is_not_there_and_a_file_in_its_place(folder, command, tmp_path):
    refused(lambda: load_bench(tmp_path / "none"), "has no finished bench", "generate")
    refused(lambda: load_bench(folder / "sessions.jsonl"), "is a file; give the folder")
    for bench, words in ((tmp_path / "none", "no finished bench"), (folder / "sessions.jsonl", "is a file")):
        code, said = command(
            "eval", "personabench", "run", "--bench", bench, "--lm", "scripted", "--out", tmp_path / "out"
        )
        assert (code, len(said)) == (1, 1)
        assert words in said[0]
    (tmp_path / "file").write_text("x")
    refused(lambda: generate(tmp_path / "file", OfflineBackend(), SIZE), "cannot be written")
    assert not (tmp_path / "out").exists()


# --- a run


@pytest.fixture(scope="module")
def ran(made, tmp_path_factory):
    """The folder of a small run."""
    out = tmp_path_factory.mktemp("ran") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["personaopt", *options(made, out)])
        assert main._run() == 0
    return out


def options(bench, out, *more):
    given = ("--bench", bench, "--out", out, "--methods", "none", "--personas", 1, "--sessions", 2)
    return [
        str(word)
        for word in ("eval", "personabench", "run", *given, *(() if "--lm" in more else ("--lm", "scripted")), *more)
    ]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--methods", "none,psychic"), 2, "no method 'psychic'; there are none, golden, rag, k1"),
        (("--methods", ","), 2, "No method is named"),
        (("--lm", "rules"), 2, "The agent needs a language model"),
        (("--judge-lm", "nobody"), 2, "nobody"),
        (("--turns", "0"), 2, "--turns"),
        (("--personas", "some"), 2, "--personas"),
    ],
)
def test_a_run_that_cannot_be_is_refused(made, command, tmp_path, more, code, words):
    returned, said = command(*options(made, tmp_path / "out", *more))
    assert returned == code
    assert words in said[-1]
    assert not any("Traceback" in line for line in said)
    assert not (tmp_path / "out").exists()


def test_results_are_not_written_into_a_bench_and_not_mixed_with_those_of_another(made, ran, folder, command, tmp_path):
    before = contents(folder)
    code, said = command(*options(made, folder))
    assert (code, said) == (2, [f"The folder {folder} has a bench; give another --out for the results."])
    assert contents(folder) == before
    generate(tmp_path / "other", OfflineBackend(), Size(2, 4, 6))
    before = contents(ran)
    code, said = command(*options(tmp_path / "other", ran))
    assert (code, len(said)) == (2, 1)
    assert f"The rows in {ran} were made with" in said[0]
    assert "give another --out" in said[0]
    assert contents(ran) == before


@pytest.mark.parametrize("kind", RUBBISH)
@pytest.mark.parametrize("name", [ROWS, CONFIG])
def test_damaged_results_are_refused_and_stay_as_they_are(made, ran, command, tmp_path, name, kind):
    out = Path(shutil.copytree(ran, tmp_path / "out"))
    (out / name).write_bytes(RUBBISH[kind])
    before = contents(out)
    for words in (options(made, out), ["eval", "personabench", "report", out]):
        code, said = command(*words)
        assert (code, len(said)) == (1, 1), said
        assert str(out / name) in said[0]
        assert contents(out) == before


def test_a_folder_without_results_has_nothing_to_report(command, tmp_path):
    code, said = command("eval", "personabench", "report", tmp_path)
    assert (code, len(said)) == (1, 1)
    assert str(tmp_path) in said[0]
    assert not contents(tmp_path)


def test_a_judge_that_answers_prose_gives_no_figures_and_ends_nothing(made, command, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with chat_server(lambda body, number: Answer("I would rather not put a number on people.")) as server:
        out = tmp_path / "out"
        code, said = command(
            *options(made, out, "--judge-lm", "openai/x", "--api-base", server.url, "--concurrency", 1), "--json"
        )
    assert code == 0, said
    rows = [json.loads(line) for line in (out / ROWS).read_text().splitlines()]
    assert len(rows) == 2
    for row in rows:
        assert (row["helpfulness"], row["personalization"], row["error"]) == (None, None, "")
        assert row["utterances"] >= 1
    assert not any("Traceback" in line for line in said)
    summary = json.loads((out / "summary.json").read_text())["personabench"]["none"]
    assert summary["helpfulness"] is None
    assert summary["utterances"] is not None


# --- persona files


@pytest.mark.parametrize("kind", [kind for kind in RUBBISH if kind != "a list"])
def test_a_persona_file_of_another_kind_is_refused_unopened(tmp_path, command, kind):
    file = tmp_path / "persona.json"
    file.write_bytes(RUBBISH[kind])
    for read in (PersonaFields.load, BenchFields.load, import_fields):
        refused(lambda read=read: read(file), file, "pickle, not JSON" if "pickle" in kind else "is not JSON")
    store = tmp_path / "store.db"
    po.open_store(store, embedder=HashedWords()).close()
    before = store.read_bytes()
    code, said = command("data", "import", file, "--store", store)
    assert (code, len(said)) == (1, 1), said
    assert str(file) in said[0]
    assert store.read_bytes() == before
    refused(lambda: po.load(file), file)


def test_a_list_is_no_persona(tmp_path):
    file = tmp_path / "persona.json"
    file.write_bytes(RUBBISH["a list"])
    for read in (PersonaFields.load, import_fields):
        refused(lambda read=read: read(file), "object")


# --- updates, with a store on disk


class Life:
    """A user in a store on disk, and the optimizer of their fields."""

    def __init__(self, file, lm):
        self.file, self.lm = file, lm
        self.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=1)
        self.open()

    def open(self):
        self.store = po.open_store(self.file, embedder=HashedWords())
        self.user = self.store.user("u")
        self.agent = po.PersonaAgent(Chat, user=self.user)

    def said(self, text, day, session, **values):
        return self.user.record(
            po.Interaction({"message": text}, response={"reply": "I see."}, time=DAY * day, session=session, **values)
        )

    def update(self):
        with dspy.context(lm=self.lm):
            self.agent = self.optimizer.compile(self.agent.refresh())
        return FIELDS.of(self.agent.persona).to_dict()


@pytest.fixture
def proposed():
    """What the editor's LM answers next."""
    return []


@pytest.fixture
def life(tmp_path, proposed):
    lm = scripted_lm(replies={"fields": lambda given: {"changes": proposed.pop(0) if proposed else []}})
    made = Life(tmp_path / "life.db", lm)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (change("life.budget", "plenty", "I have plenty"), "life.budget does not fit"),
        (change("life.budget", -5, "I have plenty"), "life.budget does not fit"),
        (change("personality.judging", "X", "I have plenty"), "personality.judging does not fit"),
        (change("hobbies.chess", "yes", "I have plenty"), "no such field"),
        (change("life", "yes", "I have plenty"), "no such field"),
        (change("life.home.street", "yes", "I have plenty"), "no such field"),
        (change("__class__", "yes", "I have plenty"), "no such field"),
        (change("life.home", {"city": "Rome"}, "I have plenty"), "life.home"),
        (change("life.home", ["Rome"], "I have plenty"), "life.home"),
        (change("life.home", "Rome", None), "life.home"),
        (change("life.home", "Rome", "I have plenty", action=None, message=None, lasting=None), "life.home"),
    ],
)
def test_a_proposed_field_that_does_not_fit_is_left_out_with_the_reason_and_the_rest_kept(life, proposed, wrong, why):
    life.said("I have plenty, and I live in Oslo.", 1, "s1")
    proposed.append([wrong, change("life.home", "Oslo", "I live in Oslo")])
    assert life.update() == {"life": {"home": "Oslo"}}
    assert why in "\n".join(life.agent.detailed_results.notes)
    assert len(life.user.personas()) == 1


def test_statements_of_wrong_type_in_a_store_stop_no_update(life, proposed):
    lines = (
        po.Statement("Budget in euros: plenty", field="life.budget"),
        po.Statement("Shoe size: 39", field="basics.shoes"),
    )
    life.user.save_persona(po.Persona(lines), parent=0, author="hand")
    assert FIELDS.of(life.user.persona).to_dict() == {}
    refused(lambda: FIELDS.of(life.user.persona, strict=True), "life.budget does not fit")
    life.said("I live in Oslo and spend 40 euros.", 1, "s1")
    proposed.append([change("life.budget", 40, "spend 40 euros"), change("life.home", "Oslo", "I live in Oslo")])
    assert life.update() == {"life": {"home": "Oslo", "budget": 40}}
    assert "Shoe size: 39" in life.user.persona.render()


def test_sessions_out_of_order_twice_and_empty_ones(life, proposed):
    life.said("", 1, "empty")
    life.said(" \n ", 2, "blank")
    with pytest.raises(DataError, match="no message in message"):
        life.update()
    assert not life.user.personas()
    late = life.said("I live in Oslo.", 20, "b", id="oslo")
    proposed.append([change("life.home", "Oslo", "I live in Oslo")])
    assert life.update() == {"life": {"home": "Oslo"}}
    assert life.said("I live in Oslo.", 20, "b", id="oslo") == late  # read twice
    life.said("I live in Rome.", 10, "a")  # came late
    again = [change("life.home", "Oslo", "I live in Oslo"), change("life.home", "Rome", "I live in Rome")]
    proposed += [again, again]
    before = life.user.persona
    assert life.update() == life.update() == {"life": {"home": "Oslo"}}
    assert life.user.persona == before
    assert "something newer is known" in "\n".join(life.agent.detailed_results.notes)
    life.store.close()
    life.open()
    assert life.user.persona == before
    with pytest.raises(DataError, match="another interaction 'oslo' already"):
        life.said("I live in Bonn.", 20, "b", id="oslo")
    assert life.user.count() == 4


@pytest.mark.parametrize("prose", ["Let me think about Ann.", "", "{", '{"changes": 3}', "[[ ## changes ## ]]\nnone"])
def test_an_editor_that_answers_prose_changes_nothing_on_disk(tmp_path, prose):
    with chat_server(lambda body, number: Answer(prose)) as server:
        life = Life(tmp_path / "life.db", server.lm())
        life.said("I live in Oslo.", 1, "s1")
        assert life.update() == {}
    assert "of no use" in life.agent.detailed_results.stopped
    assert not life.user.personas()
    life.store.close()


def test_an_update_of_a_long_life_reads_and_costs_what_one_of_a_short_life_does(tmp_path):
    """10,000 sessions in a file on disk: the prompt is as long, and as much memory is taken, as with a hundred."""
    seen = {}
    for sessions in (100, 10_000):
        life = Life(tmp_path / f"{sessions}.db", capable_lm(Noise(0.0, 0.0)))
        life.user.record(
            po.Interaction(
                {"message": f"What does the museum show on day {number}?"},
                response={"reply": "Something old."},
                time=DAY * number,
                session=f"s{number}",
            )
            for number in range(1, sessions + 1)
        )
        life.said("I live in Bergen.", sessions + 1, "home")
        life.update()  # imports what is needed
        life.said("I have moved to Lisbon.", sessions + 2, "moved")
        tracemalloc.start()
        begun = time.perf_counter()
        assert life.optimizer.due(life.user)
        with dspy.context(lm=life.lm):
            preview = life.optimizer.preview(life.agent)
        known = life.update()
        taken = time.perf_counter() - begun
        seen[sessions] = (tracemalloc.get_traced_memory()[1], taken, preview.maximal.tokens)
        tracemalloc.stop()
        assert known["life"]["home"] == "Lisbon"
        assert po.DictionaryOptimizer(fields=FIELDS, k=3, surprise=False).due(life.user) == ""
        life.store.close()
    (small, quick, short), (large, slow, long) = seen.values()
    assert large < 3 * small, seen  # the latest 600 turns are looked at for surprise, and here there are but 100
    assert large < 4_000_000
    assert slow < 5 * quick + 0.1, seen
    assert long < 1.1 * short, seen


def test_settings_that_cannot_be(tmp_path):
    with pytest.raises(ConfigurationError, match="PersonaFields model"):
        po.DictionaryOptimizer(fields=dict)
    refused(lambda: BenchFields.from_dict({"life": {"budget": "much"}}), "life.budget does not fit")
    refused(lambda: BenchFields.from_dict({"live": {"budget": 3}}), "no group 'live'", "life")
