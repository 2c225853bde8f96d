"""What the tests of the compared methods share: a scripted LM that keeps its prompts, and a user with marked items."""

from __future__ import annotations

import json
import re
from typing import Any

import dspy
from scripted_lm import MODEL, AsyncRuleObeyingEngine, RuleObeyingEngine

from personaopt.evals.tasks import LAMP_2M, LAMP_3, LAMP_4, Task
from personaopt.interaction import Interaction

WRITTEN: dict[str, str] = {
    "tag": "comedy",
    "score": "4",
    "headline": "What was said today",
    "profile": "Likes films about crime.\nPrefers short answers.",
    "summary": "They were about films.",
    "portrait": "Somebody who likes films.",
    "statements": '["Likes films about crime."]',
    "feedback": "The persona should say that this user is drawn to dark stories.",
    "new_persona": "Is drawn to dark stories.\nLikes films about crime.",
    "edits": '[{"action": "add", "text": "Is drawn to dark stories.", "feedback": [1]}]',
    "calls": "[]",
    "next_thought": "I look at what the user said before.",
}


class KeepingEngine(RuleObeyingEngine):
    """Answers every field with what is written for it, and keeps every request as one text.

    Args:
        written: The answers by field, over those of `WRITTEN`; one that is called gets the number of its call, from 1.
        broken: Fields that are answered with nothing that can be read.
    """

    def __init__(self, written: dict[str, Any] | None = None, broken: tuple[str, ...] = ()) -> None:
        super().__init__(spoil=self._answer)
        self.written = WRITTEN | (written or {})
        self.broken = broken
        self.prompts: list[str] = []
        self.asked: list[tuple[str, ...]] = []

    def complete(self, request: Any) -> Any:
        texts = [request.system or "", *(part.text for message in request.messages for part in message.parts)]
        self.prompts.append("\n".join(texts))
        return super().complete(request)

    def _answer(self, kind: str, number: int, user: str) -> str:
        wanted = user.rpartition("Respond with")[2]
        as_json = wanted.lstrip().startswith("a JSON object")
        names = re.findall(r"`(?:\[\[ ## )?(\w+)(?: ## \]\])?`", wanted)
        names = [name for name in names if name != "completed"]
        self.asked.append(tuple(names))
        values = {name: self.written[name] for name in names if name in self.written}
        values = {name: value(len(self.asked)) if callable(value) else value for name, value in values.items()}
        if set(names) & set(self.broken):
            return "no"
        if as_json:
            return json.dumps({name: _read(value) for name, value in values.items()})
        return "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in values.items()) + "[[ ## completed ## ]]"


def keeping_lm(**dials: Any) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `KeepingEngine` with these dials."""
    engine = KeepingEngine(**dials)
    return dspy.LM(MODEL, engine=engine, async_engine=AsyncRuleObeyingEngine(engine), cache=False, num_retries=0)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


ANSWERS = {
    "LaMP-2M": ("description", "tag", ("comedy", "dark comedy", "classic")),
    "LaMP-3": ("review", "score", ("4", "2", "5")),
    "LaMP-4": ("article", "headline", ("Why it rains", "Where they went", "Who paid for it")),
}
SUBJECTS = ("a crime", "a ship", "a trial")
TASKS: dict[str, Task] = {task.name: task for task in (LAMP_2M, LAMP_3, LAMP_4)}


def mark(place: int) -> str:
    """A word that stands in one interaction and nowhere else."""
    return f"zq{chr(97 + place // 26)}{chr(97 + place % 26)}x"


def history_of(task: str, size: int, first: int = 0) -> list[Interaction]:
    """Marked interactions of one user, oldest first."""
    shown, output, answers = ANSWERS[task]
    return [
        Interaction(
            inputs={shown: f"The story {mark(place)} is about a harbour and {SUBJECTS[place % 3]}"},
            ground_truth={output: answers[place % 3]},
            time=1000.0 + place,
            id=f"item-{place}",
        )
        for place in range(first, first + size)
    ]
