"""The user's own words in an interaction: what was recalled into it, or answered by an agent, is none of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from personaopt.interaction import Interaction

_OPEN, _CLOSE = "<recalled>", "</recalled>"
_RECALLED = re.compile(rf"{_OPEN}.*?(?:{_CLOSE}|\Z)", re.DOTALL)


def recalled(text: str) -> str:
    """Mark a text that comes out of memory, so that it is not learnt again where it is recorded as part of an input.

    Args:
        text: What was recalled; a mark inside of it cannot end the passage.
    """
    return f"{_OPEN}{text.replace(_CLOSE, '').replace(_OPEN, '')}{_CLOSE}"


def own_words(interaction: Interaction) -> dict[str, Any]:
    """What the user said in an interaction: inputs and ground truth, without what was recalled into them."""
    return {
        "said": {name: stripped(value) for name, value in interaction.inputs.items()},
        "chose": {name: stripped(value) for name, value in interaction.ground_truth.items()},
    }


def stripped(value: Any) -> Any:
    """A JSON value without the passages that were recalled into it."""
    if isinstance(value, str):
        return " ".join(_RECALLED.sub(" ", value).split()) if _OPEN in value else value
    if isinstance(value, Mapping):
        return {name: stripped(held) for name, held in value.items()}
    return [stripped(held) for held in value] if isinstance(value, list | tuple) else value


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value; the names of fields are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from texts(held)
