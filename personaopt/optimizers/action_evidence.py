"""Tool preferences that a user's recorded actions show, as statements to be tried. No LM is asked.

For small models that cannot reflect: what helped with older questions is proposed, and acceptance decides whether the
policy looks in the right place more often, and answers better, with the statement in its prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from personaopt.agent import PersonaAgent
from personaopt.errors import PersonaError
from personaopt.interaction import Interaction
from personaopt.memory.routines import routines
from personaopt.memory.tool_preferences import is_callable, is_tool_preference
from personaopt.persona import Persona, Statement


def action_statements(agent: PersonaAgent, history: Sequence[Interaction]) -> Iterator[tuple[Statement, ...]]:
    """Statements worth trying, the most often shown first; none for an agent that does not act.

    All of them together come first: each is about questions of its own, and a window has few of each.

    Args:
        agent: Who acts; what is known of tools that it may not call is left out.
        history: Interactions with their actions, oldest first.
    """
    if not agent.max_actions:
        return
    tools = agent.available_tools()
    shown: dict[str, Statement] = {}
    for routine in routines(history):
        preference = routine.preference
        statement = Statement(preference.text, id=preference.field, evidence=routine.evidence, field=preference.field)
        if preference.tool in tools:
            shown.setdefault(statement.id, statement)
    if len(shown) > 1:
        yield tuple(shown.values())
    for statement in shown.values():
        yield (statement,)


def with_routines(agent: PersonaAgent, persona: Persona, history: Sequence[Interaction]) -> Persona:
    """A first persona with the routines that semantic memory believes and that rest on a history alone.

    Args:
        agent: Who acts; a persona of one that does not stays as it is.
        persona: The persona.
        history: What may be learnt from.
    """
    if not agent.max_actions:
        return persona
    known = {interaction.id for interaction in history}
    tools = agent.available_tools()
    for fact in agent.user.facts():
        statement = fact.statement
        fits = fact.holds and statement.evidence and known.issuperset(statement.evidence)
        if fits and is_tool_preference(statement.field) and is_callable(statement, tools):
            try:
                persona = Persona((*persona.statements, statement), persona.token_limit)
            except PersonaError:
                continue  # said already, or too long for what is left of the limit
    return persona
