"""Whether a sentence takes something back: it was said, and never was so."""

from __future__ import annotations

import re
from collections.abc import Sequence

import personaopt.evals.personabench.stand_in.change_cues as change_cues
import personaopt.evals.personabench.stand_in.cues as cues
import personaopt.evals.personabench.stand_in.mistake_cues as mistake_cues
from personaopt.evals.personabench.stand_in.field_cues import STABLE
from personaopt.evals.personabench.stand_in.mentions import Mention

_CURT = 8
"""Words of a sentence that takes something back without saying who said it."""
_I = re.compile(r"\b(?:i|i'm|i've|i'd|my|of mine|of me|by me|sorry|apologi\w+|pardon|oops|whoops)\b")
_YOU = re.compile(r"\byou\b")
_NEVER = re.compile(r"\bi(?: have|'ve)? never(?: \w+){0,2} (?:been|was|lived|worked|ate|eaten|had|were)\b")
_BY_MISTAKE = re.compile(r"\b(?:my mistake|by mistake|made a mistake|joking|joke|mixed|slip|typo)\b")
"""Words of a mistake that words of change beside them do not outweigh."""


def mistaken(lowered: str) -> bool:
    """Whether a sentence says that something the user said was never true."""
    if _NEVER.search(lowered):
        return True
    said, changed = bool(mistake_cues.SAID.search(lowered)), bool(change_cues.CHANGED.search(lowered))
    if changed and not said and not _BY_MISTAKE.search(lowered):
        return False
    if mistake_cues.FALSE.search(lowered):
        if mistake_cues.OWN_WORDS.search(lowered):
            return True
        curt = len(lowered.split()) <= _CURT and not _YOU.search(lowered)
        if (curt or _I.search(lowered)) and not cues.OTHERS.search(lowered):
            return True
    return said and not changed and bool(mistake_cues.TRULY.search(lowered))


def told_otherwise(lowered: str, own: Sequence[Mention]) -> bool:
    """`I told you A, it is B.`: what was said and what is so differ, and nothing has changed.

    Args:
        lowered: The sentence.
        own: What it names of one field.
    """
    values = {mention.value for mention in own}
    if len(values) < 2 or own[0].path in STABLE:
        return False
    if not mistake_cues.SAID.search(lowered) or change_cues.CHANGED.search(lowered):
        return False
    return bool(mistake_cues.CONTRAST.search(lowered))
