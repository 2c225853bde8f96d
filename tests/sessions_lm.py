"""For tests of the dictionary optimizer: conversations that are recorded, and an LM whose answers are given."""

from __future__ import annotations

from typing import Any

import dspy
import pydantic
from hashed_words import HashedWords
from scripted_lm import scripted_lm

import personaopt as po
from personaopt.fields.groups import Group

DAY = 86_400.0


class Life(Group):
    home: str | None = pydantic.Field(default=None, title="Lives in")
    diet: str | None = pydantic.Field(default=None, title="Eats")
    budget: int | None = pydantic.Field(default=None, ge=0, title="Budget in euros")
    smoker: bool | None = pydantic.Field(default=None, title="Smokes")


FIELDS = po.PersonaFields.with_groups(life=Life)


class Chat(dspy.Signature):
    """Answer the message."""

    message: str = dspy.InputField()
    reply: str = dspy.OutputField()


class Talk:
    """A user, an agent, and what the LM will answer when it is asked which fields changed.

    Attributes:
        answers: The changes of each update to come, in order; nothing changes when there are none left.
    """

    def __init__(self, **dials: Any) -> None:
        self.answers: list[list[dict[str, Any]]] = []
        self.lm = scripted_lm(replies={"fields": lambda given: {"changes": self._next()}}, **dials)
        self.store = po.open_store(":memory:", embedder=HashedWords())
        self.user = self.store.user("u")
        self.agent = po.PersonaAgent(Chat, user=self.user)
        self.optimizer = po.DictionaryOptimizer(fields=FIELDS, k=1)
        self.day = 100.0

    def say(self, *texts: str, session: str | None = None, day: float | None = None, **values: Any) -> None:
        """One session; each a day after the last."""
        self.day = self.day + 1 if day is None else day
        for place, text in enumerate(texts):
            self.user.record(
                po.Interaction(
                    {"message": text},
                    response={"reply": "All right."},
                    time=DAY * self.day + 60 * place,
                    session=session or f"s{self.day:g}",
                    **values,
                )
            )

    def update(self, *changes: dict[str, Any]) -> dict[str, Any]:
        """One update; what is known afterwards, by path."""
        self.answers.append(list(changes))
        with dspy.context(lm=self.lm):
            self.agent = self.optimizer.compile(self.agent)
        return self.known

    @property
    def known(self) -> dict[str, Any]:
        """What holds today, by path."""
        return FIELDS.of(self.agent.persona).values()

    @property
    def notes(self) -> str:
        """What the last update left out, and why."""
        return "\n".join(self.agent.detailed_results.notes)

    @property
    def lines(self) -> list[str]:
        """The persona, line by line."""
        return [statement.text for statement in self.agent.persona.statements]

    def _next(self) -> list[dict[str, Any]]:
        return self.answers.pop(0) if self.answers else []


def change(field: str, value: Any, quote: str, **more: Any) -> dict[str, Any]:
    return {"field": field, "value": value, "quote": quote, **more}
