"""Of whom a user's sentence speaks: of the user, or of somebody else, as far as English words tell."""

from __future__ import annotations

import re

_RELATIVES = (
    r"brother|sister|mother|mum|mom|father|dad|parents?|wife|husband|partner|son|daughter|child|children|kids?|friend|"
    r"boss|colleague|neighbou?r|aunt|uncle|cousin|grand\w+|niece|nephew|roommate|flatmate|girlfriend|boyfriend|client|"
    r"customer|teacher|doctor"
)
_OTHERS = re.compile(rf"\b(?:my|our) (?:\w+ )?(?:{_RELATIVES})s?\b(?:'s)?|\b(?:he|she|they)\b", re.IGNORECASE)
_THEMSELVES = re.compile(r"\b(?:i|im|ive|my|mine|myself|we|our)\b", re.IGNORECASE)
_NAMED = re.compile(r"\b(?:i|im|ive|me|my|mine|myself|we|us|our|here)\b", re.IGNORECASE)


def speaks_of_user(quote: str, sentence: str) -> bool:
    """Whether words of a sentence speak of the user who said it.

    They do where nobody else is spoken of, or where they name the user themselves. Else whoever was named last before
    them is meant: `My sister and I moved to Porto` is about the user, `I hear she moved to Porto` is not. Where nobody
    was, it is whom they begin with or who comes after them, and without such a one the user.

    Args:
        quote: The words, as they stand in the sentence.
        sentence: What the user said.
    """
    if not _OTHERS.search(sentence) or _NAMED.search(_OTHERS.sub(" ", quote)):
        return True
    place = sentence.find(quote)
    before, after = (sentence[:place], sentence[place + len(quote) :]) if place >= 0 else ("", sentence)
    named = [(found.start(), False) for found in _OTHERS.finditer(before)]
    named += [(found.start(), True) for found in _THEMSELVES.finditer(_blanked(before))]
    return max(named)[1] if named else not (_OTHERS.match(quote) or _OTHERS.search(after))


def _blanked(text: str) -> str:
    """A text with other people taken out, all else in its place."""
    return _OTHERS.sub(lambda found: " " * len(found[0]), text)
