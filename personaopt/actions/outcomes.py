"""What became of an action: whether the answer used its result, and what of it is kept on the interaction.

A rule decides, no LM: a result was used if it names the answer (an answer from a closed set, or a short one), or holds
words of it that neither the question nor anything else in the prompt had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from personaopt.memory.choices import spelled
from personaopt.memory.quoting import plain, telling_words, words
from personaopt.memory.routines import ECHOED, words_searched

DIGEST = 200
"""Characters of a result that are kept: enough to see what it was, not what it said."""
SHORT = 4
"""An answer of so many words is named by a result as a whole, or it is not."""
RARE = 2
"""So many words of a longer answer, found in a result and nowhere else in the prompt, show that it was used."""
_WEAK = ("true", "false", "yes", "no")  # as a bare number, in many texts: it has to be named, as in "score: 4"


def carries(result: str, said: Mapping[str, Any], *, known: Iterable[str] = ()) -> bool:
    """Whether a result holds what was said in the end.

    Args:
        result: What an action returned.
        said: The answer, or the ground truth, by output.
        known: Other texts of the prompt: the question, memories, the persona. Words of theirs show nothing.
    """
    elsewhere = {word for text in known for word in words(text)}
    return any(_carries(result, value, elsewhere) for value in said.values())


def with_use(
    actions: Sequence[Mapping[str, Any]],
    said: Mapping[str, Any],
    *,
    found: Sequence[str] = (),
    known: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Actions with `used`: whether the answer used their result; one that failed was not used.

    Args:
        actions: As `pred.actions` has them.
        said: The answer, or the ground truth, by output.
        found: For each action the text to look for the answer in, where that is not its result, such as what the user
            said in interactions that were recalled.
        known: Other texts of the prompt.
    """
    known = list(known)
    texts = [*found, *(_text(action.get("result")) for action in actions[len(found) :])]
    return [
        {
            **action,
            "used": not action.get("error") and carries(text, said, known=known),
        }
        for action, text in zip(actions, texts, strict=True)
    ]


def recorded(
    actions: Sequence[Mapping[str, Any]], said: Mapping[str, Any], *, known: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Actions as an interaction keeps them (`Interaction.actions`): with `used`, and a digest in the result's place.

    Which words of their arguments an earlier result had is kept as `echoed`, since the digests do not tell.

    What says `used` already keeps it: it was judged by the whole result.

    Args:
        actions: As `pred.actions` has them.
        said: What the user really said where it is known, else the answer.
        known: Other texts of the prompt.
    """
    known = list(known)
    judged = [action if "used" in action else with_use([action], said, known=known)[0] for action in actions]
    kept, returned = [], set[str]()
    for action in judged:
        result = _text(action.get("result"))
        echoed = [place for place, word in enumerate(words_searched(action)) if word in returned]
        kept.append({**action, **({ECHOED: echoed} if echoed else {}), "result": digest(result)})
        returned |= set(words(result))
    return kept


def digest(text: str) -> str:
    """The beginning of a result as one line."""
    line = " ".join(text.split())
    return line if len(line) <= DIGEST else f"{line[: DIGEST - 1]}…"


def _carries(result: str, value: Any, elsewhere: set[str]) -> bool:
    found = words(result)
    said = words(_text(value))
    if not said or not found:
        return False
    if len(said) > SHORT:
        rare = set(telling_words(" ".join(said))) - elsewhere
        return len(rare & set(found)) >= min(RARE, len(rare)) > 0
    if len(said) == 1 and (said[0].isdigit() or said[0] in _WEAK):
        return re.search(rf"[:=]\W*{re.escape(said[0])}(?!\w)", plain(result)) is not None
    return f" {' '.join(said)} " in f" {' '.join(found)} "


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "\n".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield f"{name}: {_text(held)}"
    elif isinstance(value, list | tuple):
        for held in value:
            yield _text(held)
    elif value is not None:
        yield spelled(value)
