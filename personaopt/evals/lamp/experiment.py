"""What an experiment runs, as values: which users, which questions, which methods at which points of which studies.

Everything here is decided before anything is asked, from names, numbers and hashes alone, so that two runs of one plan
are the same work and a longer run holds the shorter one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from personaopt.errors import ConfigurationError
from personaopt.evals.exams import Exam
from personaopt.evals.lamp.data import UserHistory, is_tuning_user
from personaopt.evals.lamp.rows import Point
from personaopt.evals.tasks import Task
from personaopt.interaction import Interaction

T = TypeVar("T")
Who = Literal["reporting", "tuning", "all"]

STUDIES = ("main", "ablation", "scaling", "coldstart", "personas")
ABLATION = ("personaopt", "no-alignment", "no-persona", "no-memory", "no-action")
LEARNING = ("personaopt", "personaagent")
"""The methods whose persona is aligned: those with a curve over n and E, and with personas to look at."""
TOGETHER = ("personaopt", "no-action")
"""Methods that learn the same persona of a user: they are sat one after the other, and the first hands it on."""

WINDOWS = (1, 2, 4, 8, 16)
EPOCHS = (0, 1, 2, 3, 4, 5)
RETRIEVED = (0, 1, 2, 4, 8, 16)
COLD = (5, 10, 20)

EXAMPLES = 32
"""Interactions of other users that are drawn for in-context learning; a method takes as many as it shows."""


@dataclasses.dataclass(frozen=True)
class DataSet:
    """One folder or data set with its users.

    Attributes:
        name: What its rows are called by.
        task: What is asked.
        users: All of them, in the order of the file.
        digest: Of the files it was read from.
    """

    name: str
    task: Task
    users: tuple[UserHistory, ...] = dataclasses.field(repr=False)
    digest: str = ""

    def __hash__(self) -> int:
        return hash((self.name, self.digest))


@dataclasses.dataclass(frozen=True)
class Job:
    """One method at one point, and the studies that show it: what several of them show is computed once.

    Attributes:
        method: Its name.
        point: Where it lies, with the method's own numbers filled in where they are known.
        shown: Each study that shows it, with the point as that study calls it.
    """

    method: str
    point: Point
    shown: tuple[tuple[str, Point], ...]


@dataclasses.dataclass(frozen=True)
class Examples:
    """Interactions of tuning users, one of each user before a second one of any.

    Attributes:
        owned: Each with its user's id.
    """

    owned: tuple[tuple[str, Interaction], ...]

    def apart_from(self, user_id: str) -> tuple[Interaction, ...]:
        """Those that a user may be shown: never the user's own."""
        return tuple(item for owner, item in self.owned if owner != user_id)[:EXAMPLES]


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How users are tested, whatever the method.

    Attributes:
        users: How many of each data set, the first by hash; all when None.
        per_user: How many of a user's last questions are asked.
        who: Users for reporting, for tuning, or all; the last is for data sets on which nothing is ever chosen.
        seed: For everything that is drawn.
        retrieve: K where a study sets no other.
        online: Whether a method that learns does so again after every question.
    """

    users: int | None = None
    per_user: int = 5
    who: Who = "reporting"
    seed: int = 0
    retrieve: int = 8
    online: bool = False

    def __post_init__(self) -> None:
        if (self.users is not None and self.users < 1) or self.per_user < 1 or self.retrieve < 0:
            raise ConfigurationError("An experiment has 1 or more users and questions, and retrieves 0 or more.")
        if self.who not in ("reporting", "tuning", "all"):
            raise ConfigurationError(f"An experiment is run on reporting, tuning or all users, not {self.who!r}.")

    def tested(self, users: Iterable[UserHistory]) -> list[UserHistory]:
        """The users that are tested.

        They stand in the order of their ids' SHA-256, so that the first N are a sample that depends on nothing else.
        """
        chosen = [user for user in users if self.who == "all" or is_tuning_user(user.user_id) == (self.who == "tuning")]
        return sorted(chosen, key=lambda user: hashlib.sha256(user.user_id.encode()).hexdigest())[: self.users]

    def exam(self, user: UserHistory, history: int | None = None) -> Exam:
        """What a user is tested on; a history in interactions cuts what is known before the first question.

        What becomes known between two questions is not cut, as in a real conversation that begins late.
        """
        exam = Exam.of_lamp(user, self.per_user)
        if history is None:
            return exam
        return dataclasses.replace(exam, history=exam.history[max(len(exam.history) - history, 0) :])

    def examples(self, users: Iterable[UserHistory]) -> Examples:
        """What in-context learning shows of users that nothing is reported on, drawn by the seed.

        Where a data set's histories hold no answers, its questions are drawn from.

        Args:
            users: Of the data set.
        """
        pools: list[tuple[str, list[Interaction]]] = []
        for user in sorted(users, key=lambda user: user.user_id):
            if is_tuning_user(user.user_id):
                known = [item for item in user.profile if item.ground_truth]
                pool = known or [question.to_interaction() for question in user.questions]
                drawn = random.Random(f"{self.seed}:{user.user_id}").sample(pool, min(len(pool), EXAMPLES))
                pools.append((user.user_id, drawn))
        random.Random(self.seed).shuffle(pools)
        owned: list[tuple[str, Interaction]] = []
        for turn in range(EXAMPLES):
            owned += [(owner, pool[turn]) for owner, pool in pools if turn < len(pool)]
            if len(owned) - turn - 1 >= EXAMPLES:  # enough without anyone's own
                break
        return Examples(tuple(owned))

    def settled(self, method: str, point: Point, own: Mapping[str, Point]) -> Point:
        """A point with what it leaves open filled in, so that two names of one setting are known as the same.

        Args:
            method: The method's name.
            point: As a study calls it.
            own: What a method takes by itself, by its name, where that is known.
        """
        default = own.get(method, Point())
        return Point(
            latest=point.latest if point.latest is not None else default.latest,
            epochs=point.epochs if point.epochs is not None else default.epochs,
            retrieve=next(k for k in (point.retrieve, default.retrieve, self.retrieve) if k is not None),
            history=point.history,
            online=point.online,
        )

    def jobs(
        self, studies: Sequence[str], methods: Sequence[str], *, named: bool, own: Mapping[str, Point]
    ) -> list[Job]:
        """What the studies need, each method and point once, those at the methods' own settings first.

        Args:
            studies: Their names.
            methods: The methods to run; a study of its own methods runs those when none were named.
            named: Whether the methods were named one by one, and not as all there are.
            own: As for `settled`.

        Raises:
            ConfigurationError: A study is not known.
        """
        if unknown := [study for study in studies if study not in STUDIES]:
            raise ConfigurationError(f"There is no study {unknown[0]!r}; there are {', '.join(STUDIES)}.")
        wanted: dict[tuple[str, Point], list[tuple[str, Point]]] = {}
        for study in dict.fromkeys(studies):
            for method, point in self._points(study, methods, named):
                shown = wanted.setdefault((method, self.settled(method, point, own)), [])
                if (study, point) not in shown:
                    shown.append((study, point))
        return [Job(method, point, tuple(shown)) for (method, point), shown in wanted.items()]

    def _points(self, study: str, methods: Sequence[str], named: bool) -> list[tuple[str, Point]]:
        default = Point(online=self.online)
        if study == "main":
            return [(method, default) for method in methods]
        if study == "ablation":
            return [(method, default) for method in ABLATION if not named or method in methods]
        learning = [method for method in LEARNING if method in methods]
        if study == "personas":
            return [(method, default) for method in learning]
        if study == "coldstart":
            points = [dataclasses.replace(default, history=history) for history in COLD]
            return [(method, point) for point in points for method in methods]
        others = [method for method in methods if method not in LEARNING] if named else []
        retrieving = [dataclasses.replace(default, retrieve=size) for size in RETRIEVED]
        curves = [
            default,
            *(dataclasses.replace(default, latest=size) for size in WINDOWS),
            *(dataclasses.replace(default, epochs=size) for size in EPOCHS),
            *retrieving,
        ]
        found = [(method, point) for point in curves for method in (learning if named else learning[:1])]
        return found + [(method, point) for point in (default, *retrieving) for method in others]


def in_turns(groups: Sequence[Sequence[T]]) -> list[T]:
    """The first of each group, then the second of each: a run that is stopped early has something of everything."""
    longest = max(map(len, groups), default=0)
    return [group[place] for place in range(longest) for group in groups if place < len(group)]
