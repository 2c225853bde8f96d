"""PersonaBench's generator, offline: what it makes is right by its own rules, and a killed run ends the same."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from random import Random

import numpy as np
import pytest

import personaopt as po
from personaopt.evals.personabench import (
    BenchFields,
    Call,
    Check,
    OfflineBackend,
    Size,
    as_datasets,
    generate,
    leaks,
    load_bench,
    report_of,
    write_report,
)
from personaopt.evals.personabench.checks import FORMS, failed, is_stale, passes, right_calls
from personaopt.evals.personabench.duplicates import NearDuplicates, shingles, similarity
from personaopt.evals.personabench.files import only_one
from personaopt.evals.personabench.generation import FILES
from personaopt.evals.personabench.revealing import revealed, words_of

BACKEND = OfflineBackend()
SIZE = Size(personas=12, sessions=20, seed=3)
WRITTEN = {
    "bullets": "- this\n- that",
    "numbers": "1. this\n2. that",
    "table": "| what | why |\n| this | that |",
    "paragraph": "This is so, and that too.",
    "brief": "In short: yes.",
    "thorough": "word " * 95,
    "example": "Take a kettle, for example.",
    "question": "What is it for? Then I can say more.",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    generate(folder, BACKEND, SIZE)
    return folder


@pytest.fixture(scope="module")
def bench(folder):
    return load_bench(folder)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".jsonl"}


def answer(check, session, wanted):
    """A reply, and calls, that name what is wanted."""
    if check.kind == "form":
        return WRITTEN[wanted], []
    if check.kind == "argument":
        name, _, argument = check.argument.partition(".")
        given = json.loads(session.calls[0].arguments) | {argument: wanted}
        return "Done.", [Call(name=name, arguments=json.dumps(given), exact=[])]
    return f"I would take {wanted}, I think.", []


def test_the_right_answer_passes_and_a_stale_one_is_noticed(bench):
    kinds, stale = Counter(), 0
    for session in bench.sessions:
        for check in session.checks:
            kinds[check.kind] += 1
            for wanted in check.accepted:
                assert not failed([check], *answer(check, session, wanted)), check
            for wanted in check.stale:
                reply = answer(check, session, wanted)
                if check.kind != "form" or not passes(check, *reply):  # a short paragraph is brief as well
                    assert is_stale(check, *reply), check
                    stale += 1
            if check.kind == "first_named":
                assert all(each in session.context for each in check.accepted + check.others)
                assert failed([check], f"{check.others[0]}, rather than {check.accepted[0]}")
        assert all(right_calls(session.calls, session.calls))
        for call in session.calls:
            (function,) = [each for each in session.functions if each.name == call.name]
            schema = function.schema_of_arguments()
            arguments = json.loads(call.arguments)
            assert arguments.keys() == set(schema["required"])
            wrong = call.model_copy(update={"arguments": json.dumps(arguments | {call.exact[0]: "elsewhere"})})
            assert right_calls([call], [wrong]) == [False]
            table = json.loads(session.state)[function.table]
            assert function.effect != "look_up" or arguments[function.key] in table
            if function.effect == "at_most":
                assert any(row["price"] <= arguments[function.key] for row in table)
    assert set(kinds) == {"first_named", "names", "form", "argument"}
    assert stale > 20


def test_no_option_is_named_by_naming_another_one():
    for topic in BACKEND.words.topics:
        options = [text for texts in topic.options.values() for text in texts]
        assert len(set(options)) == len(options)
        for option in options if topic.shape == "choose" else []:
            check = Check(field=topic.field, kind="first_named", accepted=[option], others=[])
            bare = option.removeprefix("the ").removeprefix("a ").removeprefix("an ")
            assert passes(check, f"I say: {bare}!")
            assert not [other for other in options if other != option and passes(check, other)], option


def test_the_right_answer_is_that_of_the_time(bench):
    """Each check's complaint says the value that holds when the session is, and the fields say the same."""
    for session in bench.sessions:
        profile = bench.profiles[session.persona]
        fields = profile.fields_at(session.time).values()
        now = profile.values_at(session.time)
        for check in session.checks:
            assert any(value in check.complaint for value in now[check.field])
        assert now == {path: value if isinstance(value, list) else [str(value)] for path, value in fields.items()}


def test_personas_change_and_every_change_is_dated_and_said(bench):
    kinds = Counter()
    for profile in bench.profiles.values():
        kinds.update(event.kind for event in profile.events)
        lasting = [event for event in profile.events if event.kind in ("change", "return")]
        assert len(lasting) >= 3
        sessions = bench.of(profile.id)
        for event in profile.events:
            assert profile.sessions[event.session - 1] < event.time < profile.sessions[event.session]
            said = [remark for remark in sessions[event.session].remarks if remark.field == event.field]
            assert any(remark.kind == event.kind and remark.value == event.new for remark in said)
            if event.kind == "false":
                assert event.new not in profile.values_at(event.time + 1)[event.field]
                if event.ends_session is not None:
                    back = [r for r in sessions[event.ends_session].remarks if r.kind == "retraction"]
                    assert [(r.field, r.value) for r in back] == [(event.field, event.old)]
            else:
                assert event.new in profile.values_at(event.time + 1)[event.field]
            if event.kind == "mood":
                assert profile.values_at(event.ends + 1)[event.field] == [event.old]
        for held in profile.held:  # what is so from the start is said too, before it changes
            if held.said is not None:
                assert held.valid_to is None or profile.sessions[held.said] < held.valid_to
                assert any(r.value == held.value for r in sessions[held.said].remarks)
    assert set(kinds) == {"change", "return", "mood", "false"}
    returned = [event for p in bench.profiles.values() for event in p.events if event.kind == "return"]
    assert all(event.new != event.old for event in returned)


