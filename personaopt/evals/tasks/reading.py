"""Reading a benchmark's texts into typed fields: the question's sentence, the profile's items, the gold answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from personaopt.errors import DataError

Parse = Callable[[str], dict[str, Any]]
"""The text of a question as the signature's inputs."""
FromProfile = Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
"""A profile item as (inputs, ground truth)."""


def sentence_reader(pattern: str, fields: tuple[str, ...], labels: tuple[str, ...] = ()) -> Parse:
    """A parser of a benchmark's fixed sentence.

    Args:
        pattern: A regular expression with a group for every field; a group named `labels` must list exactly the labels.
        fields: Of the signature, in its order.
        labels: What that group must list.
    """
    compiled = re.compile(pattern, re.DOTALL)

    def parse(text: str) -> dict[str, Any]:
        found = compiled.search(text) if isinstance(text, str) else None
        if found is None:
            raise DataError(f"the input does not have the form of this task: {str(text)[:80]!r}")
        if "labels" in compiled.groupindex and labels:
            listed = found["labels"]
            if sorted(label.strip() for label in listed.split(",")) != sorted(labels):
                raise DataError(f"the input lists the labels [{listed}] and the task has [{', '.join(labels)}]")
        return {field: found[field].strip() for field in fields}

    return parse


def whole_text_reader(field: str) -> Parse:
    """A parser for questions that are nothing but the one input field."""

    def parse(text: str) -> dict[str, Any]:
        if not isinstance(text, str) or not text.strip():
            raise DataError("the input is no text, or is empty")
        return {field: text.strip()}

    return parse


def item_reader(inputs: Mapping[str, str], answer: tuple[str, str] | None, labels: tuple[str, ...] = ()) -> FromProfile:
    """A reader of profile items.

    Args:
        inputs: For each input field of the signature the item's key that holds it.
        answer: The output field and the item's key that holds the answer; None where a profile holds none.
        labels: What the answer may be; anything where empty.
    """

    def from_profile(item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        missing = [key for key in (*inputs.values(), *(answer or ())[1:]) if key not in item]
        missing += [key for key in inputs.values() if key in item and not isinstance(item[key], str)]
        if missing:
            raise DataError(f"the item has no text in {', '.join(missing)}")
        shown = {field: item[key].strip() for field, key in inputs.items()}
        return shown, to_ground_truth(answer[0], item[answer[1]], labels) if answer else {}

    return from_profile


def to_ground_truth(field: str, output: Any, labels: tuple[str, ...]) -> dict[str, Any]:
    """An answer as the signature's output field.

    Raises:
        DataError: It is not one of the labels, or is empty.
    """
    answer = str(output).strip() if isinstance(output, str | int) and not isinstance(output, bool) else ""
    if not answer:
        raise DataError(f"the {field} must be text, not {output!r}")
    if labels and answer not in labels:
        raise DataError(f"the {field} {answer!r} is not one of {', '.join(labels)}")
    return {field: answer}
