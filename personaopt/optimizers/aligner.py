"""PersonaAligner: the test-time alignment of a persona on its user's own latest interactions.

PersonaAgent's Algorithm 1 (arXiv 2506.06254) with one addition: an edit is kept only if it helps, also on interactions
that it was not derived from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import dspy
from dspy.teleprompt import Teleprompter
from dspy.utils.callback import with_callbacks

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, DataError
from personaopt.interaction import Interaction
from personaopt.lm.local import is_small_local
from personaopt.optimizers.acceptance import Acceptance, ImprovesBoth
from personaopt.optimizers.asks import Failure, Steps, adrive, drive, one_call_an_attempt
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import ContrastiveCritic, Critic, LMCritic
from personaopt.optimizers.editors import Editor, EvidenceEditor, LMEditor
from personaopt.optimizers.evidence import brought_up_to_date
from personaopt.optimizers.forecast import lms_of, previewed
from personaopt.optimizers.losses import Metric, objective_for
from personaopt.optimizers.preview import Preview
from personaopt.optimizers.results import Alignment, Step
from personaopt.optimizers.run import OutOfBudget, Run
from personaopt.optimizers.starts import EmptyStart, ProfileStart, Start
from personaopt.optimizers.trainset import interactions
from personaopt.optimizers.windows import FEWEST, latest_with_slice

AUTHOR = "PersonaAligner"


class PersonaAligner(Teleprompter):
    """Learns a user's persona from the latest interactions; returns a new agent, leaves the old one alone.

    Args:
        latest: n, the interactions that feedback is derived from.
        held_out: h, the interactions that edits are only judged by.
        epochs: E, how many times the loop runs at most.
        candidates: k, proposals per epoch; when None one where an LM writes them, three where the history does.
        metric: Scores a response in [0, 1], in DSPy's or GEPA's form; agreement with the ground truth when None.
        critic: Writes the gradients; when None `LMCritic`, or `ContrastiveCritic` for a small local model.
        editor: Proposes the edits; when None `LMEditor`, or `EvidenceEditor` for a small local model.
        start: Where a first persona comes from; when None `ProfileStart`, or `EmptyStart` for a small local model.
        acceptance: Decides which edits are kept; `AcceptAll` is the paper's loop. When None `ImprovesBoth`, with the
            least effect that means something for the loss.
        budget: Hard limits; see `Budget`.
        threads: LM calls under way at once.
        seed: For everything that is drawn.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> aligned = PersonaAligner(latest=8, held_out=4, epochs=3).compile(agent)
        >>> print(aligned.persona, aligned.detailed_results)
    """

    def __init__(
        self,
        *,
        latest: int = 8,
        held_out: int = 4,
        epochs: int = 3,
        candidates: int | None = None,
        metric: Metric | None = None,
        critic: Critic | None = None,
        editor: Editor | None = None,
        start: Start | None = None,
        acceptance: Acceptance | None = None,
        budget: Budget | None = None,
        threads: int = 16,
        seed: int = 0,
    ) -> None:
        super().__init__()
        whole = {"latest": 1, "held_out": 0, "epochs": 0, "candidates": 1, "threads": 1}
        given = {"latest": latest, "held_out": held_out, "epochs": epochs, "candidates": candidates, "threads": threads}
        for name, least in whole.items():
            value = given[name]
            if name == "candidates" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ConfigurationError(f"{name} must be a whole number of at least {least}; it is {value!r}.")
        self.latest, self.held_out, self.epochs = latest, held_out, epochs
        self.candidates = candidates
        self.metric = metric
        self.critic, self.editor, self.start = critic, editor, start
        self.acceptance = acceptance
        self.budget = budget or Budget()
        self.threads = threads
        self.seed = seed

    def compile(
        self,
        student: PersonaAgent,
        *,
        trainset: Sequence[Interaction | dspy.Example] | None = None,
        teacher: Any = None,
        valset: Any = None,
        **kwargs: Any,
    ) -> PersonaAgent:
        """Align the student's persona, store it as a new version, and return an agent that answers under it.

        Args:
            student: The agent; it is not changed.
            trainset: What to learn from, oldest first; the user's own recorded interactions when None.
            teacher: Not used.
            valset: Not used: the held-out slice is taken from the history.
            **kwargs: Not used.

        Raises:
            DataError: There is no interaction with a ground truth.
            ModelError: No LM is configured, or it answered nothing of use.
            VersionConflict: The user's persona was changed meanwhile; refresh the agent and align again.
        """
        with student.speaking(), one_call_an_attempt():
            run = self._run(student, trainset)
            with run.meter.running():
                alignment = drive(self._align(run), threads=self.threads, may_repeat=run.may_repeat)
        return _stored(student, alignment)

    @with_callbacks  # DSPy adds them to `compile` only
    async def acompile(
        self, student: PersonaAgent, *, trainset: Sequence[Interaction | dspy.Example] | None = None, **kwargs: Any
    ) -> PersonaAgent:
        """The same, awaited; the same result for the same seed."""
        with student.speaking(), one_call_an_attempt():
            run = self._run(student, trainset)
            with run.meter.running():
                alignment = await adrive(self._align(run), threads=self.threads, may_repeat=run.may_repeat)
        return _stored(student, alignment)

    def preview(self, agent: PersonaAgent, *, trainset: Sequence[Interaction | dspy.Example] | None = None) -> Preview:
        """What `compile` would cost, expected and at most; no LM is asked and nothing is embedded."""
        with agent.speaking(), one_call_an_attempt():
            return previewed(self._run(agent, trainset), start=self._start(agent), epochs=self.epochs)

    def get_params(self) -> dict[str, Any]:
        """What it was made with, as JSON values: strategies by their names, so that no LM and no key is logged."""
        return {
            name: dataclasses.asdict(value) if isinstance(value, Budget) else _plain(value)
            for name, value in vars(self).items()
        }

    def _align(self, run: Run) -> Steps[Alignment]:
        """The algorithm. Each `yield from` is at most one level of independent LM calls."""
        before = run.persona
        losses: list[float] = []
        steps: list[Step] = []
        try:
            if len(run.background) + len(run.window.all) < FEWEST:
                stopped = f"nothing is learnt from fewer than {FEWEST} interactions with a ground truth"
                return self._record(run, before, losses, steps, stopped)
            run.remember()
            yield from self._begin(run)
            yield from run.simulate()
            losses.append(run.loss)
            stopped = f"all {self.epochs} epochs are over"
            for epoch in range(1, self.epochs + 1):
                wrong = [outcome for outcome in run.learn if not outcome.right]
                if not wrong:
                    stopped = "nothing to learn: every answer was right"
                    break
                graph = _graph(run, wrong)
                failures = yield from graph.backward(run.critic, run.level)
                proposals, unusable = yield from run.propose(graph.persona.gradients, epoch)
                candidates = (yield from run.trials(proposals)) if proposals else []
                feedback = tuple(gradient.text for gradient in graph.persona.gradients)
                skipped = tuple(failure.reason for failure in [*failures, *unusable])
                steps.append(Step(epoch, losses[-1], feedback, tuple(candidates), skipped))
                if not proposals:
                    stopped = "the editor has nothing more to propose"
                    if skipped:
                        stopped = f"the LM's replies were of no use: {skipped[-1]}"
                    break
                losses.append(run.loss)
        except OutOfBudget as reason:
            stopped = str(reason)
            if not losses:
                run.persona = before  # a first persona that was never tried is not the best so far
        if run.tried:
            tried, run.persona = run.persona, brought_up_to_date(run.agent, run.persona, before, run.history)
            if renewed := len(tried.diff(run.persona)):
                run.notes.append(
                    f"{renewed} kept statements were made anew from the whole history once they were accepted"
                )
        return self._record(run, before, losses, steps, stopped)

    def _begin(self, run: Run) -> Steps[None]:
        """The first persona, from the history, for a user who has none."""
        start = self._start(run.agent)
        if not run.persona:
            learnable = [*run.background, *run.window.learn]
            (persona,) = yield from run.level([start.ask(run.agent, learnable)])
            if isinstance(persona, Failure):
                run.notes.append(f"no first persona: {persona.reason}")
            else:
                run.persona = persona

    def _start(self, agent: PersonaAgent) -> Start:
        return self.start or (EmptyStart() if is_small_local(agent.lm) else ProfileStart())

    def _run(self, agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example] | None) -> Run:
        history = _with_truth(agent, trainset)
        window = latest_with_slice(history, self.latest, self.held_out, self.seed)
        small = is_small_local(agent.lm)
        objective = objective_for(agent, self.metric)
        run = Run(
            agent=agent,
            objective=objective,
            critic=self.critic or (ContrastiveCritic() if small else LMCritic()),
            editor=self.editor or (EvidenceEditor() if small else LMEditor()),
            acceptance=self.acceptance or ImprovesBoth(objective.minimum_effect),
            candidates=self.candidates or (3 if small else 1),
            window=window,
            history=history,
            budget=self.budget,
            seed=self.seed,
            persona=agent.persona,
            notes=[window.note] if window.note else [],
        )
        self.budget.check_prices(lms_of(run, self._start(agent)))
        return run

    def _record(self, run: Run, before: Any, losses: list[float], steps: list[Step], stopped: str) -> Alignment:
        return Alignment(
            before=before,
            after=run.persona,
            losses=tuple(losses),
            steps=tuple(steps),
            stopped=stopped,
            usage=run.meter.usage,
            window=tuple(interaction.id for interaction in run.window.learn),
            held_out=tuple(interaction.id for interaction in run.window.hold_out),
            notes=tuple(run.notes),
            version=run.agent.persona_version,
        )


def _graph(run: Run, wrong: Sequence[Any]) -> Any:
    from personaopt.optimizers.autograd import TextualGraph  # brings textgrad, which takes seconds to import

    return TextualGraph(run.agent, run.persona, wrong)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__qualname__", type(value).__qualname__)


def _with_truth(agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example] | None) -> list[Interaction]:
    """The interactions that say what the user really answered, oldest first.

    Raises:
        DataError: There is none.
    """
    given = agent.user.history() if trainset is None else interactions(agent, trainset)
    outputs, inputs = list(agent.task.output_fields), list(agent.task.input_fields)
    history = [item for item in given if set(outputs) <= set(item.ground_truth) and set(inputs) <= set(item.inputs)]
    if not history:
        raise DataError(
            f"User {agent.user.id!r} has no interaction with the inputs {', '.join(inputs)} and a ground truth for "
            f"{', '.join(outputs)}; record some first."
        )
    return history


def _stored(student: PersonaAgent, alignment: Alignment) -> PersonaAgent:
    """A copy of the student under the new persona, which is stored as a new version where it is one."""
    aligned: PersonaAgent = student.deepcopy()
    if alignment.after != student.persona:
        edits = student.persona.diff(alignment.after)
        stored = student.user.save_persona(
            alignment.after, parent=student.persona_version, author=AUTHOR, reason=str(alignment), edits=edits
        )
        aligned.persona = alignment.after
        aligned.persona_version = stored.version
        alignment = dataclasses.replace(alignment, version=stored.version)
    aligned.detailed_results = alignment
    return aligned
