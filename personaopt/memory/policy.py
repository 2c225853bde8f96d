"""What a store is opened with beside its place: the rules that hold for all of its users."""

from __future__ import annotations

import dataclasses
from typing import Literal, get_args

from personaopt.errors import ConfigurationError
from personaopt.memory.consent import Default
from personaopt.memory.redaction import Redactor
from personaopt.memory.retention import FOR_EVER, Retention

LMCache = Literal["off", "shared"]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a store; see `open_store`.

    Attributes:
        redactor: Takes out of what is stored what must not be; None for nothing.
        consent: What holds for users who were never asked.
        retention: What is kept of users who have no retention of their own.
        lm_cache: Whether calls that carry a user's texts use DSPy's cache.

    Raises:
        ConfigurationError: A value is not one of those there are.
    """

    redactor: Redactor | None = None
    consent: Default = "assumed"
    retention: Retention = FOR_EVER
    lm_cache: LMCache = "off"

    def __post_init__(self) -> None:
        for name, kinds in (("consent", Default), ("lm_cache", LMCache)):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigurationError(
                    f"The {name} of a store is one of {', '.join(get_args(kinds))}, not {getattr(self, name)!r}."
                )
        if not isinstance(self.retention, Retention):
            raise ConfigurationError(f"The retention of a store is a Retention, not {self.retention!r}.")
        if self.redactor is not None and not callable(getattr(self.redactor, "interaction", None)):
            raise ConfigurationError(
                f"A redactor has methods interaction and text; {type(self.redactor).__name__} does not."
            )


BARE = Policy()
