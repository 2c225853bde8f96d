"""From gradients to edits: who proposes how the persona changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import ModelError, PersonaError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.lm.codec import Codec
from personaopt.memory.tool_preferences import field_of
from personaopt.optimizers.critics import Gradient
from personaopt.optimizers.evidence import candidate_statements
from personaopt.optimizers.quoting import is_refusal
from personaopt.optimizers.results import Candidate
from personaopt.persona import Edit, Persona, Statement
from personaopt.signatures.edit import FOCUSES, EditPersona, FocusedEdit, ProposedEdit, for_acting
from personaopt.signatures.excerpt import excerpt

MOST_EDITS = 5
SHOWN_REFUSALS = 12
SHOWN_TOKENS = 200
"""Of each piece of feedback and each refused change."""


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
        refusals: How many steps in a row changed nothing: each proposed something for this same persona.
    """

    agent: PersonaAgent
    persona: Persona
    gradients: Sequence[Gradient]
    background: Sequence[Interaction]
    tried: Sequence[Candidate]
    count: int
    seed: int
    refusals: int = 0


Edits = tuple[Edit, ...]
KEPT_EDITS: Codec[Edits] = Codec(
    lambda edits: [edit.to_dict() for edit in edits], lambda values: tuple(map(Edit.from_dict, values))
)


class Editor(Protocol):
    """Proposes changes to a persona; each is tried as a whole.

    An attribute `calls` says how many LM calls it makes for each candidate, 1 where it has none. An attribute `quotes`
    says that its statements may repeat more than a dozen words of an interaction, by design; no editor may without it.
    """

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """At most `request.count` proposals; all their calls are made at once. None when it has no more ideas."""
        ...


class LMEditor:
    """Edits written by an LM from all feedback at once (PersonaAgent's LLM_update).

    The first candidate takes up the feedback as a whole. Others differ in what they are about: what most feedback
    agrees on, the worst answer, what the persona states wrongly; and they are drawn at a temperature. After a step that
    changed nothing the next one begins with the next focus. What was refused is shown, with the reason.

    Args:
        lm: The LM that writes; the agent's when None.
        focuses: What candidates are about, in turn; none to let them differ by chance alone. `{worst}` stands for the
            number of the feedback on the worst answer.
        temperature: At which all candidates but the first of a step are drawn.
    """

    calls = 1

    def __init__(self, lm: Any = None, *, focuses: Sequence[str] = FOCUSES, temperature: float = 1.0) -> None:
        self.predict = dspy.Predict(EditPersona)
        self.predict.lm = lm
        self.focuses = tuple(focuses)
        self.temperature = temperature

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """`request.count` calls of `EditPersona`."""
        if not request.gradients:
            return []
        inputs: dict[str, Any] = {
            "persona": numbered(statement.text for statement in request.persona.statements),
            "feedback": numbered(excerpt(gradient.text, SHOWN_TOKENS) for gradient in request.gradients),
            "refused": _refused(request.tried)[-SHOWN_REFUSALS:],
            "token_limit": request.persona.token_limit,
        }
        tools = request.agent.available_tools() if request.agent.max_actions else []
        if tools:
            inputs["tools"] = tools

        def finish(prediction: dspy.Prediction) -> Edits:
            texts = [gradient.text for gradient in request.gradients]
            sources = [gradient.outcome.interaction.id for gradient in request.gradients]
            edits = edits_of(prediction.edits or [], request.persona, texts, sources, tools)
            answered = tuple(edit for edit in edits if not (edit.statement and is_refusal(edit.statement.text)))
            if edits and not answered:
                raise ModelError("The editor proposed nothing but its refusal.")
            return answered

        return [
            Ask.predict(
                self.predict,
                finish,
                reflect=True,
                codec=KEPT_EDITS,
                lm=self.predict.lm or request.agent.lm,
                **inputs,
                **self._drawn(request, number),
            )
            for number in range(request.count)
        ]

    def _drawn(self, request: EditRequest, number: int) -> dict[str, Any]:
        """What one candidate of a step differs in from the others."""
        drawn: dict[str, Any] = {}
        if number:
            drawn["config"] = {"temperature": self.temperature, "rollout_id": request.seed + number}
        # The last focus may well find nothing to propose, which is for further candidates to say.
        focuses = self.focuses if number and request.persona else self.focuses[:-1]
        turn = request.refusals + number
        if turn and focuses:
            losses = [gradient.outcome.loss for gradient in request.gradients]
            focus = focuses[(turn - 1) % len(focuses)].replace("{worst}", str(1 + losses.index(max(losses))))
            drawn |= {"signature": FocusedEdit, "focus": focus}
        if request.agent.max_actions:
            drawn["signature"] = for_acting(drawn.get("signature", self.predict.signature))
        return drawn


