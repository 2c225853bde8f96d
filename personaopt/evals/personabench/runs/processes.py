"""Sittings in several processes, for language models that compute in Python and would share one core as threads."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.errors import PersonaOptError
from personaopt.evals.meters import Stop
from personaopt.evals.personabench.rows import Row
from personaopt.evals.personabench.runs.sittings import Sitting, sit
from personaopt.evals.turns import reason

if TYPE_CHECKING:
    from personaopt.evals.personabench.runs.experiment import Experiment

LOOKED = 0.5
"""Seconds between two looks at whether the others are still there."""
PATIENCE = 10.0
"""Seconds that a process which has nothing left to do may take to end."""


def in_processes(
    turns: Sequence[tuple[Sitting, int]],
    make: Callable[[], Experiment],
    folder: Path,
    tell: Callable[[Sitting, Sequence[Row]], None],
    processes: int,
    stop: Stop,
) -> None:
    """Hold sittings in other processes; their rows come back to this one, which alone writes them.

    Args:
        turns: What there is to do, each with the first session that is open.
        make: Makes the experiment; sent to the others.
        folder: Of the run.
        tell: Given a sitting and its rows. Until then what was asked in it stays on its tape.
        processes: How many.
        stop: Ends it.

    Raises:
        PersonaOptError: A process could not go on.
    """
    context = multiprocessing.get_context("spawn")
    todo: Any = context.Queue()
    back: Any = context.Queue()
    for sitting, first in turns:
        todo.put((sitting.method, sitting.profile.id, first))
    for _ in range(processes):
        todo.put(None)
    others = [
        context.Process(target=_work, args=(make, folder, todo, back), daemon=True)
        for _ in range(min(processes, len(turns)))
    ]
    try:
        with _uninterrupted():
            for other in others:
                other.start()
        _listen(back, others, turns, tell, stop)
        for other in others:  # with nothing left to do they end by themselves, and tidy up behind them
            other.join(0.0 if stop.over else PATIENCE)
    finally:
        begun = [other for other in others if other.pid is not None]
        for other in begun:  # they hold nothing: what they have not told is done again
            other.terminate()
        for each in (todo, back):
            each.cancel_join_thread()
            each.close()
        for other in begun:
            other.join()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that are begun here never hear of Ctrl-C, not even while they load; this one hears of it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(
    back: Any,
    others: Sequence[Any],
    turns: Sequence[tuple[Sitting, int]],
    tell: Callable[[Sitting, Sequence[Row]], None],
    stop: Stop,
) -> None:
    left = {(sitting.method, sitting.profile.id): sitting for sitting, _ in turns}
    while left and not stop.over:
        try:
            key, rows, broken = back.get(timeout=LOOKED)
        except queue.Empty:
            if not any(other.is_alive() for other in others) and back.empty():
                raise PersonaOptError("The processes of the run have ended early; start it again to go on.") from None
            continue
        if broken:
            stop.now(broken, failed=True)
            raise PersonaOptError(broken)
        tell(left.pop(key), rows)


def _work(make: Callable[[], Experiment], folder: Path, todo: Any, back: Any) -> None:
    """One process: takes sittings until there are none, or until the one that began it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that began this one ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are shared out by processes
    try:
        experiment = make()
        sittings = {(each.method, each.profile.id): each for each in experiment.sittings()}
        roles = experiment.roles()
        for method, persona, first in iter(todo.get, None):
            sitting = sittings[method, persona]
            rows: list[Row] = []
            sit(sitting, roles, sitting.tape(folder), Stop(), rows.append)
            back.put(((method, persona), rows[first:], ""))
    except Exception as error:  # noqa: BLE001 - it is said where the run was begun
        with contextlib.suppress(OSError, ValueError):
            back.put((None, [], str(error) if isinstance(error, PersonaOptError) else reason(error)))


def _end_with_parent() -> None:
    """A process whose parent was killed would pay for answers that nobody hears, or wait for ever to tell them."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
