"""What an agent does before it answers: the policy chooses, tools are called, until enough is known.

A generator of levels of calls, as an alignment is one: `PersonaAgent` drives one, and an alignment many side by side.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from personaopt.actions.calling import inside
from personaopt.actions.own_memory import Moment
from personaopt.actions.policy import Situation
from personaopt.actions.records import Acted, ActionRecord
from personaopt.errors import ToolError
from personaopt.lm.asks import Failure, Steps
from personaopt.memory.episodic import Memory, Recall
from personaopt.signatures.act import RESPOND, ToolCall

if TYPE_CHECKING:
    from personaopt.agent import PersonaAgent
    from personaopt.memory.store import Before
    from personaopt.persona import Persona

MOST_SHOWN = 8
"""Memories that are shown at most where an agent retrieves fewer by itself."""


@dataclasses.dataclass(frozen=True)
class Gathered:
    """What was done and found before an answer.

    Attributes:
        memories: Interactions that were recalled, each once.
        observations: What other tools returned, as delimited records for the prompt.
        actions: What was done, in order, with what failed.
        found: For each action the text in which an answer may be found.
    """

    memories: tuple[Memory, ...] = ()
    observations: tuple[str, ...] = ()
    actions: tuple[ActionRecord, ...] = ()
    found: tuple[str, ...] = ()

    def with_acted(self, acted: list[Acted]) -> Gathered:
        """This and what some further actions brought."""
        known = {memory.interaction.id: memory for memory in self.memories}
        for each in acted:
            for memory in each.memories:
                known.setdefault(memory.interaction.id, memory)
        return Gathered(
            tuple(known.values()),
            (*self.observations, *(each.observation for each in acted if each.observation)),
            (*self.actions, *(each.record for each in acted)),
            (*self.found, *(each.found for each in acted)),
        )

    def joined(self, recalled: Recall, retrieve: int) -> Recall:
        """What is remembered with what was looked up: the latter first, as many as may be shown, most similar first.

        Args:
            recalled: What the agent retrieved by itself.
            retrieve: How many that may be.
        """
        if not self.memories:
            return recalled
        similarity = {memory.interaction.id: memory.similarity for memory in recalled.earlier}
        shown: dict[str, Memory] = {}
        for memory in (*self.memories, *recalled.memories):
            identifier = memory.interaction.id
            shown.setdefault(identifier, Memory(memory.interaction, similarity.get(identifier, memory.similarity)))
        kept = list(shown.values())[: max(retrieve, MOST_SHOWN)]
        return dataclasses.replace(recalled, memories=tuple(sorted(kept, key=lambda memory: -memory.similarity)))


NOTHING_GATHERED = Gathered()


def gather(
    agent: PersonaAgent,
    inputs: Mapping[str, Any],
    *,
    persona: Persona | None = None,
    before: Before = None,
    recalled: Recall,
) -> Steps[Gathered]:
    """Look up what a question needs, as the policy chooses (PersonaAgent, section on personalised action).

    Args:
        agent: Whose tools and policy; at most its `max_actions` actions are done.
        inputs: The task's inputs.
        persona: The persona that stands in the policy's prompt; the agent's own when None. Where one is given, or
            `before`, the question is taken for one of earlier that is simulated (see `not_simulated` of the agent).
        before: Where the user's history ends for this question.
        recalled: What the agent retrieved by itself.

    Returns:
        Levels of calls; in the end what was gathered. Nothing that a tool or the policy's LM does wrong is raised.

    Raises:
        ToolError: The agent acts inside of one of its own tools.
    """
    if not agent.max_actions:
        return NOTHING_GATHERED
    if within := inside(agent.user.id):
        raise ToolError(
            f"The tool {within!r} called an agent of the user it works for, which would act again; give that agent "
            "max_actions=0."
        )
    simulated = persona is not None or before is not None
    moment = Moment(agent.user, agent.usable_persona if persona is None else persona, before, simulated)
    gathered, done = NOTHING_GATHERED, set[str]()
    while (left := agent.max_actions - len(gathered.actions)) > 0:
        situation = Situation(agent, inputs, moment, gathered.joined(recalled, agent.retrieve), gathered, left)
        calls = yield from agent.policy.choose(situation)
        if isinstance(calls, Failure):
            record = ActionRecord(RESPOND, {}, "", f"The policy chose nothing: {calls.reason}")
            return dataclasses.replace(gathered, actions=(*gathered.actions, record))
        fresh: list[ToolCall] = []
        for call in calls:
            if call.tool != RESPOND and _key(call) not in done:  # nothing is done twice
                done.add(_key(call))
                fresh.append(call)
        if not fresh:
            break
        acted = yield [agent.actions.ask(call, moment) for call in fresh[:left]]
        gathered = gathered.with_acted(acted)
    return gathered


def _key(call: ToolCall) -> str:
    return json.dumps([call.tool, call.arguments], sort_keys=True, default=str)