def test_the_same_persona_is_asked_about_what_changed(bench):
    asked = 0
    for profile in bench.profiles.values():
        for event in profile.events:
            later = bench.of(profile.id)[event.session + 1 :]
            if later and event.field != "personality.interests" and event.kind != "false":
                asked += any(check.field == event.field for session in later for check in session.checks)
    assert asked >= 4 * len(bench.profiles)


def test_queries_have_no_word_of_any_persona(bench):
    giveaways = BACKEND.giveaways([])
    assert not [session.query for session in bench.sessions if revealed(session.query, giveaways)]
    assert revealed("As a Nurse in Lisbon, what do I buy?", words_of(["nurse", "Lisbon", "buys cheaply"])) == [
        "Nurse", "Lisbon", "buy",
    ]  # fmt: skip


def test_a_query_that_gives_the_persona_away_is_neutralised(folder):
    lines = [json.loads(line) for line in (folder / FILES["filtered"]).read_text().splitlines()]
    changed = [line for line in lines if line["revealed"]]
    assert changed
    assert all(line["before"] != line["query"] for line in changed)
    assert all(line["before"] == line["query"] for line in lines if not line["revealed"])


def test_common_scenes_are_the_same_for_all_and_what_is_right_is_not(bench):
    scenes = {}
    for session in bench.sessions:
        if session.kind == "common":
            scenes.setdefault(session.scene, []).append(session)
    several = [sessions for sessions in scenes.values() if len({each.persona for each in sessions}) > 1]
    assert several
    for sessions in several:
        assert len({(each.context, each.query, each.state) for each in sessions}) == 1
    assert any(len({tuple(each.checks[0].accepted) for each in sessions}) > 1 for sessions in several)


def test_the_same_seed_gives_the_same_files_and_another_one_others(folder, tmp_path):
    generate(tmp_path / "again", BACKEND, SIZE)
    assert contents(tmp_path / "again") == contents(folder)
    generate(tmp_path / "other", BACKEND, Size(12, 20, 4))
    assert contents(tmp_path / "other")["sessions.jsonl"] != contents(folder)["sessions.jsonl"]


class Stop(Exception):
    pass


@pytest.mark.parametrize("at", range(6))
def test_an_interrupted_run_ends_with_the_same_files(folder, tmp_path, at):
    seen = []

    def watch(stage, done, whole):
        if stage not in seen:
            seen.append(stage)
        if len(seen) > at:
            raise Stop

    with pytest.raises(Stop):
        generate(tmp_path, BACKEND, SIZE, watch=watch)
    torn = tmp_path / FILES[seen[-1]]
    torn.write_bytes(torn.read_bytes()[:-7])  # what a killed process leaves
    with pytest.raises(po.DataError, match="has no finished bench"):
        load_bench(tmp_path)
    generate(tmp_path, BACKEND, SIZE)
    assert contents(tmp_path) == contents(folder)


def test_another_bench_or_a_damaged_one_in_the_folder_is_refused(folder, tmp_path):
    with pytest.raises(po.ConfigurationError, match="has a bench with seed 3, not 9"):
        generate(folder, BACKEND, Size(12, 20, 9))
    generate(tmp_path, BACKEND, Size(2, 2))
    lines = (tmp_path / FILES["personas"]).read_text().splitlines()
    (tmp_path / FILES["personas"]).write_text(f'{{"id": 3}}\n{lines[1]}\n')
    with pytest.raises(po.DataError, match=r"2-personas.jsonl: line 1 is no Profile"):
        generate(tmp_path, BACKEND, Size(2, 2))
    with pytest.raises(po.ConfigurationError, match="at least 1 persona and 2 sessions"):
        Size(1, 1)
    with pytest.raises(po.ConfigurationError, match="no words of 'Klingon'"):
        OfflineBackend("Klingon")


def test_one_process_at_a_time_makes_a_bench(tmp_path):
    def watch(stage, done, whole):
        with pytest.raises(po.StoreError, match="Another process writes"):
            generate(tmp_path, BACKEND, Size(2, 2))

    fresh = tmp_path / "fresh"
    with only_one(fresh), pytest.raises(po.StoreError, match="Another process writes"):
        generate(fresh, BACKEND, Size(2, 2))
    assert not (fresh / "config.json").exists(), "the other one says what the bench is made with"
    generate(tmp_path, BACKEND, Size(2, 2), watch=watch)


