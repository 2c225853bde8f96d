"""Statements that a user's history shows by itself, with the interactions that show them. No LM is asked.

For outputs with a closed set of answers: what a typical case of an answer looks like, which answers the user mostly
gives and which never, what was chosen lately, which is preferred where the agent errs. For texts: how the user really
writes (`text_evidence`). Whether a statement helps is for acceptance to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from personaopt.agent import spelled
from personaopt.interaction import Interaction
from personaopt.optimizers.text_evidence import MOST_EVIDENCE, QUOTED_TEXTS, text_statements
from personaopt.persona import Statement

if TYPE_CHECKING:
    from personaopt.optimizers.editors import EditRequest

QUOTED_WORDS = 10
TYPICAL_CASES = 3
MOSTLY = 3
NEVER = 6
ERRORS = 2
RECENT = 12


def candidate_statements(request: EditRequest) -> Iterator[tuple[Statement, ...]]:
    """Statements worth trying, each group as a whole, the most promising first.

    They are made from the background and from the feedback alone; what is held out is not among what they are made
    from. Texts are quoted from the background where it has enough: a quoted text gives its own interaction away.
    """
    learnt = [gradient.outcome.interaction for gradient in request.gradients]
    seen = {item.id: item for item in [*request.background, *learnt]}.values()  # oldest first, as both parts are
    streams = []
    for name in request.agent.task.output_fields:
        history = [item for item in seen if name in item.ground_truth]
        if not history:
            continue
        if name in request.agent.answers:
            answers = [spelled(answer) for answer in request.agent.answers[name]]
            streams.append(answer_statements(name, answers, history, _errors(name, request)))
        else:
            older = [item for item in request.background if name in item.ground_truth]
            quotable = older if len(older) >= QUOTED_TEXTS else history
            streams.append(text_statements(name, quotable, request.agent.user.store.embedder))
    for stream in streams:
        yield from stream


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

    yield tuple(_case(name, answer, chosen[latest[answer]][1]) for answer in ranked[:TYPICAL_CASES])
    mostly = ranked[:MOSTLY]
    yield (Statement(f"This user mostly uses: {', '.join(mostly)}.", id=f"{name}:mostly", evidence=of(*mostly)),)
    missed = [_case(name, spelled(item.ground_truth[name]), item) for item, _ in errors[-ERRORS:]]
    if missed:
        yield tuple({statement.id: statement for statement in missed}.values())
    unused = [answer for answer in answers if answer not in counts]
    if unused and len(history) >= 2 * len(ranked):
        never = f"The user never uses: {', '.join(unused[:NEVER])}."
        yield (Statement(never, id=f"{name}:never", evidence=of(*ranked)),)
    recent = chosen[-RECENT:]
    lately = f"The user's latest {_plural(field)}: {', '.join(answer for answer, _ in recent)}."
    yield (Statement(lately, id=f"{name}:latest", evidence=tuple(item.id for _, item in recent)),)
    confused: dict[tuple[str, str], tuple[str, ...]] = {}
    for item, answered in reversed(errors):
        pair = (spelled(item.ground_truth[name]), answered)
        confused[pair] = (*confused.get(pair, ()), item.id)
    for (said, answered), ids in confused.items():
        text = f"The user prefers the {field} {said} over {answered}."
        yield (Statement(text, id=f"{name}:prefers:{said}:{answered}", evidence=ids),)
    listed = ", ".join(f"{answer} ({counts[answer]})" for answer in ranked)
    yield (Statement(f"The user's {_plural(field)}: {listed}.", id=f"{name}:counts", evidence=of(*ranked)),)


def _case(name: str, answer: str, item: Interaction) -> Statement:
    """What a case of an answer looks like, by the beginning of one."""
    kind = next(iter(item.inputs)).replace("_", " ")
    quoted = " ".join(str(next(iter(item.inputs.values()))).split()[:QUOTED_WORDS]).strip(" .,;:")
    text = f'For a {kind} such as "{quoted}" the user says {answer}.'
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
