"""From gradients to edits: who proposes how the persona changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import PersonaError
from personaopt.interaction import Interaction
from personaopt.optimizers.asks import Ask
from personaopt.optimizers.critics import Gradient
from personaopt.optimizers.evidence import candidate_statements
from personaopt.optimizers.results import Candidate
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.edit import EditPersona, ProposedEdit

MOST_EDITS = 5
SHOWN_REFUSALS = 12


@dataclasses.dataclass(frozen=True)
class EditRequest:
    """What an editor sees.

    Attributes:
        agent: The agent whose persona is edited.
        persona: The persona as it is.
        gradients: Feedback, in the order of the interactions.
        background: What the user did before the window and the held-out slice began, oldest first; free to learn from.
        tried: What was tried before in this alignment, with what became of it.
        count: How many candidates to propose at most.
        seed: For what is drawn.
    """

    agent: PersonaAgent
    persona: Persona
    gradients: Sequence[Gradient]
    background: Sequence[Interaction]
    tried: Sequence[Candidate]
    count: int
    seed: int


Edits = tuple[Edit, ...]


class Editor(Protocol):
    """Proposes changes to a persona; each is tried as a whole.

    An attribute `calls` says how many LM calls it makes for each candidate; 1 where it has none.
    """

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """At most `request.count` proposals; all their calls are made at once. None when it has no more ideas."""
        ...


class LMEditor:
    """Edits written by an LM from all feedback at once (PersonaAgent's LLM_update).

    Args:
        lm: The LM that writes; the agent's when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.predict = dspy.Predict(EditPersona)
        self.predict.lm = lm

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """`count` calls of `EditPersona`: the first as the LM is configured, the others drawn at temperature 1."""
        if not request.gradients:
            return []
        refused = [
            f"{edit} ({candidate.reason})"
            for candidate in request.tried
            if not candidate.accepted
            for edit in candidate.edits
        ]
        inputs = {
            "lm": self.predict.lm or request.agent.lm,
            "persona": numbered(statement.text for statement in request.persona.statements),
            "feedback": numbered(gradient.text for gradient in request.gradients),
            "refused": refused[-SHOWN_REFUSALS:],
            "token_limit": request.persona.token_limit,
        }

        def finish(prediction: dspy.Prediction) -> Edits:
            texts = [gradient.text for gradient in request.gradients]
            sources = [gradient.outcome.interaction.id for gradient in request.gradients]
            return edits_of(prediction.edits or [], request.persona, texts, sources)

        drawn = [{"config": {"temperature": 1.0, "rollout_id": request.seed + k}} for k in range(1, request.count)]
        return [Ask.predict(self.predict, finish, reflect=True, **inputs, **settings) for settings in [{}, *drawn]]


class EvidenceEditor:
    """Statements of what the history shows, tried group by group. Needs no LM: acceptance decides what is kept."""

    calls = 0

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """The next untried statements; those that helped, but less than another one, are tried again."""
        done = {str(edit) for candidate in request.tried if not candidate.retry for edit in candidate.edits}
        proposals: list[Ask[Edits]] = []
        for statements in candidate_statements(request):
            edits = tuple(edit for edit in (_put(request.persona, statement) for statement in statements) if edit)
            if edits and not done.issuperset(map(str, edits)):
                proposals.append(Ask.done(edits))
        return proposals[: request.count]


def _put(persona: Persona, statement: Statement) -> Edit | None:
    """The edit that puts a statement into a persona, in the place of an older one of the same id."""
    for known in persona.statements:
        if known.id == statement.id:
            if known.text == statement.text or known.pinned:
                return None
            return Edit("replace", statement, known.id, "the history has moved on")
    return Edit("add", statement, reason="shown by the history")


def edits_of(
    proposals: Sequence[ProposedEdit], persona: Persona, feedback: Sequence[str], sources: Sequence[str] = ()
) -> Edits:
    """An LM's proposals as edits with evidence; those that mean nothing here, and all beyond the fifth, are left out.

    Args:
        proposals: What the LM answered to `EditPersona`.
        persona: The persona it was shown.
        feedback: The feedback it was shown.
        sources: The id of the interaction behind each feedback, which becomes the evidence; none where it has no id.
    """
    edits = (_edit(proposed, persona, feedback, sources) for proposed in proposals[:MOST_EDITS])
    return tuple(edit for edit in edits if edit is not None)


def _edit(proposed: ProposedEdit, persona: Persona, feedback: Sequence[str], sources: Sequence[str]) -> Edit | None:
    target = dict(enumerate(persona.statements, 1)).get(proposed.statement or 0)
    followed = [number - 1 for number in proposed.feedback if 0 < number <= len(feedback)]
    evidence = tuple(sources[place] for place in followed or range(len(feedback))) if sources else ()
    reason = "; ".join(feedback[place] for place in followed)[:300]
    if proposed.action == "remove":
        return Edit("remove", target=target.id, reason=reason) if target and not target.pinned else None
    try:
        statement = Statement(proposed.text, evidence=evidence)
    except PersonaError:
        return None
    if target is None or target.pinned or proposed.action == "add":
        known = {known.id for known in persona.statements}
        return None if statement.id in known else Edit("add", statement, reason=reason)
    return Edit("replace", statement, target.id, reason)


def numbered(texts: Iterable[str]) -> list[str]:
    """Lines as the LM is shown them, so that it can name them."""
    return [f"{number}. {text}" for number, text in enumerate(texts, 1)]