def _refused(tried: Sequence[Candidate]) -> list[str]:
    """What was tried and not kept, each change once, with the reason that was given last."""
    reasons = {
        excerpt(str(edit), SHOWN_TOKENS): candidate.reason
        for candidate in tried
        if not candidate.accepted
        for edit in candidate.edits
    }
    return [f"{edit} ({reason})" for edit, reason in reasons.items()]


class EvidenceEditor:
    """Statements of what the history shows, tried group by group, and the persona without those it began with.

    Needs no LM: acceptance decides what is kept and what goes.
    """

    calls = 0
    quotes = True

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """The next untried statements; those that helped, but less than another one, are tried again."""
        done = {str(edit) for candidate in request.tried if not candidate.retry for edit in candidate.edits}
        changes = [
            tuple(edit for edit in (_put(request.persona, statement) for statement in statements) if edit)
            for statements in candidate_statements(request)
        ]
        untried = [edits for edits in (*_without(request), *changes) if not done.issuperset(map(str, edits))]
        return [Ask.done(edits) for edits in untried[: request.count]]


def _without(request: EditRequest) -> list[Edits]:
    """The persona without one kind of the statements that it began with: what no longer helps may go."""
    learnt = {edit.statement.id for tried in request.tried for edit in tried.edits if edit.statement}
    kinds: dict[tuple[str, ...], list[Edit]] = {}
    for statement in request.persona.statements:
        kind = tuple(statement.id.split(":")[:2])  # `tag:words:comedy` is one of the kind `tag:words`
        if kind[0] in request.agent.task.output_fields and statement.id not in learnt and not statement.pinned:
            kinds.setdefault(kind, []).append(Edit("remove", target=statement.id, reason="it may no longer help"))
    return [tuple(edits) for edits in kinds.values()]


def _put(persona: Persona, statement: Statement) -> Edit | None:
    """The edit that puts a statement into a persona, in the place of an older one of the same id."""
    for known in persona.statements:
        if known.id == statement.id:
            if known.text == statement.text or known.pinned:
                return None
            return Edit("replace", statement, known.id, "the history has moved on")
    return Edit("add", statement, reason="shown by the history")


def edits_of(
    proposals: Sequence[ProposedEdit],
    persona: Persona,
    feedback: Sequence[str],
    sources: Sequence[str] = (),
    tools: Collection[str] = (),
) -> Edits:
    """An LM's proposals as edits with evidence; those that mean nothing here, and all beyond the fifth, are left out.

    Args:
        proposals: What the LM answered to `EditPersona`.
        persona: The persona it was shown.
        feedback: The feedback it was shown.
        sources: The id of the interaction behind each feedback, which becomes the evidence; none where it has no id.
        tools: The tools that the agent has; a statement that says which one to use first is known by its `field`.
    """
    edits = (_edit(proposed, persona, feedback, sources, tools) for proposed in proposals[:MOST_EDITS])
    return tuple(edit for edit in edits if edit is not None)


def _edit(
    proposed: ProposedEdit,
    persona: Persona,
    feedback: Sequence[str],
    sources: Sequence[str],
    tools: Collection[str],
) -> Edit | None:
    target = dict(enumerate(persona.statements, 1)).get(proposed.statement or 0)
    followed = [number - 1 for number in proposed.feedback if 0 < number <= len(feedback)]
    evidence = tuple(sources[place] for place in followed or range(len(feedback))) if sources else ()
    reason = "; ".join(feedback[place] for place in followed)[:300]
    if proposed.action == "remove":
        return Edit("remove", target=target.id, reason=reason) if target and not target.pinned else None
    try:
        statement = Statement(proposed.text, evidence=evidence, field=field_of(proposed.text, tools) if tools else None)
    except PersonaError:
        return None
    if target is None or target.pinned or proposed.action == "add":
        known = {known.id for known in persona.statements}
        return None if statement.id in known else Edit("add", statement, reason=reason)
    return Edit("replace", statement, target.id, reason)


def numbered(texts: Iterable[str]) -> list[str]:
    """Lines as the LM is shown them, so that it can name them."""
    return [f"{number}. {text}" for number, text in enumerate(texts, 1)]
