"""How sure a mean over users is: bootstrap intervals and p values that resample users, not questions.

A user's questions are not independent of each other, so whole users are drawn with replacement. The mean is a ratio
of sums (the sum over all drawn questions by their number), so a user with more questions weighs more, exactly as in
the table's own accuracy or NLL.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from personaopt.errors import ConfigurationError, DataError

ByUser = Mapping[str, Sequence[float]]

FEW_USERS = 10
"""Of fewer, a bootstrap's intervals are too narrow and its p values too small to be shown."""
_CELLS = 4_000_000  # counts held at once, about 32 MB


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean over questions with its bootstrap percentile interval over users.

    Attributes:
        mean: Over all questions.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n_users: How many users were resampled.
        n: How many questions they have.
    """

    mean: float
    low: float
    high: float
    n_users: int
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside: for a difference, whether it is resolved at all; with one user it never is."""
        return self.n_users > 1 and (self.low > 0.0 or self.high < 0.0)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How two methods differ on the same questions.

    Attributes:
        difference: The first less the second, with its interval.
        p: Of the hypothesis that they do not differ, two-sided; not corrected for other comparisons (see `holm`).
    """

    difference: Interval
    p: float

    def to_dict(self, corrected: float | None = None) -> dict[str, Any]:
        """The comparison as JSON values, without p values of few users; `corrected` is its p value after `holm`."""
        interval = self.difference
        few = interval.n_users < FEW_USERS
        return {
            "difference": interval.mean,
            "ci": [interval.low, interval.high],
            "p": None if few else self.p,
            "p_holm": None if few else corrected,
            "n": interval.n,
            "users": interval.n_users,
        }


def bootstrap_mean(by_user: ByUser, *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95) -> Interval:
    """The mean of one row of a table.

    Args:
        by_user: Each user's values, one a question.
        resamples: How often users are drawn.
        seed: The same seed gives the same interval, whatever the order of the users.
        confidence: Share of the resampled means inside the interval.

    Raises:
        DataError: There are no users, a user has no values, or a value is not finite.
        ConfigurationError: An argument is outside its range.
    """
    return _interval(by_user, resamples, seed, confidence)[0]


def paired_bootstrap(
    a: ByUser, b: ByUser | None = None, *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """The mean difference a - b of two methods on the same questions, or the mean of given differences.

    Args:
        a: Each user's values under the first method, or each user's differences when `b` is missing.
        b: Each user's values under the second method, question by question in the same order.
        resamples: As for `bootstrap_mean`.
        seed: As for `bootstrap_mean`.
        confidence: As for `bootstrap_mean`.

    Raises:
        DataError: The two methods do not have the same users with the same number of questions, or as above.
        ConfigurationError: An argument is outside its range.
    """
    return bootstrap_mean(_differences(a, b), resamples=resamples, seed=seed, confidence=confidence)


def compare(
    a: ByUser, b: ByUser | None = None, *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> Comparison:
    """The paired difference of two methods with its interval and its p value, both from the same resamples.

    The p value is twice the smaller share of resampled differences on one side of zero, those of exactly zero counted
    on both, with one added to count and number so that it is never nil (Davison and Hinkley, Bootstrap Methods and
    their Application, 1997, section 4.2.3). So it agrees with the percentile interval: it falls under 1 - confidence
    where the interval excludes zero. One user says nothing of others: there it is 1.

    Args:
        a: As for `paired_bootstrap`.
        b: As for `paired_bootstrap`.
        resamples: As for `bootstrap_mean`.
        seed: As for `bootstrap_mean`.
        confidence: As for `bootstrap_mean`.

    Raises:
        DataError: As for `paired_bootstrap`.
        ConfigurationError: An argument is outside its range.
    """
    interval, means = _interval(_differences(a, b), resamples, seed, confidence)
    if interval.n_users == 1:
        return Comparison(interval, 1.0)
    above, below = int((means >= 0.0).sum()), int((means <= 0.0).sum())
    return Comparison(interval, min(1.0, 2.0 * (1 + min(above, below)) / (len(means) + 1)))


def with_width(share: Interval, confidence: float = 0.95) -> Interval:
    """The interval of a share of yes and no, also where all questions have the same answer.

    Resampling what is all the same gives an interval without width, as if a share of 0 in ten questions were certain.
    There its other end is the exact one (Clopper and Pearson, Biometrika 26, 1934; at 0 near 3.7 / n), of so many
    questions that do not depend on each other. Other intervals are left as they are.

    Args:
        share: The share with the bootstrap's interval; `n` says of how many questions.
        confidence: Of the interval.
    """
    if share.low != share.high or share.mean not in (0.0, 1.0):
        return share
    width = 1.0 - ((1.0 - confidence) / 2.0) ** (1.0 / share.n)
    return dataclasses.replace(share, low=max(0.0, share.mean - width), high=min(1.0, share.mean + width))


def bootstrap_ratio(
    a: Mapping[str, float], b: Mapping[str, float], *, resamples: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> Interval:
    """The ratio of two methods' means over the same users, mean(a) / mean(b); users are drawn with both their values.

    A ratio of means and not a mean of ratios: it stays what it says where single users' values are small.

    Args:
        a: Each user's value under the first method.
        b: Each user's value under the second method, above 0.
        resamples: As for `bootstrap_mean`.
        seed: As for `bootstrap_mean`.
        confidence: As for `bootstrap_mean`.

    Raises:
        DataError: The two do not have the same users, there are none, or a value of `b` is not above 0.
        ConfigurationError: An argument is outside its range.
    """
    _check_range(resamples, confidence)
    if not a or a.keys() != b.keys():
        raise DataError("A ratio of two methods needs the same users, at least one, under both.")
    users = sorted(a)
    above, below = np.array([a[user] for user in users]), np.array([b[user] for user in users])
    if not (np.isfinite(above).all() and np.isfinite(below).all() and (below > 0.0).all()):
        raise DataError("A ratio of two methods needs finite values, those it is divided by above 0.")
    low, high = _ends(_resampled(above, below, resamples, seed), confidence)
    return Interval(float(above.sum() / below.sum()), low, high, len(users), len(users))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for being several, so that the chance of any false discovery among them keeps to the level.

    Holm's step-down procedure (Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6, 1979): of m values the smallest is multiplied by m, the next by m - 1 and so on, and none falls
    under the one before it.

    Args:
        p_values: In any order.

    Returns:
        The corrected values in the same order.

    Raises:
        DataError: A value is no probability.
    """
    if not all(0.0 <= value <= 1.0 for value in p_values):
        raise DataError("A p value lies between 0 and 1.")
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = least
    return corrected


