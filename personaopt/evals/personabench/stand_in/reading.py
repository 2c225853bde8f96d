"""What a user says of themselves in a message, read by general rules of English.

A value that is known (`mentions`) is the user's if words of its field stand with it, if the user is the subject, and if
it is neither asked nor supposed; words of change, of denial and of mistakes say the rest (`cues`, `standing`).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from personaopt.evals.personabench.stand_in import change_cues, cues
from personaopt.evals.personabench.stand_in.field_cues import BARS, FIELDS, PLAIN_ENOUGH, STABLE, STRONG
from personaopt.evals.personabench.stand_in.mentions import Mention, mentions_in, plain
from personaopt.evals.personabench.stand_in.standing import (
    is_asked,
    is_passing,
    is_supposed,
    masked,
    of_the_user,
    score,
)

_ENDS = re.compile(r"(?<=[.!?…])[\"')]*\s+(?=[^a-z])|\n+")
_REPORTED = re.compile(r"(?:\bhe|\bshe|\bthey|\bmy \w+|\bsomebody|\bsomeone)[^\".!?]{0,40}\"[^\"]*\"", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Said:
    """One thing that a user says of themselves.

    Attributes:
        path: The field.
        action: As in `FieldChange`.
        value: What is so; empty where only something else is no longer, or never was.
        old: What no longer is so, or never was; empty where nothing was named.
        lasting: Whether it is more than a mood, or a wish for one occasion.
        news: Whether words of change stand with it.
        also: Whether it comes beside what was.
        quote: The words, as they stand in the message.
    """

    path: str
    action: Literal["set", "end", "take_back"]
    value: str
    old: str = ""
    lasting: bool = True
    news: bool = False
    also: bool = False
    quote: str = ""


@dataclasses.dataclass
class _Part:
    """What one sentence says of one field."""

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


@functools.lru_cache(maxsize=16_384)
def read(message: str) -> tuple[Said, ...]:
    """Everything that a message says of its user, in its order."""
    text = plain(message)
    text = _REPORTED.sub(lambda match: " " * len(match[0]), text)
    sentences = _sentences(text)
    parts: list[_Part] = []
    at: dict[int, list[_Part]] = {}
    for place, (start, sentence) in enumerate(sentences):
        before = sentences[place - 1][1] if place else ""
        at[place] = list(_parts(sentence, start, before))
        parts += at[place]
    for place, (_, sentence) in enumerate(sentences):
        if not at[place] and mistaken(sentence.lower()):
            _take_back(at.get(place - 1, []), at.get(place + 1, []))
        elif place:
            _corrected(at[place - 1], at[place], sentence.lower())
    return tuple(_joined(parts, message))


def _sentences(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for match in [*_ENDS.finditer(text), None]:
        end = match.start() if match else len(text)
        if text[start:end].strip():
            found.append((start, text[start:end]))
        start = match.end() if match else end
    return found


def mistaken(lowered: str) -> bool:
    """Whether a sentence says that something the user said was never true."""
    if re.search(r"\bi(?: have|'ve)? never(?: \w+){0,2} (?:been|was|lived|worked|ate|eaten|had|were)\b", lowered):
        return True
    said = bool(change_cues.SAID.search(lowered))
    if (
        change_cues.CHANGED.search(lowered)
        and not said
        and not re.search(r"\b(?:my mistake|by mistake|made a mistake|joking|joke|mixed|slip|typo)\b", lowered)
    ):
        return False
    false = bool(change_cues.FALSE.search(lowered))
    if false and change_cues.OWN_WORDS.search(lowered):
        return True
    return said and not change_cues.CHANGED.search(lowered) and bool(change_cues.TRULY.search(lowered))


def _parts(sentence: str, start: int, before: str) -> Iterable[_Part]:
    """What a sentence says, by field."""
    mentions = mentions_in(sentence)
    lowered = sentence.lower()
    if len(lowered) != len(sentence):
        return
    wrong = bool(mentions) and mistaken(lowered)
    for path in dict.fromkeys(mention.path for mention in mentions):
        own = [mention for mention in mentions if mention.path == path]
        others = [mention for mention in mentions if mention.path != path]
        text = masked(lowered, own, ())
        if not _is_about(path, text, before.lower(), wrong):
            continue
        own = [
            mention
            for mention in own
            if of_the_user(lowered, mention)
            and not is_asked(path, lowered, mention)
            and not is_supposed(path, lowered, mention)
        ]
        if not own:
            continue
        held, ended = _sorted(lowered, own, others, wrong)
        if path in STABLE and held and not wrong:
            ended = []
        if not held and not wrong and not _is_told(lowered):
            continue
        yield _Part(
            path,
            start,
            start + len(sentence),
            held,
            ended,
            wrong,
            lasting=not is_passing(path, lowered),
            news=bool(change_cues.CHANGED.search(lowered)),
            also=bool(cues.ALSO.search(lowered)),
            said=bool(change_cues.SAID.search(lowered)),
        )


def _is_told(lowered: str) -> bool:
    """Whether a sentence that says what is not so is about the user at all."""
    return any(pattern.search(lowered) for pattern in (cues.FIRST_PERSON, cues.IMPERATIVE, change_cues.CHANGED))


def _is_about(path: str, text: str, before: str, wrong: bool) -> bool:
    """Whether words of the field stand with the value, in its sentence or, where that has no subject, in the last."""
    bar = BARS.get(path)
    if bar is not None and bar.search(text):
        strong = STRONG.get(path)
        if strong is None or not strong.search(text):
            return False
    cue = FIELDS.get(path)
    if cue is None or cue.search(text):
        return True
    if path in PLAIN_ENOUGH and (wrong or change_cues.CHANGED.search(text) or cues.OWN_CASE.search(text)):
        return True
    return bool(before) and bool(cues.AROUND.match(text)) and bool(cue.search(f"{before} {text}"))


def _sorted(
    lowered: str, own: Sequence[Mention], others: Sequence[Mention], wrong: bool
) -> tuple[list[str], list[str]]:
    """The values that hold after the sentence, and those that do not."""
    scores: dict[str, list[int]] = {}
    for place, mention in enumerate(own):
        scores.setdefault(mention.value, []).append(score(own[0].path, masked(lowered, own, others, place), wrong))
    best = {value: max(found) for value, found in scores.items()}
    many = own[0].path.rpartition(".")[2] in ("interests", "values", "languages")
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
    if best[held] < 0:
        return [], order
    return [held], [value for value in order if value != held]


def _take_back(before: list[_Part], after: list[_Part]) -> None:
    """A sentence between these said that something was wrong."""
    paths = {part.path for part in after}
    for part in after:
        part.mistaken = True
    for part in before:
        if part.path in paths or not after:
            part.mistaken = True
            part.ended, part.held = [*part.ended, *part.held], []


def _corrected(before: list[_Part], now: list[_Part], lowered: str) -> None:
    """Read `I said that I live in A. Actually it is B.` as one."""
    turned = (change_cues.TRULY, change_cues.FALSE, change_cues.NOT_THAT)
    for part in now:
        for earlier in before:
            same = earlier.path == part.path and earlier.said and not earlier.news and not part.news
            if same and (part.mistaken or any(pattern.search(lowered) for pattern in turned)):
                part.mistaken = earlier.mistaken = True
                earlier.ended, earlier.held = [*earlier.ended, *earlier.held], []


def _joined(parts: Sequence[_Part], message: str) -> Iterable[Said]:
    """What was said of a field in sentences that follow each other, as one."""
    runs: list[list[_Part]] = []
    for part in parts:
        last = next((run for run in reversed(runs) if run[-1].path == part.path), None)
        if (
            last is not None
            and (last[-1].ended or part.ended or part.mistaken)
            and not (last[-1].held and part.held and not part.mistaken)
        ):
            last.append(part)
        else:
            runs.append([part])
    for run in runs:
        held = list(dict.fromkeys(value for part in run for value in part.held))
        ended = [value for value in dict.fromkeys(value for part in run for value in part.ended) if value not in held]
        quote = message[min(part.start for part in run) : max(part.end for part in run)].strip()
        wrong = any(part.mistaken for part in run)
        common = {
            "path": run[0].path,
            "lasting": all(part.lasting for part in run),
            "news": any(part.news for part in run) or bool(ended),
            "also": any(part.also for part in run),
            "quote": quote,
        }
        action: Literal["set", "end", "take_back"] = "take_back" if wrong else "set" if held else "end"
        for place, value in enumerate(held):
            yield Said(action=action, value=value, old=ended[place] if place < len(ended) else "", **common)  # type: ignore[arg-type]
        for value in ended[len(held) :]:
            yield Said(action="take_back" if wrong else "end", value="", old=value, **common)  # type: ignore[arg-type]
