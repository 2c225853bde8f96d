"""Threads that a process does not wait for when it ends."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class DaemonThreads(concurrent.futures.ThreadPoolExecutor):
    """Runs every call on a daemon thread of its own: an executor for event loops on which a call may hang.

    The threads of the class above are waited for when the interpreter ends, whatever they do, and an event loop takes
    no executor that is not of that class.
    """

    def submit(self, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        """Run a call."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits, whatever it is
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="personaopt-alignment-call", daemon=True).start()
        return future
