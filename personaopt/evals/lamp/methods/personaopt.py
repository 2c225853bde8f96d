"""personaopt as it comes: its aligner with its defaults, its agent, the run's calibration. The one place to tune it."""

from __future__ import annotations

from typing import Any, Literal

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.lamp.methods.asking import MethodAgent, acting
from personaopt.evals.lamp.methods.learning import learn, learn_once
from personaopt.evals.lamp.methods.method import Preparation, Setting
from personaopt.evals.tasks.task import Retrieval
from personaopt.interaction import query_text
from personaopt.lm.local import is_small_local
from personaopt.memory import User
from personaopt.optimizers.acceptance import Acceptance, ImprovesBoth
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.starts import EmptyStart, ProfileStart, Start
from personaopt.signatures.standing import case_of

LATEST, HELD_OUT, EPOCHS = 8, 4, 3
"""n, h and E: the aligner's own defaults."""
RETRIEVE = 4
"""K: the persona says what the user mostly does, so that few memories are enough; with eight beside it the small local
model follows the memories alone (tuning users of two tasks)."""
CALIBRATION: Literal["shipped"] = "shipped"
"""By which candidates are tried while a persona is learnt; answers are calibrated by the run."""


def held_out_of(latest: int) -> int:
    """The slice for another n: in the same proportion, and one at least."""
    return max(1, round(latest * HELD_OUT / LATEST))


def start_of(lm: Any) -> Start:
    """Where personaopt begins: a written summary, or nothing where the small local model tries the evidence itself."""
    return EmptyStart() if is_small_local(lm) else ProfileStart()


def acceptance_of(lm: Any) -> Acceptance | None:
    """What decides on edits: the aligner's default, or for the small local model one that lets more through.

    What the history shows helps most users, and a dozen interactions cannot tell whom it does not: with the small local
    model a statement is kept unless window or slice speak against it (tuning users of two tasks).
    """
    return ImprovesBoth(0.0, tolerance=0.1) if is_small_local(lm) else None


def aligner_of(setting: Setting, **more: Any) -> PersonaAligner:
    """The aligner of a run.

    Args:
        setting: Of the run; its n and E where it has them.
        **more: Other arguments of `PersonaAligner`.
    """
    latest = LATEST if setting.latest is None else setting.latest
    arguments: dict[str, Any] = {
        "latest": latest,
        "held_out": HELD_OUT if setting.latest is None else held_out_of(latest),
        "epochs": EPOCHS if setting.epochs is None else setting.epochs,
        "acceptance": acceptance_of(dspy.settings.lm),
        "budget": setting.budget,
        "checkpoint": False,
        "threads": setting.threads,
        "seed": setting.seed,
    }
    return PersonaAligner(**arguments | more)


def retrieval_of(setting: Setting) -> Retrieval:
    """What personaopt looks a question up by, as the library's own agent does: the case, without its options."""
    return lambda inputs: query_text(case_of(setting.task.signature, inputs))


def agent_of(user: User, setting: Setting, **more: Any) -> MethodAgent:
    """The agent of a run: it acts where there are tools to act with, as the library's own does.

    Args:
        user: Whose agent it is.
        setting: Of the run.
        **more: Other arguments of `MethodAgent`.
    """
    own = more.get("remembers", True)
    tools = acting(setting, own=own) if setting.tools else {}
    return MethodAgent(user, setting, retrieval=retrieval_of(setting), **tools, **more)


class PersonaOpt(dspy.Module):
    """The library with its defaults.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self.user = user
        self._setting = setting
        self.agent: PersonaAgent = agent_of(user, setting)

    def prepare(self) -> Preparation:
        """One alignment on the latest interactions, from the user's current persona."""
        self.agent, preparation = learn_once(self.agent, self._setting, self._learnt)
        return preparation

    def _learnt(self) -> tuple[PersonaAgent, Preparation]:
        return learn(
            self.agent,
            lambda **more: aligner_of(self._setting, **more),
            start=start_of(self.agent.lm),
            calibration=CALIBRATION,
        )

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call, and those of its actions."""
        return self.agent(**inputs)
