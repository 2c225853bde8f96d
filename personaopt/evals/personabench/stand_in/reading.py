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

import personaopt.evals.personabench.stand_in.mistake_cues as mistake_cues
from personaopt.evals.personabench.stand_in.mentions import plain
from personaopt.evals.personabench.stand_in.mistakes import mistaken
from personaopt.evals.personabench.stand_in.parts import Part, parts_of
from personaopt.evals.personabench.stand_in.surroundings import around

_ENDS = re.compile(
    r"(?<=[.!?…])[\"')]*\s+(?=[^a-z])(?!(?<=\?\s)(?:Yes|Yep|Yeah|That's me|Absolutely|Of course|Always|Guilty|"
    r"Definitely|Very much|[ESNTFJP]|I(?=[,.;!]| it is| in my| for me| every| all))\b)|\n+"
)
"""Where a sentence ends; a question that is answered at once is one with its answer."""
_TOPIC = 3
"""Words of a question that only names what is spoken of."""
_NO = re.compile(r"(?:not|no|nope|never|gone|over|finished|history|that was)\b(?! mentioning)", re.IGNORECASE)
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


@functools.lru_cache(maxsize=16_384)
def read(message: str) -> tuple[Said, ...]:
    """Everything that a message says of its user, in its order."""
    text = plain(message)
    text = _REPORTED.sub(lambda match: " " * len(match[0]), text)
    sentences = _sentences(text)
    at: dict[int, list[Part]] = {}
    for place, (start, sentence) in enumerate(sentences):
        before = sentences[place - 1][1] if place else ""
        at[place] = list(parts_of(sentence, start, before))
    around(sentences, at)
    for place, (_, sentence) in enumerate(sentences):
        lowered = sentence.lower()
        if not at[place] and (mistaken(lowered) or _denies(lowered, at.get(place - 1, []))):
            _take_back(at.get(place - 1, []), at.get(place + 1, []))
        elif place:
            _corrected(at[place - 1], at[place], lowered)
    parts = [part for place in sorted(at) for part in at[place]]
    return tuple(_joined(parts, message))


def _sentences(text: str) -> list[tuple[int, str]]:
    found, start = [], 0
    for match in [*_ENDS.finditer(text), None]:
        end = match.start() if match else len(text)
        if text[start:end].strip():
            found.append((start, text[start:end]))
        start = match.end() if match else end
    return _answered(text, found)


def _answered(text: str, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """`Vegetarian? Not any more.` as one sentence: what is asked in few words is a topic, and not a question."""
    joined: list[tuple[int, str]] = []
    for start, sentence in found:
        last = joined[-1] if joined else None
        topic = last is not None and last[1].endswith("?") and len(last[1].split()) <= _TOPIC
        if last is not None and topic and _NO.match(sentence):
            joined[-1] = (last[0], f"{last[1][:-1]},{text[last[0] + len(last[1]) : start]}{sentence.lower()}")
        else:
            joined.append((start, sentence))
    return joined


def _denies(lowered: str, before: Sequence[Part]) -> bool:
    """Whether a sentence does nothing but deny what the last one said that the user had said, as `I am not.` does."""
    return any(part.said for part in before) and bool(mistake_cues.DENIAL.match(lowered))


def _take_back(before: list[Part], after: list[Part]) -> None:
    """A sentence between these said that something was wrong."""
    paths = {part.path for part in after}
    for part in after:
        part.mistaken = True
    for part in before:
        if part.path in paths or not after:
            part.mistaken = True
            part.ended, part.held = [*part.ended, *part.held], []


def _corrected(before: list[Part], now: list[Part], lowered: str) -> None:
    """Read `I said that I live in A. Actually it is B.` as one."""
    turned = (mistake_cues.TRULY, mistake_cues.FALSE, mistake_cues.NOT_THAT)
    for part in now:
        for earlier in before:
            same = earlier.path == part.path and earlier.said and not earlier.news and not part.news
            if same and (part.mistaken or any(pattern.search(lowered) for pattern in turned)):
                part.mistaken = earlier.mistaken = True
                earlier.ended, earlier.held = [*earlier.ended, *earlier.held], []
            elif earlier.path == part.path and earlier.mistaken != part.mistaken:
                _of_two(earlier, part, lowered)


def _of_two(earlier: Part, part: Part, lowered: str) -> None:
    """One of two sentences says that its value was wrong, or that the other's was: read them as one."""
    if earlier.ended or part.ended or set(earlier.held) & set(part.held):
        return
    wrong = part if part.mistaken and not mistake_cues.MEANT_SO.search(lowered) else earlier
    wrong.ended, wrong.held = [*wrong.ended, *wrong.held], []
    earlier.mistaken = part.mistaken = True


def _at_last(run: Sequence[Part]) -> tuple[list[str], list[str]]:
    """What holds and what does not after some sentences; where one denies what another says the later one counts."""
    state: dict[str, bool] = {}
    for part in run:
        state |= dict.fromkeys(part.ended, False)
        state |= dict.fromkeys(part.held, True)
    return [value for value, holds in state.items() if holds], [value for value, holds in state.items() if not holds]


def _joined(parts: Sequence[Part], message: str) -> Iterable[Said]:
    """What was said of a field in sentences that follow each other, as one."""
    runs: list[list[Part]] = []
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
        held, ended = _at_last(run)
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
