"""What the stand-in knows of people: which values they may have, and how those may be called.

Of the generator's vocabulary it uses the values, and the situations (`scenes`). Other ways to call a value are general
English; how a user says that a value is theirs is not looked up anywhere (`cues`).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

from personaopt.evals.personabench.english import attributes
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.stand_in.called import CALLED, HINTED

NAME, AGE, TONGUE, NATION = (
    "demographics.name",
    "demographics.age",
    "demographics.languages",
    "demographics.nationality",
)
BUDGET, HOME = "life.budget", "life.home"
LETTERS = {"E": "extraversion", "I": "extraversion", "S": "sensing", "N": "sensing", "T": "thinking", "F": "thinking",
           "J": "judging", "P": "judging"}  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    **attributes.VALUES_OF,
    NAME: tuple(name for names in attributes.NAMES.values() for name in names),
    TONGUE: tuple(dict.fromkeys([*attributes.TONGUES.values(), "English", "French"])),
}
"""The values that people have, by the field's path."""
MANY = frozenset(path for path, slot in BenchFields.slots().items() if slot.many)
REPLACED = ("preference.styles", "preference.formats", "preference.workflows")
"""Lists whose new item takes the place of the old one unless it is said to come beside it: an answer has one form."""
TITLES = {slot.title.casefold(): path for path, slot in BenchFields.slots().items()}

CAPITAL = frozenset({NAME, HOME})
"""Fields whose values are proper names: Split is a city, and split is not."""

_COUNTRIES = {
    "Portugal": "Portuguese", "Italy": "Italian", "Turkey": "Turkish", "Sweden": "Swedish", "Poland": "Polish",
    "Mexico": "Mexican", "Brazil": "Brazilian", "Norway": "Norwegian", "the Netherlands": "Dutch", "Greece": "Greek",
    "Croatia": "Croatian", "Egypt": "Egyptian", "Morocco": "Moroccan", "Japan": "Japanese", "Korea": "Korean",
    "Vietnam": "Vietnamese", "Ukraine": "Ukrainian", "Finland": "Finnish", "Argentina": "Argentinian",
    "Austria": "Austrian",
}  # fmt: skip

_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {
    word: 10 * place
    for place, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_NUMBER = (
    rf"\d[\d,.']*\d|\d+|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS[:9])}))?|"
    rf"(?:a|one|two|three|four|five) hundred(?: and (?:{'|'.join(_TENS)}))?|{'|'.join(reversed(_UNITS[9:]))}"
)


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What a piece of text may stand for.

    Attributes:
        path: The field.
        value: The value, as the vocabulary has it.
        hinted: Whether it is so only where words of the field stand with it.
    """

    path: str
    value: str
    hinted: bool = False


@functools.cache
def lexicon() -> tuple[re.Pattern[str], tuple[tuple[Meaning, ...], ...]]:
    """One pattern for every known value, in small letters, and what each of its groups may mean."""
    found: dict[str, list[Meaning]] = {}
    for pattern, meaning in _patterns():
        found.setdefault(pattern, []).append(meaning)
    ordered = sorted(found, key=lambda pattern: (-len(pattern), pattern))
    branches = [f"({pattern})" for pattern in [*ordered, _NUMBER]]
    numbers = (Meaning(AGE, ""), Meaning(BUDGET, ""))
    meanings = (*(tuple(found[pattern]) for pattern in ordered), numbers)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(branches)})(?![\w])".lower()), meanings


def number(text: str) -> int | None:
    """A number in digits or words; None where it is none."""
    digits = re.sub(r"[,.'](?=\d{3}\b)", "", text)
    if re.fullmatch(r"\d+(?:[.,]0+)?", digits):
        return int(re.split(r"[.,]", digits)[0])
    total = 0
    for word in re.split(r"[ -]+", text.lower()):
        if word == "hundred":
            total = 100 * max(total, 1)
        elif word in _TENS:
            total += _TENS[word]
        elif word in _UNITS:
            total += _UNITS.index(word) + 1
        elif word == "a":
            total += 1
        elif word != "and":
            return None
    return total or None


def _patterns() -> Iterator[tuple[str, Meaning]]:
    for path, values in VALUES.items():
        if path.rpartition(".")[2] in LETTERS.values() or path == BUDGET:
            continue
        for value in values:
            yield CALLED.get((path, value)) or _plain(path, value), Meaning(path, value)
            if (path, value) in HINTED:
                yield HINTED[path, value], Meaning(path, value, hinted=True)
    for country, nation in _COUNTRIES.items():
        yield _plain("", country), Meaning(NATION, nation)


def _plain(path: str, value: str) -> str:
    words = r"[ -]".join(re.escape(word) for word in re.split(r"[ -]", value))
    return words + ("s?" if path == "demographics.career" else "")
