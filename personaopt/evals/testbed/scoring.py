"""What a run on the testbed achieved: measured on the text it left behind, without noise, against the known optimum."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.testbed.language import rules_in
from personaopt.evals.testbed.rules import in_force
from personaopt.evals.testbed.users import InventedUser
from personaopt.interaction import Interaction

NEAR = 0.9
"""Of the optimum; how many calls a method needs to come that near is one of its figures."""
TIE = 1e-9


@dataclasses.dataclass(frozen=True)
class Score:
    """One run.

    Attributes:
        user_id: Whose persona it was.
        start, end: Quality of the first and the last text, in [0, 1]; 1 is the optimum.
        rules: How many rules the user's history shows.
        visible: The share of these that the window and the held-out slice show.
        recovered: The share of these that the last text states right.
        lost: The share of the rules known at the start that the last text does not state any more.
        invented: How many wrong rules the last text states.
        calls: LM calls made.
        calls_to_near: After how many calls the quality first was `NEAR` of the optimum; None if it never was.
        calls_to_stay: After how many calls it was so for good; None if it was not at the end.
        worse: Whether the quality is lower at the end than at the start.
    """

    user_id: str
    start: float
    end: float
    rules: int
    visible: float
    recovered: float
    lost: float
    invented: int
    calls: int
    calls_to_near: int | None
    calls_to_stay: int | None
    worse: bool

    def to_dict(self) -> dict[str, Any]:
        """The score as JSON values."""
        return dataclasses.asdict(self)


def scored(user: InventedUser, path: Sequence[tuple[int, str]], window: Sequence[Interaction]) -> Score:
    """Score a run.

    Args:
        user: Whose persona it was.
        path: The text in force after so many calls, the start first and the result last.
        window: The interactions that the method was given.
    """
    qualities = [user.quality(text) for _, text in path]
    near = [quality >= NEAR - TIE for quality in qualities]
    told = in_force(rules_in(path[-1][1]))
    held, shown = user.held, user.shown(user.history)
    known = [rule.about for rule in user.known]
    stays = next((place for place in range(len(near)) if all(near[place:])), None)
    return Score(
        user_id=user.user_id,
        start=qualities[0],
        end=qualities[-1],
        rules=len(shown),
        visible=len(user.shown(window)) / len(shown),
        recovered=sum(told.get(about) == held[about] for about in shown) / len(shown),
        lost=sum(told.get(about) != held[about] for about in known) / len(known),
        invented=sum(bool(value) and held.get(about, "") != value for about, value in told.items()),
        calls=path[-1][0],
        calls_to_near=next((calls for (calls, _), is_near in zip(path, near, strict=True) if is_near), None),
        calls_to_stay=path[stays][0] if stays is not None else None,
        worse=qualities[-1] < qualities[0] - TIE,
    )


def median_calls(scores: Sequence[Score]) -> float:
    """The median number of calls to come near the optimum, of the runs that began further away.

    Infinite where less than half of them did.
    """
    far = [score for score in scores if score.start < NEAR - TIE]
    calls = sorted(math.inf if score.calls_to_near is None else score.calls_to_near for score in far)
    return calls[(len(calls) - 1) // 2] if calls else math.inf


def wilson(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, which is right also where nothing or everything was a hit.

    Raises:
        DataError: There are no runs.
    """
    if n < 1:
        raise DataError("A share needs at least one run.")
    share, spread = hits / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
