"""Who takes part in `personaopt eval personabench run`, from the names on the command line."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from personaopt.cli.output import message
from personaopt.errors import ConfigurationError

if TYPE_CHECKING:
    from personaopt.evals.personabench.measuring.judging import SessionJudge
    from personaopt.evals.personabench.runs.roles import Roles
    from personaopt.evals.personabench.simulation.roles import SatisfactionCheck, SimulatedUser

RULES, SCRIPTED, LOCAL = "rules", "scripted", "local"


@dataclasses.dataclass(frozen=True)
class Cast:
    """The language model of every role by its name: `scripted`, `local`, PROVIDER/MODEL, or `rules` for none.

    Attributes:
        agent: Answers.
        editor: Writes how a persona changes.
        user: Speaks for the personas.
        satisfaction: Says when it is enough.
        judge: Judges.
        misses: Which part of the facts the scripted model passes over.
        invents: In which part of its prompts it makes one up.
        systematic: Whether it errs on a sentence always or at times.
        seed: Of the scripted model.
        api_base: Of served ones.
        dtype: Of the local one.
    """

    agent: str
    editor: str
    user: str = RULES
    satisfaction: str = RULES
    judge: str = RULES
    misses: float = 0.10
    invents: float = 0.05
    systematic: bool = False
    seed: int = 0
    api_base: str | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for role in ("agent", "editor"):
            if getattr(self, role) == RULES:
                raise ConfigurationError(
                    f"The {role} needs a language model: give `scripted`, `local` or PROVIDER/MODEL, not `rules`."
                )

    @property
    def names(self) -> list[str]:
        """The language models there are, each once."""
        asked = (self.agent, self.editor, self.user, self.satisfaction, self.judge)
        return [name for name in dict.fromkeys(asked) if name != RULES]

    @property
    def computes(self) -> bool:
        """Whether every model computes in Python, so that threads are of no use."""
        return self.names == [SCRIPTED]

    def of_lm(self, name: str) -> dict[str, Any]:
        """The settings of a language model; answers of other runs are never taken from DSPy's cache.

        The seed is none of them: it stands in every row, and a folder may have rows of several.
        """
        if name == SCRIPTED:
            return {"misses": self.misses, "invents": self.invents, "systematic": self.systematic}
        if name == LOCAL:
            return {"dtype": self.dtype}
        return {"cache": False, **({"api_base": self.api_base} if self.api_base else {})}

    def settings(self) -> dict[str, str]:
        """Who plays what, for `config.json`; the agent's name stands in every row."""
        return {role: getattr(self, role) for role in ("editor", "user", "satisfaction", "judge")}


def roles_of(cast: Cast, loaded: dict[str, Any] | None = None) -> Roles:
    """Load the language models and give out the roles.

    Args:
        cast: Who plays what.
        loaded: Language models by name; those that are missing are loaded and put there.

    Raises:
        PersonaOptError: A model cannot be had.
    """
    from personaopt.evals.personabench.measuring.judging import Judge
    from personaopt.evals.personabench.measuring.rule_judge import RuleJudge
    from personaopt.evals.personabench.runs.roles import Roles
    from personaopt.evals.personabench.simulation.satisfaction import LMSatisfaction, RuleSatisfaction
    from personaopt.evals.personabench.simulation.users import LMUser, RuleUser

    lms: dict[str, Any] = {} if loaded is None else loaded
    for name in cast.names:
        if name not in lms:
            lms[name] = lm_of(cast, name)
    user: SimulatedUser = RuleUser() if cast.user == RULES else LMUser(lms[cast.user])
    check: SatisfactionCheck = (
        RuleSatisfaction() if cast.satisfaction == RULES else LMSatisfaction(lms[cast.satisfaction])
    )
    judge: SessionJudge = RuleJudge() if cast.judge == RULES else Judge(lms[cast.judge])
    played = {
        "answering": {cast.agent},
        "learning": {cast.editor, cast.agent},
        "simulating": {cast.user, cast.satisfaction},
        "judging": {cast.judge},
    }
    here = frozenset(role for role, names in played.items() if names <= {RULES, SCRIPTED, LOCAL})
    return Roles(lms[cast.agent], lms[cast.editor], user, check, judge, here)


def lm_of(cast: Cast, name: str) -> Any:
    """The language model of a name. The calls of all but the scripted one can be kept on a tape.

    Raises:
        PersonaOptError: It cannot be had.
    """
    if name == SCRIPTED:
        from personaopt.evals.personabench.stand_in import Noise, capable_lm

        return capable_lm(Noise(cast.misses, cast.invents, cast.systematic), cast.seed)
    from personaopt.cli.lm import language_model
    from personaopt.evals.tape import TapedLM

    message(f"Loading the LM {name}")
    return TapedLM.of(language_model(name, **cast.of_lm(name)))
