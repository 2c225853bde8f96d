"""What memory says of options that are texts of their own (`signatures.standing`), not labels of a closed list.

How often "[1]" was right says nothing. Counted instead is how often the user chose an option's very text before, and
measured how similar each option is to the rest of the question.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.interaction import Interaction, query_text
from personaopt.memory.embedding import Embedder, unit_rows
from personaopt.memory.episodic import Memory
from personaopt.signatures.standing import options_of, stands_for

ALSO_CHOSEN = "also_chosen"
"""Key of an interaction's metadata: texts that the user chose in the same case beside the one that is recorded."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a question.

    Attributes:
        field: The output field whose answers stand for them.
        texts: By answer.
        related: Cosine of each option with the rest of the question, by answer; empty where it was not measured.
    """

    field: Any
    texts: Mapping[str, str]
    related: Mapping[str, float]

    def chosen_before(self, name: str, earlier: Sequence[Memory]) -> dict[str, float]:
        """How often the user chose each option's text in earlier cases, by answer."""
        counts = Counter(plain(text) for memory in earlier for text in chosen(self.field, name, memory.interaction))
        return {answer: float(counts[plain(text)]) for answer, text in self.texts.items()}


def options_for(field: Any, inputs: Mapping[str, Any], embedder: Embedder | None = None) -> Options | None:
    """The options of a question about one output field; None where its answers stand for themselves.

    Args:
        field: The output field.
        inputs: The question.
        embedder: Measures how similar they are to the rest of the question; not measured without one.
    """
    rule, texts = stands_for(field), options_of(field, inputs)
    if rule is None or not texts:
        return None
    rest = query_text({name: value for name, value in inputs.items() if name not in rule.inputs.values()})
    if embedder is None or not rest:
        return Options(field, texts, {})
    asked = [rest, *texts.values()]
    vectors = unit_rows(embedder(asked), len(asked), embedder.name)
    cosines = (vectors[1:] @ vectors[0]).tolist()
    return Options(field, texts, dict(zip(texts, map(float, cosines), strict=True)))


def chosen(field: Any, name: str, interaction: Interaction) -> list[str]:
    """The texts that the user chose in a case, where they are known."""
    texts = options_of(field, interaction.inputs)
    also = interaction.metadata.get(ALSO_CHOSEN)
    known = [text for text in also if isinstance(text, str)] if isinstance(also, list | tuple) else []
    answer = str(interaction.ground_truth.get(name))
    return [texts[answer], *known] if answer in texts else known


def plain(text: str) -> str:
    """A text by which two spellings of one title are the same."""
    return " ".join(text.casefold().split()).rstrip(".")
