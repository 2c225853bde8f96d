"""Personas as objects of study: how alike they are between users, where they lie, how they change while they learn.

PersonaAgent's paper shows the users' personas as a Jaccard matrix (its figure 5) and as a map of their embeddings (its
figure 2).
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from personaopt.errors import ModelError
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import OURS, Section
from personaopt.memory.embedding import Embedder, local_embedder
from personaopt.persona import estimate_tokens

Placing = Embedder | Literal["local", "words"]
"""What places personas on a map, see `vectors`."""

STUDIED = (OURS, "personaagent")
"""The methods that align a persona."""

_STUDIES = ("personas", "main", "ablation", "scaling", "coldstart")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_NEIGHBOURHOOD_FROM = 40


@dataclasses.dataclass(frozen=True)
class Learnt:
    """One user's persona and how it came about.

    Attributes:
        user: Whose.
        personas: Before the first epoch, after every one, and at the end.
        losses: Mean losses of the alignment.
        accepted: How many edits were kept.
        refused: How many were not.
        favourite: The user's most frequent answer; empty where answers are texts or say nothing by themselves.
    """

    user: str
    personas: tuple[str, ...]
    losses: tuple[float, ...] = ()
    accepted: int = 0
    refused: int = 0
    favourite: str = ""


@dataclasses.dataclass(frozen=True)
class Studied:
    """The personas of a method in figures.

    Attributes:
        users: How many there are.
        likeness_before: Mean Jaccard index between users before the alignment; None for a single user.
        likeness: The same of the aligned personas.
        tokens_before: Mean length before.
        tokens: Mean length of the aligned personas.
        changed: Mean number of words that differ between the two.
        accepted: Edits kept, of a user.
        refused: Edits refused, of a user.
    """

    users: int
    likeness_before: float | None
    likeness: float | None
    tokens_before: float
    tokens: float
    changed: float
    accepted: float
    refused: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return dataclasses.asdict(self)


def studied(found: Sequence[Learnt]) -> Studied:
    """The figures of one or more personas."""
    before, after = ([each.personas[which] for each in found] for which in (0, -1))
    alone = len(found) < 2
    return Studied(
        users=len(found),
        likeness_before=None if alone else between_users(jaccard(before)),
        likeness=None if alone else between_users(jaccard(after)),
        tokens_before=_mean(estimate_tokens(text) for text in before),
        tokens=_mean(estimate_tokens(text) for text in after),
        changed=_mean(words_changed(*pair) for pair in zip(before, after, strict=True)),
        accepted=_mean(each.accepted for each in found),
        refused=_mean(each.refused for each in found),
    )


def learnt(section: Section, method: str, lm: str | None = None) -> list[Learnt]:
    """The personas that a method learnt at its default point, in the order of users."""
    cell = section.cell(method, lm, studies=_STUDIES)
    prepared = {row.user: row for row in cell.values() if row.preparation and row.preparation.get("personas")}
    favourites = _favourites(section)
    return [
        Learnt(
            user,
            _without_repeat(row.preparation["personas"]),
            tuple(row.preparation.get("losses", ())),
            int(row.preparation.get("accepted", 0)),
            int(row.preparation.get("refused", 0)),
            favourites.get(user, ""),
        )
        for user, row in prepared.items()
        if row.preparation
    ]


def jaccard(texts: Sequence[str]) -> np.ndarray:
    """How many of the words of each two texts are in both: 1 on the diagonal.

    Stop words of scikit-learn's English list do not count, since they say nothing of a user.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = [set(_WORD.findall(text.lower())) - ENGLISH_STOP_WORDS for text in texts]
    return np.array([[len(a & b) / len(a | b) if a | b else 1.0 for b in words] for a in words])


def between_users(matrix: np.ndarray) -> float:
    """The mean of a similarity matrix off its diagonal; NaN for a single user."""
    apart = ~np.eye(len(matrix), dtype=bool)
    return float(matrix[apart].mean()) if apart.any() else float("nan")


def vectors(texts: Sequence[str], embedder: Placing) -> tuple[np.ndarray, str]:
    """Texts as rows of numbers, and the name of what made them.

    Args:
        texts: One or more.
        embedder: An embedder; `local` is the local one where it is installed, and `words` else; `words` is TF-IDF.
    """
    if embedder == "local":
        try:
            return vectors(texts, local_embedder())
        except ModelError:
            return vectors(texts, "words")
    if embedder != "words":
        return np.asarray(embedder(list(texts)), dtype=float), embedder.name
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        rows = TfidfVectorizer(stop_words="english").fit_transform(texts).toarray()
    except ValueError:  # no words at all
        rows = np.zeros((len(texts), 1))
    return np.asarray(rows, dtype=float), "TF-IDF"


def positions(rows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, str]:
    """Points in the plane for rows of numbers, and the method's name.

    t-SNE from 40 rows on, principal components below: neighbourhoods say nothing among fewer.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if not np.ptp(rows, axis=0).any():  # one persona, or all the same: they lie in one place
        return np.zeros((len(rows), 2)), "principal components"
    if len(rows) >= _NEIGHBOURHOOD_FROM:
        return TSNE(n_components=2, init="pca", perplexity=12, random_state=seed).fit_transform(rows), "t-SNE"
    found = PCA(n_components=min(2, *rows.shape)).fit_transform(rows)
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1]))), "principal components"


def lengths(personas: Sequence[Learnt]) -> np.ndarray:
    """Tokens of every user's persona after each epoch, a row a user; who ended early stays as it was."""
    return np.array([[estimate_tokens(text) for text in texts] for texts in _padded(personas)], dtype=float)


def words_changed(before: str, after: str) -> int:
    """How many words have to be added, removed or replaced to make one text of another (their edit distance)."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(before.split(), after.split()))


def distances(personas: Sequence[Learnt]) -> np.ndarray:
    """Words changed from each epoch to the next, a row a user."""
    return np.array(
        [[words_changed(a, b) for a, b in itertools.pairwise(texts)] for texts in _padded(personas)],
        dtype=float,
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _without_repeat(texts: Sequence[str]) -> tuple[str, ...]:
    """What stands there at the end is mostly what the last epoch left: said once."""
    return tuple(texts[:-1] if len(texts) > 1 and texts[-1] == texts[-2] else texts)


def _padded(personas: Sequence[Learnt]) -> list[tuple[str, ...]]:
    longest = max((len(each.personas) for each in personas), default=0)
    return [each.personas + each.personas[-1:] * (longest - len(each.personas)) for each in personas]


def _favourites(section: Section) -> dict[str, str]:
    """Each user's most frequent answer: as the row that knows the history says, else of the user's own questions."""
    if section.measure.kind == "text" or section.task == "LaMP-1":  # which of two options it was says nothing
        return {}
    chosen: dict[str, Counter[str]] = {}
    counted: set[tuple[str, str]] = set()
    first: dict[str, Row] = {}
    for row in section.rows:
        if (row.user, row.question) not in counted:
            counted.add((row.user, row.question))
            chosen.setdefault(row.user, Counter())[row.gold.strip()] += 1
        if row.method == "majority" and row.prediction and row.point.history is None:
            first[row.user] = min(row, first.get(row.user, row), key=lambda each: each.place)
    known = {user: min(counts, key=lambda label: (-counts[label], label)) for user, counts in chosen.items()}
    return {**known, **{user: row.prediction.strip() for user, row in first.items()}}
