"""What a user is tested on, and what is remembered when each question is asked: never anything from after it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

import numpy as np

from personaopt.agent import PersonaAgent
from personaopt.errors import DataError
from personaopt.evals.lamp.data import UserHistory
from personaopt.interaction import Interaction
from personaopt.memory import open_store
from personaopt.memory.embedding import Embedder
from personaopt.optimizers.losses import Case

QUESTIONS = 5


@dataclasses.dataclass(frozen=True)
class Exam:
    """What one user is tested on.

    Attributes:
        user_id: Whose exam it is.
        history: What is known before the first question, oldest first; personas are made from this alone.
        questions: With what the user really said, oldest first.
        news: For each question what became known since the one before it, besides that one's own answer.
    """

    user_id: str
    history: tuple[Interaction, ...]
    questions: tuple[Interaction, ...]
    news: tuple[tuple[Interaction, ...], ...] = ()

    @classmethod
    def of_lamp(cls, user: UserHistory, questions: int = QUESTIONS) -> Exam:
        """The last questions of a benchmark's user, all of them where there are fewer."""
        first = max(len(user.questions) - questions, 0)
        known: set[str] = set()
        history: list[Interaction] = []
        news: list[tuple[Interaction, ...]] = [()]
        for place, question in enumerate(user.questions):
            # A profile that lists what is asked later (dates may be equal or missing) would give its answer away.
            ahead = {later.id for later in user.questions[place:]}
            fresh = [item for item in user.history_before(question) if item.id not in known | ahead]
            if place <= first:
                history += fresh
            else:
                news.append(tuple(fresh))
            if place < first and question.id not in known:
                history.append(question.to_interaction())
            known.update([question.id, *(item.id for item in fresh)])
        tested = tuple(question.to_interaction() for question in user.questions[first:])
        return cls(user.user_id, _oldest_first(history), tested, tuple(news))

    @classmethod
    def of_history(cls, user_id: str, interactions: Sequence[Interaction], questions: int = QUESTIONS) -> Exam:
        """The last interactions of a history as questions.

        Raises:
            DataError: Nothing would be left to learn from.
        """
        if not 0 < questions < len(interactions):
            raise DataError(f"Of {len(interactions)} interactions {questions} cannot be kept as questions.")
        return cls(user_id, tuple(interactions[:-questions]), tuple(interactions[-questions:]))


class KnownTexts:
    """An embedder that remembers: the same history is searched in more than one store.

    Args:
        embedder: What makes the vectors.
        most: How many texts are remembered; the oldest go first.
    """

    def __init__(self, embedder: Embedder, most: int = 100_000) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._most = most
        self._known: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return self._embedder([])
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        if fresh := [text for text in dict.fromkeys(texts) if text not in found]:
            found.update(zip(fresh, self._embedder(fresh), strict=True))
            with self._lock:
                self._known.update((text, found[text]) for text in fresh)
                for text in list(self._known)[: max(len(self._known) - self._most, 0)]:
                    del self._known[text]
        return np.stack([found[text] for text in texts])


def replay(agent: PersonaAgent, exam: Exam) -> list[Case]:
    """Each question with what is remembered when it is asked, recalled as the agent recalls.

    A memory of its own is filled in the order of time: a question's own truth is recorded after it was asked.
    """
    with open_store(":memory:", embedder=agent.user.store.embedder) as store:
        twin: PersonaAgent = agent.deepcopy()
        twin.user = store.user(exam.user_id)
        twin.user.record(exam.history)
        cases = []
        for place, question in enumerate(exam.questions):
            if place < len(exam.news):
                twin.user.record(exam.news[place])
            cases.append(Case(question, twin.recall(question.inputs)))
            twin.user.record(question)
    return cases


def _oldest_first(history: Sequence[Interaction]) -> tuple[Interaction, ...]:
    if any(item.time is None for item in history):
        return tuple(history)  # the file's order is all there is to go by
    return tuple(sorted(history, key=lambda item: item.time or 0.0))
