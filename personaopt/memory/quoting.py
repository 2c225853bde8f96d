"""Whether a text says again what is to be forgotten.

A quotation is what a text shares with the forgotten interactions and with none of those that stay: what a user said
elsewhere too is not gone with one of them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from personaopt.interaction import Interaction

RUN = 4
"""So many words in a row are a quotation wherever they stand."""
NEAR_RUN = 3
"""So many in a statement that was derived from the forgotten interaction, and any word of at least this length."""

_SIZES = (1, 2, NEAR_RUN, RUN)
# Languages written without spaces have no words that could be compared: there every character is one.
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+"
)

Gram = tuple[str, ...]

_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
    about above after again all also always and any are because before below but can each every everything few first
    for from has have her his how into its just last later latest less like likes many more most mostly much never
    not often one only other others our out over own prefer prefers said same say says short should since some such
    than that the their them then there these they this those too under use used user users uses usually very want
    wants was were what when where which while who will with word words would write writes you your
        """,
    )
)
"""Words that give nothing away."""


def plain(text: str) -> str:
    """A text as it is compared: case, width and white space do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return _WORDS.findall(plain(text))


def telling_words(text: str) -> list[str]:
    """The words of a text that give something away, as they are compared: neither very common nor very short."""
    return [word for word in words(text) if _telling((word,)) or word.isdigit()]


def texts_of(interaction: Interaction) -> Iterator[str]:
    """Every text and number in an interaction, beside its ids."""
    parts = (interaction.inputs, interaction.response, interaction.ground_truth, interaction.metadata)
    for part in (*parts, interaction.signals, *interaction.actions):
        for value in part.values():  # the names of fields are the task's
            yield from _texts(value)


class Quotations:
    """What may not be said any more.

    Args:
        forgotten: The interactions that go.
        staying: The user's others; they are only read where a text has something in common with the forgotten ones.
        matching: A text that may not stand anywhere, whatever stays.
    """

    def __init__(self, forgotten: Iterable[Interaction], staying: Iterable[Interaction], matching: str = "") -> None:
        self._gone: set[Gram] = set()
        for interaction in forgotten:
            for text in texts_of(interaction):
                said = words(text)
                self._gone |= _grams(said, (1, NEAR_RUN, RUN))
                if len(said) == 2:  # a value such as a label, said as a whole
                    self._gone.add(tuple(said))
        self._staying = staying
        self._matching = plain(matching)

    def among(self, texts: Mapping[str, bool]) -> set[str]:
        """Those of several texts that quote what is forgotten.

        Args:
            texts: Each text, with whether it was derived from a forgotten interaction. Such a text may not share a
                word with it that stands nowhere else; any other only a run of words, or a word with digits.
        """
        shared = {text: self._shared(text, near) for text, near in texts.items()}
        elsewhere = self._found_elsewhere(set().union(*shared.values())) if shared else set()
        return {
            text
            for text, grams in shared.items()
            if grams - elsewhere or (self._matching and self._matching in plain(text))
        }

    def _shared(self, text: str, near: bool) -> set[Gram]:
        grams = _grams(words(text), _SIZES) & self._gone
        return {gram for gram in grams if len(gram) >= RUN or (near and _telling(gram)) or _identifying(gram)}

    def _found_elsewhere(self, grams: set[Gram]) -> set[Gram]:
        if not grams:
            return set()
        found: set[Gram] = set()
        for interaction in self._staying:
            for text in texts_of(interaction):
                found |= _grams(words(text), _SIZES) & grams
            if found == grams:
                break
        return found


def _grams(said: list[str], sizes: Iterable[int]) -> set[Gram]:
    return {tuple(said[place : place + size]) for size in sizes for place in range(len(said) - size + 1)}


def _telling(gram: Gram) -> bool:
    return len(gram) > 1 or (len(gram[0]) >= NEAR_RUN and gram[0] not in _COMMON)


def _identifying(gram: Gram) -> bool:
    return len(gram) == 1 and len(gram[0]) >= 5 and any(character.isdigit() for character in gram[0])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, held in value.items():
            yield str(name)
            yield from _texts(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _texts(held)
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value)
