"""How much an alignment may cost."""

from __future__ import annotations

import dataclasses

from personaopt.errors import ConfigurationError
from personaopt.lm.metering import Usage


@dataclasses.dataclass(frozen=True)
class Budget:
    """Hard limits of one alignment; None is no limit.

    They are checked before each level of independent LM calls, so that a level that has begun is paid for. When one is
    reached the best persona so far is returned, with the reason.

    Attributes:
        calls: LM calls; a level that would pass it is not begun.
        tokens: Tokens read and written, checked after the fact.
        seconds: Wall time, checked after the fact.

    Raises:
        ConfigurationError: A limit is not above 0.
    """

    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            limit = getattr(self, field.name)
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or limit <= 0):
                raise ConfigurationError(f"A budget's {field.name} is a number above 0 or None; it is {limit!r}.")

    def exceeded(self, usage: Usage, next_calls: int) -> str:
        """Why the next level must not begin; empty when it may.

        Args:
            usage: What was spent so far.
            next_calls: How many LM calls the next level makes.
        """
        if self.calls is not None and usage.calls + next_calls > self.calls:
            return f"the budget of {self.calls} calls has no room for {next_calls} more ({usage.calls} spent)"
        if self.tokens is not None and usage.tokens >= self.tokens:
            return f"the budget of {self.tokens} tokens is spent ({usage.tokens})"
        if self.seconds is not None and usage.seconds >= self.seconds:
            return f"the budget of {self.seconds:g} s is spent ({usage.seconds:.1f} s)"
        return ""
