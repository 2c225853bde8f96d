"""One alignment while it runs: its state, and its levels of independent LM calls."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

from personaopt.agent import PersonaAgent, Recall
from personaopt.errors import ModelError, PersonaError
from personaopt.interaction import Interaction
from personaopt.lm.metering import Meter
from personaopt.memory import Memory
from personaopt.optimizers.acceptance import Acceptance, Trial, Verdict, mean_loss
from personaopt.optimizers.asks import Ask, Failure, Steps
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import Critic, Gradient
from personaopt.optimizers.editors import Editor, EditRequest, Edits
from personaopt.optimizers.losses import Case, Objective, Outcome
from personaopt.optimizers.results import Candidate
from personaopt.optimizers.windows import Window
from personaopt.persona import Persona


class OutOfBudget(Exception):
    """The next level must not begin; the message says why."""


@dataclasses.dataclass
class Run:
    """The state of one alignment.

    Attributes:
        agent: The agent that is aligned; it is not changed.
        objective, critic, editor, acceptance: The strategies.
        candidates: Proposals per epoch.
        window: What is learnt from and judged by.
        history: Everything with a ground truth, oldest first; the window and the slice are its end.
        budget: Hard limits.
        seed: For what is drawn.
        persona: The best persona so far.
        meter: What was spent.
        cases: The interactions of the window and the slice, each with what was remembered before it.
        outcomes: How they went under the persona, in their order; the window first.
        tried: Everything that was tried.
        notes: What the reader of the record should know.
    """

    agent: PersonaAgent
    objective: Objective
    critic: Critic
    editor: Editor
    acceptance: Acceptance
    candidates: int
    window: Window
    history: list[Interaction]
    budget: Budget
    seed: int
    persona: Persona
    meter: Meter = dataclasses.field(default_factory=Meter)
    cases: list[Case] = dataclasses.field(default_factory=list)
    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    tried: list[Candidate] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    _promised: int = 0
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    @property
    def background(self) -> list[Interaction]:
        """What came before window and slice; free to learn from."""
        return self.history[: len(self.history) - len(self.window.all)]

    @property
    def learn(self) -> list[Outcome]:
        """Outcomes of the window."""
        held = {item.id for item in self.window.hold_out}
        return [outcome for outcome in self.outcomes if outcome.interaction.id not in held]

    @property
    def loss(self) -> float:
        """Mean loss over window and slice."""
        return mean_loss(self.outcomes)

    def remember(self) -> None:
        """Recall, once and for all candidates, what came before each interaction."""
        recorded = {item.id for item in self.agent.user.history()}
        self.cases = [Case(item, _recall(self.agent, item, item.id in recorded)) for item in self.window.all]

    def level(self, asks: Sequence[Ask[Any]]) -> Steps[list[Any]]:
        """Make independent calls, unless the budget has no room for them.

        Raises:
            OutOfBudget: It has none.
        """
        calls = sum(ask.calls for ask in asks)
        usage = self.meter.usage
        if calls and (reason := self.budget.exceeded(usage, calls)):
            raise OutOfBudget(reason)
        self._promised = usage.calls + calls
        return (yield asks)

    def may_repeat(self, calls: int) -> bool:
        """Whether the budget has room for another attempt at an ask of the level that is under way."""
        with self._lock:
            if self.budget.calls is not None and self._promised + calls > self.budget.calls:
                return False
            self._promised += calls
        self.meter.repeat()
        return True

    def simulate(self) -> Steps[None]:
        """Answer window and slice under the persona. What cannot be answered is left out, with a note.

        Raises:
            ModelError: Nothing could be answered.
        """
        results = yield from self.level([self.objective.ask(self.agent, case, self.persona) for case in self.cases])
        failures = [result for result in results if isinstance(result, Failure)]
        if len(failures) == len(results):
            raise ModelError(f"The LM answered none of {len(results)} interactions: {failures[0].reason}")
        if failures:
            self.notes.append(f"{len(failures)} interactions could not be simulated: {failures[0].reason}")
        kept = [place for place, result in enumerate(results) if not isinstance(result, Failure)]
        self.cases = [self.cases[place] for place in kept]
        self.outcomes = [results[place] for place in kept]

    def propose(self, gradients: Sequence[Gradient], epoch: int) -> Steps[tuple[list[Edits], list[Failure]]]:
        """Candidate edits from the gradients, and what the editor failed to give."""
        request = EditRequest(
            agent=self.agent,
            persona=self.persona,
            gradients=gradients,
            background=self.background,
            tried=self.tried,
            count=self.candidates,
            seed=self.seed + 1000 * epoch,
        )
        results = yield from self.level(self.editor.propose(request))
        failures = [result for result in results if isinstance(result, Failure)]
        return [edits for edits in results if not isinstance(edits, Failure) and edits], failures

    def trials(self, proposals: Sequence[Edits]) -> Steps[list[Candidate]]:
        """Simulate window and slice under every candidate at once, and keep the best one that is accepted."""
        candidates: list[Candidate | tuple[Edits, Persona]] = []
        pinned = {statement.id for statement in self.persona.statements if statement.pinned}
        for edits in proposals:
            try:
                if touched := pinned & {edit.target for edit in edits}:
                    raise PersonaError(f"A pinned statement stays as it is: {', '.join(map(str, touched))}.")
                candidates.append((edits, self.persona.apply(edits)))
            except PersonaError as error:
                candidates.append(Candidate(edits, False, str(error)))
        personas = [entry[1] for entry in candidates if isinstance(entry, tuple)]
        asks = [self.objective.ask(self.agent, case, persona) for persona in personas for case in self.cases]
        results = yield from self.level(asks)
        size = len(self.cases)
        slices = iter([results[start : start + size] for start in range(0, len(results), size)])
        judged: list[tuple[Candidate, Persona, list[Outcome]]] = []
        for entry in candidates:
            if isinstance(entry, tuple):
                after = next(slices)
                judged.append((self._judged(entry[0], after), entry[1], after))
            else:
                judged.append((entry, self.persona, []))
        return self._keep_best(judged)

    def _judged(self, edits: Edits, after: list[Any]) -> Candidate:
        failed = [result for result in after if isinstance(result, Failure)]
        if failed:
            return Candidate(edits, False, f"the LM failed on {len(failed)} interactions: {failed[0].reason}")
        held = {item.id for item in self.window.hold_out}

        def part(outcomes: Sequence[Outcome], of_slice: bool) -> list[Outcome]:
            return [outcome for outcome in outcomes if (outcome.interaction.id in held) == of_slice]

        trial = Trial(part(self.outcomes, False), part(after, False), part(self.outcomes, True), part(after, True))
        verdict: Verdict = self.acceptance.judge(trial)
        return Candidate(edits, verdict.accepted, verdict.reason, mean_loss(after), trial.gain)

    def _keep_best(self, judged: list[tuple[Candidate, Persona, list[Outcome]]]) -> list[Candidate]:
        accepted = [entry for entry in judged if entry[0].accepted]
        best = max(accepted, key=lambda entry: entry[0].gain or 0.0, default=None)
        candidates = []
        for entry in judged:
            candidate = entry[0]
            if candidate.accepted and entry is not best:
                candidate = dataclasses.replace(
                    candidate, accepted=False, reason=f"{candidate.reason}; another change helped more", retry=True
                )
            candidates.append(candidate)
        if best is not None:
            _, self.persona, self.outcomes = best
        self.tried.extend(candidates)
        return candidates


def _recall(agent: PersonaAgent, interaction: Interaction, recorded: bool) -> Recall:
    """What was remembered before an interaction; without a place in the history, all of it but the question itself."""
    if recorded or interaction.time is not None:
        return agent.recall(interaction.inputs, before=interaction if recorded else interaction.time)
    recalled = agent.recall(interaction.inputs)

    def others(memories: Sequence[Memory]) -> tuple[Memory, ...]:
        return tuple(memory for memory in memories if memory.interaction.inputs != interaction.inputs)

    return Recall(others(recalled.memories), others(recalled.earlier))
