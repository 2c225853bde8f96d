"""A task as a value: what is asked, which answers there are, how its data is read, searched by and measured."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import dspy

from personaopt.errors import ConfigurationError
from personaopt.evals.tasks.metrics import Kind, Metrics, metrics_of
from personaopt.evals.tasks.reading import (
    FromProfile,
    ItemReader,
    Parse,
    SentenceReader,
    WholeText,
    to_ground_truth,
)
from personaopt.interaction import Interaction, query_text

Retrieval = Callable[[Mapping[str, Any]], str]
"""The text that a question's inputs are looked up by in the user's memory."""
Cases = Callable[[Mapping[str, Sequence[Interaction]]], Mapping[str, Mapping[str, tuple[Interaction, ...]]]]
"""From all users' profile items, oldest first, to cases with a ground truth in an item's place, by user and id."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of a benchmark, or one of your own (see `Task.of`).

    Attributes:
        name: As LaMP calls it, such as `LaMP-2M`.
        signature: What the language model is asked.
        output: Name of the signature's output field.
        kind: How answers are measured: as a `choice`, a `rating` or free `text`.
        labels: Every allowed answer, in LaMP's order; empty for free text.
        parse: Reads the text of a question into the signature's inputs; raises `DataError`.
        from_profile: Reads a profile item into (inputs, ground truth); raises `DataError`.
        metrics: What the answers are measured by.
        kept: Fields of a profile item that are kept as an interaction's metadata.
        retrieval: The text a question is looked up by.
        cases: Makes cases with a ground truth of a profile whose items have none; None where the items have one.
    """

    name: str
    signature: type[dspy.Signature]
    output: str
    kind: Kind
    labels: tuple[str, ...]
    parse: Parse
    from_profile: FromProfile
    metrics: Metrics
    kept: tuple[str, ...] = ()
    retrieval: Retrieval = query_text
    cases: Cases | None = None

    @classmethod
    def of(
        cls,
        name: str,
        signature: type[dspy.Signature],
        *,
        question: str | None = None,
        item: Mapping[str, str] | None = None,
        kind: Kind | None = None,
        metrics: Metrics | None = None,
        kept: tuple[str, ...] = (),
        retrieval: Retrieval = query_text,
    ) -> Task:
        """A task from its signature; what is not said follows from it.

        Args:
            name: What it is called in tables.
            signature: With input fields of text and one output field; a `Literal` output has its values as labels.
            question: A regular expression that reads a question's text, with a named group for every input field; a
                group named `labels` must list the labels. Without it the text is the only input field.
            item: For each field the key of a profile item that holds it, where the names differ.
            kind: `rating` where every label is a number, `choice` where there are other labels, else `text`.
            metrics: Those of the kind.
            kept: Keys of a profile item that are kept as metadata.
            retrieval: All inputs, one a line.

        Raises:
            ConfigurationError: The signature has more than one output, or the expression does not read its inputs.
        """
        fields = tuple(signature.input_fields)
        outputs = tuple(signature.output_fields)
        if len(outputs) != 1 or not fields:
            raise ConfigurationError(
                f"The task {name!r} needs a signature with inputs and one output; its outputs: {', '.join(outputs)}."
            )
        (output,) = outputs
        labels = tuple(str(label) for label in get_args(signature.output_fields[output].annotation))
        kind = kind or _kind_of(labels)
        keys = {field: field for field in (*fields, output)} | dict(item or {})
        return cls(
            name=name,
            signature=signature,
            output=output,
            kind=kind,
            labels=labels,
            parse=_parse(name, question, fields, labels),
            from_profile=ItemReader(tuple((field, keys[field]) for field in fields), (output, keys[output]), labels),
            metrics=metrics if metrics is not None else metrics_of(kind, labels),
            kept=kept,
            retrieval=retrieval,
        )

    def to_ground_truth(self, output: Any) -> dict[str, Any]:
        """A gold answer as the signature's output field.

        Raises:
            DataError: The answer is not one of the task's labels, or is empty.
        """
        return to_ground_truth(self.output, output, self.labels)


def _parse(name: str, question: str | None, fields: tuple[str, ...], labels: tuple[str, ...]) -> Parse:
    if question is None:
        if len(fields) == 1:
            return WholeText(fields[0])
        raise ConfigurationError(
            f"The task {name!r} has the inputs {', '.join(fields)}: say with `question` how one text holds them."
        )
    missing = [field for field in fields if f"(?P<{field}>" not in question]
    if missing:
        raise ConfigurationError(f"The expression of the task {name!r} has no group named {', '.join(missing)}.")
    return SentenceReader(re.compile(question, re.DOTALL), fields, labels)


def _kind_of(labels: Sequence[str]) -> Kind:
    """What an output with these labels is, as far as they tell."""
    return ("rating" if all(map(_is_number, labels)) else "choice") if labels else "text"


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
