"""Who takes part beside the methods: language models, the simulated user, the satisfaction check, the judge."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

from personaopt.evals.personabench.measuring.judging import SessionJudge
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.evals.personabench.simulation.roles import SatisfactionCheck, SimulatedUser
from personaopt.evals.personabench.simulation.satisfaction import RuleSatisfaction
from personaopt.evals.personabench.simulation.users import RuleUser
from personaopt.lm.asks import Ask
from personaopt.lm.metering import Meter, Usage

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Roles:
    """Everybody but the methods.

    Attributes:
        agent: The language model that answers.
        editor: The one that writes how a persona changes; the agent's when None.
        user: Speaks for the personas.
        satisfaction: Says when it is enough.
        judge: Judges; nothing is judged without one.
        here: For which work (`answering`, `learning`, `simulating`, `judging`) the LM runs in this process, and costs
            no money.
    """

    agent: Any
    editor: Any = None
    user: SimulatedUser = dataclasses.field(default_factory=RuleUser)
    satisfaction: SatisfactionCheck = dataclasses.field(default_factory=RuleSatisfaction)
    judge: SessionJudge | None = None
    here: frozenset[str] = frozenset()


class Beside:
    """Meters the user and the satisfaction check apart from the agent that they talk to.

    Args:
        roles: Whose user and check.
    """

    def __init__(self, roles: Roles) -> None:
        self._meter = Meter()
        self._seconds = 0.0
        self.user: SimulatedUser = _User(roles.user, self)
        self.satisfaction: SatisfactionCheck = _Satisfaction(roles.satisfaction, self)

    @property
    def usage(self) -> Usage:
        """What they have spent."""
        return dataclasses.replace(self._meter.usage, seconds=self._seconds)

    def counted(self, ask: Ask[T]) -> Ask[T]:
        """The same ask, metered; one that makes no call is left as it is."""
        if not ask.calls:
            return ask

        def call(attempt: int) -> Any:
            with self._running():
                return ask.call(attempt)

        async def acall(attempt: int) -> Any:
            with self._running():
                return await ask.acall(attempt)

        awaited: Callable[[int], Awaitable[Any]] = acall
        return dataclasses.replace(ask, call=call, acall=awaited)

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with self._meter.running():
                yield
        finally:
            self._seconds += time.perf_counter() - began


@dataclasses.dataclass(frozen=True)
class _User:
    inner: SimulatedUser
    beside: Beside

    def opening(self, session: Session, profile: Profile) -> str:
        return self.inner.opening(session, profile)

    def answer(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> Ask[str]:
        return self.beside.counted(self.inner.answer(session, profile, exchanges))

    def closing(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> str:
        return self.inner.closing(session, profile, exchanges)


@dataclasses.dataclass(frozen=True)
class _Satisfaction:
    inner: SatisfactionCheck
    beside: Beside

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        return self.beside.counted(self.inner.ask(session, profile, exchange))
