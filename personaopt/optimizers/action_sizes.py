"""How many calls an agent's actions take in an alignment, and how long their prompts are: expected, and at most."""

from __future__ import annotations

from collections.abc import Sequence

import dspy

from personaopt.actions.gathering import MOST_SHOWN
from personaopt.actions.own_memory import Moment
from personaopt.actions.records import LONGEST_RESULT
from personaopt.agent import PersonaAgent
from personaopt.interaction import Interaction
from personaopt.lm.local import is_small_local
from personaopt.memory.routines import helpful
from personaopt.optimizers.acted import SHOWN_TOKENS
from personaopt.optimizers.first_action import described
from personaopt.optimizers.prompt_sizes import PERSONA_BYTES, Size, prompt
from personaopt.persona import Persona
from personaopt.signatures.act import Act
from personaopt.signatures.critique import with_actions
from personaopt.signatures.edit import for_acting
from personaopt.signatures.persona_block import write_persona
from personaopt.signatures.respond import RecalledInteraction, compose

LONGEST_CALL = 400
"""Characters of a call as it is shown, with what says that some are left out."""
OBSERVED = Size(60, 12 * (LONGEST_RESULT + LONGEST_CALL) + 256)
"""One record of what was looked up, escaped twice, at most in characters of several bytes."""
CALL_TOKENS = 40
"""Tokens that a policy is expected to write."""


def calls_an_action(agent: PersonaAgent) -> int:
    """LM calls that one choice of the policy makes: one where it is written, three where it is scored."""
    said = getattr(agent.policy, "calls", None)
    return int(said) if said is not None else 3 if is_small_local(agent.lm) else 1


def most_calls(agent: PersonaAgent) -> int:
    """LM calls before one answer, at most: a choice for each action, and none after the last."""
    return calls_an_action(agent) * agent.max_actions


def expected_calls(agent: PersonaAgent) -> int:
    """LM calls before one answer where one action is enough."""
    return min(calls_an_action(agent) + 1, most_calls(agent))


def memories_shown(agent: PersonaAgent) -> int:
    """Memories in one prompt, at most: what is recalled joins what was retrieved."""
    return max(agent.retrieve, MOST_SHOWN) if agent.max_actions else agent.retrieve


def act_prompt(agent: PersonaAgent, item: Interaction, memories: Sequence[Interaction], persona: Persona) -> Size:
    """The prompt of one choice, without the persona: everything that may be observed before the last one is at most.

    Args:
        agent: Who acts.
        item: What is asked.
        memories: The interactions that are shown.
        persona: The persona as it is; one line of it is in the prompt, so that its block is counted.
    """
    signature = compose(Act, agent.task)
    signature = signature.with_instructions(write_persona(signature.instructions, "- x"))
    inputs = {
        **{name: item.inputs[name] for name in agent.task.input_fields if name in item.inputs},
        "memories": [RecalledInteraction(inputs=dict(m.inputs), answer=dict(m.ground_truth)) for m in memories],
        "tools": [tool.described() for tool in agent.actions.offered(Moment(agent.user, persona))],
        "observations": [],
    }
    return prompt(signature, [], inputs) + OBSERVED.times(1, max(agent.max_actions - 1, 0))


def observed(agent: PersonaAgent) -> Size:
    """What was looked up, in the prompt of an answer."""
    return OBSERVED.times(1, agent.max_actions) + Size(20, 512) if agent.max_actions else Size()


def acted_size(agent: PersonaAgent, history: Sequence[Interaction]) -> Size:
    """What a critic is shown of actions, and what it repeats of them."""
    if not agent.max_actions:
        return Size()
    one = Size(CALL_TOKENS, LONGEST_CALL * 4 + (PERSONA_BYTES * SHOWN_TOKENS + 64) * 2)
    helped = Size.largest(Size.of("\n".join(described(helpful(item)))) for item in history)
    return one.times(1, agent.max_actions) + helped.times(1, 2) + tool_names(agent)


def tool_names(agent: PersonaAgent) -> Size:
    """The names of the tools, as critics and editors are shown them."""
    return Size.of("\n".join(agent.available_tools())).times(1, 2) if agent.max_actions else Size()


def as_formed(signature: type[dspy.Signature], agent: PersonaAgent) -> type[dspy.Signature]:
    """A signature as it is used for an agent that acts."""
    if not agent.max_actions:
        return signature
    if "answer" in signature.input_fields:
        return with_actions(signature)
    return for_acting(signature) if "refused" in signature.input_fields else signature
