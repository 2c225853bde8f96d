"""Statements that a user's history shows by itself, with the interactions that show them. No LM is asked.

For outputs with a closed set of answers: how often the user gave each, which words tell them apart (`word_evidence`),
what a typical case of an answer looks like, which answers the user never gives, what was chosen lately, which is
preferred where the agent errs. For options that are texts: what was chosen (`option_evidence`). For texts: how the user
really writes (`text_evidence`). For agents that act: where to look first (`action_evidence`). Whether a statement helps
is for acceptance to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from personaopt.agent import PersonaAgent, spelled
from personaopt.errors import PersonaError
from personaopt.interaction import Interaction
from personaopt.memory.tool_preferences import FIELD
from personaopt.optimizers.action_evidence import action_statements
from personaopt.optimizers.option_evidence import option_statements
from personaopt.optimizers.text_evidence import MOST_EVIDENCE, text_statements
from personaopt.optimizers.word_evidence import word_statements
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.standing import stands_for

if TYPE_CHECKING:
    from personaopt.optimizers.editors import EditRequest

QUOTED_WORDS = 10
TYPICAL_CASES = 8
MOSTLY = 8
NEVER = 6
ENOUGH = 6
"""So many older interactions make statements by themselves, so that the window does not show its own answers."""
RECENT = 12


def candidate_statements(request: EditRequest) -> Iterator[tuple[Statement, ...]]:
    """Statements worth trying, each group as a whole, the most promising first.

    They are made from the background, and from the window where that has too little: a statement that shows an
    interaction its own answer cannot be judged by it. Preferences are read off the errors in the window. What is held
    out is not among what they are made from.
    """
    learnt = [gradient.outcome.interaction for gradient in request.gradients]
    acted = [item for item in request.background if item.actions]
    yield from action_statements(request.agent, acted if len(acted) >= ENOUGH else [*request.background, *learnt])
    for name in request.agent.task.output_fields:
        older = [item for item in request.background if name in item.ground_truth]
        enough = len(older) >= ENOUGH
        history = older if enough else older + [item for item in learnt if name in item.ground_truth]
        if history:
            yield from statements_of(request.agent, name, history, _errors(name, request))


def statements_of(
    agent: PersonaAgent, name: str, history: Sequence[Interaction], errors: Sequence[tuple[Interaction, str]] = ()
) -> Iterator[tuple[Statement, ...]]:
    """The statements that a history shows about one output of an agent's task.

    Args:
        agent: Whose task it is.
        name: The output field.
        history: Interactions, oldest first; those without a ground truth for it say nothing here.
        errors: As for `answer_statements`.
    """
    history = [item for item in history if name in item.ground_truth]
    if not history:
        return
    field = agent.task.output_fields[name]
    if stands_for(field) is not None:
        yield from option_statements(name, field, history)
    elif name in agent.answers:
        yield from answer_statements(name, [spelled(answer) for answer in agent.answers[name]], history, errors)
    else:
        yield from text_statements(name, history, agent.user.store.embedder)


def brought_up_to_date(
    agent: PersonaAgent, persona: Persona, before: Persona, history: Sequence[Interaction]
) -> Persona:
    """A persona whose newly learnt statements are made anew from everything that is known.

    What was tried was made from older interactions only, so that it could be judged by the latest ones. Once the kind
    of statement has proved itself, it may as well say what is true today.

    Args:
        agent: Whose task it is.
        persona: What was learnt.
        before: What the alignment began with; its statements stay as they are.
        history: Interactions with a ground truth, oldest first.
    """
    known = {statement.id for statement in before.statements}
    outputs = (*(f"{name}:" for name in agent.task.output_fields), FIELD)
    learnt = [old for old in persona.statements if old.id not in known and not old.pinned]
    if not any(old.id.startswith(outputs) for old in learnt):  # written by an LM: there is nothing to make anew
        return persona
    current = {
        statement.id: statement
        for name in agent.task.output_fields
        for group in statements_of(agent, name, history)
        for statement in group
    }
    current |= {statement.id: statement for group in action_statements(agent, history) for statement in group}
    edits = [
        Edit("replace", current[old.id], old.id, "brought up to date")
        for old in learnt
        if old.id in current and old != current[old.id]
    ]
    try:
        return persona.apply(edits)
    except PersonaError:  # longer than the limit: what was tried stays
        return persona


def answer_statements(
    name: str, answers: Sequence[str], history: Sequence[Interaction], errors: Sequence[tuple[Interaction, str]] = ()
) -> Iterator[tuple[Statement, ...]]:
    """Statements about an output with a closed set of answers.

    Args:
        name: The output field.
        answers: All answers there are, as text.
        history: Interactions with a ground truth for it, oldest first.
        errors: The interactions that were answered wrongly, oldest first, each with what was answered.
    """
    field = name.replace("_", " ")
    chosen = [(spelled(item.ground_truth[name]), item) for item in history]
    counts = Counter(answer for answer, _ in chosen)
    latest = {answer: place for place, (answer, _) in enumerate(chosen)}
    ranked = sorted(counts, key=lambda answer: (-counts[answer], -latest[answer]))

    def of(*wanted: str) -> tuple[str, ...]:
        return tuple(item.id for answer, item in reversed(chosen) if answer in wanted)[:MOST_EVIDENCE]

    mostly = ranked[:MOSTLY]
    shares = ", ".join(f"{answer} ({counts[answer]} of {len(chosen)})" for answer in mostly)
    text = f"The user's {_plural(field)}: {shares}."
    yield (Statement(text, id=f"{name}:mostly", evidence=of(*mostly)),)
    if words := word_statements(name, chosen, ranked):
        yield words
    yield tuple(_case(name, answer, chosen[latest[answer]][1]) for answer in ranked[:TYPICAL_CASES])
    recent = chosen[-RECENT:]
    lately = f"The user's latest {_plural(field)}: {', '.join(answer for answer, _ in recent)}."
    last = (Statement(lately, id=f"{name}:latest", evidence=tuple(item.id for _, item in recent)),)
    unused = [answer for answer in answers if answer not in counts]
    if unused and len(history) >= 2 * len(ranked) and not all(answer.isnumeric() for answer in answers):
        never = f"The user never uses: {', '.join(unused[:NEVER])}."  # on a scale it says nothing about the neighbours
        yield (Statement(never, id=f"{name}:never", evidence=of(*ranked)),)
    yield last
    confused: dict[tuple[str, str], tuple[str, ...]] = {}
    for item, answered in reversed(errors):
        pair = (spelled(item.ground_truth[name]), answered)
        confused[pair] = (*confused.get(pair, ()), item.id)
    for (said, answered), ids in sorted(confused.items(), key=lambda entry: -len(entry[1])):
        text = f"The user prefers the {field} {said} over {answered}."
        yield (Statement(text, id=f"{name}:prefers:{said}:{answered}", evidence=ids),)


def _case(name: str, answer: str, item: Interaction) -> Statement:
    """What a case of an answer looks like, by the beginning of one."""
    kind = next(iter(item.inputs)).replace("_", " ")
    quoted = " ".join(str(next(iter(item.inputs.values()))).split()[:QUOTED_WORDS]).strip(" .,;:")
    text = f'For {_plural(kind)} such as "{quoted}" the user says {answer}.'
    return Statement(text, id=f"{name}:case:{answer}", evidence=(item.id,))


def _errors(name: str, request: EditRequest) -> list[tuple[Interaction, str]]:
    found = []
    for gradient in request.gradients:
        outcome = gradient.outcome
        said, answered = outcome.interaction.ground_truth.get(name), outcome.response.get(name)
        if said is not None and answered is not None and spelled(said) != spelled(answered):
            found.append((outcome.interaction, spelled(answered)))
    return found


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
