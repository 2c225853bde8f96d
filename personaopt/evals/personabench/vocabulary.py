"""What the offline generator needs of a language: values of fields, topics of scenes, and ways to say things."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Literal

from personaopt.errors import ConfigurationError
from personaopt.evals.personabench.records import Function

LANGUAGES: Mapping[str, str] = {"English": "personaopt.evals.personabench.english"}
"""Where the vocabularies of a language are; each module has `WORDINGS`, a vocabulary by the name of its wording."""


@dataclasses.dataclass(frozen=True)
class Tool:
    """The function of a topic whose answer is a call.

    Attributes:
        function: What may be called.
        argument: The argument that depends on the persona.
        free: Other arguments, by name, with values to draw from.
        entries: What the state's table holds of each value, to draw from.
        numeric: Whether the argument is a number.
    """

    function: Function
    argument: str
    free: Mapping[str, tuple[str, ...]]
    entries: tuple[str, ...]
    numeric: bool = False


@dataclasses.dataclass(frozen=True)
class Topic:
    """One kind of situation, whose right answer depends on one field.

    Attributes:
        name: What it is called.
        field: The field.
        shape: `choose` among options, `call` a function, answer in a `form`, or `name` what the field says.
        contexts: Sentences that set the scene; `{options}` is where the options are listed.
        asks: The core of a query.
        expected: A right answer in words; `{right}` is what is right.
        complaints: What the user says to a wrong answer; `{value}` is the field's value.
        options: What is offered for each value. For `form`, the form that each value asks for.
        accepts: Values whose options suit a value beside its own.
        tool: For `call`.
        common: Whether it can be asked of everybody in the same words and with the same options.
    """

    name: str
    field: str
    shape: Literal["choose", "call", "form", "name"]
    contexts: tuple[str, ...]
    asks: tuple[str, ...]
    expected: str
    complaints: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    accepts: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    tool: Tool | None = None
    common: bool = True


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """A language.

    Attributes:
        language: Its name.
        names: First names by gender.
        tongues: The mother tongue of a nationality.
        values: The values of every other field, by path.
        several: How many values a list has at first, by path.
        biography: Sentences with `{path}` in braces, the dots as underscores.
        facts: Ways to say a value, by path; `{value}`.
        changes: Ways to say that a value has changed; `{old}`, `{new}`.
        returns: Ways to say that a value is again what it was, by path; `{old}`, `{new}`.
        moods: Ways to say how one feels for the time being; `{value}`.
        falsehoods: Ways to say what is not so, by path; `{value}`.
        retractions: Ways to take a value back; `{old}` is what was falsely said, `{new}` what is true.
        topics: The situations.
        subjects: What can be explained or summed up.
        openers, tails: What may stand before and behind the core of a query.
        companions, pressures, places, moments: What scenes are furnished with.
        stop: Words that give nobody away.
        complaints: What is said instead of a topic's complaints, by path.
        clauses: Facts as halves of a sentence, by path; `{value}`.
        joins: Ways to say two clauses in a sentence; `{first}`, `{second}`.
        asides: What is said beside a remark now and then, and tells nothing.
    """

    language: str
    names: Mapping[str, tuple[str, ...]]
    tongues: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]
    several: Mapping[str, int]
    biography: tuple[str, ...]
    facts: Mapping[str, tuple[str, ...]]
    changes: Mapping[str, tuple[str, ...]]
    returns: Mapping[str, tuple[str, ...]]
    moods: tuple[str, ...]
    falsehoods: Mapping[str, tuple[str, ...]]
    retractions: Mapping[str, tuple[str, ...]]
    topics: tuple[Topic, ...]
    subjects: tuple[str, ...]
    openers: tuple[str, ...]
    tails: tuple[str, ...]
    companions: tuple[str, ...]
    pressures: tuple[str, ...]
    places: tuple[str, ...]
    moments: tuple[str, ...]
    stop: frozenset[str]
    complaints: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    clauses: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    joins: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()


def vocabulary(language: str, wording: str = "usual") -> Vocabulary:
    """The vocabulary of a language.

    Args:
        language: Its name.
        wording: `usual`, or `held-out`: the same values and situations, and other words for all that a user says.

    Raises:
        ConfigurationError: There is none.
    """
    known = {name.lower(): module for name, module in LANGUAGES.items()}
    if language.lower() not in known:
        raise ConfigurationError(
            f"The offline generator has no words of {language!r}, only of {', '.join(LANGUAGES)}; an LM as --backend "
            "writes in any language."
        )
    wordings: Mapping[str, Vocabulary] = importlib.import_module(known[language.lower()]).WORDINGS
    if wording not in wordings:
        raise ConfigurationError(f"There is no wording {wording!r}; give {' or '.join(wordings)}.")
    return wordings[wording]
