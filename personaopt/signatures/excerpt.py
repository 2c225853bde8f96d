"""How much of a long text an LM is shown: its beginning and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from personaopt.attachments import described
from personaopt.persona import estimate_tokens

LONGEST_SHOWN = 1000
"""Tokens of one text that is shown beside others: a memory, or an answer that is criticised."""


def excerpt(text: str, tokens: int = LONGEST_SHOWN) -> str:
    """A text, or where it is longer than so many tokens its beginning and its end.

    Args:
        text: The text.
        tokens: By `estimate_tokens`; what stands for the part that is left out comes on top.
    """
    if len(text) <= tokens or (total := estimate_tokens(text)) <= tokens:
        return text
    kept = int(len(text) * tokens / total)
    first = kept * 2 // 3
    return f"{text[:first]} [... about {total - tokens} tokens left out ...] {text[len(text) - (kept - first) :]}"


def excerpts(values: Mapping[str, Any], tokens: int = LONGEST_SHOWN) -> dict[str, Any]:
    """Fields with their texts as excerpts, each by itself; media by a short text, other values as they are."""
    texts = {name: described(value) for name, value in values.items()}
    return {name: excerpt(value, tokens) if isinstance(value, str) else value for name, value in texts.items()}
