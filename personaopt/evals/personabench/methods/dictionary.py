"""AI PERSONA's own way: the dictionary persona, updated from the latest sessions every k of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import dspy
from dspy.utils.exceptions import AdapterParseError, LMError

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, PersonaOptError
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.methods.method import MOST_ITEMS, NOTHING_LEARNT, Learnt, Setting, agent_of
from personaopt.memory import User
from personaopt.optimizers.dictionary import DictionaryOptimizer
from personaopt.persona import Persona


def of_the_paper(user: User, setting: Setting, *, k: int) -> Dictionary:
    """The dictionary persona alone, brought up to date every k sessions from the last three (arXiv 2412.13103).

    As in the paper: at most 3 sessions of 9 messages, changed fields only, demographics only in the user's own words, a
    reply that is no JSON changes nothing, and an update comes with the k-th session whatever was said.

    Args:
        user: Whose persona is learnt.
        setting: Of the run.
        k: After how many sessions.
    """
    fields = DictionaryOptimizer(
        fields=BenchFields,
        k=k,
        surprise=False,
        lm=setting.editor,
        most_items=MOST_ITEMS,
        checkpoint=False,
        threads=setting.threads,
        seed=setting.seed,
    )
    return Dictionary(user, setting, fields)


class Dictionary:
    """A persona whose fields a `DictionaryOptimizer` brings up to date when it says that an update is due.

    Args:
        user: Whose persona is learnt.
        setting: Of the run.
        fields: What updates the fields.
    """

    def __init__(self, user: User, setting: Setting, fields: DictionaryOptimizer) -> None:
        self.user, self.setting, self.fields = user, setting, fields
        self._persona = Persona((), setting.token_limit)

    def agent(self, session: str, golden: Persona) -> PersonaAgent:
        """An agent under the persona as it was learnt so far."""
        return agent_of(self.user, self.setting, self._persona)

    def learn(self) -> Learnt:
        """An update where one is due."""
        reason = self.fields.due(self.user)
        if not reason:
            return NOTHING_LEARNT
        return self._updated(reason, self.fields.compile)

    def persona(self) -> Persona | None:
        """The persona as it is."""
        return self._persona

    def _updated(self, reason: str, compile_: Callable[[PersonaAgent], PersonaAgent]) -> Learnt:
        """The persona with an update, which is asked of the LM that answers where no other one is named.

        Raises:
            ConfigurationError: The settings are the caller's mistake.
        """
        # An agent of its own, without an LM in it: updates copy their agents, and an LM is no thing to be copied.
        agent = PersonaAgent(self.setting.task, user=self.user, retrieve=0, persona=self._persona, calibration=None)
        lm = self.setting.agent_lm
        try:
            with dspy.context(lm=lm) if lm is not None else contextlib.nullcontext():
                updated = compile_(agent)
        except ConfigurationError:
            raise
        except (PersonaOptError, LMError, AdapterParseError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            return Learnt(True, reason, agent.persona_version, (f"nothing was learnt: {said}",))
        self._persona = updated.persona
        record = updated.detailed_results
        unusable = [f"nothing of use from the LM: {why}" for step in record.steps for why in step.skipped]
        return Learnt(True, reason, updated.persona_version, (*record.notes, *unusable))
