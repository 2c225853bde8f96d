"""A benchmark's user as values: the questions, and what was known when each of them was asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from personaopt.errors import DataError
from personaopt.interaction import Interaction


@dataclasses.dataclass(frozen=True)
class Question:
    """One question of the benchmark, with what its user's history held when it was asked.

    Attributes:
        id: Unique for its user. Where a later question's profile holds this one as an item, the item has the same id.
        user_id: Whose question it is.
        inputs: The inputs of the task's signature.
        ground_truth: What the user really said or chose, by output field.
        time: Seconds since the epoch, or None.
        profile: The user's earlier interactions as its file lists them, oldest first; never the question itself.
    """

    id: str
    user_id: str
    inputs: Mapping[str, Any]
    ground_truth: Mapping[str, Any]
    time: float | None = None
    profile: tuple[Interaction, ...] = dataclasses.field(default=(), repr=False)

    def __hash__(self) -> int:
        return hash((self.user_id, self.id))

    def to_interaction(self) -> Interaction:
        """The question once it is answered: what `record` takes before the user's next question is asked."""
        return Interaction(inputs=self.inputs, ground_truth=self.ground_truth, time=self.time, id=self.id)


@dataclasses.dataclass(frozen=True)
class UserHistory:
    """One user of the benchmark.

    Attributes:
        user_id: Unique in its data set.
        profile: What is known before the first question, oldest first.
        questions: In the order of time; the file's order where times are equal or missing.
        interactions: Every profile item of every question, oldest first. Those of a question asked here are among
            them if the profile of a later question holds them; the last question never is.
    """

    user_id: str
    profile: tuple[Interaction, ...] = dataclasses.field(repr=False)
    questions: tuple[Question, ...] = dataclasses.field(repr=False)
    interactions: tuple[Interaction, ...] = dataclasses.field(repr=False)

    def __hash__(self) -> int:
        return hash(self.user_id)

    def with_cases(self, made: Mapping[str, tuple[Interaction, ...]]) -> UserHistory:
        """The same user with cases in the place of profile items, by the items' ids; all others stay."""

        def cases(items: tuple[Interaction, ...]) -> tuple[Interaction, ...]:
            return tuple(case for item in items for case in made.get(item.id, (item,)))

        questions = tuple(dataclasses.replace(own, profile=cases(own.profile)) for own in self.questions)
        return UserHistory(self.user_id, cases(self.profile), questions, cases(self.interactions))

    def history_before(self, question: Question | str) -> tuple[Interaction, ...]:
        """What may be known when this question is asked: its own profile, oldest first.

        Raises:
            DataError: The question is not one of this user's.
        """
        identifier = question if isinstance(question, str) else question.id
        for own in self.questions:
            if own.id == identifier and (isinstance(question, str) or question.user_id == self.user_id):
                return own.profile
        raise DataError(f"User {self.user_id!r} has no question {identifier!r}.")
