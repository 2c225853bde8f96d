"""An alignment as a method prepares by it: the personas it went through, its losses and what it noted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

from dspy.utils.exceptions import AdapterParseError, LMError

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, PersonaOptError
from personaopt.evals.lamp.methods.method import Preparation, Setting
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.lm.calibration import Calibration
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.events import EpochEnded, Event
from personaopt.optimizers.results import Alignment
from personaopt.optimizers.starts import Start
from personaopt.optimizers.storing import AUTHOR
from personaopt.persona import Persona

TAKEN_OVER = "learnt once, by another method of this user: what it cost stands there"


class Noted:
    """A start that keeps what it gave: the initial persona, which the record of an alignment does not name.

    Args:
        start: Who writes the first persona.
    """

    def __init__(self, start: Start) -> None:
        self.start = start
        self.persona: Persona | None = None

    def ask(self, agent: PersonaAgent, history: Sequence[Interaction]) -> Ask[Persona]:
        """The same call."""
        ask = self.start.ask(agent, history)

        def finish(answer: Any) -> Persona:
            self.persona = ask.finish(answer)
            return self.persona

        return dataclasses.replace(ask, finish=finish, codec=None)


def learn(
    agent: PersonaAgent,
    aligner_of: Callable[..., PersonaAligner],
    *,
    start: Start,
    trainset: Sequence[Interaction] | None = None,
    calibration: Calibration | Literal["shipped"] | None = None,
) -> tuple[PersonaAgent, Preparation]:
    """Align an agent's persona; where that fails the agent stays as it is, and the reason is noted.

    Args:
        agent: The agent; it answers uncalibrated before and after.
        aligner_of: Makes the aligner; called with `start` and `callbacks`.
        start: Who writes the first persona.
        trainset: What to learn from; the user's own history when None.
        calibration: By which answers are calibrated while candidates are tried.

    Raises:
        ConfigurationError: The settings are the caller's mistake.
    """
    noted = Noted(start)
    epochs: list[str] = []

    def heard(event: Event) -> None:
        if isinstance(event, EpochEnded):
            epochs.append(event.persona.render())

    before = agent.persona
    agent.calibration = calibration
    try:
        aligned = aligner_of(start=noted, callbacks=[heard]).compile(agent, trainset=trainset)
    except ConfigurationError:
        raise
    except (PersonaOptError, LMError, AdapterParseError) as error:
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        return agent, Preparation(personas=(before.render(),), notes=(f"nothing was learnt: {reason}",))
    finally:
        agent.calibration = None
    aligned.calibration = None
    first = noted.persona if noted.persona is not None else before
    return aligned, _preparation(first, epochs, aligned.detailed_results)


def learn_once(
    agent: PersonaAgent, setting: Setting, learning: Callable[[], tuple[PersonaAgent, Preparation]]
) -> tuple[PersonaAgent, Preparation]:
    """Learn, or take over what another method of the same user has learnt in this run from the very same.

    Args:
        agent: As it is before; another one that answers as it does learns the same.
        setting: Of the run.
        learning: Learns.
    """
    if setting.learnt is None:
        return learning()
    known = tuple(item.id for item in agent.user.history())
    key = (setting.latest, setting.epochs, agent.retrieve, agent.persona.render(), known)
    if key not in setting.learnt:
        aligned, preparation = learning()
        setting.learnt[key] = aligned.persona, preparation
        return aligned, preparation
    persona, preparation = setting.learnt[key]
    if persona != agent.persona:
        saved = agent.user.save_persona(persona, parent=agent.persona_version, author=AUTHOR, reason=TAKEN_OVER)
        agent.persona, agent.persona_version = saved.persona, saved.version
    return agent, dataclasses.replace(preparation, notes=(*preparation.notes, TAKEN_OVER))


def _preparation(first: Persona, epochs: Sequence[str], alignment: Alignment) -> Preparation:
    return Preparation(
        personas=(first.render(), *epochs, alignment.after.render()),
        losses=alignment.losses,
        accepted=len(alignment.accepted),
        refused=len(alignment.refused),
        notes=(*alignment.notes, f"stopped: {alignment.stopped}"),
    )
