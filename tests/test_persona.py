"""Personas are values: what edits, text and JSON do to them."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import random
import subprocess
import sys

import pytest

from personaopt.errors import PersonaError
from personaopt.persona import Edit, Persona, Statement, estimate_tokens

WORDS = ("films", "prefers", "short", "<b>", "&", "&amp;", "never", "always", "👍", "naïve", "“quoted”", "no", "yes")
EMPTY = Persona()


def random_persona(rng: random.Random, like: Persona = EMPTY) -> Persona:
    """A persona that shares some statements, changed or not, with another one."""
    kept = [s for s in like.statements if rng.random() < 0.6]
    changed = [
        dataclasses.replace(s, text=f"{s.text} {rng.choice(WORDS)}", evidence=("new",)) if rng.random() < 0.4 else s
        for s in kept
    ]
    known = {statement.id for statement in like.statements}
    added = {
        statement.id: statement
        for statement in (
            Statement(
                " ".join(rng.choices(WORDS, k=rng.randint(1, 9))),
                evidence=tuple(f"i{rng.randrange(9)}" for _ in range(rng.randrange(4))),
                source=rng.choice(("learnt", "stated", "written")),
                field=rng.choice((None, "preference.formats")),
                confidence=rng.random(),
                valid_from=rng.choice((None, 3.0)),
                pinned=rng.random() < 0.2,
            )
            for _ in range(rng.randint(0, 6))
        )
        if statement.id not in known
    }
    return Persona((*changed, *added.values()))


def test_values_cannot_be_changed():
    statement = Statement("Prefers tea.")
    persona = Persona((statement,))
    for value, name in ((statement, "text"), (persona, "statements"), (Edit("add", statement), "reason")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, "other")
    assert persona.apply(Edit("add", Statement("Drinks it black."))) != persona
    assert persona.render() == "- Prefers tea."
    assert hash(persona) == hash(copy.deepcopy(persona)) == hash(pickle.loads(pickle.dumps(persona)))


def test_a_statement_is_one_line_and_its_id_comes_from_it():
    statement = Statement("  Two\n lines\u2028of  text ")
    assert statement.text == "Two lines of text"
    assert statement.id == Statement("Two lines of text").id != Statement("Other text").id
    assert Statement("x", evidence=("b", "a", "b")).evidence == ("b", "a")
    assert Statement("x", id="chosen").id == "chosen"


@pytest.mark.parametrize(
    "values",
    [
        {"text": " \n"},
        {"text": "half \ud800"},
        {"text": "fine", "id": "\udfff"},
        {"text": "x", "source": "guessed"},
        {"text": "x", "confidence": 1.1},
        {"text": "x", "confidence": float("nan")},
        {"text": "x", "confidence": "high"},
        {"text": "x", "evidence": "i1"},
    ],
)
def test_a_bad_statement_is_refused_in_one_sentence(values):
    with pytest.raises(PersonaError) as refused:
        Statement(**values)
    assert "\n" not in str(refused.value)
    str(refused.value).encode()  # the message itself can be shown
    with pytest.raises(PersonaError):
        Statement.from_dict(values)


@pytest.mark.parametrize(
    "values", ["text", None, {"id": "only"}, {"text": "x", "colour": "red"}, {"text": "x", "evidence": 3}]
)
def test_what_is_not_a_statement(values):
    with pytest.raises(PersonaError):
        Statement.from_dict(values)


@pytest.mark.parametrize(
    ("action", "statement", "target"),
    [
        ("rewrite", Statement("x"), None),
        ("add", None, None),
        ("add", Statement("x"), "y"),
        ("replace", Statement("x"), None),
        ("replace", None, "y"),
        ("remove", Statement("x"), "y"),
        ("remove", None, None),
    ],
)
def test_an_edit_has_what_its_action_needs(action, statement, target):
    with pytest.raises(PersonaError):
        Edit(action, statement, target)
    with pytest.raises(PersonaError):
        Edit.from_dict({"action": action, "statement": statement and statement.to_dict(), "target": target})


def test_edits_are_made_in_their_order():
    a, b, c = (Statement(text, id=text) for text in "ABC")
    persona = Persona((a, b))
    assert persona.apply([Edit("add", c), Edit("replace", Statement("new", id="n"), "A")]).render() == "- new\n- B\n- C"
    assert persona.apply(Edit("remove", target="A")) == Persona((b,))
    assert persona.apply([Edit("remove", target="A"), Edit("add", a)]).render() == "- B\n- A"
    assert persona.apply([]) == persona
    with pytest.raises(PersonaError, match="'Z'"):
        persona.apply(Edit("remove", target="Z"))
    with pytest.raises(PersonaError, match="share an id"):
        persona.apply(Edit("add", a))
    with pytest.raises(PersonaError, match="share an id"):
        persona.apply(Edit("replace", b, "A"))
    assert str(Edit("add", a)) == "+ A"
    assert str(Edit("remove", target="A")) == "- A"


@pytest.mark.parametrize("seed", range(40))
def test_applying_a_difference_leads_to_the_other(seed):
    rng = random.Random(seed)
    first = random_persona(rng)
    second = random_persona(rng, like=first)
    edits = first.diff(second)
    assert {s.id: s for s in first.apply(edits).statements} == {s.id: s for s in second.statements}
    assert first.diff(first) == ()
    read_back = [Edit.from_dict(json.loads(json.dumps(edit.to_dict()))) for edit in edits]
    assert read_back == list(edits)
    for persona in (first, second):
        assert Persona.from_dict(json.loads(json.dumps(persona.to_dict()))) == persona


def test_only_the_result_of_edits_must_keep_the_limit():
    short, long = "a", " ".join(["b"] * 20)
    limit = Persona((Statement(short, id="1"), Statement(long, id="2"))).tokens
    persona = Persona((Statement(short, id="1"), Statement(long, id="2")), token_limit=limit)
    swapped = Persona((Statement(long, id="1"), Statement("c", id="2")), token_limit=limit)
    assert persona.apply(persona.diff(swapped)) == swapped
    with pytest.raises(PersonaError, match=f"limit is {limit}"):
        persona.apply(Edit("replace", Statement(long, id="1"), "1"))


@pytest.mark.parametrize("limit", [-1, 2.5, "400", True, None])
def test_a_limit_is_a_whole_number(limit):
    with pytest.raises(PersonaError):
        Persona((), limit)


def test_what_is_not_a_persona():
    for values in (None, [], {}, {"statements": 3}, {"statements": ["x"]}, {"statements": [{"text": ""}]}):
        with pytest.raises(PersonaError):
            Persona.from_dict(values)
    with pytest.raises(PersonaError, match="from_text"):
        Persona(("a text",))
    with pytest.raises(PersonaError, match="action"):
        Edit.from_dict({})


def test_a_text_becomes_statements_and_back():
    text = "- Writes in lower case.\n\n  -  Signs with  - t\nSigns with - t\n-\n-5 degrees is warm\n"
    persona = Persona.from_text(text)
    assert [s.text for s in persona.statements] == ["Writes in lower case.", "Signs with - t", "-5 degrees is warm"]
    assert {s.source for s in persona.statements} == {"written"}
    assert Persona.from_text(persona.render()) == persona
    assert not Persona.from_text("\n - \n")


def test_rendering_is_the_same_in_every_process():
    code = (
        "from personaopt.persona import Persona\n"
        "p = Persona.from_text('b line\\na line\\nc line')\n"
        "print(p.render(), [s.id for s in p.statements], p.tokens)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith("- b line\n- a line\n- c line")


def test_tokens_are_counted_without_a_tokenizer():
    assert estimate_tokens("") == 0
    assert estimate_tokens("a word, and internationalisation") == 1 + 1 + 1 + 1 + 4
    persona = Persona.from_text("one two three")
    assert persona.tokens == 4  # the dash counts
    assert Persona(persona.statements, token_limit=4) == dataclasses.replace(persona, token_limit=4)
    with pytest.raises(PersonaError, match="4 tokens and its limit is 3"):
        Persona(persona.statements, token_limit=3)


def test_what_is_pinned_stays_pinned_through_json():
    persona = Persona((Statement("Is allergic to nuts.", source="stated", pinned=True),))
    assert Persona.from_dict(persona.to_dict()).statements[0].pinned
    assert persona.diff(Persona((dataclasses.replace(persona.statements[0], pinned=False),)))[0].action == "replace"


def test_a_notebook_shows_text_escaped():
    assert "&lt;b&gt;" in Persona.from_text("Writes <b>bold</b>.")._repr_html_()
    assert "empty" in Persona()._repr_html_()
