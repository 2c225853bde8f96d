"""The judge of a run: helpfulness and personalization of first replies, similarity of personas, 0 to 10 each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import dspy

from personaopt.errors import ModelError
from personaopt.evals.personabench.measuring.verdicts import CompareProfiles, ScoreReply
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.asking import ask_role
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.fields.paths import day
from personaopt.lm.asks import Ask
from personaopt.lm.local import is_small_local
from personaopt.persona import Persona

HIGHEST = 10.0

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class ReplyScores:
    """Scores of a first reply, 0 to 10 (AI PERSONA, arXiv 2412.13103, its evaluation metrics).

    Attributes:
        helpfulness: Whether it does what was asked.
        personalization: Whether it fits the user.
    """

    helpfulness: float
    personalization: float


@dataclasses.dataclass(frozen=True)
class Similarity:
    """How similar a learned persona is to the golden one, 0 to 10 (AI PERSONA's profile similarity).

    AI PERSONA prints one figure, and its released code has no judge. The two parts are this project's own: what recall
    and precision are to the field scores. So figures of the paper are comparable in their order at most.

    Attributes:
        coverage: How much of the golden persona is known.
        correctness: How much of what is believed is so.
    """

    coverage: float
    correctness: float

    @property
    def score(self) -> float:
        """The mean of both parts."""
        return (self.coverage + self.correctness) / 2

    @property
    def parts(self) -> Mapping[str, float]:
        """Both parts, by name."""
        return dataclasses.asdict(self)


class SessionJudge(Protocol):
    """Judges sessions. It knows the golden persona and the expected response; whom it judges does not."""

    @property
    def name(self) -> str:
        """What judges, as it stands in a report."""

    @property
    def calls(self) -> int:
        """LM calls that a verdict takes, where the answer can be read at once."""

    def reply(self, session: Session, profile: Profile, first: Exchange) -> Ask[ReplyScores]:
        """Scores of a session's first reply."""

    def similarity(self, session: Session, profile: Profile, learnt: Persona) -> Ask[Similarity]:
        """How similar what was learnt by the end of a session is to the golden persona of its time."""


class Judge:
    """An LM as the judge.

    A verdict is two whole numbers. An answer that is anything else, such as prose, is asked for again; after three
    attempts there is no score (`Failure`), never one that was read into the prose.

    Args:
        lm: The LM that judges; the configured one when None. One that also answers judges its own answers kindly.
        reasons: Whether it says why in a sentence before it scores. When None all but small local models do: one that
            decides among the scores by their probabilities is only made several times slower by it.
    """

    calls = 1

    def __init__(self, lm: Any = None, *, reasons: bool | None = None) -> None:
        self.lm = lm
        self.reasons = reasons

    @property
    def name(self) -> str:
        """The LM's name."""
        return str(getattr(self.lm or dspy.settings.lm, "model", "none"))

    def reply(self, session: Session, profile: Profile, first: Exchange) -> Ask[ReplyScores]:
        """Ask for the scores of a session's first reply."""
        return self._ask(
            ScoreReply,
            lambda found: ReplyScores(_score(found.helpfulness), _score(found.personalization)),
            persona=profile.persona_at(session.time).render(),
            message=first.message,
            expected=session.expected,
            calls_made=called(first),
            reply=first.reply,
        )

    def similarity(self, session: Session, profile: Profile, learnt: Persona) -> Ask[Similarity]:
        """Ask how similar two personas are; an empty one is not like anything, which needs no LM."""
        if not learnt:
            return Ask.done(Similarity(0.0, 0.0))
        return self._ask(
            CompareProfiles,
            lambda found: Similarity(_score(found.coverage), _score(found.correctness)),
            true_profile=profile.persona_at(session.time).render(),
            learned_profile=learnt.render(),
            time=day(session.time),
        )

    def _ask(self, signature: type[dspy.Signature], finish: Callable[[Any], T], **inputs: Any) -> Ask[T]:
        lm = self.lm or dspy.settings.lm
        if lm is None:
            raise ModelError("No LM is there to judge: give Judge one, or call dspy.configure(lm=...).")
        reasons = not is_small_local(lm) if self.reasons is None else self.reasons
        return ask_role(signature if reasons else signature.delete("reason"), lm, finish, **inputs)


def called(exchange: Exchange) -> list[str]:
    """The calls of an exchange, one text each; of a refused one it says so."""
    refused = [*exchange.refusals, *[""] * len(exchange.calls)]
    return [
        f"{call.name}({call.arguments})" + (" - refused" if why else "")
        for call, why in zip(exchange.calls, refused, strict=False)
    ]


def _score(said: Any) -> float:
    """A score that was said.

    Raises:
        ModelError: It is no whole number of 0 to 10.
    """
    text = str(said).strip()
    if not text.isdecimal() or int(text) > HIGHEST:
        raise ModelError("The judge gave no score from 0 to 10.")
    return float(text)
