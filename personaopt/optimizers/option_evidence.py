"""Statements for outputs whose answers stand for texts (`signatures.standing`): what the user chose, and worked on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from personaopt.interaction import Interaction
from personaopt.memory.options import chosen, plain
from personaopt.optimizers.text_evidence import MOST_EVIDENCE
from personaopt.persona import Statement
from personaopt.signatures.standing import stands_for

SHOWN = 6


def option_statements(name: str, field: Any, history: Sequence[Interaction]) -> Iterator[tuple[Statement, ...]]:
    """What the user chose most often, what lately, and what the latest cases were about.

    Args:
        name: The output field.
        field: Its definition, which says what the answers stand for.
        history: Interactions with a ground truth for it, oldest first.
    """
    rule = stands_for(field)
    if rule is None:
        return
    does = (rule.said or f"{name.replace('_', ' ')} is").lower()
    texts = [(text, item.id) for item in history for text in chosen(field, name, item)]
    counts = Counter(plain(text) for text, _ in texts)
    spelled = {plain(text): text for text, _ in texts}
    often = [key for key, times in counts.most_common(SHOWN) if times > 1]
    if often:
        evidence = [identifier for text, identifier in reversed(texts) if plain(text) in often]
        yield (_line(f"Often {does}", [spelled[key] for key in often], f"{name}:often", evidence),)
    latest = list(dict.fromkeys(text for text, _ in reversed(texts)))[:SHOWN]
    if latest:
        evidence = [identifier for text, identifier in reversed(texts) if text in latest]
        yield (_line(f"Lately {does}", latest, f"{name}:lately", evidence),)
    about: dict[str, str] = {}
    for item in reversed(history):
        rest = [str(value) for field_name, value in item.inputs.items() if field_name not in rule.inputs.values()]
        if rest:
            about.setdefault(" ".join(rest[0].split()), item.id)
    if about:
        kinds = list(about)[:SHOWN]
        yield (_line("Works on", kinds, f"{name}:about", [about[kind] for kind in kinds]),)


def _line(beginning: str, texts: Sequence[str], identifier: str, evidence: Sequence[str]) -> Statement:
    listed = "; ".join(" ".join(text.split()).rstrip(".") for text in texts)
    return Statement(f"{beginning}: {listed}.", id=identifier, evidence=tuple(dict.fromkeys(evidence))[:MOST_EVIDENCE])
