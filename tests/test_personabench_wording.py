"""The held-out wording: the same bench in other words, which say what the usual ones say."""

import json
import re
import string
import subprocess
import sys

import pytest

import personaopt as po
from personaopt.evals.personabench import OfflineBackend, Size, generate, load_bench
from personaopt.evals.personabench.backend import Backend
from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.generation import drawn
from personaopt.evals.personabench.revealing import revealed
from personaopt.evals.personabench.timeline import ADDED, LASTING, MISSTATED

USUAL, HELD_OUT = OfflineBackend(), OfflineBackend(wording="held-out")
SIZE = Size(personas=30, sessions=20, seed=3)
FEWEST = 8
"""Ways to say each kind of thing."""
PASSING = re.compile(
    r"\b(pass|for the moment|today|tonight|right this minute|one of those days|this week|never lasts|by the weekend"
    r"|for once|last two days|blow over)\b"
)
TAKEN_BACK = re.compile(
    r"\b(no idea why|correction|very funny|strike|pulling your leg|joking|did i say|error|slipped|wrong idea|badly"
    r"|without thinking)\b"
)


@pytest.fixture(scope="module")
def benches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benches")
    for backend in (USUAL, HELD_OUT):
        generate(folder / backend.wording, backend, SIZE)
    return {name: load_bench(folder / name) for name in ("usual", "held-out")}


def ways_of(words):
    """Every way to say something, by kind and field, with the names that may stand in braces."""
    for kind, ways, names in (
        ("fact", words.facts, {"value"}),
        ("change", words.changes, {"old", "new"}),
        ("return", words.returns, {"old", "new"}),
        ("mood", {"pattern.emotion": words.moods}, {"value"}),
        ("false", words.falsehoods, {"value"}),
        ("retraction", words.retractions, {"old", "new"}),
        ("complaint", words.complaints, {"value"}),
        ("clause", words.clauses, {"value"}),
    ):
        for field, texts in ways.items():
            yield kind, field, texts, names


def triples(text):
    words = re.findall(r"[\w']+", text.casefold())
    return set(zip(words, words[1:], words[2:], strict=False))


def braces(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("words", [USUAL.words, HELD_OUT.words], ids=["usual", "held-out"])
def test_every_way_of_saying_something_has_the_value_that_holds(words):
    for kind, field, texts, names in ways_of(words):
        assert len(set(texts)) == len(texts), (kind, field)
        for text in texts:
            assert braces(text) <= names, text
            assert braces(text) & {"value", "new"}, text


def test_the_held_out_wording_has_many_ways_and_none_of_the_usual_ones():
    kinds = {}
    for kind, field, texts, _ in ways_of(HELD_OUT.words):
        kinds.setdefault(kind, set()).update(texts)
        if kind not in ("complaint", "clause"):
            assert len(texts) >= FEWEST, (kind, field)
    assert all(len(texts) >= FEWEST for texts in kinds.values())
    assert set(HELD_OUT.words.facts) == set(USUAL.words.facts)
    assert set(HELD_OUT.words.changes) == set(LASTING)
    assert set(HELD_OUT.words.returns) == set(LASTING) - {ADDED}
    assert set(HELD_OUT.words.falsehoods) == set(HELD_OUT.words.retractions) == set(MISSTATED)
    assert {topic.field for topic in USUAL.words.topics} == set(HELD_OUT.words.complaints)
    usual = {text.casefold() for _, _, texts, _ in ways_of(USUAL.words) for text in texts}
    usual |= {text.casefold() for topic in USUAL.words.topics for text in topic.complaints}
    held_out = {text for texts in kinds.values() for text in texts}
    assert not usual & {text.casefold() for text in held_out}
    known = set().union(*map(triples, usual))
    shared = [text for text in held_out if triples(text) and len(triples(text) & known) > len(triples(text)) / 2]
    assert not shared


def test_what_passes_says_so_and_what_is_taken_back_too():
    assert all(PASSING.search(text.casefold()) for text in HELD_OUT.words.moods)
    for texts in HELD_OUT.words.retractions.values():
        assert all(TAKEN_BACK.search(text.casefold()) for text in texts), texts
    lasting = [text for kind, _, texts, _ in ways_of(HELD_OUT.words) if kind in ("fact", "change") for text in texts]
    assert not [text for text in lasting if re.search(r"for the moment|will pass|by tomorrow", text)]


def test_both_benches_are_the_same_but_for_what_the_user_says(benches):
    usual, other = benches["usual"], benches["held-out"]
    assert usual.profiles == other.profiles
    assert [usual.config["wording"], other.config["wording"]] == ["usual", "held-out"]
    complaints = 0
    for one, two in zip(usual.sessions, other.sessions, strict=True):
        assert one.model_dump(exclude={"checks", "remarks"}) == two.model_dump(exclude={"checks", "remarks"})
        for check, same in zip(one.checks, two.checks, strict=True):
            assert check.model_copy(update={"complaint": same.complaint}) == same
            complaints += check.complaint != same.complaint
        told = [[(each.kind, each.field, each.value) for each in session.remarks] for session in (one, two)]
        assert told[0] == told[1]
        assert not {each.text for each in one.remarks} & {each.text for each in two.remarks}
    assert complaints == len(usual.sessions)


def test_what_is_said_has_the_value_and_the_checks_and_queries_hold(benches):
    joined = 0
    for session in benches["held-out"].sessions:
        now = benches["held-out"].profiles[session.persona].values_at(session.time)
        texts = [remark.text for remark in session.remarks]
        joined += len(texts) - len(set(texts))
        for remark in session.remarks:
            assert remark.value.casefold() in remark.text.casefold(), remark
            assert "{" not in remark.text
            assert not re.search(r"\b[Aa] [aeioAEIO]\w", remark.text), remark
        for check in session.checks:
            assert any(value in check.complaint for value in now[check.field]), check
            assert failed([check], check.complaint) or check.kind in ("form", "names"), check
        assert not revealed(session.query, HELD_OUT.giveaways([]))
    assert joined > len(benches["held-out"].profiles)


def test_a_text_is_drawn_for_a_thing_by_its_name_alone(benches):
    profile = benches["held-out"].profiles["p0007"]
    for session in benches["held-out"].of("p0007"):
        draw = drawn(SIZE, "remarks", f"p0007/{session.number}")
        assert HELD_OUT.remarks(profile, session.number, draw) == session.remarks


def command(folder, *more):
    words = ["eval", "personabench", "generate", "--out", folder, "--personas", "2", "--sessions", "3", *more]
    done = [sys.executable, "-m", "personaopt.cli.main", *map(str, words)]
    return subprocess.run(done, capture_output=True, text=True, check=False)


def test_the_command_writes_either_and_does_not_mix_them(tmp_path):
    assert isinstance(HELD_OUT, Backend)
    done = command(tmp_path, "--wording", "held-out")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "config.json").read_text())["wording"] == "held-out"
    mixed = command(tmp_path)
    assert mixed.returncode == 2
    assert "has a bench with wording 'held-out', not 'usual'" in mixed.stderr
    unknown = command(tmp_path / "b", "--wording", "poetic")
    assert unknown.returncode == 2
    assert "no wording 'poetic'; give usual or held-out" in unknown.stderr
    assert not (tmp_path / "b").exists()
    with pytest.raises(po.ConfigurationError, match="no wording 'poetic'"):
        OfflineBackend(wording="poetic")
