"""How sure a mean over users is: bootstrap intervals that resample users, not questions.

A user's questions are not independent of each other, so whole users are drawn with replacement. The mean is a ratio
of sums (the sum over all drawn questions by their number), so a user with more questions weighs more, exactly as in
the table's own accuracy or NLL.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from personaopt.errors import ConfigurationError, DataError

ByUser = Mapping[str, Sequence[float]]

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
        """Whether 0 lies outside: for a difference, whether it is resolved at all."""
        return self.low > 0.0 or self.high < 0.0


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
    if resamples < 1 or not 0.0 < confidence < 1.0:
        raise ConfigurationError("A bootstrap needs at least 1 resample and a confidence between 0 and 1.")
    if not by_user or not all(len(values) for values in by_user.values()):
        raise DataError("A bootstrap needs at least one user, and every user at least one value.")
    users = sorted(by_user)
    counts = np.array([len(by_user[user]) for user in users], dtype=float)
    sums = np.array([math.fsum(by_user[user]) for user in users])
    if not np.isfinite(sums).all():
        raise DataError("A bootstrap needs finite values.")
    means = _resampled(sums, counts, resamples, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high), len(users), int(counts.sum()))


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
    if b is not None:
        odd = sorted(user for user in {*a, *b} if user not in a or user not in b or len(a[user]) != len(b[user]))
        if odd:
            raise DataError(f"The two methods do not answer the same questions of user {odd[0]!r}.")
        a = {
            user: [first - second for first, second in zip(values, b[user], strict=True)] for user, values in a.items()
        }
    return bootstrap_mean(a, resamples=resamples, seed=seed, confidence=confidence)


def _resampled(sums: np.ndarray, counts: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
    users = len(sums)
    shares = np.full(users, 1.0 / users)
    means = []
    for start in range(0, resamples, max(1, _CELLS // users)):
        size = min(max(1, _CELLS // users), resamples - start)
        drawn = generator.multinomial(users, shares, size=size)
        means.append((drawn @ sums) / (drawn @ counts))
    return np.concatenate(means)
