"""PersonaAligner: the test-time alignment of a persona on its user's own latest interactions.

PersonaAgent's Algorithm 1 (arXiv 2506.06254) with one addition: an edit is kept only if it helps, also on interactions
that it was not derived from.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

import dspy
from dspy.teleprompt import Teleprompter
from dspy.utils.callback import with_callbacks

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Steps, one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.lm.local import is_small_local
from personaopt.optimizers.acceptance import Acceptance, ImprovesBoth
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import ContrastiveCritic, Critic, LMCritic
from personaopt.optimizers.editors import Editor, EvidenceEditor, LMEditor
from personaopt.optimizers.events import Listener
from personaopt.optimizers.forecast import lms_of, previewed
from personaopt.optimizers.levels import Levels
from personaopt.optimizers.loop import align
from personaopt.optimizers.losses import Metric
from personaopt.optimizers.material import Material, RealAnswers
from personaopt.optimizers.moving import Moves
from personaopt.optimizers.preview import Preview
from personaopt.optimizers.results import Alignment
from personaopt.optimizers.resuming import begun, described, fingerprint_of
from personaopt.optimizers.run import Run
from personaopt.optimizers.settings import check_whole, plain
from personaopt.optimizers.starts import EmptyStart, ProfileStart, Start
from personaopt.optimizers.storing import end, under_way
from personaopt.optimizers.windows import LatestWindow, WindowStrategy
from personaopt.signals import DEFAULT_WEIGHTS, SignalWeights


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
        window: Chooses what is learnt from and judged by; when None `LatestWindow(latest, held_out)`. Another one has
            sizes of its own.
        windows: How many windows at most. With more than one the loop goes on where a step changed nothing, or every
            answer was right, on as many interactions drawn from the whole history, for n + h calls, while epochs are
            left; the editor also sees feedback of earlier steps. For LMs that err: another window shows what one hid.
        budget: Hard limits; see `Budget`.
        recriticise: Whether feedback is asked for anew after a step that changed nothing. Off, nothing is computed
            twice: the editor sees the same feedback, and what was refused. On, a critic that errs gets another chance,
            for as many calls as the first time.
        checkpoint: Whether what finished calls gave is kept in the store until the alignment is over, so that one that
            was interrupted, even killed, can go on with `compile(agent, resume=True)`. Results of strategies of your
            own are kept where their asks have a `codec`, and asked for again where they have none.
        material: What is learnt from, and how it is measured; the user's real answers when None.
        signals: How much interactions count whose answer was corrected, accepted or rejected; see `SignalWeights`.
        callbacks: Called with every event of `personaopt.optimizers.events`, in order and from the thread that calls
            `compile`.
        threads: LM calls under way at once.
        seed: For everything that is drawn.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> aligned = PersonaAligner(latest=8, held_out=4, epochs=3).compile(agent)
        >>> print(aligned.persona, aligned.detailed_results)
    """

    author = "PersonaAligner"
    """Whose name the stored versions have, unless the material says another."""

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
        window: WindowStrategy | None = None,
        windows: int = 1,
        budget: Budget | None = None,
        recriticise: bool = False,
        checkpoint: bool = True,
        material: Material | None = None,
        signals: SignalWeights = DEFAULT_WEIGHTS,
        callbacks: Sequence[Listener] = (),
        threads: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_whole(latest=(latest, 1), held_out=(held_out, 0), epochs=(epochs, 0))
        check_whole(windows=(windows, 1), threads=(threads, 1))
        if candidates is not None:
            check_whole(candidates=(candidates, 1))
        self.latest, self.held_out, self.epochs = latest, held_out, epochs
        self.candidates = candidates
        self.metric = metric
        self.critic, self.editor, self.start = critic, editor, start
        self.acceptance = acceptance
        self.window, self.windows = window, windows
        self.recriticise = bool(recriticise)
        self.checkpoint = bool(checkpoint)
        self.material = material
        self.signals = signals
        self.listeners = tuple(callbacks)  # not `callbacks`: DSPy would take them for callbacks of its own
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
        resume: bool = False,
        **kwargs: Any,
    ) -> PersonaAgent:
        """Align the student's persona, store it as a new version, and return an agent that answers under it.

        Args:
            student: The agent; it is not changed.
            trainset: What to learn from, oldest first; the user's own recorded interactions when None.
            teacher: Not used.
            valset: Not used: the held-out slice is taken from the history.
            resume: Go on with the alignment of this user and task that was interrupted: no finished call is paid for
                again, and the result is that of an uninterrupted one. Where there is none a new one begins.
            **kwargs: Not used.

        Raises:
            ConfigurationError: The interrupted alignment was begun with other settings or other data.
            DataError: There is no interaction with a ground truth.
            ModelError: No LM is configured, or it answered nothing of use.
            ConsentError: The user has not agreed that anything is learnt.
            ForgottenError: Something that it was learnt from was forgotten meanwhile; align again.
            VersionConflict: The user's persona was changed meanwhile, and what was learnt does not fit it.
        """
        with student.speaking(), one_call_an_attempt():
            run = self._run(student, trainset, checkpoint=self.checkpoint, resume=resume)
            with under_way(run, self.epochs, self.get_params()) as levels:
                alignment = drive(self._steps(run), threads=self.threads, may_repeat=levels.may_repeat, watch=levels)
                return end(run, alignment)

    @with_callbacks  # DSPy adds them to `compile` only
    async def acompile(
        self,
        student: PersonaAgent,
        *,
        trainset: Sequence[Interaction | dspy.Example] | None = None,
        resume: bool = False,
        **kwargs: Any,
    ) -> PersonaAgent:
        """The same, awaited; the same result for the same seed."""
        with student.speaking(), one_call_an_attempt():
            run = self._run(student, trainset, checkpoint=self.checkpoint, resume=resume)
            with under_way(run, self.epochs, self.get_params()) as levels:
                alignment = await adrive(
                    self._steps(run), threads=self.threads, may_repeat=levels.may_repeat, watch=levels
                )
                return end(run, alignment)

    def preview(self, agent: PersonaAgent, *, trainset: Sequence[Interaction | dspy.Example] | None = None) -> Preview:
        """What `compile` would cost, expected and at most; no LM is asked and nothing is embedded."""
        with agent.speaking(), one_call_an_attempt():
            run = self._run(agent, trainset)
            return previewed(run, start=self._start(agent), epochs=self.epochs, pool=run.pool)

    def get_params(self) -> dict[str, Any]:
        """What it was made with, as JSON values: strategies by their names, so that no LM and no key is logged."""
        return {
            name: dataclasses.asdict(value) if isinstance(value, Budget | SignalWeights) else plain(value)
            for name, value in vars(self).items()
        }

    def _steps(self, run: Run) -> Steps[Alignment]:
        return align(run, self._start(run.agent), epochs=self.epochs, recriticise=self.recriticise)

    def _start(self, agent: PersonaAgent) -> Start:
        return self.start or (EmptyStart() if is_small_local(agent.lm) else ProfileStart())

    def _run(
        self,
        agent: PersonaAgent,
        trainset: Sequence[Interaction | dspy.Example] | None,
        *,
        checkpoint: bool = False,
        resume: bool = False,
    ) -> Run:
        agent.user.require_consent("learn")
        as_of = agent.user.store.last_forgetting(agent.user.id)  # before anything is read
        if resume and not checkpoint:
            raise ConfigurationError("To go on with an alignment, make the aligner with checkpoint=True.")
        material = self.material or RealAnswers()
        history = material.history(agent, trainset, self.signals)
        choice = self.window or LatestWindow(self.latest, self.held_out)
        window = choice.choose(history, {}, self.seed)
        small, objective = is_small_local(agent.lm), material.objective(agent, self.metric, history, self.signals)
        name, kept, note = uuid.uuid4().hex, None, ""
        if checkpoint:
            settings = {setting: described(value) for setting, value in vars(self).items()}
            name, kept, note = begun(agent, fingerprint_of(agent, settings, history, window), resume=resume)
        run = Run(
            agent=agent,
            objective=objective,
            critic=self.critic or (ContrastiveCritic() if small else LMCritic()),
            editor=self.editor or (EvidenceEditor() if small else LMEditor()),
            acceptance=self.acceptance or ImprovesBoth(objective.minimum_effect),
            choice=choice,
            candidates=self.candidates or (3 if small else 1),
            window=window,
            history=history,
            levels=Levels(name, agent.user.id, self.budget, self.listeners, kept),
            seed=self.seed,
            persona=agent.persona,
            as_of=as_of,
            fewest=material.fewest,
            author=material.author,
            moves=Moves(self.windows - 1),
            notes=[remark for remark in (note, window.note) if remark],
        )
        self.budget.check_prices(lms_of(run, self._start(agent)))
        return run
