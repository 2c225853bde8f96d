"""Text written by a causal language model, held to a grammar while it is written."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from personaopt.errors import ModelError
from personaopt.lm.scoring import SequenceScorer

if TYPE_CHECKING:
    from llguidance import LLMatcher

LONGEST_STRING = 400
MOST_ITEMS = 16
LARGEST_NUMBER = 10**15
ANYTHING = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}
"""What may stand where a schema allows every value: those that have an end."""

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SAYS_NOTHING = {"title", "description", "default", "examples", "$defs", "definitions"}

# As `json.dumps` writes, like the values in the prompt; no white space beyond that, which could go on for ever.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_LINE = r"[^\s][^\n]*"
_TEXT_ENDS = ('"}\n', '"]\n', '"\n', '"}', '"]', '"')
_ENDS = ("\n", "}\n", "]\n", "}}", "]]", "}", "]", '"')
"""Pieces that end a JSON value or a part of one, inside a text and outside, the ones that end most first."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How tokens are chosen: the likeliest at temperature 0, drawn with the seed above it."""

    temperature: float = 0.0
    seed: int = 0
    most_tokens: int = 512


@dataclasses.dataclass(frozen=True)
class Written:
    """What was written, how many tokens it took, and whether it had to be cut."""

    value: Any
    tokens: int
    cut: bool = False


def bounded(schema: Any) -> Any:
    """A JSON schema in which no string, list or free value can go on for ever: a small model would."""
    if schema is True or (isinstance(schema, Mapping) and set(schema) <= _SAYS_NOTHING):
        return {**bounded(ANYTHING), **(schema if isinstance(schema, Mapping) else {})}
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, Mapping):
        return copy.deepcopy(schema)
    result = {key: _bounded_part(key, value) for key, value in schema.items()}
    if result.get("type") == "string" and not {"enum", "const", "pattern", "format"} & set(result):
        result.setdefault("maxLength", LONGEST_STRING)
    if result.get("type") == "number" and not {"enum", "const", *_LIMITS} & set(result):
        result |= {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}  # 1e999 is JSON, and no number here
    if result.get("type") == "array":
        result.setdefault("maxItems", max(MOST_ITEMS, result.get("minItems", 0)))
        if "prefixItems" not in result:
            result.setdefault("items", bounded(ANYTHING))
    if result.get("type") == "object" and "properties" not in result:
        result.setdefault("additionalProperties", bounded(ANYTHING))
    return result


def _bounded_part(keyword: str, value: Any) -> Any:
    if keyword in ("enum", "const", "default", "examples", "required", "uniqueItems"):
        return copy.deepcopy(value)
    if keyword in ("properties", "$defs", "definitions", "patternProperties"):
        return {name: bounded(schema) for name, schema in value.items()}
    return bounded(value)


