"""Whether a change to a field is backed by the user's own words: checked in code, whatever the LM was told.

AI PERSONA tells its optimizer in the prompt not to overwrite demographics; a prompt does not hold. Here a change needs
a quotation that stands in a message of the user, and for demographics the value has to stand in the quotation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from personaopt.memory.quoting import plain, words
from personaopt.optimizers.sessions import Message
from personaopt.optimizers.speakers import speaks_of_user

SHARED = 4
"""Letters at which words of one stem begin alike: Italy, Italian."""
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_THOUSANDS = re.compile(r"(?<=\d)[,.'](?=\d{3}\b)")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."})
_PASSING = re.compile(
    r"\b(?:just|only) (?:for )?(?:today|tonight|now|this once|this time)\b|\b(?:for|right) now\b|\btonight\b|"
    r"\bjust this once\b|\bthis (?:one )?time only\b|\bfor once\b|\bat the moment\b|\bin the mood\b|\bit will pass\b|"
    r"\bas an exception\b|\ba few days\b|\btoday i feel\b|\bi feel [\w ]{1,40} today\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|no|wrong|mistake|forget|slip|error|\w+n't)\b", re.IGNORECASE)
_LASTING = re.compile(
    r"\b(?:from now on|always|never|no longer|not any ?more|for good|moved?|became|become|switched|gone back|"
    r"returned|new job|in future|permanently|changed)\b",
    re.IGNORECASE,
)


def quoted_in(quote: str, number: int, messages: Sequence[Message]) -> Message | None:
    """The user's message in which a quotation stands; the named one first, else the newest. None where it is nowhere.

    Args:
        quote: What is said to be quoted; case, spaces and kinds of quotation marks do not count.
        number: Of the message that was named.
        messages: The user's, oldest first.
    """
    wanted = _plain(quote).strip(" .,;:!?\"'")
    if not words(wanted):
        return None
    found = [message for message in messages if _holds(_plain(message.text), wanted)]
    return next((message for message in found if message.number == number), found[-1] if found else None)


def stands_in(value: str, quote: str) -> bool:
    """Whether every word of a value stands in a quotation, or one of the same stem does; numbers also as words."""
    said = words(_THOUSANDS.sub("", _plain(quote)))
    spelled = {*said, *(str(number) for number in _numbers(said))}
    return bool(words(value)) and all(any(_same(word, other) for other in spelled) for word in words(_plain(value)))


def of_themselves(quote: str, message: str) -> bool:
    """Whether a quotation speaks of the user, and not of somebody else, as far as English words tell.

    What counts is the sentence it stands in (`speakers`).
    """
    sentence = next((each for each in sentences(message) if _plain(quote)[:40] in _plain(each)), quote)
    return speaks_of_user(_plain(quote).strip(" .,;:!?\"'"), _plain(sentence))


def is_passing(quote: str, message: str) -> bool:
    """Whether the words say themselves that it will pass, such as `just for tonight`."""
    sentence = " ".join(each for each in sentences(message) if _plain(quote)[:40] in _plain(each)) or quote
    return bool(_PASSING.search(_plain(sentence))) and not _LASTING.search(_plain(sentence))


def is_denied(value: str, quote: str) -> bool:
    """Whether a quotation says in one part of a sentence that a value is not so; also where it does not name it."""
    parts = [part for part in re.split(r"[,;:.!?]", _plain(quote)) if stands_in(value, part)]
    return not parts or any(_DENIED.search(part) for part in parts)


def sentences(text: str) -> list[str]:
    """A text by its sentences and lines."""
    return [each.strip() for each in re.split(r"(?<=[.!?。！？])\s+|\n+", text) if each.strip()]


def _holds(text: str, wanted: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return plain(text.translate(_QUOTES))


def _same(word: str, other: str) -> bool:
    if word == other:
        return True
    if word.isdigit() or other.isdigit():
        return False
    shared = next((place for place, pair in enumerate(zip(word, other, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(word), len(other)) if shared is None else shared
    return shared >= SHARED and shared >= 0.6 * max(len(word), len(other))


def _numbers(said: Sequence[str]) -> list[int]:
    """Numbers below a hundred that are written as words."""
    found = []
    for place, word in enumerate(said):
        if word in _UNITS:
            found.append(_UNITS.index(word))
        if word in _TENS[2:]:
            after = said[place + 1] if place + 1 < len(said) else ""
            unit = _UNITS.index(after) if after in _UNITS[1:10] else 0
            found.append(10 * _TENS.index(word) + unit)
    return found
