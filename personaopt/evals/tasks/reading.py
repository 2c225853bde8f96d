"""Reading a benchmark's texts into typed fields: the question's sentence, the profile's items, the gold answers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from personaopt.errors import DataError

Parse = Callable[[str], dict[str, Any]]
"""The text of a question as the signature's inputs."""
FromProfile = Callable[[Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
"""A profile item as (inputs, ground truth)."""


@dataclasses.dataclass(frozen=True)
class SentenceReader:
    """A parser of a benchmark's fixed sentence.

    Attributes:
        pattern: A regular expression with a group for every field; a group named `labels` must list exactly the labels.
        fields: Of the signature, in its order.
        labels: What that group must list.
    """

    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    labels: tuple[str, ...] = ()

    def __call__(self, text: str) -> dict[str, Any]:
        """Read a question.

        Raises:
            DataError: It has another form, or lists other labels.
        """
        found = self.pattern.search(text) if isinstance(text, str) else None
        if found is None:
            raise DataError(f"the input does not have the form of this task: {str(text)[:80]!r}")
        if "labels" in self.pattern.groupindex and self.labels:
            listed = found["labels"]
            if sorted(label.strip() for label in listed.split(",")) != sorted(self.labels):
                raise DataError(f"the input lists the labels [{listed}] and the task has [{', '.join(self.labels)}]")
        return {field: found[field].strip() for field in self.fields}


@dataclasses.dataclass(frozen=True)
class WholeText:
    """A parser for questions that are nothing but the one input field.

    Attributes:
        field: Its name.
    """

    field: str

    def __call__(self, text: str) -> dict[str, Any]:
        """Read a question.

        Raises:
            DataError: It is empty.
        """
        if not isinstance(text, str) or not text.strip():
            raise DataError("the input is no text, or is empty")
        return {self.field: text.strip()}


@dataclasses.dataclass(frozen=True)
class ItemReader:
    """A reader of profile items.

    Attributes:
        inputs: Each input field of the signature with the item's key that holds it.
        answer: The output field and the item's key that holds the answer; None where a profile holds none.
        labels: What the answer may be; anything where empty.
    """

    inputs: tuple[tuple[str, str], ...]
    answer: tuple[str, str] | None
    labels: tuple[str, ...] = ()

    def __call__(self, item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read an item.

        Raises:
            DataError: A key is missing, is no text, or the answer is none of the labels.
        """
        missing = [key for _, key in self.inputs if not isinstance(item.get(key), str)]
        missing += [key for key in (self.answer or ())[1:] if key not in item]
        if missing:
            raise DataError(f"the item has no text in {', '.join(missing)}")
        shown = {field: item[key].strip() for field, key in self.inputs}
        return shown, to_ground_truth(self.answer[0], item[self.answer[1]], self.labels) if self.answer else {}


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
