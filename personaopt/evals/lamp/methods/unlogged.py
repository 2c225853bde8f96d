"""Log records of DSPy that are not wanted while a method works: because they quote users, or are meant to be so."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator

import dspy


@contextlib.contextmanager
def unlogged(*names: str) -> Iterator[None]:
    """A context, carried into worker threads as DSPy's is, in which these loggers say nothing.

    Args:
        names: Of the loggers.
    """
    for name in names:
        logging.getLogger(name).addFilter(_filter())
    with dspy.context(personaopt_unlogged=frozenset(names)):
        yield


@functools.cache
def _filter() -> Callable[[logging.LogRecord], bool]:
    """One for all loggers, so that it is added to each of them once."""

    def kept(record: logging.LogRecord) -> bool:
        return record.name not in (dspy.settings.get("personaopt_unlogged") or ())

    return kept
