"""Many callers, one model: whoever finds it free answers everything that waits and can be answered together."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class _Job(Generic[Asked, Answered]):
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.future: Future[Answered] = Future()


class Turns(Generic[Asked, Answered]):
    """Lets threads and tasks ask at any time, and has them answered one batch after the other.

    Args:
        answer: Answers a batch, in its order.
        joins: Whether something may be answered in one batch with others; what may not is answered alone.
    """

    def __init__(self, answer: Callable[[Sequence[Asked]], Sequence[Answered]], joins: Callable[[Asked], bool]) -> None:
        self._answer = answer
        self._joins = joins
        self._changed = threading.Condition()
        self._busy = False
        self._waiting: list[_Job[Asked, Answered]] = []
        self._helper: ThreadPoolExecutor | None = None

    def ask(self, asked: Asked) -> Answered:
        """The answer; what the answering raised for this one is raised here, in the thread that asked."""
        job: _Job[Asked, Answered] = _Job(asked)
        with self._changed:
            self._waiting.append(job)
        try:
            self._visit(job)
        finally:
            with self._changed:
                if job in self._waiting:  # interrupted while it waited: nobody wants the answer any more
                    self._waiting.remove(job)
        return job.future.result()

    async def aask(self, asked: Asked) -> Answered:
        """The same, awaited; the model runs in a thread of its own, and the event loop goes on."""
        job: _Job[Asked, Answered] = _Job(asked)
        with self._changed:
            self._waiting.append(job)
            if self._helper is None:
                self._helper = ThreadPoolExecutor(1, thread_name_prefix="personaopt-local-lm")
            helper = self._helper
        await asyncio.sleep(0)  # tasks that are started together ask before the first is answered
        try:
            helper.submit(self._visit, job)
            return await asyncio.wrap_future(job.future)
        finally:
            with self._changed:
                if job in self._waiting:
                    self._waiting.remove(job)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Have the model to oneself inside the block."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)
            self._busy = True
        try:
            yield
        finally:
            self._free()

    def _visit(self, own: _Job[Asked, Answered]) -> None:
        """Wait until the job is done or the model is free; then answer it, with all that can be answered with it."""
        with self._changed:
            self._changed.wait_for(lambda: own.future.done() or not self._busy)
            if own.future.done() or own not in self._waiting:
                return
            self._busy = True
            together = self._joins(own.asked)
            batch = [job for job in self._waiting if job is own or (together and self._joins(job.asked))]
            self._waiting = [job for job in self._waiting if job not in batch]
        try:
            self._run(batch)
        except BaseException as error:
            # Interrupted (Ctrl-C): the others are left to their own threads, which come when this turn is over.
            with self._changed:
                self._waiting += [job for job in batch if job is not own and not job.future.done()]
            if not own.future.done():
                own.future.set_exception(error)
            raise
        finally:
            self._free()

    def _run(self, batch: Sequence[_Job[Asked, Answered]]) -> None:
        """Answer a batch at once; where that fails each alone, so that one bad request takes no other down."""
        try:
            answers = self._answer([job.asked for job in batch])
            for job, answer in zip(batch, answers, strict=True):
                _settle(job, answer=answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the thread that asked, and is raised there
            if len(batch) == 1:
                _settle(batch[0], error=error)
                return
            for job in batch:
                if not job.future.done():
                    self._run([job])

    def _free(self) -> None:
        with self._changed:
            self._busy = False
            self._changed.notify_all()


def _settle(job: _Job[Asked, Answered], answer: Answered | None = None, error: BaseException | None = None) -> None:
    if not job.future.set_running_or_notify_cancel():
        return  # the task that asked was cancelled
    if error is not None:
        job.future.set_exception(error)
    else:
        job.future.set_result(answer)  # type: ignore[arg-type]
