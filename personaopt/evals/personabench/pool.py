"""Many things written at once, by threads that carry DSPy's context; the results come in the things' order."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(make: Callable[[T], R], things: Sequence[T], concurrency: int) -> list[R]:
    """What `make` gives for each thing.

    Args:
        make: Called once for each; what it raises is raised here.
        things: In order.
        concurrency: How many at once; 1 needs no thread.
    """
    if concurrency == 1 or len(things) < 2:
        return [make(thing) for thing in things]
    pool = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="personabench")
    try:
        futures = [pool.submit(contextvars.copy_context().run, make, thing) for thing in things]
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who presses Ctrl-C does not wait for what is under way
