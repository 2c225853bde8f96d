"""Where a sentence names values that people may have."""

from __future__ import annotations

import dataclasses
import functools
import re

from personaopt.evals.personabench.stand_in.world import AGE, BUDGET, CAPITAL, LETTERS, NAME, lexicon, number

_SAME_LENGTH = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"})
_PAIR = re.compile(
    r"\b(?:between )?([EISNTFJP])(?: ?/ ?| or | and | versus | vs\.? |-)([EISNTFJP])\b(?: (?:question|scale|axis|"
    r"test))?"
)
_FOUR = re.compile(r"\b([EI])([SN])([TF])([JP])\b")


def _kind(word: str, other: str, noun: str) -> str:
    """How people call a side of the MBTI that is an everyday word: never by that word alone."""
    turned = r"(?:rather than|over|and not|not|more than|before|beats|instead of|wins over)"
    return (
        rf"\b{word} (?:type|side|end|camp|kind|pole|preference)\b|\b(?:an?|the) (?:\w+ )?{noun}\b|"
        rf"\b{word},? {turned} {other}\b|"
        rf"\bmore {word} than {other}\b"
    )


_TRAITS = (
    ("extraversion", "E", re.compile(r"\b(?:an? )?(?:extra|extro)vert(?:ed|s)?\b", re.IGNORECASE)),
    ("extraversion", "I", re.compile(r"\b(?:an? )?introvert(?:ed|s)?\b", re.IGNORECASE)),
    ("sensing", "S", re.compile(_kind("sensing", "(?:intuition|intuiting|intuitive)", "sensor"), re.IGNORECASE)),
    (
        "sensing",
        "N",
        re.compile(
            _kind("(?:intuition|intuiting|intuitive)", "sensing", "intuitive")
            + r"|\bi(?:'m| am) (?:very |rather |more )?intuitive\b",
            re.IGNORECASE,
        ),
    ),
    ("thinking", "T", re.compile(_kind("thinking", "feeling", "thinker"), re.IGNORECASE)),
    ("thinking", "F", re.compile(_kind("feeling", "thinking", "feeler"), re.IGNORECASE)),
    ("judging", "J", re.compile(_kind("judging", "perceiving", "judger"), re.IGNORECASE)),
    ("judging", "P", re.compile(_kind("perceiving", "judging", "perceiver"), re.IGNORECASE)),
)
_ABOUT_TYPE = re.compile(
    r"\b(?:tests?|tested|psycholog\w+|quiz|questionnaire|axis|(?:first|second|third|fourth|last) (?:scale|place|axis|"
    r"letter)|(?:thinking|sensing|judging) (?:to|and|versus|vs) (?:feeling|intuition|perceiving)|personality|letters?|"
    r"mbti|myers|types?|extra\w*|extro\w*|introver\w*|sensing|intuition|judging|perceiving)\b",
    re.IGNORECASE,
)
_SIDES = re.compile(
    r"\b(?:I'm|I am) (?:(?:an?|more|rather|clearly|definitely|very much|mostly|of|all|such|just|"
    r"simply) )*[ESNTFJP](?![\w'])|\b[ESNTFJP] it is\b|\bno [EISNTFJP] in me\b|\b(?:thinking or feeling|"
    r"sensing or intuition|judging or perceiving)\b|\b[EISNTFJP],? (?:rather than|and not|not|over) an? [EISNTFJP]\b|"
    r"\bmore (?:of )?(?:an? )?[EISNTFJP] than (?:an? )?[EISNTFJP]\b|\b[EISNTFJP],? (?:rather than|and not|not|over|"
    r"but not|instead of) [EISNTFJP]\b"
)
_I = re.compile(
    r"\b(?:am|'m|as|is|an?|the|letter|to|towards|got|be|been|with|says?|said|gives?|gave|made|put|not|firmly|clearly|"
    r"more|rather|of|definitely|always|mere|pure|side|it's|'s)[: ]+(?:an? |the |"
    r"letter )*[\"']?(?P<i>I)(?![\w'])(?! (?:am|have|was|would|will|do|did|can|think|like|live|feel|had|\w+ed)\b)|"
    r"[:=] ?(?P<sign>I)(?![\w'])(?= ?[.,;]|$)|^(?P<first>I)(?=[,.;])|\? (?P<answer>I)(?=[,.;!]|"
    r" (?:it is|in my|for me|every|all|without|no doubt)\b)|(?<![\w'])(?P<subject>I)(?= (?:describes|fits|suits|it is|"
    r"is (?:me|mine|my|what|the))\b)"
)
"""The letter I where it is no pronoun."""
_ALONE = re.compile(r"(?<![\w'.])[ESNTFJP](?![\w'.]\w|\w|')")
"""A letter that can be no pronoun."""
_NAMED = re.compile(
    r"\b(?:[Mm]y (?:first )?name(?: is|'s|:)|[Nn]ame: ?|I(?:'m| am) called|[Cc]all me|I go by|[Tt]he name is|"
    r"I answer to|[Ss]ign (?:it |that )?(?:with|as)|friends call me) ([A-Z][\w'-]+)"
)


