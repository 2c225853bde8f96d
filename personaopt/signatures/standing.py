"""Answers that stand for inputs: of "[1]" and "[2]" a model can say little, of the two titles behind them a lot.

An output with a closed set of answers says in its annotation which input each answer stands for:

    choice: Annotated[Literal["[1]", "[2]"], StandsFor({"[1]": "option_1", "[2]": "option_2"}, said="Cites")]

An LM that measures is then asked how likely the inputs' texts are, in a prompt that does not list them; probabilities
come back under the answers. Chat LMs see the fields as they are and answer with the label.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class StandsFor:
    """Says which input field each answer of an output stands for.

    Attributes:
        inputs: The input field by answer.
        said: What the output's line is called where the text stands on it; the field's own name when empty.
    """

    inputs: Mapping[str, str]
    said: str = ""

    def __hash__(self) -> int:
        return hash((tuple(self.inputs.items()), self.said))


def stands_for(field: Any) -> StandsFor | None:
    """What an output field's answers stand for; None where they stand for themselves."""
    return next((rule for rule in getattr(field, "metadata", ()) if isinstance(rule, StandsFor)), None)


def case_of(signature: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that say what a question is about: all but the options, where answers stand for options."""
    rules = [rule for field in signature.output_fields.values() if (rule := stands_for(field)) is not None]
    options = {name for rule in rules for name in rule.inputs.values()}
    rest = {name: value for name, value in inputs.items() if name not in options}
    return rest or dict(inputs)


def options_of(field: Any, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The text behind each answer of an output field, as one line.

    Args:
        field: The output field.
        inputs: The question.

    Returns:
        By answer; empty where answers stand for themselves, or a text is missing or there twice.
    """
    rule = stands_for(field)
    if rule is None:
        return {}
    found = {answer: inputs.get(name) for answer, name in rule.inputs.items()}
    texts = {answer: " ".join(text.split()) for answer, text in found.items() if isinstance(text, str) and text.strip()}
    return texts if len(set(texts.values())) == len(rule.inputs) else {}
