"""Whether a reply gave the user what was expected, so that the session can end."""

from __future__ import annotations

from typing import Any

import dspy

from personaopt.errors import ModelError
from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.records import Profile, Session
from personaopt.evals.personabench.simulation.asking import ask_role
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import Ask


class RuleSatisfaction:
    """Satisfied when the reply, with the calls carried out before it, passes every check of the session; needs no LM.

    In a session without checks any reply will do.
    """

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        """See `SatisfactionCheck`; makes no call."""
        return Ask.done(satisfies(session, exchange))


class IsSatisfied(dspy.Signature):
    """Decide whether the user of an assistant got what they expected.

    Compare the reply, and what the assistant called before it, with what was expected. Other words will do; another
    choice, another value, another form than the expected one will not, nor will a reply that names several choices
    without deciding, or asks back where no question was expected.
    """

    message: str = dspy.InputField(desc="What the user said.")
    expected: str = dspy.InputField(desc="What the user expected; the assistant was not told.")
    called: list[str] = dspy.InputField(desc="What the assistant called before it replied, in order.")
    reply: str = dspy.InputField(desc="What the assistant said.")
    satisfied: bool = dspy.OutputField(desc="Whether the user got it.")


class LMSatisfaction:
    """Lets an LM compare each reply with the expected one, in any language; one call a reply.

    Args:
        lm: Who compares; the configured LM when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.lm = lm

    def ask(self, session: Session, profile: Profile, exchange: Exchange) -> Ask[bool]:
        """See `SatisfactionCheck`. An answer that says neither yes nor no is asked for again."""
        if not exchange.reply.strip():  # there is nothing to compare
            return Ask.done(False)
        return ask_role(
            IsSatisfied,
            self.lm,
            _verdict,
            message=exchange.message,
            expected=session.expected,
            called=[
                f"{call.name}({call.arguments})" + (f" was refused: {refusal}" if refusal else "")
                for call, refusal in zip(exchange.calls, exchange.refusals, strict=True)
            ],
            reply=exchange.reply,
        )


def _verdict(prediction: dspy.Prediction) -> bool:
    if not isinstance(prediction.satisfied, bool):
        raise ModelError("The satisfaction check said neither yes nor no.")
    return prediction.satisfied


def satisfies(session: Session, exchange: Exchange) -> bool:
    """Whether a reply passes all checks of its session, by rule."""
    return bool(exchange.reply.strip()) and not failed(session.checks, exchange.reply, exchange.carried_out)
