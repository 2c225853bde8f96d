"""Text written by a causal language model, held to a grammar while it is written."""

from __future__ import annotations

import copy
import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How tokens are chosen: the likeliest at temperature 0, drawn with the seed above it."""

    temperature: float = 0.0
    seed: int = 0
    most_tokens: int = 512


def bounded(schema: Any) -> Any:
    """A JSON schema in which no string and no list can go on for ever: a small model would."""
    if isinstance(schema, list):
        return [bounded(item) for item in schema]
    if not isinstance(schema, Mapping):
        return copy.deepcopy(schema)
    result = {key: value if key in ("enum", "const", "default") else bounded(value) for key, value in schema.items()}
    if result.get("type") == "string" and not {"enum", "const", "pattern", "format"} & set(result):
        result.setdefault("maxLength", LONGEST_STRING)
    if result.get("type") == "array":
        result.setdefault("maxItems", max(MOST_ITEMS, result.get("minItems", 0)))
    return result


class GrammarWriter:
    """Writes text under a grammar.

    Args:
        scorer: Holds the model, and the cache of what prompts share.
        tokenizer: The model's fast tokenizer.
    """

    def __init__(self, scorer: SequenceScorer, tokenizer: Any) -> None:
        self.scorer = scorer
        self.tokenizer = tokenizer
        self._vocabulary: Any = None

    def json_value(self, prompt: Sequence[int], schema: Mapping[str, Any], sampling: Sampling) -> tuple[Any, int]:
        """A JSON value that the schema allows, and how many tokens it took.

        Raises:
            ModelError: The schema cannot be turned into a grammar, or the value was not finished in time.
        """
        from llguidance import LLMatcher

        try:
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(bounded(schema)))
        except ValueError as error:
            raise ModelError(f"The output's JSON schema cannot be generated under: {error}.") from error
        written = list(self._tokens(prompt, grammar, sampling))
        text = self.tokenizer.decode(written)
        try:
            return json.loads(text), len(written)
        except ValueError:
            raise ModelError(f"An answer was cut after {sampling.most_tokens} tokens; raise max_tokens.") from None

    def line(self, prompt: Sequence[int], sampling: Sampling) -> tuple[str, int]:
        """One line of text, not empty, without its end, and how many tokens it took."""
        from llguidance import LLMatcher

        written = list(self._tokens(prompt, LLMatcher.grammar_from_regex(r" ?[^\s][^\n]*\n"), sampling))
        return self.tokenizer.decode(written, skip_special_tokens=True).strip(), len(written)

    def text(self, prompt: Sequence[int], sampling: Sampling) -> Iterator[int]:
        """Tokens of free text, as they are chosen, until the model ends it."""
        yield from self._tokens(prompt, None, sampling)

    def _tokens(self, prompt: Sequence[int], grammar: str | None, sampling: Sampling) -> Iterator[int]:
        matcher = self._matcher(grammar) if grammar else None
        choose = _chooser(sampling)
        ends = _as_set(self.tokenizer.eos_token_id) | _as_set(self.scorer.model.generation_config.eos_token_id)
        step = self.scorer.stepper(prompt)
        logits = next(step)
        for _ in range(sampling.most_tokens):
            if matcher is not None:
                logits = _allowed(logits, matcher)
            token = choose(logits)
            if token in ends:
                return
            yield token
            if matcher is not None and (not matcher.consume_token(token) or matcher.is_stopped()):
                return
            logits = step.send(token)

    def _matcher(self, grammar: str) -> LLMatcher:
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        if self._vocabulary is None:
            self._vocabulary = from_tokenizer(self.tokenizer, n_vocab=self.scorer.model.config.vocab_size)
        matcher = LLMatcher(self._vocabulary, grammar)
        if matcher.is_error():
            raise ModelError(f"The output's grammar cannot be used: {matcher.get_error()}.")
        return matcher


def _allowed(logits: np.ndarray, matcher: LLMatcher) -> np.ndarray:
    from llguidance.numpy import allocate_token_bitmask, apply_token_bitmask_inplace, fill_next_token_bitmask

    mask = allocate_token_bitmask(1, len(logits))
    fill_next_token_bitmask(matcher, mask)
    masked = logits[None].copy()
    apply_token_bitmask_inplace(masked, mask)
    return masked[0]


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