@dataclasses.dataclass(frozen=True)
class Mention:
    """A value that is named.

    Attributes:
        path: The field.
        value: As the vocabulary has it.
        start, end: Where.
        hinted: Whether it is named only where words of its field stand with it, as `nursing` or `evenings`.
    """

    path: str
    value: str
    start: int
    end: int
    hinted: bool = False


def plain(text: str) -> str:
    """A text of the same length with the usual quotation marks and dashes."""
    return text.translate(_SAME_LENGTH)


@functools.lru_cache(maxsize=65_536)
def mentions_in(sentence: str) -> tuple[Mention, ...]:
    """Every value that a sentence names, in its order; what may be of two fields is there twice."""
    pattern, meanings = lexicon()
    found: list[Mention] = []
    lowered = sentence.lower()
    for match in pattern.finditer(lowered if len(lowered) == len(sentence) else ""):
        place = (match.lastindex or 1) - 1
        for meaning in meanings[place]:
            value = meaning.value
            if meaning.path in CAPITAL and sentence[match.start() : match.end()] != value:
                continue
            if meaning.path in (AGE, BUDGET):
                read = number(match[0])
                if read is None or (meaning.path == AGE and not 5 < read < 110):
                    continue
                value = str(read)
            found.append(Mention(meaning.path, value, match.start(), match.end(), meaning.hinted))
    known = {mention.start for mention in found}
    found += [
        Mention(NAME, match[1], match.start(1), match.end(1))
        for match in _NAMED.finditer(sentence)
        if match.start(1) not in known
    ]
    return tuple(sorted([*found, *_letters(sentence)], key=lambda mention: mention.start))


def _letters(sentence: str) -> list[Mention]:
    """The letters of the MBTI, alone, as four or in words."""
    if found := _FOUR.search(sentence):
        return [
            Mention(f"personality.{LETTERS[letter]}", letter, found.start() + place, found.start() + place + 1)
            for place, letter in enumerate(found.groups())
        ]
    words = [
        Mention(f"personality.{name}", value, match.start(), match.end())
        for name, value, pattern in _TRAITS
        for match in pattern.finditer(sentence)
    ]
    pair = _PAIR.search(sentence)
    if not pair and not _ABOUT_TYPE.search(sentence) and not _SIDES.search(sentence):
        return words
    rest = sentence
    if pair:
        rest = f"{sentence[: pair.start()]}{'.' * (pair.end() - pair.start())}{sentence[pair.end() :]}"
    asked = {LETTERS[pair[1]], LETTERS[pair[2]]} if pair else set(LETTERS.values())
    places = [match.start() for match in _ALONE.finditer(rest)]
    places += [match.start(match.lastgroup or 0) for match in _I.finditer(rest)]
    named = [(place, LETTERS[rest[place]]) for place in places]
    words += [Mention(f"personality.{name}", rest[place], place, place + 1) for place, name in named if name in asked]
    return words
