"""Who speaks for a persona in a simulated session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import dspy

from personaopt.errors import ModelError
from personaopt.evals.personabench.checks import failed
from personaopt.evals.personabench.records import Check, Profile, Remark, Session
from personaopt.evals.personabench.simulation.asking import ask_role
from personaopt.evals.personabench.simulation.dialogue import Exchange
from personaopt.lm.asks import Ask


class RuleUser:
    """Says what the bench has in store, word for word; needs no LM.

    It opens with the scene's context and the neutral query. To a reply that was not what it expected it says what was
    missing, which names the field's value, and at the first such time all that it has to tell of itself; what it has
    not told by the end it tells then. So every remark is made once in a session.
    """

    def opening(self, session: Session, profile: Profile) -> str:
        """See `SimulatedUser`."""
        return "\n\n".join(text for text in (session.context.strip(), session.query.strip()) if text)

    def answer(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> Ask[str]:
        """See `SimulatedUser`; makes no call."""
        return Ask.done(in_one(complaint(session, exchanges[-1]), *remarks_beside(session, exchanges)))

    def closing(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> str:
        """See `SimulatedUser`."""
        return in_one(*remarks_left(session, exchanges))


class SpeakAsUser(dspy.Signature):
    """Play the user of an assistant: tell it what was missing in its latest reply.

    You are the person described. Write one or two sentences as this person would type them, in the given language. Say
    in your own words what has to be said: the assistant learns from it what about you the answer depends on. Say
    nothing else of yourself, and do not write the assistant's answer for it.
    """

    language: str = dspy.InputField()
    persona: str = dspy.InputField(desc="Who you are at this time.")
    conversation: list[dict[str, str]] = dspy.InputField(desc="What you and the assistant said so far.")
    expected: str = dspy.InputField(desc="What you had expected; the assistant does not know it.")
    to_be_said: str = dspy.InputField(desc="What has to be said, in whatever words.")
    message: str = dspy.OutputField(desc="Your next message.")


class LMUser(RuleUser):
    """Lets an LM word what was missing, in the language of the profile; one call for each reply that did not satisfy.

    The LM knows the persona and the expected answer, as a user knows them. What the user tells of itself beside that
    stays as the bench has it, so that it is the same for every method; so does the opening, whose query is neutral.

    Args:
        lm: Who speaks; the configured LM when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.lm = lm

    def answer(self, session: Session, profile: Profile, exchanges: Sequence[Exchange]) -> Ask[str]:
        """See `SimulatedUser`. A message that says nothing of the value it is about is asked for again."""
        remarks, missing = remarks_beside(session, exchanges), complaint(session, exchanges[-1])
        telling = _telling(session, profile, missing)

        def finish(prediction: dspy.Prediction) -> str:
            said = " ".join(str(prediction.message or "").split())
            if not said or (telling and not telling & _stems(said)):
                raise ModelError("The simulated user did not say what was missing.")
            return in_one(said, *remarks)

        return ask_role(
            SpeakAsUser,
            self.lm,
            finish,
            language=profile.language,
            persona=profile.persona_at(session.time).render(),
            conversation=[{"you": each.message, "assistant": each.reply} for each in exchanges],
            expected=session.expected,
            to_be_said=missing,
        )


def complaint(session: Session, exchange: Exchange) -> str:
    """What the bench has the user say to a reply that was not what it expected.

    Where the rules find nothing wrong with it, and somebody else did, all complaints; in a session without any the
    query again. The expected answer itself is never said.
    """
    said = complaints(failed(session.checks, exchange.reply, exchange.carried_out)) or complaints(session.checks)
    return in_one(*said) or session.query.strip()


def complaints(checks: Sequence[Check]) -> list[str]:
    """What is said to replies that fail, each once."""
    return list(dict.fromkeys(check.complaint.strip() for check in checks if check.complaint.strip()))


def remarks_beside(session: Session, exchanges: Sequence[Exchange]) -> list[str]:
    """The remarks that are made beside the complaint about the latest reply: all of them, with the first complaint.

    A slip about the very field that the complaint states comes at the end: nobody says both in one breath.
    """
    if len(exchanges) != 1:
        return []
    return _texts([remark for remark in session.remarks if not _slips(session, remark, exchanges[0])])


def remarks_left(session: Session, exchanges: Sequence[Exchange]) -> list[str]:
    """The remarks that were not made when the session ends."""
    if len(exchanges) <= 1:
        return _texts(session.remarks)
    return _texts([remark for remark in session.remarks if _slips(session, remark, exchanges[0])])


def in_one(*texts: str) -> str:
    """Several sentences as one message."""
    return " ".join(text for text in texts if text)


def _telling(session: Session, profile: Profile, missing: str) -> set[str]:
    """Words of the values that a right answer depends on, as far as the complaint has them."""
    values = profile.values_at(session.time)
    stems = [_stems(value) for check in session.checks for value in values.get(check.field, ())]
    return set().union(*stems) & _stems(missing)


def _stems(text: str) -> set[str]:
    """The beginnings of a text's words, so that an ending makes no other word of one."""
    return {word[:5] for word in re.findall(r"\w+", text.casefold()) if len(word) > 2 or word.isdigit()}


def _slips(session: Session, remark: Remark, first: Exchange) -> bool:
    stated = {check.field for check in failed(session.checks, first.reply, first.carried_out) or session.checks}
    return remark.kind == "false" and remark.field in stated


def _texts(remarks: Sequence[Remark]) -> list[str]:
    return list(dict.fromkeys(remark.text.strip() for remark in remarks if remark.text.strip()))
