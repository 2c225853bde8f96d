"""Candidate changes on trial: which may be tried, what they do to window and slice, and which one is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from personaopt.errors import PersonaError
from personaopt.lm.asks import Failure, Steps
from personaopt.optimizers.acceptance import Trial, mean_loss
from personaopt.optimizers.editors import Edits
from personaopt.optimizers.events import CandidateJudged, CandidateProposed
from personaopt.optimizers.gathering import claimed, outcomes_of
from personaopt.optimizers.losses import Outcome
from personaopt.optimizers.quoting import shortened
from personaopt.optimizers.results import Candidate
from personaopt.persona import Persona

if TYPE_CHECKING:
    from personaopt.optimizers.run import Run


@dataclasses.dataclass
class Proposal:
    """A change that was proposed.

    Attributes:
        edits: The change.
        persona: The persona under it; None where it must not be tried.
        verdict: What became of it; None while it is not known.
        outcomes: How window and slice went under it.
    """

    edits: Edits
    persona: Persona | None = None
    verdict: Candidate | None = None
    outcomes: list[Any] = dataclasses.field(default_factory=list)


def try_out(run: Run, proposals: Sequence[Edits], *, last: bool) -> Steps[list[Candidate]]:
    """Simulate window and slice under every candidate at once, and keep the best one that is accepted.

    Args:
        run: The alignment; its persona and outcomes become those of the best candidate.
        proposals: The candidates.
        last: Nothing comes after it: where a candidate needs no test it is not simulated either.
    """
    drafts = _drafts(run, proposals)
    for draft in drafts:
        run.levels.tell(CandidateProposed, epoch=run.levels.epoch, edits=draft.edits)
    tried = [draft for draft in drafts if draft.verdict is None]
    if last and len(tried) == 1 and not getattr(run.acceptance, "needs_trial", True):
        (draft,) = tried
        draft.verdict, draft.outcomes = Candidate(draft.edits, True, "taken without a test"), run.outcomes
        run.measured = False
    elif tried:
        pairs = [(case, draft.persona) for draft in tried for case in run.cases if draft.persona is not None]
        results = yield from outcomes_of(run, "trial", pairs)
        size = len(run.cases)
        for place, draft in enumerate(tried):
            draft.outcomes = results[place * size : (place + 1) * size]
            draft.verdict = _judged(run, draft.edits, draft.outcomes)
    return _best_kept(run, drafts)


def _drafts(run: Run, proposals: Sequence[Edits]) -> list[Proposal]:
    """The candidates, those refused already that need not be tried, with the reason."""
    pinned = {statement.id for statement in run.persona.statements if statement.pinned}
    seen = {run.persona.render(): "it changes nothing"}
    drafts = []
    for edits in proposals:
        draft = Proposal(edits)
        drafts.append(draft)
        reason = "" if getattr(run.editor, "quotes", False) else run.texts.refused(edits)
        reason = reason or claimed(run, edits)
        if reason:
            draft.edits = shortened(edits)
        try:
            if touched := pinned & {edit.target for edit in edits}:
                raise PersonaError(f"A pinned statement stays as it is: {', '.join(map(str, touched))}.")
            draft.persona = run.persona.apply(edits)
            reason = reason or seen.get(draft.persona.render(), "")
            seen.setdefault(draft.persona.render(), "it is the same as another one")
        except PersonaError as error:
            reason = reason or str(error)
        if reason:
            draft.verdict = Candidate(draft.edits, False, reason)
    return drafts


def _judged(run: Run, edits: Edits, after: Sequence[Any]) -> Candidate:
    failed = [result for result in after if isinstance(result, Failure)]
    if failed:
        return Candidate(edits, False, f"the LM failed on {len(failed)} interactions: {failed[0].reason}")
    held = {item.id for item in run.window.hold_out}

    def part(outcomes: Sequence[Outcome], of_slice: bool) -> list[Outcome]:
        return [outcome for outcome in outcomes if (outcome.interaction.id in held) == of_slice]

    trial = Trial(part(run.outcomes, False), part(after, False), part(run.outcomes, True), part(after, True))
    verdict = run.acceptance.judge(trial)
    return Candidate(edits, verdict.accepted, verdict.reason, mean_loss(after), trial.gain)


def _best_kept(run: Run, drafts: Sequence[Proposal]) -> list[Candidate]:
    verdicts = [draft.verdict for draft in drafts if draft.verdict is not None]
    accepted = [draft for draft in drafts if draft.verdict is not None and draft.verdict.accepted]
    best = max(accepted, key=_gain, default=None)
    candidates = []
    for candidate in verdicts:
        if candidate.accepted and (best is None or candidate is not best.verdict):
            reason = f"{candidate.reason}; another change helped more"
            candidate = dataclasses.replace(candidate, accepted=False, reason=reason, retry=True)
        candidates.append(candidate)
    if best is not None and best.persona is not None:
        run.persona, run.outcomes = best.persona, best.outcomes
    for candidate in candidates:
        run.levels.tell(CandidateJudged, epoch=run.levels.epoch, candidate=candidate)
    run.tried.extend(candidates)
    return candidates


def _gain(draft: Proposal) -> float:
    return (draft.verdict.gain if draft.verdict else None) or 0.0
