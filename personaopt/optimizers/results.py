"""What an alignment did: every step, every edit with its verdict, and what it cost."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

from personaopt.lm.metering import Usage
from personaopt.persona import Edit, Persona


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A proposed change and what became of it.

    Attributes:
        edits: The change.
        accepted: Whether it was kept.
        reason: Why, or why not, with figures.
        loss: Mean loss over window and held-out slice under it; None where it was not simulated.
        gain: How much lower that is than before; None where it was not simulated.
        retry: It helped, and another change helped more: it may be tried again beside that one.
    """

    edits: tuple[Edit, ...]
    accepted: bool
    reason: str
    loss: float | None = None
    gain: float | None = None
    retry: bool = False

    def records(self) -> list[dict[str, Any]]:
        """One record per edit: the edit, its evidence and the reason."""
        return [
            {
                "edit": str(edit),
                "evidence": list(edit.statement.evidence) if edit.statement else [],
                "reason": self.reason,
            }
            for edit in self.edits
        ]


@dataclasses.dataclass(frozen=True)
class Step:
    """One epoch of the loop.

    Attributes:
        epoch: From 1.
        loss: Mean loss over window and slice before it.
        gradients: The feedback that its edits were made from.
        candidates: All that was tried.
        skipped: LM replies that were of no use, with the reason.
    """

    epoch: int
    loss: float
    gradients: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    skipped: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Alignment:
    """The record of one alignment, kept on the agent that it returns as `detailed_results`.

    Attributes:
        before: The persona it began with.
        after: The best persona it found.
        losses: Mean loss over window and slice, before the first step and after each.
        steps: What was tried.
        stopped: Why it ended.
        usage: LM calls, tokens and seconds.
        window: Ids of the interactions it learnt from.
        held_out: Ids of those it only judged by.
        notes: What the reader should know, such as a shrunk window.
        version: The version that was stored; the old one when nothing changed.
        resumed: LM calls that were taken over from the same alignment before it was interrupted; they are part of the
            usage.
        run: Its id, which the version that it stored names too.
    """

    before: Persona
    after: Persona
    losses: tuple[float, ...]
    steps: tuple[Step, ...]
    stopped: str
    usage: Usage
    window: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version: int = 0
    resumed: int = 0
    run: str = ""

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """The edits that were kept, each with its evidence and the reason."""
        return [record for step in self.steps for c in step.candidates if c.accepted for record in c.records()]

    @property
    def refused(self) -> list[dict[str, Any]]:
        """The edits that were not, each with its evidence and the reason."""
        return [record for step in self.steps for c in step.candidates if not c.accepted for record in c.records()]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values; it holds feedback and statements, and of interactions only their ids."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "losses": list(self.losses),
            "steps": [
                {
                    "epoch": step.epoch,
                    "loss": step.loss,
                    "feedback": list(step.gradients),
                    "skipped": list(step.skipped),
                    "candidates": [
                        {"accepted": c.accepted, "loss": c.loss, "gain": c.gain, "changes": c.records()}
                        for c in step.candidates
                    ],
                }
                for step in self.steps
            ],
            "accepted": self.accepted,
            "refused": self.refused,
            "stopped": self.stopped,
            "calls": self.usage.calls,
            "repeats": self.usage.repeats,
            "resumed": self.resumed,
            "tokens": self.usage.tokens,
            "seconds": round(self.usage.seconds, 3),
            "window": list(self.window),
            "held_out": list(self.held_out),
            "notes": list(self.notes),
            "version": self.version,
            "run": self.run,
        }

    def __str__(self) -> str:
        path = " -> ".join(f"{loss:.3f}" for loss in self.losses) or "not measured"
        kept = len([1 for step in self.steps for candidate in step.candidates if candidate.accepted])
        tried = sum(len(step.candidates) for step in self.steps)
        return (
            f"mean loss {path}; {kept} of {tried} changes kept; {self.usage.calls} LM calls, "
            f"{self.usage.tokens} tokens, {self.usage.seconds:.1f} s; stopped: {self.stopped}"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{step.epoch}</td><td>{'kept' if c.accepted else 'refused'}</td>"
            f"<td>{'<br>'.join(html.escape(str(edit)) for edit in c.edits)}</td><td>{html.escape(c.reason)}</td></tr>"
            for step in self.steps
            for c in step.candidates
        )
        head = "<tr><th>step</th><th></th><th>change</th><th>why</th></tr>"
        return f"<p>{html.escape(str(self))}</p><table>{head}{rows}</table>"
