"""How much an alignment may cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import dspy

from personaopt.errors import ConfigurationError
from personaopt.lm.metering import Usage
from personaopt.lm.prices import price


@dataclasses.dataclass(frozen=True)
class Budget:
    """Hard limits of one alignment; None is no limit.

    They are checked before each level of independent LM calls, so that a level that has begun is paid for. When one is
    reached the best persona so far is returned, with the reason. Calls are known beforehand and never pass their limit.
    What a level will cost in tokens and dollars is not: it is not begun where it would pass the limit at the mean cost
    of the calls so far, so that a limit is passed by no more than one level's distance from that mean.

    Attributes:
        calls: LM calls, repeated attempts among them.
        tokens: Tokens read and written.
        usd: Dollars, by DSPy's price data. Needs LMs whose price is known, see `check_prices`.
        seconds: Wall time, checked after the fact.

    Raises:
        ConfigurationError: A limit is not above 0.
    """

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            limit = getattr(self, field.name)
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0):
                raise ConfigurationError(f"A budget's {field.name} is a number above 0 or None; it is {limit!r}.")

    def check_prices(self, lms: Iterable[Any]) -> None:
        """Refuse a limit in dollars that could not be held.

        Args:
            lms: The LMs that will be asked.

        Raises:
            ConfigurationError: There is such a limit, and one of them has no known price.
        """
        if self.usd is None:
            return
        for lm in lms:
            if price(lm, 1, 1) is None:
                raise ConfigurationError(
                    f"A budget of ${self.usd:g} cannot be held: the price of {getattr(lm, 'model', lm)} is not known; "
                    "limit calls or tokens instead."
                )
        if dspy.settings.disable_history or dspy.settings.max_history_size == 0:
            raise ConfigurationError(
                f"A budget of ${self.usd:g} cannot be held: DSPy's history, in which the cost of a call stands, is "
                "switched off; switch it on, or limit calls or tokens instead."
            )

    def exceeded(self, usage: Usage, next_calls: int) -> str:
        """Why the next level must not begin; empty when it may.

        Args:
            usage: What was spent so far.
            next_calls: How many LM calls the next level makes.
        """
        ahead = next_calls / usage.calls if usage.calls else 0.0
        if self.calls is not None and usage.calls + next_calls > self.calls:
            return f"the budget of {self.calls} calls has no room for {next_calls} more ({usage.calls} spent)"
        if self.tokens is not None and usage.tokens >= self.tokens:
            return f"the budget of {self.tokens} tokens is spent ({usage.tokens})"
        if self.tokens is not None and usage.tokens * (1 + ahead) > self.tokens:
            return (
                f"the budget of {self.tokens} tokens has no room for {next_calls} more calls "
                f"({usage.tokens} spent, about {round(usage.tokens * ahead)} needed)"
            )
        if self.usd is not None and (reason := self._dollars(usage, next_calls, ahead)):
            return reason
        if self.seconds is not None and usage.seconds >= self.seconds:
            return f"the budget of {self.seconds:g} s is spent ({usage.seconds:.1f} s)"
        return ""

    def _dollars(self, usage: Usage, next_calls: int, ahead: float) -> str:
        limit = self.usd or 0.0
        if usage.usd_known >= limit:
            return f"the budget of ${limit:g} is spent (${usage.usd_known:.4f})"
        if usage.calls and usage.usd is None:
            return f"the budget of ${limit:g} cannot be held: what a call has cost is not known"
        if usage.usd_known * (1 + ahead) > limit:
            return (
                f"the budget of ${limit:g} has no room for {next_calls} more calls "
                f"(${usage.usd_known:.4f} spent, about ${usage.usd_known * ahead:.4f} needed)"
            )
        return ""
