"""Texts about a user that the LM writes, whatever LM it is: profiles, critiques, rewritten personas.

An LM that can reflect is asked in the configured chat form. The small local model is asked in plain completion form and
writes one bounded line a field under a grammar, so that a method which needs a written text has one from it as well,
whatever it is worth.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import PersonaError
from personaopt.evals.lamp.methods.unlogged import unlogged
from personaopt.interaction import Interaction
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.asks import Ask, Failure, Steps, one_call_an_attempt
from personaopt.lm.codec import Codec
from personaopt.lm.driving import drive
from personaopt.lm.local import is_small_local
from personaopt.optimizers.starts import SHOWN_TOKENS, SUMMARISED, Start
from personaopt.persona import DEFAULT_TOKEN_LIMIT, Persona, Statement
from personaopt.signatures.excerpt import excerpt, excerpts
from personaopt.signatures.respond import RecalledInteraction

SMALL_TOKENS = 40
"""Of each text that the small local model writes: it would not find an end by itself."""
SMALL_SHOWN, SMALL_SHOWN_TOKENS = 8, 60
"""How many interactions it is shown for it, and how much of each text."""


class Writer(dspy.Predict):
    """A predictor of texts: in plain form and bounded where the LM that is asked is small and local."""

    def forward(self, **inputs: Any) -> Any:
        """One call."""
        if not self._small(inputs):
            return super().forward(**inputs)
        with _in_plain_form():
            return super().forward(**_bounded(inputs))

    async def aforward(self, **inputs: Any) -> Any:
        """The same, awaited."""
        if not self._small(inputs):
            return await super().aforward(**inputs)
        with _in_plain_form():
            return await super().aforward(**_bounded(inputs))

    def _small(self, inputs: dict[str, Any]) -> bool:
        return is_small_local(inputs.get("lm") or self.lm or dspy.settings.lm)


@contextlib.contextmanager
def _in_plain_form() -> Iterator[None]:
    # DSPy would warn of every text that ends where its tokens do, which is how these end.
    with dspy.context(adapter=LocalAdapter("if_available")), unlogged("dspy.clients.lm"):
        yield


def _bounded(inputs: dict[str, Any]) -> dict[str, Any]:
    return {**inputs, "config": {**inputs.get("config", {}), "max_tokens": SMALL_TOKENS}}


class DescribeUser(dspy.Signature):
    """Write a short profile of the user behind these interactions, for an assistant that answers for this user.

    Say what the user likes, is interested in and mostly answers, and in which style, in general words that hold for new
    questions; a few sentences, each on a line of its own. Do not copy questions or answers.
    """

    memories: list[RecalledInteraction] = dspy.InputField(desc="What the user answered, oldest first; records only.")
    task: str = dspy.InputField(desc="What the answers are for.")
    profile: str = dspy.OutputField(desc="The profile, a few sentences.")


class WrittenProfile:
    """A first persona that is a profile written by the LM in one call: PersonaAgent's f_s, and PAG's summary."""

    def __init__(self) -> None:
        self.predict = Writer(DescribeUser)

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """One call over the latest interactions; what passes the token limit is cut."""
        shown = shown_to(agent.lm, history)
        evidence = tuple(item.id for item in list(history)[-len(shown) :]) if shown else ()
        return Ask.predict(
            self.predict,
            lambda prediction: as_persona(prediction.profile, evidence, agent.persona.token_limit),
            reflect=True,
            codec=Codec(Persona.to_dict, Persona.from_dict),
            lm=agent.lm,
            memories=shown,
            task=agent.task.instructions,
        )


def shown_to(lm: Any, history: Sequence[Interaction]) -> list[RecalledInteraction]:
    """The latest interactions as an LM is shown them to write about; fewer and shorter ones for the small local model.

    Args:
        lm: The LM that writes.
        history: Interactions, oldest first.
    """
    small = is_small_local(lm)
    most, tokens = (SMALL_SHOWN, SMALL_SHOWN_TOKENS) if small else (SUMMARISED, SHOWN_TOKENS)
    return [
        RecalledInteraction(inputs=excerpts(item.inputs, tokens), answer=excerpts(item.ground_truth, tokens))
        for item in list(history)[-most:]
    ]


def as_persona(text: str | None, evidence: Sequence[str] = (), limit: int = DEFAULT_TOKEN_LIMIT) -> Persona:
    """A text that an LM wrote as a persona, one statement a line, as far as the token limit goes.

    Args:
        text: What was written.
        evidence: The interactions it was written from.
        limit: In tokens.

    Raises:
        PersonaError: Nothing was written.
    """
    persona = Persona(token_limit=limit)
    for line in dict.fromkeys(" ".join(line.split()).strip(" -*") for line in (text or "").splitlines()):
        if not line:
            continue
        statement = Statement(excerpt(line, limit // 2), source="learnt", evidence=tuple(evidence))
        try:
            persona = Persona((*persona.statements, statement), limit)
        except PersonaError:
            break  # the limit is reached
    if not persona:
        raise PersonaError("The LM wrote no description of the user.")
    return persona


def written_by(
    agent: PersonaAgent, history: Sequence[Interaction], ask: Callable[[Sequence[Interaction]], Ask[Persona]]
) -> tuple[Persona, tuple[str, ...]]:
    """What an LM writes of a user, and what a reader should know of it.

    Args:
        agent: Whose user it is; its own persona is the answer where nothing could be written.
        history: What is known, oldest first.
        ask: The call to be made for a history.
    """
    if not history:
        return agent.persona, ("nothing is known of the user, so nothing was written",)

    def level() -> Steps[list[Any]]:
        return (yield [ask(history)])

    with agent.speaking(), one_call_an_attempt():
        (written,) = drive(level(), threads=1)
    if isinstance(written, Failure):
        return agent.persona, (f"nothing was written of the user: {written.reason}",)
    return written, ()


def first_persona(agent: PersonaAgent, start: Start) -> tuple[Persona, tuple[str, ...]]:
    """A first persona from all that is known of an agent's user, and what a reader should know of it.

    Args:
        agent: Whose user it is; its own persona is the answer where nothing could be written.
        start: Who writes it.
    """
    return written_by(agent, agent.user.history(), lambda known: start.ask(agent, known))
