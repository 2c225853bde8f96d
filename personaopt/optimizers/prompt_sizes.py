"""How long the prompts of an alignment will be, before any of them is sent: expected, and at most.

What is known is formatted as it will be and measured. What an LM has still to write is bounded:

* A byte-level vocabulary has no more tokens than a text has bytes in UTF-8, and each message costs a few more.
* A persona keeps to its token limit, and a token of that limit is at most `PERSONA_BYTES` bytes.
* A text that an LM writes keeps to its `max_tokens`; where it is shown again, escaped and read by another vocabulary,
  it is taken to be no more than `READ_AGAIN` times as long. Without `max_tokens` there is no bound.
* Memories are the user's longest interactions, as many as are shown.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.memory.episodic import Memory, Recall
from personaopt.optimizers import heeding
from personaopt.optimizers.critics import as_text
from personaopt.persona import Persona, Statement, estimate_tokens

PERSONA_BYTES = 25
"""Bytes in UTF-8 that one token of a persona's limit can be: six characters of four bytes, and a space."""
READ_AGAIN = 2
MESSAGE_TOKENS = 32
"""Tokens around one message, at most; a few are expected."""
REASON_BYTES = 1000
"""A verdict with its figures."""
WRITTEN_FEEDBACK, WRITTEN_EDITS, WRITTEN_STATEMENTS = 60, 100, 120
"""Tokens that an LM is expected to write."""
LEARNT = 40
"""Tokens that a persona is expected to grow by."""


@dataclasses.dataclass(frozen=True)
class Size:
    """Tokens: as many as are expected, and at most; None where there is no bound."""

    expected: int = 0
    most: int | None = 0

    def __add__(self, other: Size) -> Size:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Size(self.expected + other.expected, most)

    def times(self, expected: int, most: int) -> Size:
        """So many of them."""
        return Size(self.expected * expected, 0 if not most else None if self.most is None else self.most * most)

    @classmethod
    def of(cls, text: str) -> Size:
        """A text that is known."""
        return cls(estimate_tokens(text), len(text.encode()))

    @classmethod
    def largest(cls, sizes: Iterable[Size]) -> Size:
        """The largest of several."""
        sizes = list(sizes)
        bounds = [size.most for size in sizes]
        most = None if None in bounds else max((bound for bound in bounds if bound is not None), default=0)
        return cls(max((size.expected for size in sizes), default=0), most)


def written(lm: Any, expected: int, *predictors: Any) -> Size:
    """What an LM writes in one answer: `max_tokens` at most, where it has one.

    Args:
        lm: The LM.
        expected: Tokens that are expected.
        predictors: Whose own settings go before those of the LM.
    """
    known = {**getattr(lm, "kwargs", {})}
    for predictor in predictors:
        known |= {name: value for name, value in getattr(predictor, "config", {}).items() if value is not None}
    most = known.get("max_tokens") or known.get("max_completion_tokens")
    if most is None and getattr(getattr(lm, "engine", None), "parameters", None):
        from personaopt.lm.generation import Sampling  # the local model has a limit of its own

        most = Sampling.most_tokens
    return Size(expected if most is None else min(expected, int(most)), most if most is None else int(most))


def persona_size(persona: Persona) -> Size:
    """A persona while it is trained: a few lines longer than now, and at most as long as its limit allows."""
    expected = min(persona.tokens + LEARNT, max(persona.token_limit, persona.tokens))
    return Size(expected, PERSONA_BYTES * persona.token_limit)


def read_again(size: Size) -> Size:
    """A text that an LM wrote, in another prompt."""
    return Size(size.expected, None if size.most is None else READ_AGAIN * size.most)


def prompt(signature: Any, demos: Sequence[Any], inputs: Mapping[str, Any], *, reflect: bool = False) -> Size:
    """A prompt as the configured adapter writes it.

    Args:
        signature: What is asked.
        demos: Worked examples.
        inputs: By field; what is not given is empty.
        reflect: Whether it is asked in DSPy's chat form where the local adapter is configured.
    """
    adapter = dspy.settings.adapter or dspy.ChatAdapter()
    if reflect and isinstance(adapter, LocalAdapter):
        adapter = dspy.ChatAdapter()
    given = {name: inputs.get(name, "") for name in signature.input_fields}
    messages = [str(message["content"]) for message in adapter.format(signature, list(demos), given)]
    size = Size()
    for text in messages:
        size += Size.of(text) + Size(4, MESSAGE_TOKENS)
    if isinstance(adapter, dspy.JSONAdapter | LocalAdapter):  # the schema travels with the request
        size += Size(0, sum(len(str(field).encode()) for field in signature.output_fields.values()))
    return size