def _differences(a: ByUser, b: ByUser | None) -> ByUser:
    if b is None:
        return a
    odd = sorted(user for user in {*a, *b} if user not in a or user not in b or len(a[user]) != len(b[user]))
    if odd:
        raise DataError(f"The two methods do not answer the same questions of user {odd[0]!r}.")
    return {user: [first - second for first, second in zip(values, b[user], strict=True)] for user, values in a.items()}


def _interval(by_user: ByUser, resamples: int, seed: int, confidence: float) -> tuple[Interval, np.ndarray]:
    """The interval of a mean, and the resampled means that it was taken from."""
    _check_range(resamples, confidence)
    if not by_user or not all(len(values) for values in by_user.values()):
        raise DataError("A bootstrap needs at least one user, and every user at least one value.")
    users = sorted(by_user)
    counts = np.array([len(by_user[user]) for user in users], dtype=float)
    sums = np.array([math.fsum(by_user[user]) for user in users])
    if not np.isfinite(sums).all():
        raise DataError("A bootstrap needs finite values.")
    means = _resampled(sums, counts, resamples, seed)
    low, high = _ends(means, confidence)
    interval = Interval(float(sums.sum() / counts.sum()), low, high, len(users), int(counts.sum()))
    return interval, means


def _check_range(resamples: int, confidence: float) -> None:
    if resamples < 1 or not 0.0 < confidence < 1.0:
        raise ConfigurationError("A bootstrap needs at least 1 resample and a confidence between 0 and 1.")


def _ends(means: np.ndarray, confidence: float) -> tuple[float, float]:
    low, high = np.quantile(means, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return float(low), float(high)


def _resampled(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    if resamples * len(sums) <= _CELLS:
        drawn = _drawn(len(sums), resamples, seed)
        return (drawn @ sums) / (drawn @ counts)
    generator = np.random.default_rng(seed)
    means = []
    rows = max(1, _CELLS // len(sums))
    for start in range(0, resamples, rows):
        drawn = _draw(generator, len(sums), min(rows, resamples - start))
        means.append((drawn @ sums) / (drawn @ counts))
    return np.concatenate(means)


@functools.lru_cache(maxsize=2)
def _drawn(users: int, resamples: int, seed: int) -> np.ndarray:
    """How often each user was drawn in each resample; kept, because a table's rows have the same users."""
    drawn = _draw(np.random.default_rng(seed), users, resamples)
    drawn.setflags(write=False)
    return drawn


def _draw(generator: np.random.Generator, users: int, resamples: int) -> np.ndarray:
    return generator.multinomial(users, np.full(users, 1.0 / users), size=resamples).astype(float)
