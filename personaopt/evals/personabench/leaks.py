"""Whether queries give their personas away: can a classifier read a field's value off a query it has not seen?

Embeddings, logistic regression, folds over personas. Chance is what the same classifier reaches when every persona has
another one's values, so that neither the number of values nor how common each is has to be reckoned with.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from personaopt.errors import DataError
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.statistics import bootstrap_mean
from personaopt.memory.embedding import Embedder

SKIPPED = ("demographics.name", "demographics.languages")
"""Nearly every persona has a name of its own; the mother tongue is the nationality's."""
FOLDS = 3
DIMENSIONS = 64
SHUFFLES = 2
DECADE = 10


@dataclasses.dataclass(frozen=True)
class Leak:
    """How well a field is read off the queries.

    Attributes:
        field: Which one.
        values: How many values it has.
        queries: How many queries were classified.
        accuracy: Share that was right.
        chance: The same with the values of other personas.
        low: Of accuracy less chance, the lower end of the 95 % interval over personas.
        high: The upper end.
    """

    field: str
    values: int
    queries: int
    accuracy: float
    chance: float
    low: float
    high: float

    @property
    def excess(self) -> float:
        """Accuracy above chance."""
        return self.accuracy - self.chance

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {**dataclasses.asdict(self), "excess": self.excess}


def leaks(
    profiles: Sequence[Profile],
    sessions: Sequence[Session],
    embedder: Embedder,
    *,
    fields: Sequence[str] | None = None,
    text: str = "query",
    seed: int = 0,
) -> list[Leak]:
    """Classify the value of every field from the queries.

    Args:
        profiles: The personas; at least six.
        sessions: Their sessions.
        embedder: What makes vectors of queries.
        fields: Which fields; all that have a handful of values without it.
        text: What is classified: `query`, or `context`, which a persona-specific scene fits to its persona.
        seed: For folds and shuffling.

    Raises:
        DataError: There are too few personas to tell.
    """
    of = {profile.id: profile for profile in profiles}
    if len(of) < 2 * FOLDS:
        raise DataError(f"A leak check needs at least {2 * FOLDS} personas; these are {len(of)}.")
    texts = [getattr(session, text) for session in sessions]
    distinct = list(dict.fromkeys(texts))
    rows = {each: place for place, each in enumerate(distinct)}
    vectors = _reduced(np.asarray(embedder(distinct), dtype=np.float64), len(texts) // 4)[
        [rows[each] for each in texts]
    ]
    paths = fields or [path for path in dict.fromkeys(h.field for p in profiles for h in p.held) if path not in SKIPPED]
    truths = [of[session.persona].values_at(session.time) for session in sessions]
    owners = np.array([session.persona for session in sessions])
    return [_leak(path, [_label(path, truth) for truth in truths], vectors, owners, seed) for path in paths]


def _label(path: str, truth: dict[str, list[str]]) -> str:
    value = truth.get(path, [""])[0]
    return str(int(value) // DECADE) if path == "demographics.age" and value.isdigit() else value


def _reduced(vectors: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.float64]:
    """The main components, of the same spread: far fewer than texts, or all texts would be equally far apart."""
    centred = vectors - vectors.mean(axis=0)
    _, scale, components = np.linalg.svd(centred, full_matrices=False)
    keep = min(DIMENSIONS, max(1, most), int((scale > 1e-6 * max(scale[0], 1e-12)).sum()) or 1)
    found = centred @ components[:keep].T
    return np.asarray(found / (found.std(axis=0) + 1e-12))


def _leak(
    path: str, labels: Sequence[str], vectors: npt.NDArray[np.float64], owners: npt.NDArray[np.str_], seed: int
) -> Leak:
    known, truth = np.unique(np.array(labels), return_inverse=True)
    draw = np.random.default_rng(seed)
    people = draw.permutation(np.unique(owners))
    right = _right(truth, vectors, owners, people)
    by_chance = np.mean(
        [_right(_swapped(truth, owners, draw), vectors, owners, people) for _ in range(SHUFFLES)], axis=0
    )
    gains = {str(each): (right - by_chance)[owners == each].tolist() for each in people}
    _, low, high = _interval(gains)
    return Leak(path, len(known), len(truth), float(right.mean()), float(by_chance.mean()), low, high)


def _right(
    truth: npt.NDArray[np.int_],
    vectors: npt.NDArray[np.float64],
    owners: npt.NDArray[np.str_],
    people: npt.NDArray[np.str_],
) -> npt.NDArray[np.float64]:
    """For each query whether its value was read, by a classifier that knows none of its persona's queries."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    right = np.zeros(len(truth))
    for fold in np.array_split(people, FOLDS):
        test = np.isin(owners, fold)
        if len(np.unique(truth[~test])) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=100, C=0.3).fit(vectors[~test], truth[~test])
        right[test] = model.predict(vectors[test]) == truth[test]
    return right


def _swapped(
    truth: npt.NDArray[np.int_], owners: npt.NDArray[np.str_], draw: np.random.Generator
) -> npt.NDArray[np.int_]:
    """Every persona with the values of another one, session by session."""
    people = np.unique(owners)
    swapped = truth.copy()
    for mine, other in zip(people, np.roll(draw.permutation(people), 1), strict=True):
        theirs = truth[owners == other]
        swapped[owners == mine] = np.resize(theirs, int((owners == mine).sum()))
    return swapped


def _interval(gains: dict[str, list[float]]) -> tuple[float, float, float]:
    found = bootstrap_mean(gains)
    return found.mean, found.low, found.high
