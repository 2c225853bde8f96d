"""Runs an algorithm that yields levels of LM calls: everything in a level is independent and runs at once."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from personaopt.lm.asks import Ask, Level, MayRepeat, Steps, always
from personaopt.lm.watching import UNWATCHED, Watch

T = TypeVar("T")


def drive(steps: Steps[T], *, threads: int, may_repeat: MayRepeat = always, watch: Watch = UNWATCHED) -> T:
    """Run an algorithm with threads that carry DSPy's context.

    Args:
        steps: The algorithm.
        threads: Asks under way at once.
        may_repeat: Whether there is room for another attempt.
        watch: Hears of every ask that comes back. What it keeps is flushed before a level ends.
    """
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="personaopt")
    results: list[Any] | None = None
    try:
        while True:
            try:
                level = steps.send(results)  # type: ignore[arg-type]  # None starts a generator
            except StopIteration as end:
                value: T = end.value
                return value
            results = _run(level, pool, may_repeat, watch)
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who presses Ctrl-C does not wait for what is under way


def _run(level: Level, pool: ThreadPoolExecutor, may_repeat: MayRepeat, watch: Watch) -> list[Any]:
    back: queue.SimpleQueue[int] = queue.SimpleQueue()
    futures: list[Future[Any]] = []
    for place, ask in enumerate(level):
        future = pool.submit(contextvars.copy_context().run, ask.now, may_repeat)
        future.add_done_callback(lambda _, place=place: back.put(place))  # type: ignore[misc]
        futures.append(future)
    heard: set[int] = set()
    try:
        while len(heard) < len(futures):
            with contextlib.suppress(queue.Empty):
                place = back.get(timeout=watch.due())
                heard.add(place)
                watch.ended(place, futures[place].result())
            if len(heard) == len(futures) or (back.empty() and watch.due() == 0):
                watch.flush()
    except BaseException:
        for place, future in enumerate(futures):  # what is paid for is kept
            if place not in heard and not future.cancel() and future.done() and future.exception() is None:
                watch.ended(place, future.result())
        raise
    return [future.result() for future in futures]


async def adrive(steps: Steps[T], *, threads: int, may_repeat: MayRepeat = always, watch: Watch = UNWATCHED) -> T:
    """Run an algorithm on the event loop; the arguments are those of `drive`."""
    free = asyncio.Semaphore(threads)
    results: list[Any] | None = None
    while True:
        try:
            level = steps.send(results)  # type: ignore[arg-type]
        except StopIteration as end:
            value: T = end.value
            return value
        results = await _arun(level, free, may_repeat, watch)


async def _arun(level: Level, free: asyncio.Semaphore, may_repeat: MayRepeat, watch: Watch) -> list[Any]:
    back: asyncio.Queue[int] = asyncio.Queue()

    async def one(ask: Ask[Any]) -> Any:
        async with free:
            return await ask.soon(may_repeat)

    tasks = [asyncio.ensure_future(one(ask)) for ask in level]
    for place, task in enumerate(tasks):
        task.add_done_callback(lambda _, place=place: back.put_nowait(place))  # type: ignore[misc]
    heard: set[int] = set()
    try:
        while len(heard) < len(tasks):
            with contextlib.suppress(TimeoutError):
                # `wait_for` with no time left gives up even what is there already.
                place = await asyncio.wait_for(back.get(), watch.due()) if back.empty() else back.get_nowait()
                heard.add(place)
                watch.ended(place, tasks[place].result())
            if len(heard) == len(tasks) or (back.empty() and watch.due() == 0):
                await asyncio.to_thread(watch.flush)
    except BaseException:
        for place, task in enumerate(tasks):  # what is paid for is kept
            if place not in heard and task.done() and not task.cancelled() and task.exception() is None:
                watch.ended(place, task.result())
        raise
    finally:
        for task in tasks:
            task.cancel()
    return [task.result() for task in tasks]
