"""Which fields a sentence may be about, and which of its words may be the value: by rule, for a model that decides.

The words are English. A field of your own is found by the words of its name and title.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from personaopt.errors import PersonaError
from personaopt.fields import Slot
from personaopt.memory.quoting import plain, words

MOST_SPANS, MOST_OPTIONS = 4, 40
"""Words of a value, and values that are decided between."""

_PLACE = (
    r"\bliv(?:e|es|ing) (?:in|near)\b|\bmoved\b|\bflat\b|\bat home in\b|\bmy (?:new )?home\b|\bhome is\b|"
    r"\bplace is in\b|\bsettled\b|\bwhere i live\b"
)
CUES: Mapping[str, str] = {
    "name": r"\bmy name(?:'s| is)\b|\bcall me\b|^\w+ here\b|\bi(?:'m| am) [A-Z]\w+[.,!]",
    "age": r"\bi(?:'m| am) \d|\byears old\b|\bi turned\b|\bmy age\b|\bage of\b|\bat \d\d\b",
    "gender": r"\bi(?:'m| am) an? (?:\w+ )?(?:wom[ae]n|m[ae]n|non-binary|person|female|male)\b|\bgender\b",
    "nationality": r"\bpassport\b|\bnationality\b|\bcitizen\b|\bi come from\b|\bi(?:'m| am) from\b",
    "languages": r"\bspeak\b|\blanguages?\b|\bmother tongue\b",
    "career": r"\bwork(?:ing)? as\b|\bmy job\b|\bnew job\b|\bprofession\b|\bearn my living\b|\bi(?:'m| am) an? \w+"
    r"(?:er|or|ist|ian|ant|ent|ect|nurse|chef|lawyer|pilot|clerk)\b|\bbeing an? \w+\b|\bbecame an? \w+",
    "extraversion": r"\bE (?:or|and) I\b", "sensing": r"\bS (?:or|and) N\b",
    "thinking": r"\bT (?:or|and) F\b", "judging": r"\bJ (?:or|and) P\b",
    "values": r"\bwhat counts\b|\bhold .* dear\b|\bcomes first\b|\bmatters? most\b|\bimportant to me\b",
    "interests": r"\bfree time\b|\bhobb(?:y|ies)\b|\binto\b|\bweekends\b|\bmy weekend\b|\btaken up\b|"
    r"\bi (?:really )?love\b|\binterested in\b|\bpassion\b",
    "emotion": r"\bi(?:'m| am)? ?fe(?:el|eling|lt)\b|\bmood\b",
    "engagement": r"\bsomebody who\b|\bas a user\b", "usage": r"\bwrite to you\b|\bhear from me\b|\buse you\b",
    "purchase": r"\bbuyer\b|\bin shops\b|\bwhen (?:i buy|buying|i shop)\b",
    "styles": r"\banswers?\b|\bplease be\b|\bkeep it\b|\btone\b",
    "formats": r"\bplease give me\b|\bas an? \w+|\bto get things\b|\bread\b|\bbullet\b|"
    r"\b(?:like|prefer|want|rather|easier)\b.*\b(?:tables?|lists?)\b|\b(?:tables?|lists?)\b.*\b(?:easier|best|rather)\b",
    "workflows": r"\bwork best\b|\bbegins with\b|\bway of working\b|\bi work with\b|\bswitched from\b|\bstart from\b",
    "home": _PLACE, "city": _PLACE, "location": _PLACE,
    "diet": r"\bdiet\b|\beat\b|\bfood\b|\bvegan\b|\bvegetarian\b|\bmeat\b",
    "budget": r"\bbudget\b|\bspend\b|\beuros?\b|\bdollars?\b|\blimit\b|[€$£]",
}  # fmt: skip
"""What a sentence about a field of this name has, as regular expressions."""
_OF_THE_USER = re.compile(r"\b(?:i|i'm|im|ive|me|my|mine|myself|we|us|our|here|please)\b", re.IGNORECASE)
"""What a sentence has in which a user speaks of themselves, or asks for something to be done in their way."""
_EDGE = frozenset(
    re.findall(
        r"\S+",
        """
    a an the i i'm im i've am is are was were be been being my me mine you your it its this that these those
    and or but so for to of in on at as with from by than then now no not never please give get like likes
    prefer want would will can do does did have has had since until also just really very more most longer any
    anymore again instead if there here when while who which what after before up out about into all it's
    today new job name age work works live lives moved become became answer answers call speak passport
    nationality hobby diet food budget limit euros we us they he she near by way using one ones some got
    rather things future call home flat place feel mood these days weeks month year years old ago last said
    wrote wrong mistake forget changed switched gone back returned
        """,
    )
)
"""Words that no value begins or ends with."""
_WORD = re.compile(r"[\w€$£'’.-]*\w")


def fields_of(sentence: str, slots: Collection[Slot]) -> list[Slot]:
    """The fields that a sentence may be about; none for a question, or where it says nothing of the user."""
    if sentence.rstrip().endswith("?") or not _OF_THE_USER.search(sentence.replace("’", "'")):
        return []
    found = []
    for slot in slots:
        name = slot.keys[-1]
        own = [word for word in (*words(name.replace("_", " ")), *words(slot.title)) if len(word) > 3]
        named = name not in CUES and any(word in words(sentence) for word in own)
        if named or (name in CUES and re.search(CUES[name], sentence, re.IGNORECASE)):
            found.append(slot)
    return found


def spans_of(sentence: str, slot: Slot, but: Iterable[str] = ()) -> list[str]:
    """The words of a sentence that may be a field's value, in their order.

    Args:
        sentence: The sentence.
        slot: The field; only what its type takes is given.
        but: Values that are named in the sentence and are not meant.
    """
    if get_origin(slot.annotation) is Literal:
        said = set(_WORD.findall(sentence))
        return [str(each) for each in get_args(slot.annotation) if str(each) in said]
    pieces = [part for part in re.split(r"[,;:!?()]|(?<=\w)\.(?=\s|$)|\.\.\.", sentence) if part.strip()]
    refused = [words(each) for each in but]
    first = next(iter(_WORD.findall(sentence)), "")
    found: dict[str, None] = {}
    for piece in pieces:
        tokens = _WORD.findall(piece)
        for start in range(len(tokens)):
            for end in range(start + 1, min(len(tokens), start + MOST_SPANS) + 1):
                span = tokens[start:end]
                if any(_is_edge(token, token == first) for token in span):
                    continue
                text = " ".join(span)
                if any(set(words(text)) & set(each) for each in refused) or not _fits(slot, text):
                    continue
                found.setdefault(text)
    return list(found)[:MOST_OPTIONS]


def _is_edge(token: str, first: bool) -> bool:
    """Whether a word ends a value; a name such as New Delhi may begin with one."""
    return plain(token) in _EDGE and (first or token[:1].islower() or token == "I" or not token[:1].isalpha())


def _fits(slot: Slot, text: str) -> bool:
    try:
        value: Any = slot.read(text)
    except PersonaError:
        return False
    return isinstance(value, str) or plain(slot.text(value)) == plain(text)
