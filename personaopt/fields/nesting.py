"""Dictionaries of groups: a value put at its path, and changes put over what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from personaopt.fields.paths import Slot


def put(nested: dict[str, Any], slot: Slot, value: Any) -> None:
    """Put a value where its slot is."""
    *groups, name = slot.keys
    for group in groups:
        nested = nested.setdefault(group, {})
    nested[name] = value


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old values with the new ones over them; None takes a value out."""
    result = dict(old)
    for name, value in new.items():
        if isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def without_nones(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None, at every depth."""
    return {
        name: without_nones(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }
