"""How a small local model is prompted: the one place where that form is written.

Small instruction-tuned models ignore a persona under their chat template and follow it in plain completion form: a few
worked examples, what is known of the user, and the open case, each field on a line of its own.

    Description: A detective hunts a killer who copies famous paintings.
    Tag: twist ending

    - Mostly uses the tags twist ending and dark comedy.

    Description: Two rival chefs inherit the same restaurant.
    Tag:

Where an answer is chosen, what varies with the interaction (the examples) comes first, then the persona, then the
query: candidates for a persona share everything up to it. Where a text is written, the persona stands in front: on a
few users kept for tuning (5 to 16) that lowered the loss of real texts by 0.03 to 0.1 a token over four examples, and
behind the examples nothing was resolved. With eight examples and other users the gain was not confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

VERSION = 2
"""Part of a local model's name, so that no cached answer outlives a change of the form."""


def title(field_name: str) -> str:
    """A field's name as it stands in a prompt: `dark_comedy` becomes `Dark comedy`."""
    return field_name.replace("_", " ").strip().capitalize()


def one_line(value: Any) -> str:
    """A value as one line of text: line breaks become spaces, what is not text becomes JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def write_prompt(
    inputs: Mapping[str, Any],
    *,
    titles: Mapping[str, str] | None = None,
    examples: Iterable[Mapping[str, Any]] = (),
    records: Iterable[str] = (),
    persona: str = "",
    persona_first: bool = False,
) -> str:
    """A prompt that ends where the first output's line begins.

    Args:
        inputs: The open case, by field name, in the order of the task.
        titles: What to call a field; `title` of its name where it is not given.
        examples: Worked cases, inputs and outputs by field name, the most telling one last.
        records: What was looked up for the case, one line each, behind the examples.
        persona: What is known of the user, as lines.
        persona_first: Whether the persona stands in front of the examples instead of behind them.
    """
    titles = titles or {}

    def lines(values: Mapping[str, Any]) -> str:
        return "".join(f"{titles.get(name) or title(name)}: {one_line(value)}\n" for name, value in values.items())

    blocks = [lines(example) for example in examples]
    if found := "".join(f"{one_line(record)}\n" for record in records):
        blocks.append(found)
    if persona.strip():
        blocks.insert(0 if persona_first else len(blocks), persona.strip() + "\n")
    return "\n".join([*blocks, lines(inputs)])


def open_line(name: str) -> str:
    """The beginning of an output's line; the answer follows it after a space."""
    return f"{name}:"


def answer(text: str) -> str:
    """An answer as it follows an open line, ended so that no answer is the beginning of another."""
    return f" {one_line(text)}\n"
