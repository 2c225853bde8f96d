"""Alignments off the response path: an application says that something happened, and answers on at once."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextvars
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, VersionConflict
from personaopt.memory.user import User
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.daemon_threads import DaemonThreads
from personaopt.optimizers.debounce import Debounced, Wanted
from personaopt.optimizers.triggers import EverySessions, Trigger, last_alignment

if TYPE_CHECKING:
    from personaopt.optimizers.dictionary import DictionaryOptimizer

logger = logging.getLogger(__name__)

KEPT_FAILURES = 1000


@dataclasses.dataclass(frozen=True)
class AlignmentFailure:
    """An alignment that was given up, or a callback that failed.

    Attributes:
        user: Id of the user.
        kind: The name of the error's class.
        error: The error, without its traceback; its message may quote what a user said.
        time: Seconds since the epoch.
    """

    user: str
    kind: str
    error: BaseException = dataclasses.field(repr=False)
    time: float


class AlignmentWorker:
    """Aligns personas in the background; `notify` returns at once.

    One thread runs all alignments on an event loop of its own, several users at a time and each user once at a time.
    Notifications of one user within the debounce time make one alignment; one that comes while the user is being
    aligned makes another afterwards. Whether an alignment is due is for the triggers to say. An alignment that finds
    the persona changed under its hands is made again on the new version.

    The thread carries the `dspy.context` in which the worker was made. It never keeps a process from ending: what is
    under way then is lost, and nothing half done is stored. `close`, or leaving the `with` block, waits for it.

    The LM is awaited. Every provider's LM can be; one with an engine of your own needs its `async_engine`.

    Args:
        aligner: What aligns; a `DictionaryOptimizer` does it too.
        make_agent: Makes the agent of a user id; not needed where `notify` is given agents.
        triggers: Any of them makes an alignment due; `EverySessions(3)` when None.
        debounce: Seconds without another notification before an alignment begins (at most ten times that in all).
        workers: How many users are aligned at once.
        retries: How often an alignment is made again after a version conflict.
        on_aligned: Called with every new agent, on the worker's thread; its `detailed_results` say what was done.
        on_failed: Called with every failure, on the worker's thread.

    Attributes:
        failures: What failed, the latest `KEPT_FAILURES`.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> with AlignmentWorker(PersonaAligner(), lambda user_id: make_agent(user_id)) as worker:
        ...     answer = agent(message=message)
        ...     worker.notify(agent)
    """

    def __init__(
        self,
        aligner: PersonaAligner | DictionaryOptimizer,
        make_agent: Callable[[str], PersonaAgent] | None = None,
        *,
        triggers: Sequence[Trigger] | None = None,
        debounce: float = 5.0,
        workers: int = 2,
        retries: int = 2,
        on_aligned: Callable[[PersonaAgent], Any] | None = None,
        on_failed: Callable[[AlignmentFailure], Any] | None = None,
    ) -> None:
        if debounce < 0.0 or workers < 1 or retries < 0:
            raise ConfigurationError(
                f"debounce and retries are at least 0 and workers at least 1; they are {debounce!r}, {retries!r} and "
                f"{workers!r}."
            )
        self.aligner, self.make_agent = aligner, make_agent
        self.triggers = [EverySessions(3)] if triggers is None else list(triggers)
        self.retries = retries
        self.on_aligned, self.on_failed = on_aligned, on_failed
        self.failures: collections.deque[AlignmentFailure] = collections.deque(maxlen=KEPT_FAILURES)
        self._seen: dict[str, float] = {}  # of the worker's thread alone
        self._closed = False
        self._turn = threading.Lock()  # so that nothing is handed over after the end
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(DaemonThreads())
        self._loop.set_exception_handler(_log_mistake)
        self._work = Debounced(
            self._loop,
            self._serve,
            self._failed,
            seconds=debounce,
            at_once=workers,
            context=contextvars.copy_context(),
        )
        self._thread = threading.Thread(target=self._run, name="personaopt-alignment", daemon=True)
        self._thread.start()

    def notify(self, target: str | User | PersonaAgent, *, force: bool = False) -> None:
        """Say that something new is known of a user. Returns at once; whether to align is decided in the background.

        Args:
            target: The user's id, the user, or an agent of the user; of an agent a copy on the current persona is
                aligned.
            force: Align by hand: no trigger is asked, and nothing is waited for.

        Raises:
            ConfigurationError: The worker is closed, or has nothing to make an agent of a user id with.
        """
        agent = target if isinstance(target, PersonaAgent) else None
        user_id = target if isinstance(target, str) else (agent.user.id if agent else target.id)
        if agent is None and self.make_agent is None:
            raise ConfigurationError("Notify the worker with an agent, or make it with make_agent.")
        with self._turn:
            if self._closed:
                raise ConfigurationError("The worker is closed; make another one.")
            self._loop.call_soon_threadsafe(self._work.want, user_id, agent, force)

    def flush(self, timeout: float | None = None) -> bool:
        """Begin what waits for its debounce time, and wait until nothing is left to do.

        Returns:
            Whether that was so within `timeout` seconds; what is under way goes on if not.

        Raises:
            ConfigurationError: It is closed, or this is called from one of its callbacks.
        """
        self._refuse_own_thread()
        if self._closed:
            raise ConfigurationError("The worker is closed; make another one.")
        return self._wait(self._work.drained(), timeout)

    def close(self, *, cancel: bool = False, timeout: float | None = None) -> bool:
        """Take nothing more, finish what is wanted and under way, and end the thread.

        Args:
            cancel: Drop what is wanted and cancel what is under way instead; nothing of that is stored.
            timeout: After so many seconds the rest is cancelled.

        Returns:
            Whether everything was finished.

        Raises:
            ConfigurationError: This is called from one of the worker's callbacks.
        """
        self._refuse_own_thread()
        with self._turn:
            if self._closed:
                return True
            self._closed = True
        finished = not cancel and self._wait(self._work.drained(), timeout)
        if not finished:
            self._wait(self._work.cancelled(), None)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return finished

    def __enter__(self) -> AlignmentWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(cancel=kind is not None)

    def _wait(self, work: Coroutine[Any, Any, None], timeout: float | None) -> bool:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            return False
        return True

    def _refuse_own_thread(self) -> None:
        if threading.current_thread() is self._thread:
            raise ConfigurationError("A callback of the worker cannot wait for the worker; do it from another thread.")

    # From here on everything runs on the worker's thread.

    def _run(self) -> None:
        """The loop, until it is stopped: what would end a program ends one alignment, and is a failure of that one."""
        while True:
            try:
                return self._loop.run_forever()
            except (KeyboardInterrupt, SystemExit):  # which asyncio hands on to whoever runs the loop
                continue

    async def _serve(self, user_id: str, wanted: Wanted) -> None:
        """Align one user, if it is due."""
        student = self._student(user_id, wanted.agent)
        if not wanted.force and not self._due(student.user):
            return
        newest = student.user.latest(1)
        aligned = await self._aligned(student)
        if newest and newest[0].time is not None:
            self._seen[user_id] = newest[0].time
        if self.on_aligned:
            self.on_aligned(aligned)

    def _student(self, user_id: str, agent: PersonaAgent | None) -> PersonaAgent:
        if agent is not None:
            twin: PersonaAgent = agent.deepcopy()
            return twin.refresh()
        if self.make_agent is None:  # refused by `notify`
            raise ConfigurationError("The worker has nothing to make an agent with.")
        return self.make_agent(user_id).refresh()

    def _due(self, user: User) -> bool:
        since = (
            self._seen[user.id]
            if user.id in self._seen
            else last_alignment(user, getattr(self.aligner, "author", PersonaAligner.author))
        )
        return any(trigger.due(user, since) for trigger in self.triggers)

    async def _aligned(self, student: PersonaAgent) -> PersonaAgent:
        conflicts = 0
        while True:
            try:
                return await self.aligner.acompile(student)
            except VersionConflict:
                conflicts += 1
                if conflicts > self.retries:
                    raise
                student.refresh()

    def _failed(self, user_id: str, error: BaseException) -> None:
        kind = type(error).__name__
        # Tracebacks hold frames, and frames hold what users said: neither is kept or logged.
        error = error.with_traceback(None)
        error.__cause__ = error.__context__ = None
        failure = AlignmentFailure(user_id, kind, error, time.time())
        self.failures.append(failure)
        logger.warning("An alignment in the background failed: %s.", kind)
        if self.on_failed:
            self._loop.call_soon(self.on_failed, failure)


def _log_mistake(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a callback for failures raised, by name only, in place of asyncio's own log with a traceback."""
    logger.warning("Something failed on the alignment thread: %s.", type(context.get("exception")).__name__)
