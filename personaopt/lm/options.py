"""How answers that stand for inputs are put to a model that measures, and read back (`signatures.standing`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from personaopt.lm import prompt_form
from personaopt.lm.measuring import ALONE
from personaopt.signatures.standing import options_of, stands_for


def as_property(name: str, field: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """An output as a JSON schema property whose answers are the options' texts; empty where it has none."""
    texts = options_of(field, inputs)
    if not texts:
        return {}
    return {"type": "string", "enum": list(texts.values()), "title": _title(name, field), ALONE: True}


def titles(signature: Any) -> dict[str, str]:
    """What the outputs whose answers stand for inputs are called in a prompt."""
    return {name: _title(name, field) for name, field in signature.output_fields.items() if stands_for(field)}


def read(signature: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """A case as it stands in a prompt: the text in the place of the answer, and the options not listed.

    A small model copies from a list whatever stands there; asked without one, it says what it would expect.
    """
    shown = dict(values)
    for name, field in signature.output_fields.items():
        texts = options_of(field, values)
        rule = stands_for(field)
        if not texts or rule is None:
            continue
        for listed in rule.inputs.values():
            shown.pop(listed, None)
        if shown.get(name) in texts:
            shown[name] = texts[str(shown[name])]
    return shown


def under_answers(
    signature: Any, inputs: Mapping[str, Any], data: Any, probabilities: Any
) -> tuple[Any, dict[str, Any]]:
    """What an LM said of the options' texts, under the answers that stand for them."""
    found = dict(probabilities or {})
    if not isinstance(data, Mapping):
        return data, found
    said = dict(data)
    for name, field in signature.output_fields.items():
        answers = {text: answer for answer, text in options_of(field, inputs).items()}
        if answers and said.get(name) in answers:
            said[name] = answers[said[name]]
        if answers and set(found.get(name, {})) == set(answers):
            found[name] = {answers[text]: p for text, p in found[name].items()}
    return said, found


def _title(name: str, field: Any) -> str:
    rule = stands_for(field)
    return (rule.said if rule else "") or prompt_form.title(name)
