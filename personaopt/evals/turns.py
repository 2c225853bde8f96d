"""Work that is done side by side in threads, and can be ended early in a state that another run goes on from."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from dspy.utils.exceptions import LMError

from personaopt.evals.meters import Stop, Stopped

T = TypeVar("T")
PATIENCE = 20.0
"""Seconds that a run which is to end waits for the LM calls that are under way."""
LONGEST_REASON = 300


def in_threads(turns: Iterable[T], work: Callable[[T], None], concurrency: int, stop: Stop) -> None:
    """Do some work for every turn, several at once; it ends early where it is to stop.

    Args:
        turns: What there is to do, in the order in which it is begun.
        work: Does one; may raise `Stopped`.
        concurrency: How many are under way at once.
        stop: Ends it. What goes wrong in a thread stops the others.

    Raises:
        Exception: The first one that was raised by the work.
        KeyboardInterrupt: As it comes; what is under way has `PATIENCE` seconds to end.
    """
    waiting = deque(turns)
    broken: list[Exception] = []

    def take() -> None:
        while waiting and not stop.reason:
            try:
                turn = waiting.popleft()
            except IndexError:
                return
            try:
                work(turn)
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - it is raised where the run was begun
                broken.append(error)
                stop.now(reason(error), failed=True)
                return

    threads = [
        # A thread that an LM keeps waiting for ever must not keep the process.
        threading.Thread(target=contextvars.copy_context().run, args=(take,), daemon=True)
        for _ in range(min(concurrency, len(waiting)))
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.05)
    except BaseException:
        stop.now("it was interrupted")
        end = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))
        raise
    if broken:
        raise broken[0]


def reason(error: Exception) -> str:
    """Why something did not come about, in one line."""
    text = " ".join(str(error).split())
    kind = "LMError" if isinstance(error, LMError) else type(error).__name__
    return f"{kind}: {text[:LONGEST_REASON]}" if text else kind
