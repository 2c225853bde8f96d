"""Statements that a user's history shows by itself, with the interactions that show them. No LM is asked.

For outputs with a closed set of answers: which answers the user gives and how often, which never, what was chosen
lately, which is preferred where the agent errs, and what a typical case of an answer looks like. For texts: how the
user really writes, in the user's own words. Whether a statement helps is for acceptance to decide.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from personaopt.agent import spelled
from personaopt.interaction import Interaction
from personaopt.persona import Statement

if TYPE_CHECKING:
    from personaopt.optimizers.editors import EditRequest

MOST_EVIDENCE = 20
QUOTED_WORDS = 10
QUOTED_TEXT_WORDS = 16
RECENT = 8


def candidate_statements(request: EditRequest) -> Iterator[Statement]:
    """Statements worth trying, the most promising first, made from the background and from the feedback alone.

    What is held out is not among what they are made from.
    """
    learnt = [gradient.outcome.interaction for gradient in request.gradients]
    seen = sorted({i.id: i for i in [*request.background, *learnt]}.values(), key=lambda i: _place(request, i))
    streams = []
    for name in request.agent.task.output_fields:
        history = [item for item in seen if name in item.ground_truth]
        if not history:
            continue
        if name in request.agent.answers:
            answers = [spelled(answer) for answer in request.agent.answers[name]]
            streams.append(answer_statements(name, answers, history, _confusions(name, request)))
        else:
            streams.append(text_statements(name, history))
    for stream in streams:
        yield from stream


def _place(request: EditRequest, interaction: Interaction) -> tuple[float, str]:
    return (interaction.time or 0.0, interaction.id)


def answer_statements(
    name: str, answers: Sequence[str], history: Sequence[Interaction], confusions: Sequence[tuple[str, str, str]] = ()
) -> Iterator[Statement]:
    """Statements about an output with a closed set of answers.

    Args:
        name: The output field.
        answers: All answers there are, as text.
        history: Interactions with a ground truth for it, oldest first.
        confusions: For each error what the user said, what was answered, and the interaction's id.
    """
    field = name.replace("_", " ")
    chosen = [(spelled(item.ground_truth[name]), item) for item in history]
    counts = Counter(answer for answer, _ in chosen)
    latest = {answer: place for place, (answer, _) in enumerate(chosen)}
    ranked = sorted(counts, key=lambda answer: (-counts[answer], -latest[answer]))

    def of(*wanted: str) -> tuple[str, ...]:
        return tuple(item.id for answer, item in reversed(chosen) if answer in wanted)[:MOST_EVIDENCE]

    listed = ", ".join(f"{answer} ({counts[answer]})" for answer in ranked)
    yield Statement(f"The user's {_plural(field)}: {listed}.", id=f"{name}:counts", evidence=of(*ranked))
    yield Statement(
        f"The user's latest {_plural(field)}: {', '.join(answer for answer, _ in chosen[-RECENT:])}.",
        id=f"{name}:latest",
        evidence=tuple(item.id for _, item in chosen[-RECENT:]),
    )
    for answer in ranked[:3]:
        newest = chosen[latest[answer]][1]
        quoted = " ".join(str(next(iter(newest.inputs.values()))).split()[:QUOTED_WORDS]).strip(" .,;:")
        first = next(iter(newest.inputs)).replace("_", " ")
        yield Statement(
            f'For a {first} such as "{quoted}" the user says {answer}.',
            id=f"{name}:case:{answer}",
            evidence=(newest.id,),
        )
    unused = [answer for answer in answers if answer not in counts]
    if unused and len(history) >= 2 * len(ranked):
        yield Statement(f"The user never uses: {', '.join(unused[:6])}.", id=f"{name}:never", evidence=of(*ranked))
    for said, answered in dict.fromkeys((said, answered) for said, answered, _ in confusions):
        ids = tuple(i for s, a, i in confusions if (s, a) == (said, answered))
        yield Statement(
            f"The user prefers the {field} {said} over {answered}.",
            id=f"{name}:prefers:{said}:{answered}",
            evidence=ids,
        )


def text_statements(name: str, history: Sequence[Interaction]) -> Iterator[Statement]:
    """Statements about an output that is written text: the user's own texts as examples of style.

    Args:
        name: The output field.
        history: Interactions with a ground truth for it, oldest first.
    """
    texts = [(" ".join(str(item.ground_truth[name]).split()), item) for item in history]
    for text, item in reversed(texts[-6:]):
        quoted = " ".join(text.split()[:QUOTED_TEXT_WORDS])
        key = hashlib.sha256(text.encode()).hexdigest()[:8]
        yield Statement(f'Writes like this: "{quoted}"', id=f"{name}:example:{key}", evidence=(item.id,))


def _confusions(name: str, request: EditRequest) -> list[tuple[str, str, str]]:
    found = []
    for gradient in request.gradients:
        outcome = gradient.outcome
        said, answered = outcome.interaction.ground_truth.get(name), outcome.response.get(name)
        if said is not None and answered is not None and spelled(said) != spelled(answered):
            found.append((spelled(said), spelled(answered), outcome.interaction.id))
    return found


def _plural(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"
