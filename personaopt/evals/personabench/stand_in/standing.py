"""Whether a value that a sentence names is the user's own, was, never was, or has nothing to do with the user."""

from __future__ import annotations

import re
from collections.abc import Sequence

import personaopt.evals.personabench.stand_in.change_cues as change_cues
import personaopt.evals.personabench.stand_in.cues as cues
import personaopt.evals.personabench.stand_in.mistake_cues as mistake_cues
from personaopt.evals.personabench.stand_in.field_cues import STABLE
from personaopt.evals.personabench.stand_in.mentions import Mention
from personaopt.evals.personabench.stand_in.world import BUDGET, HOME, NAME

_PLANNED = ("demographics", "life", "personality")
"""Groups of which people also speak in wishes and plans; how an answer is wished for is a preference."""
_CLAUSE = re.compile(r"[,;:]| - |\bbut\b|\bwhile\b|\bwhereas\b|\bthough\b|\balthough\b")
_TOLD = re.compile(
    r"(?:so |and |well |now |but )*(?:i'm|i am|i've|i have|i live|i work|i eat|i now|my \w+ is|as an?|being)\b"
)
_OF_ANYBODY = ("demographics.career", "demographics.gender", "personality.interests", "personality.values")
"""Fields whose values are said of everybody and everything."""
_THEIRS = re.compile(r"\b(?:her|his|their) (?:\w+ ){0,4}$")
_UNIT = re.compile(r"(?:€ ?)?([@&])(?: ?€| (?:euros?|eur|food|diet|thing)\b)")
"""What may stand with a value and says nothing."""
_UNREAL = re.compile(r"(?:\b(?:would|could|might)\b|'d\b)(?! (?:call|say|tell|describe))")
_WOULD_BE = re.compile(r"(?: \w+){0,2} (?:would|could|might) be\b")
_HERE = re.compile(r"\bhere,? in $|\b(?:see|visit|reach|join|find)(?:s|ing)? (?:me|us)\b")
"""Where the user is, whoever is the subject."""
_TAKEN_UP = re.compile(
    r"\bi(?:'ve| have)? (?:\w+ )?(?:speak|learnt|learned|inherited|share|am|do) (?:it|one|that|too)\b"
)
"""Says that the user is, or does, what was said of somebody else."""
_COMPLAINT = re.compile(
    r"^(?:\w+[,!.]? )?(?:why|since when|what|how) (?:do|did|does|would|should|is|are|am|can|could|have)\b"
)
_TO_SUCH = re.compile(
    r"\b(?:to|for|does|would|should|is|can|could|do) (?:an?|someone|somebody)(?: \w+)? (?:who |that |in |from )*$"
)
"""A question that asks what such an answer is for."""
_ON_MINE = re.compile(r"[\"']? (?:on|onto|in|into|to|at) (?:my|me)\b")
_MY_OWN = re.compile(r"\bmy (?:age|name|job|profession|budget|home|address|diet|mood|passport|mother tongue)\b(?!')")
"""What a sentence is about, whoever else speaks in it."""
_AT_MOST = re.compile(r",? (?:and |but )?(?:no|not a (?:cent|penny)|not one cent|nothing) more\b")
"""Behind a sum it ends nothing."""
_TAG = re.compile(
    r", (?:remember|okay|ok|right|please|yes|will you|would you|could you|can you|you know|got it|alright|deal|fine|"
    r"see|isn't it|aren't i|don't i|you hear)\?"
)
"""Behind what is told, and asks nothing."""
_AS_I_AM = re.compile(
    r",? (?:that|which|is what|is who) (?:i am|i'm)\b| like (?:me|myself|us)\b|(?: that| which)? i (?:\w+ )?(?:play|"
    r"love|do|listen|live|speak|like|adore|practi[sc]e|eat|am|work)\b"
)
_LONGEST_ASIDE = 12
"""Words of a sentence that does no more than say how long something lasts."""
_LONGEST_HINT = 16
"""Words of a sentence without a subject that still speaks of the user."""


def masked(lowered: str, own: Sequence[Mention], others: Sequence[Mention], looked_at: int | None = None) -> str:
    """A sentence with signs in the place of values.

    Args:
        lowered: The sentence.
        own: The values of the field.
        others: The values of other fields.
        looked_at: The one of `own` that becomes `@`, with all that name the same value; all of them when None.
    """
    spans: dict[tuple[int, int], str] = {(each.start, each.end): "thing" for each in others}
    wanted = None if looked_at is None else own[looked_at].start
    spans |= {(each.start, each.end): "@" if wanted in (None, each.start) else "&" for each in own}
    parts, end = [], 0
    for (start, stop), sign in sorted(spans.items()):
        if start >= end:
            parts += [lowered[end:start], sign]
            end = stop
    return "".join([*parts, lowered[end:]])


def score(path: str, text: str, mistaken: bool) -> int:
    """How much speaks for `@` being the user's: below 0 for a value that is over, or that never was.

    Args:
        path: The field.
        text: The sentence as `masked` leaves it.
        mistaken: Whether the sentence takes something back.
    """
    text = change_cues.NO_DENIAL.sub("well", _UNIT.sub(r"\1", text.replace('"', "")))
    if path == BUDGET:
        text = _AT_MOST.sub("", text)
    found = 0
    if mistaken:
        found += 3 * bool(mistake_cues.SAID_NEW.search(text)) - 7 * bool(mistake_cues.SAID_OLD.search(text))
    if path in STABLE:
        found -= 3 * bool(change_cues.DENIED.search(text))
    elif not change_cues.STILL.search(text):
        old = (change_cues.OLD, change_cues.OLD_BEFORE, change_cues.OLD_BEHIND, change_cues.OVER)
        found -= 3 * min(2, sum(bool(pattern.search(text)) for pattern in old))
    found += 2 * bool(change_cues.NEW.search(text)) + bool(change_cues.NEARLY_NEW.search(text))
    return found