class GrammarWriter:
    """Writes text under a grammar.

    Args:
        scorer: Holds the model, and the cache of what prompts share.
        tokenizer: The model's fast tokenizer.
    """

    def __init__(self, scorer: SequenceScorer, tokenizer: Any) -> None:
        self.scorer = scorer
        self.tokenizer = tokenizer

    def json_value(self, prompt: Sequence[int], schema: Mapping[str, Any], sampling: Sampling) -> Written:
        """A JSON value that the schema allows; when the tokens run out, what is open is closed.

        Raises:
            ModelError: The schema cannot be turned into a grammar, or its shortest value needs more tokens.
        """
        value = json.dumps({**bounded(schema), "x-guidance": _LAYOUT})
        tokens = list(self._tokens(prompt, f'start: " " value "\\n"\nvalue: %json {value}', sampling, ends=True))
        text = self.tokenizer.decode(tokens, clean_up_tokenization_spaces=False)
        try:
            return Written(json.loads(text), len(tokens))
        except ValueError:
            raise ModelError(
                f"{sampling.most_tokens} tokens were too few for an answer of this form; raise max_tokens."
            ) from None

    def line(self, prompt: Sequence[int], sampling: Sampling) -> Written:
        """One line of text, not empty, without its end."""
        tokens = list(self._tokens(prompt, f'start: " "? /{_LINE}/ "\\n"', sampling))
        text = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Written(text.strip(), len(tokens), cut=not text.endswith("\n"))

    def text(self, prompt: Sequence[int], sampling: Sampling) -> Iterator[int]:
        """Tokens of free text, as they are chosen, until the model ends it or its context is full."""
        yield from self._tokens(prompt, None, sampling)

    def room(self, prompt: Sequence[int], sampling: Sampling) -> int:
        """How many tokens may be written behind a prompt."""
        return min(sampling.most_tokens, self.scorer.context - len(prompt))

    def _tokens(
        self, prompt: Sequence[int], grammar: str | None, sampling: Sampling, *, ends: bool = False
    ) -> Iterator[int]:
        matcher = self._matcher(grammar) if grammar else None
        choose = _chooser(sampling)
        stops = _as_set(self.tokenizer.eos_token_id) | _as_set(self.scorer.model.generation_config.eos_token_id)
        step = self.scorer.stepper(prompt)
        logits = next(step)
        room = self.room(prompt, sampling)
        for place in range(room):
            if matcher is not None:
                logits = np.where(_allowed(matcher, len(logits)), logits, -np.inf)
                if ends and place >= room - max(16, room // 4):
                    logits = self._ending(logits)
            token = choose(logits)
            if token in stops:
                return
            yield token
            if matcher is not None and (not matcher.consume_token(token) or matcher.is_stopped()):
                return
            if place + 1 < room:
                logits = step.send(token)

    @functools.cached_property
    def _vocabulary(self) -> Any:
        from llguidance.hf import from_tokenizer

        return from_tokenizer(self.tokenizer, n_vocab=self.scorer.model.config.get_text_config().vocab_size)

    def _ending(self, logits: np.ndarray) -> np.ndarray:
        """Only the token that ends most of what is open, where one is allowed."""
        brackets = self._single(("}", "]"))
        inside = all(logits[token] > -np.inf for token in brackets)  # only a text may go on with either
        for token in self._single(_TEXT_ENDS if inside else _ENDS):
            if logits[token] > -np.inf:
                only = np.full_like(logits, -np.inf)
                only[token] = logits[token]
                return only
        return logits

    @functools.cache  # noqa: B019 - a writer lives as long as its model
    def _single(self, pieces: tuple[str, ...]) -> list[int]:
        """Those pieces that are one token, in their order."""
        found = [self._vocabulary.tokenize_str(piece) for piece in pieces]
        return [tokens[0] for tokens in found if len(tokens) == 1]

    def _matcher(self, grammar: str) -> LLMatcher:
        from llguidance import LLMatcher

        matcher = LLMatcher(self._vocabulary, LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            reason = matcher.get_error().splitlines()[0]
            raise ModelError(f"The output's JSON schema cannot be written under: {reason}.")
        return matcher


def _allowed(matcher: LLMatcher, size: int) -> np.ndarray:
    from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

    bits = allocate_token_bitmask(1, size)
    fill_next_token_bitmask(matcher, bits)
    return np.unpackbits(bits[0].view(np.uint8), bitorder="little")[:size].astype(bool)


def _chooser(sampling: Sampling) -> Callable[[np.ndarray], int]:
    if sampling.temperature <= 0:
        return lambda logits: int(logits.argmax())
    draw = np.random.default_rng(sampling.seed)

    def choose(logits: np.ndarray) -> int:
        scaled = logits.astype(np.float64) / sampling.temperature
        weights = np.exp(scaled - scaled.max())
        return int(draw.choice(len(weights), p=weights / weights.sum()))

    return choose


def _as_set(token: Any) -> set[int]:
    return set() if token is None else set(token) if isinstance(token, list | tuple) else {int(token)}
