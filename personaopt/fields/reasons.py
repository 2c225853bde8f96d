"""Why a field was changed, as the sentence that stands with an edit: written here, and read back here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Action = Literal["set", "end", "take_back"]
SAID: Mapping[Action, str] = {
    "set": "says so",
    "end": "says that it no longer holds",
    "take_back": "took it back",
}
_SENTENCE = re.compile(rf"The user ({'|'.join(map(re.escape, SAID.values()))}) in message (.+)\.")


class Reason(NamedTuple):
    """What the user did about a value.

    Attributes:
        action: `set` it, said that it came to an `end`, or took it back.
        message: Id of the interaction in which the user says so.
    """

    action: Action
    message: str

    def __str__(self) -> str:
        return f"The user {SAID[self.action]} in message {self.message}."


def read_reason(sentence: str) -> Reason | None:
    """What such a sentence says; None of any other."""
    found = _SENTENCE.fullmatch(sentence)
    if found is None:
        return None
    action = next(action for action, said in SAID.items() if said == found[1])
    return Reason(action, found[2])
