"""What one sentence says of its user, field by field."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

import personaopt.evals.personabench.stand_in.change_cues as change_cues
import personaopt.evals.personabench.stand_in.cues as cues
import personaopt.evals.personabench.stand_in.mistake_cues as mistake_cues
from personaopt.evals.personabench.stand_in.bars import BARS, STRONG
from personaopt.evals.personabench.stand_in.field_cues import (
    FIELDS,
    NAMED_SO,
    OWNED,
    PLAIN_ENOUGH,
    STABLE,
)
from personaopt.evals.personabench.stand_in.mentions import Mention, mentions_in
from personaopt.evals.personabench.stand_in.mistakes import mistaken, told_otherwise
from personaopt.evals.personabench.stand_in.standing import (
    is_asked,
    is_passing,
    is_supposed,
    masked,
    of_the_user,
    score,
)
from personaopt.evals.personabench.stand_in.world import BUDGET, HOME, MANY, REPLACED

_FLEETING = ("pattern.emotion", "life.diet", *REPLACED)
"""Fields of which a value for a while, or for one occasion, is spoken of without any other words."""

_WISHED = ("preference", "pattern.engagement")
"""Fields of which a few words, or a plain request, are enough: `Bullet points!`"""
_USAGE = "pattern.usage"
_FRAGMENT = 6
"""Words."""
_REMINDER = re.compile(r"\b(?:remember|don't forget|do not forget|keep in mind|bear in mind|note down|please note)\b")
_ALONE = re.compile(
    r"\W*(?:(?!next|new|no|not|any|which|what|the)\w+ ){0,2}@(?: (?:now|here|again|still|please|thanks))?[.!,; ]*$"
)
"""A value and hardly more: who says so says it of themselves."""
_VERB = re.compile(r"\b(?:is|was|are|were|has|had|will)\b")
_DOUBTFUL, _FAR = -3, 4
"""A value that may be over holds where far more speaks against the other one."""
_JOINER = re.compile(
    r"(?:[,;:]| -)? (?:and|but|while|whereas|plus|also|besides|yet)(?: also| besides|,)? (?=i\b|i'|my\b|we\b|we'|"
    r"please\b)|; |, (?=i\b|i'|my\b)| - (?=i\b|i'|my\b)"
)
"""Where a clause with a subject of its own begins."""
_MONEY = re.compile(r"€|\beuros?\b|\beur\b|\bbudget\b")


@dataclasses.dataclass
class Part:
    """What one sentence says of one field.

    Attributes:
        path: The field.
        start, end: Where the sentence stands in its message.
        held, ended: The values that are so after it, and those that no longer are, or never were.
        mistaken: Whether it takes something back.
        lasting: Whether what it says will last.
        news: Whether it has words of change.
        also: Whether its value comes beside what was.
        said: Whether it speaks of what the user said.
    """

    path: str
    start: int
    end: int
    held: list[str]
    ended: list[str]
    mistaken: bool
    lasting: bool
    news: bool
    also: bool
    said: bool


def parts_of(sentence: str, start: int, before: str) -> Iterable[Part]:
    """What a sentence says, by field."""
    mentions = mentions_in(sentence)
    lowered = sentence.lower()
    if len(lowered) != len(sentence):
        return
    for path in dict.fromkeys(mention.path for mention in mentions):
        own = [mention for mention in mentions if mention.path == path]
        others = [mention for mention in mentions if mention.path != path]
        shown = _own_clauses(lowered, own, others)
        text = masked(shown, own, ())
        hinted = all(mention.hinted for mention in own)
        wrong = mistaken(shown)
        if path == _USAGE and not hinted:
            own = [mention for mention in own if not mention.hinted]
        if not _is_turn(path, shown, own, others) and not _is_about(path, text, before.lower(), wrong, hinted):
            own = _alone(path, shown, own, before.lower(), wrong)
        own = [
            mention
            for mention in own
            if of_the_user(lowered, mention)
            and not is_asked(path, lowered, mention)
            and not is_supposed(path, lowered, mention)
        ]
        if not own:
            continue
        wrong = wrong or told_otherwise(lowered, own)
        held, ended = _sorted(shown, own, others, wrong)
        if path in STABLE and held and not wrong:
            ended = []
        if not held and not wrong and not _is_told(lowered):
            continue
        yield Part(
            path,
            start,
            start + len(sentence),
            held,
            ended,
            wrong,
            lasting=not is_passing(path, shown),
            news=bool(change_cues.CHANGED.search(lowered)),
            also=bool(cues.ALSO.search(lowered)),
            said=bool(mistake_cues.SAID.search(lowered)),
        )


def _own_clauses(lowered: str, own: Sequence[Mention], others: Sequence[Mention]) -> str:
    """A sentence without the clauses that speak of other fields alone, blank in their place."""
    start, end = 0, len(lowered)
    first, last = own[0].start, own[-1].end
    for other in others:
        if other.end <= first:
            start = max([start, *(match.end() for match in _JOINER.finditer(lowered, other.end, first))])
        elif other.start >= last:
            end = min([end, *(match.start() for match in _JOINER.finditer(lowered, last, other.start))])
    return " " * start + lowered[start:end] + " " * (len(lowered) - end)


def _is_told(lowered: str) -> bool:
    """Whether a sentence that says what is not so is about the user at all."""
    return any(pattern.search(lowered) for pattern in (cues.FIRST_PERSON, cues.IMPERATIVE, change_cues.CHANGED))


def _is_about(path: str, text: str, before: str, wrong: bool, hinted: bool) -> bool:
    """Whether words of the field stand with the value, in its sentence or, where that has no subject, in the last."""
    if path in NAMED_SO and OWNED.search(text):
        return True
    bar = BARS.get(path)
    if bar is not None and bar.search(text):
        strong = STRONG.get(path)
        if strong is None or not strong.search(text):
            return False
    cue = FIELDS.get(path)
    if cue is None or cue.search(text):
        return True
    if (
        path in PLAIN_ENOUGH
        and not hinted
        and (wrong or change_cues.CHANGED.search(text) or (path != _USAGE and cues.OWN_CASE.search(text)))
    ):
        return True
    if path.startswith(_WISHED) and (
        cues.IMPERATIVE.match(text) or (len(text.split()) <= _FRAGMENT and not _VERB.search(text))
    ):
        return not cues.OTHERS.search(text)
    if path in PLAIN_ENOUGH and not hinted and (_REMINDER.search(text) or _ALONE.match(text)):
        return True
    passing = change_cues.PASSING.search(text) or change_cues.PASSING_FEELING.search(text)
    if path in _FLEETING and passing and not cues.OTHERS.search(text):
        return True
    return bool(before) and bool(cues.AROUND.match(text)) and bool(cue.search(f"{before} {text}"))


def _alone(path: str, lowered: str, own: Sequence[Mention], before: str, wrong: bool) -> list[Mention]:
    """Of several values those that words of the field stand with, with those that are over; none where it is one."""
    if len({mention.value for mention in own}) < 2:
        return []
    texts = [masked(lowered, own, (), place) for place in range(len(own))]
    sure = [_is_about(path, text, before, wrong, mention.hinted) for text, mention in zip(texts, own, strict=True)]
    if not any(sure):
        return []
    return [
        mention for mention, text, about in zip(own, texts, sure, strict=True) if about or score(path, text, wrong) < 0
    ]


def _is_turn(path: str, lowered: str, own: Sequence[Mention], others: Sequence[Mention]) -> bool:
    """Whether one value gives way to another of the same field: that tells what it is about, without words of it."""
    if path in STABLE or (path == BUDGET and not _MONEY.search(lowered)) or len({mention.value for mention in own}) < 2:
        return False
    if path == HOME and BARS[HOME].search(masked(lowered, own, ())):
        return False
    held, ended = _sorted(lowered, own, others, False)
    texts = [masked(lowered, own, others, place) for place in range(len(own))]
    over = any(score(path, text, False) < 0 for text in texts)
    return over and bool(held and ended) and (_is_told(lowered) or not cues.OTHERS.search(lowered))


def weak_part(path: str, sentence: str, start: int) -> Part | None:
    """What a sentence says of a field that only the sentences around it are known to be about.

    Args:
        path: The field.
        sentence: The sentence.
        start: Where it begins.
    """
    mentions, lowered = mentions_in(sentence), sentence.lower()
    if len(lowered) != len(sentence):
        return None
    own = [mention for mention in mentions if mention.path == path]
    others = [mention for mention in mentions if mention.path != path]
    said = bool(mistake_cues.SAID.search(lowered))
    own = [
        mention
        for mention in own
        if (said or not is_supposed(path, lowered, mention))
        and (of_the_user(lowered, mention) or not cues.OTHERS.search(lowered))
    ]
    if not own:
        return None
    wrong = mistaken(lowered)
    held, ended = _sorted(lowered, own, others, wrong)
    end = start + len(sentence)
    return Part(path, start, end, held, ended, wrong, not is_passing(path, lowered),
                bool(change_cues.CHANGED.search(lowered)), bool(cues.ALSO.search(lowered)), said)  # fmt: skip


def _sorted(
    lowered: str, own: Sequence[Mention], others: Sequence[Mention], wrong: bool
) -> tuple[list[str], list[str]]:
    """The values that hold after the sentence, and those that do not."""
    scores: dict[str, list[int]] = {}
    for place, mention in enumerate(own):
        scores.setdefault(mention.value, []).append(score(own[0].path, masked(lowered, own, others, place), wrong))
    best = {value: max(found) for value, found in scores.items()}
    many = own[0].path in MANY and own[0].path not in REPLACED
    if len(best) == 1:
        ((value, found),) = best.items()
        return ([value], []) if found >= 0 else ([], [value])
    if many and not any(found < 0 for found in best.values()):
        return list(best), []
    if many:
        return [value for value, found in best.items() if found >= 0], [
            value for value, found in best.items() if found < 0
        ]
    order = list(best)
    held = max(order, key=lambda value: (best[value], order.index(value)))
    lowest = min(best.values())
    if best[held] < (_DOUBTFUL if lowest <= best[held] - _FAR else 0):
        return [], order
    return [held], [value for value in order if value != held]
