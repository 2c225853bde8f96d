import json
import time

import numpy as np
import pytest

from personaopt.errors import ModelError
from personaopt.lm.generation import Sampling, bounded

PROMPT = "Description: a detective\nValue:"
HOT = 1.0


@pytest.fixture
def writer(tiny_engine):
    return tiny_engine.writer


@pytest.fixture
def prompt(tiny_engine):
    return tiny_engine.tokens.prompt(PROMPT)


def test_a_schema_is_bounded_wherever_something_could_go_on_for_ever():
    schema = {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "many": {"type": "array", "items": {"type": "string", "enum": ["a"]}},
            "long": {"type": "array", "minItems": 40},
            "any": {"title": "Any", "default": None},
        },
        "additionalProperties": True,
        "$defs": {"Free": {"type": "object"}},
    }
    before = json.dumps(schema)
    result = bounded(schema)
    assert json.dumps(schema) == before
    assert result["properties"]["type"] == {"type": "string", "maxLength": 400}
    assert result["properties"]["many"] == {"type": "array", "items": {"type": "string", "enum": ["a"]}, "maxItems": 16}
    assert result["properties"]["long"]["maxItems"] == 40
    assert result["properties"]["any"]["title"] == "Any"
    assert {"type": "boolean"} in result["properties"]["any"]["anyOf"]
    assert bounded({"type": "number"})["maximum"] == 10**15
    assert bounded({"type": "number", "minimum": 1}) == {"type": "number", "minimum": 1}
    assert {"type": "null"} in result["additionalProperties"]["anyOf"]
    assert "additionalProperties" in result["$defs"]["Free"]
    assert bounded({"type": "string", "pattern": "a+"}) == {"type": "string", "pattern": "a+"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object"},
        {"type": "number"},
        {"type": "integer"},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"type": "array", "items": {"type": "array", "items": {"type": "number"}}, "minItems": 2},
        {"title": "Anything"},
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/T"}}},
            "required": ["name", "children"],
            "$defs": {
                "T": {
                    "type": "object",
                    "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/T"}}},
                    "required": ["children"],
                }
            },
        },
    ],
)
@pytest.mark.parametrize("most", [32, 100])
def test_a_value_is_always_finished(writer, prompt, schema, most):
    lengths = set()
    for seed in range(5):
        written = writer.json_value(prompt, schema, Sampling(HOT, seed, most))
        assert written.tokens <= most
        lengths.add(written.tokens)
        if schema.get("type") == "array":
            assert isinstance(written.value, list)
    assert lengths


def test_values_are_written_as_they_stand_in_prompts(writer, prompt, tiny_engine):
    schema = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}, "minItems": 3, "maxItems": 3}
    tokens = list(writer._tokens(prompt, f'start: " " value "\\n"\nvalue: %json {json.dumps(schema)}', Sampling()))
    assert len(tokens) > 3
    written = writer.json_value(prompt, schema, Sampling())
    assert len(written.value) == 3
    assert set(written.value) <= {1, 2, 3}


def test_a_seed_repeats_and_another_differs(writer, prompt):
    lines = [writer.line(prompt, Sampling(HOT, seed, 12)).value for seed in (1, 1, 2, 3)]
    assert lines[0] == lines[1]
    assert len(set(lines)) > 1
    assert writer.line(prompt, Sampling(0, 1, 12)) == writer.line(prompt, Sampling(0, 2, 12))


def test_a_line_is_one_line_and_not_empty(writer, prompt):
    for seed in range(10):
        written = writer.line(prompt, Sampling(HOT, seed, 10))
        assert "\n" not in written.value
        assert written.cut == (written.tokens == 10) or written.tokens == 10
        assert written.tokens <= 10


def test_too_few_tokens_are_said_so(writer, prompt):
    schema = {"type": "object", "properties": {"long_name": {"type": "string"}}, "required": ["long_name"]}
    with pytest.raises(ModelError, match="3 tokens were too few"):
        writer.json_value(prompt, schema, Sampling(0, 0, 3))


def test_a_schema_that_cannot_be_written_under(writer, prompt):
    with pytest.raises(ModelError, match="cannot be written under"):
        writer.json_value(prompt, {"type": "string", "pattern": "(?=a)b"}, Sampling())


def test_text_ends_where_the_context_does(writer, tiny_engine):
    prompt = tiny_engine.tokens.prompt("a" * 700)[:500]
    assert len(list(writer.text(prompt, Sampling(HOT, 0, 50)))) <= 12


@pytest.mark.local_model
def test_a_token_costs_about_a_forward_pass(local_lm):
    """The grammar and the sampling are small beside the model, from the first token on."""
    engine = local_lm.engine
    prompt = engine.tokens.prompt("Message: See you tomorrow at the station?\nReply:")
    engine.writer.line(prompt, Sampling(0, 0, 2))
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        count = engine.writer.line(prompt, Sampling(0, 0, 12)).tokens
        grammar = (time.perf_counter() - start) / count
        start = time.perf_counter()
        step = engine.scorer.stepper(prompt)
        next(step)
        for token in prompt[: count - 1]:
            step.send(token)
        best = min(best, grammar / ((time.perf_counter() - start) / count))
    assert best < 1.5