def test_the_report_and_near_duplicates(folder, bench):
    report = write_report(folder, bench)
    assert report == json.loads((folder / "report.json").read_text())
    assert report["near_duplicates"]["share"] <= 0.01
    assert report["sessions"] == 240 == sum(report["fields_asked_about"].values())
    assert report["filtering"]["neutralised"] > 0
    assert set(report["values"]) == set(BenchFields.slots())
    # What is nearly the same is found.
    first = bench.sessions[0]
    twin = first.model_copy(update={"scene": "twin", "query": f"{first.query} Thanks"})
    doubled = type(bench)(bench.profiles, [*bench.sessions, twin], bench.config)
    assert report_of(doubled)["near_duplicates"]["pairs"] == 1


def test_minhash_finds_what_the_exact_similarity_says():
    draw = Random(1)
    words = [f"w{number}" for number in range(400)]
    index, kept = NearDuplicates(), {}
    for number in range(60):
        kept[str(number)] = text = " ".join(draw.choices(words, k=60))
        index.add(str(number), text)
    for number in range(60):
        parts = kept[str(number)].split()
        close, far = [*parts[:54], *draw.choices(words, k=6)], [*parts[:20], *draw.choices(words, k=40)]
        assert similarity(shingles(" ".join(close)), shingles(kept[str(number)])) >= 0.7
        assert index.like(" ".join(close)) == str(number)
        assert index.like(" ".join(far)) is None


def test_datasets_take_it_as_it_is(folder, bench):
    import datasets

    found = as_datasets(folder)
    assert len(found["sessions"]) == len(bench.sessions)
    assert found["personas"][0]["held"][0].keys() == {"field", "value", "valid_from", "valid_to", "said"}
    plain = datasets.load_dataset(
        "json", data_files=str(folder / "sessions.jsonl"), cache_dir=str(folder / "cache"), split="train"
    )
    assert plain[3]["query"] == bench.sessions[3].query
    assert plain[3]["checks"][0]["accepted"] == bench.sessions[3].checks[0].accepted


def test_a_weak_trace_of_a_value_is_found_in_few_texts(bench):
    """One direction of many has the value in it, the others are noise."""
    profiles, noise = list(bench.profiles.values()), np.random.default_rng(3)
    introverts = {p.id for p in profiles if p.values_at(p.sessions[0])["personality.extraversion"] == ["I"]}
    sessions = [session.model_copy(update={"query": f"{session.persona} {session.id}"}) for session in bench.sessions]

    def embedder(trace):
        def embed(texts):
            vectors = noise.normal(size=(len(texts), 100))
            vectors[:, 0] += [trace * (text.split()[0] in introverts) for text in texts]
            return vectors

        return embed

    (found,) = leaks(profiles, sessions, embedder(8.0), fields=["personality.extraversion"])
    assert found.accuracy > 0.8
    (nothing,) = leaks(profiles, sessions, embedder(0.0), fields=["personality.extraversion"])
    assert nothing.accuracy < 0.65


@pytest.mark.local_model
def test_a_classifier_cannot_read_the_persona_off_the_query_but_off_a_leaking_one(bench):
    profiles, fields = list(bench.profiles.values()), ["life.diet", "personality.extraversion"]
    sessions = [session for session in bench.sessions if session.number % 2]
    quiet = leaks(profiles, sessions, po.local_embedder(), fields=fields)
    said = [
        each.model_copy(update={"query": f"I eat {bench.profiles[each.persona].values_at(each.time)['life.diet'][0]}."})
        for each in sessions
    ]
    loud = leaks(profiles, said, po.local_embedder(), fields=["life.diet"])
    assert loud[0].accuracy > 0.7
    assert loud[0].low > 0.1
    assert all(leak.low <= 0.1 and leak.excess < 0.15 for leak in quiet), quiet
    with pytest.raises(po.DataError, match="at least 6 personas"):
        leaks(profiles[:3], sessions, po.local_embedder())


@pytest.mark.parametrize("form", FORMS)
def test_every_form_knows_its_own(form):
    check = Check(field="preference.formats", kind="form", accepted=[form])
    assert passes(check, WRITTEN[form])
    assert not passes(check, "")


def command(folder, *more):
    words = ["eval", "personabench", "generate", "--out", folder, "--personas", "40", "--seed", "5", *more]
    return [sys.executable, "-m", "personaopt.cli.main", *map(str, words)]


def test_the_command_goes_on_after_it_was_killed(tmp_path):
    killed = subprocess.Popen(command(tmp_path / "a"), stderr=subprocess.DEVNULL)
    personas = tmp_path / "a" / FILES["personas"]  # most of the work, the scenes, comes after them
    deadline = time.monotonic() + 60
    while not (personas.exists() and personas.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert personas.stat().st_size
    assert not (tmp_path / "a" / "sessions.jsonl").exists()
    for folder in ("a", "b"):
        done = subprocess.run(command(tmp_path / folder, "--json"), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["personas"] == 40
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert "filtered:" in done.stderr
    wrong = subprocess.run(command(tmp_path / "a", "--sessions", 3), capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "has a bench with sessions 20, not 3" in wrong.stderr