def of_the_user(lowered: str, mention: Mention) -> bool:
    """Whether the one who speaks is the subject, as far as can be told.

    Args:
        lowered: The sentence.
        mention: The value.
    """
    before, after = lowered[: mention.start], lowered[mention.end :]
    own, other = -1, -1
    kin: list[tuple[int, int]] = []
    for match in cues.OTHERS.finditer(before):
        kin.append(match.span())
        things = match[0] == "they" and mention.path.startswith("preference")
        if not things and not cues.NO_SUBJECT.search(before[: match.start()]):
            other = match.start()
    for match in cues.OWN_SUBJECT.finditer(before):
        if not any(start <= match.start() < stop for start, stop in kin):
            own = match.start()
    if mention.path == HOME and _HERE.search(before):
        return True
    if _AS_I_AM.match(after):
        return True
    if _TAKEN_UP.search(after):
        return True
    if mention.path == NAME and _ON_MINE.match(after):
        return True
    if _MY_OWN.search(before):
        return True
    if other > own or _THEIRS.search(before):
        return False
    if own >= 0:
        return True
    if cues.FIRST_PERSON.search(lowered) and not _kin_first(after):
        return True
    if cues.IMPERATIVE.match(lowered):
        return True
    if len(lowered.split()) > _LONGEST_HINT or cues.OTHERS.search(lowered):
        return False
    return mention.path not in _OF_ANYBODY or bool(cues.AROUND.match(f"{before}@{after}"))


def is_asked(path: str, lowered: str, mention: Mention) -> bool:
    """Whether the mention stands in a question, and not in what is told or wished for on the way."""
    if _COMPLAINT.match(lowered) and _TO_SUCH.search(lowered[: mention.start]):
        return False
    if not lowered.rstrip("\"') ").endswith("?") or _TAG.search(lowered):
        return False
    if cues.GIVEN.search(lowered[: mention.start]) or cues.RHETORICAL.match(lowered):
        return False
    if cues.REQUEST.match(lowered) and (path.startswith("preference") or mistake_cues.FALSE.search(lowered)):
        return False
    start = max((match.end() for match in re.finditer(r"[,;:] | - ", lowered[: mention.start])), default=0)
    clause = lowered[start : mention.start].strip()
    told = _TOLD.match(clause)
    behind = re.search(r"[,;:]| - ", lowered[mention.end :])
    return not (told and (behind or (start == 0 and not cues.QUESTION.match(clause))))


def is_supposed(path: str, lowered: str, mention: Mention) -> bool:
    """Whether it is only wished, planned or supposed."""
    if path == "personality.values" or cues.NO_CONDITION.search(lowered) or mistake_cues.SAID.search(lowered):
        return False
    before = lowered[: mention.start]
    if path.startswith("life") and path != BUDGET and _WOULD_BE.match(lowered[mention.end :]):
        return True
    if cues.IF.search(before):
        parts = re.split(r"[,:;]", before)
        clause = f"{parts[-1]}{lowered[mention.start :].partition(',')[0]}"
        return len(parts) == 1 or cues.IF.search(clause) is not None or bool(_UNREAL.search(clause))
    if not path.startswith(_PLANNED) or path == BUDGET:
        return False
    clauses = list(_CLAUSE.finditer(lowered, 0, mention.start))
    start = clauses[-1].end() if clauses else 0
    return bool(cues.SUPPOSED.search(lowered[start : mention.end]))


def is_passing(path: str, lowered: str) -> bool:
    """Whether the sentence says that it will not last."""
    if change_cues.FROM_NOW.search(lowered):
        return False
    if change_cues.PASSING.search(lowered):
        return True
    if change_cues.LASTING.search(lowered):
        return False
    if path != "pattern.emotion":
        return False
    if change_cues.PASSING_FEELING.search(lowered):
        return True
    return bool(change_cues.OCCASION.search(lowered)) and not change_cues.NATURE.search(lowered)


def is_over_soon(path: str, lowered: str) -> bool:
    """Whether a sentence beside one on this field says that it will not last: `Give it a day.`.

    Args:
        path: The field.
        lowered: The sentence, which names no value of it.
    """
    short = len(lowered.split()) <= _LONGEST_ASIDE
    lasts = change_cues.FROM_NOW.search(lowered) or change_cues.LASTING.search(lowered)
    if lasts or not (short and (path == "pattern.emotion" or path.startswith("preference") or path == "life.diet")):
        return False
    if change_cues.PASSING.search(lowered):
        return True
    return path == "pattern.emotion" and bool(change_cues.PASSING_FEELING.search(lowered))


def _kin_first(after: str) -> bool:
    """Whether behind the value somebody else comes before the user does: `Vegan is what my sister eats`."""
    other, own = cues.OTHERS.search(after), cues.OWN_SUBJECT.search(after)
    if other is None or cues.NO_SUBJECT.search(after[: other.start()]):
        return False
    return own is None or other.start() <= own.start()