def memories(
    item: Interaction, remembered: Sequence[Interaction], expected: int, most: int
) -> tuple[Sequence[Interaction], Sequence[Interaction]]:
    """The memories that are expected in the prompt of an interaction, the latest, and the longest that may stand there.

    Args:
        item: What is asked.
        remembered: Everything that may be shown as a memory, oldest first.
        expected: How many are expected.
        most: How many there may be.
    """
    others = [other for other in remembered if other.id != item.id]
    before = list(itertools.takewhile(lambda other: other.id != item.id, remembered))
    longest = sorted(others, key=lambda other: -len(_shown(other).encode()))[:most]
    return before[max(len(before) - expected, 0) :], longest


def answer_prompt(
    agent: PersonaAgent, item: Interaction, remembered: Sequence[Interaction], persona: Persona, most: int | None = None
) -> Size:
    """The prompt by which one interaction is simulated.

    Args:
        agent: Who answers.
        item: What is asked.
        remembered: Everything that may be shown as a memory, oldest first.
        persona: The persona as it is.
        most: How many memories may be shown; as many as the agent retrieves when None.
    """
    latest, longest = memories(item, remembered, agent.retrieve, agent.retrieve if most is None else most)
    line, asked = Persona((Statement("x"),), max(persona.token_limit, 9)), heeding.in_conversation(agent, item)

    def formatted(shown: Sequence[Interaction]) -> Size:
        recalled = Recall(tuple(Memory(memory, 0.0) for memory in shown), ())
        inputs = agent.prompt_inputs(dict(asked.inputs), recalled, line)
        return prompt(inputs.pop("signature"), agent.predict.demos, inputs)

    # An answer is read with the outputs before it.
    truth = Size(0, len(as_text(item.ground_truth or item.response).encode()))
    size = Size(formatted(latest).expected, formatted(longest).most)
    return size + persona_size(persona) + truth


def answer_written(agent: PersonaAgent, item: Interaction) -> Size:
    """What is written where one interaction is simulated."""
    names = list(agent.task.output_fields)
    if isinstance(dspy.settings.adapter, LocalAdapter) and len(agent.answers) == len(names):
        return Size(len(names), len(names))  # decided, not written
    expected = estimate_tokens(as_text(item.ground_truth or item.response)) + 8 * (len(names) + 1)
    one = written(agent.lm, expected, agent.predict)
    if isinstance(dspy.settings.adapter, LocalAdapter):
        return Size(one.expected, None if one.most is None else one.most * len(names))  # each output by itself
    return one


def predictors_of(strategy: Any) -> list[dspy.Predict]:
    """The predictors by which a strategy asks its LM."""
    return [value for value in getattr(strategy, "__dict__", {}).values() if isinstance(value, dspy.Predict)]


def lm_of(strategy: Any, agent: PersonaAgent) -> Any:
    """The LM that a strategy asks: its own, or the agent's."""
    own = [predictor.lm for predictor in predictors_of(strategy) if predictor.lm is not None]
    return (own or [getattr(strategy, "lm", None)])[0] or agent.lm


def asked(strategy: Any, shown: Size, form: Callable[[Any], Any] = lambda signature: signature) -> Size:
    """One prompt of a critic, editor, start or judge: the longest of its predictors', and what they are shown.

    Where it asks by other means nothing bounds it. A prompt that follows on another one may show it all again.

    Args:
        strategy: Who asks.
        shown: What is filled in.
        form: Makes of a predictor's signature the one that is used.
    """
    predictors = predictors_of(strategy)
    if not predictors:
        return Size(shown.expected, None)
    empty = Size.largest(prompt(form(each.signature), each.demos, {}, reflect=True) for each in predictors)
    return empty + shown.times(1, min(len(predictors), 2))


def case_texts(item: Interaction) -> Size:
    """The texts of one interaction, as a critic is shown them."""
    texts = as_text(item.inputs) + as_text(heeding.expected(item))
    return Size.of(texts)


def _shown(item: Interaction) -> str:
    return json.dumps([dict(item.inputs), dict(item.ground_truth)], ensure_ascii=False, default=str)
