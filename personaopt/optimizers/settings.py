"""The arguments of an optimizer: checked, and as values that may be logged."""

from __future__ import annotations

from typing import Any

from personaopt.errors import ConfigurationError


def check_whole(**settings: tuple[Any, int]) -> None:
    """Check whole numbers.

    Args:
        **settings: By name, the value and the least that it may be.

    Raises:
        ConfigurationError: One is not such a number.
    """
    for name, (value, least) in settings.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigurationError(f"{name} must be a whole number of at least {least}; it is {value!r}.")


def plain(value: Any) -> Any:
    """A setting as a JSON value; a strategy by its name, so that no LM and no key is told."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return getattr(value, "__qualname__", type(value).__qualname__)
