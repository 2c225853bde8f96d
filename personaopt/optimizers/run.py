"""One alignment while it runs: its state, and what is asked of the LM under it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError, ModelError
from personaopt.interaction import Interaction, query_text
from personaopt.lm.asks import Failure, Steps
from personaopt.memory.episodic import Memory, Recall
from personaopt.optimizers.acceptance import Acceptance, mean_loss
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import Critic, Gradient
from personaopt.optimizers.editors import Editor, EditRequest, Edits
from personaopt.optimizers.evidence import brought_up_to_date
from personaopt.optimizers.gathering import outcomes_of
from personaopt.optimizers.levels import Levels, OutOfBudget
from personaopt.optimizers.losses import Case, Objective, Outcome
from personaopt.optimizers.moving import Moves
from personaopt.optimizers.quoting import Texts
from personaopt.optimizers.results import Alignment, Candidate, Step
from personaopt.optimizers.windows import FEWEST, Window, WindowStrategy
from personaopt.persona import Persona
from personaopt.signatures.excerpt import LONGEST_SHOWN, excerpt


@dataclasses.dataclass
class Run:
    """The state of one alignment.

    Attributes:
        agent: The agent that is aligned; it is not changed.
        objective, critic, editor, acceptance, choice: The strategies; `choice` is that of the window.
        candidates: Proposals per epoch.
        window: What is learnt from and judged by. Where the choice goes by losses, of the same size and with the same
            slice until they are known.
        history: Everything with a ground truth, oldest first.
        levels: Makes the calls.
        seed: For what is drawn.
        persona: The best persona so far.
        as_of: When something of the user was last forgotten, as it was known before the history was read.
        fewest: With fewer interactions nothing is learnt.
        author: Whose name a stored version has.
        cases: The interactions of the window and the slice, each with what was remembered before it.
        outcomes: How they went under the persona, in their order; the window first.
        tried: Everything that was tried.
        notes: What the reader of the record should know.
        moves: The windows after the first.
        measured: Whether the outcomes are those of the persona; not where its last change was taken unseen.
        looked_up: What tools returned in simulations, by what they were called with.
        texts: What must not be copied.
    """

    agent: PersonaAgent
    objective: Objective
    critic: Critic
    editor: Editor
    acceptance: Acceptance
    choice: WindowStrategy
    candidates: int
    window: Window
    history: list[Interaction]
    levels: Levels
    seed: int
    persona: Persona
    as_of: float = 0.0
    fewest: int = FEWEST
    author: str = "PersonaAligner"
    cases: list[Case] = dataclasses.field(default_factory=list)
    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    tried: list[Candidate] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    moves: Moves = dataclasses.field(default_factory=Moves)
    measured: bool = False
    looked_up: dict[Any, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.retired = 0
        self.texts = Texts(self.history)

    @property
    def budget(self) -> Budget:
        """Hard limits."""
        return self.levels.budget

    @property
    def pool(self) -> Sequence[Interaction]:
        """What is simulated to choose the window; those after the first are drawn."""
        return () if self.moves.made else self.choice.pool(self.history, self.seed)

    @property
    def background(self) -> list[Interaction]:
        """What is in neither window nor slice; free to learn from."""
        chosen = {item.id for item in self.window.all}
        return [item for item in self.history if item.id not in chosen]

    @property
    def learnable(self) -> list[Interaction]:
        """Everything but the held-out slice, oldest first."""
        held = {item.id for item in self.window.hold_out}
        return [item for item in self.history if item.id not in held]

    @property
    def learn(self) -> list[Outcome]:
        """Outcomes of the window."""
        held = {item.id for item in self.window.hold_out}
        return [outcome for outcome in self.outcomes if outcome.interaction.id not in held]

    @property
    def wrong(self) -> list[Outcome]:
        """Those of them that there is something to learn from."""
        return [outcome for outcome in self.learn if not outcome.right]

    @property
    def recalls(self) -> bool:
        """Whether what was remembered before an interaction matters to the objective."""
        return bool(getattr(self.objective, "recalls", True))

    @property
    def loss(self) -> float:
        """Mean loss over window and slice."""
        return mean_loss(self.outcomes)

    def simulate(self) -> Steps[None]:
        """Choose the window, and answer window and slice under the persona.

        What the window is chosen from is answered once. What cannot be answered is left out, with a note.

        Raises:
            ModelError: Nothing could be answered.
            ConfigurationError: The losses decided what is held out.
        """
        recorded = {item.id for item in self.agent.user.history()} if self.recalls else set()
        known: dict[str, tuple[Case, Outcome | Failure]] = {}
        if pool := self.pool:
            known = yield from self._answers(pool, recorded)
            losses = {key: result for key, (_, result) in known.items() if not isinstance(result, Failure)}
            self._choose({key: result.loss * result.weight for key, result in losses.items()})
        known |= yield from self._answers([item for item in self.window.all if item.id not in known], recorded)
        answered = [known[item.id] for item in self.window.all]
        failures = [result for _, result in answered if isinstance(result, Failure)]
        if len(failures) == len(answered):
            if self.levels.checkpoint and not failures[0].unreachable and not self.moves.made:
                self.levels.checkpoint.discard()  # such replies are not worth keeping
            raise ModelError(f"The LM answered none of {len(answered)} interactions: {failures[0].reason}")
        if failures:
            self.notes.append(f"{len(failures)} interactions could not be simulated: {failures[0].reason}")
        self.cases = [case for case, result in answered if not isinstance(result, Failure)]
        self.outcomes = [result for _, result in answered if not isinstance(result, Failure)]
        self.measured = True
        self.notes.extend(remark for remark in _remarks(self.window.all) if remark not in self.notes)

    def move(self) -> Steps[bool]:
        """Go on with another window, on which nothing was refused yet; whether there is one that can be answered."""
        if not self.moves.left:
            return False
        before, self.retired = self.window, len(self.tried)
        self.window = self.moves.next(self.history, self.window, self.seed)
        try:
            yield from self.simulate()
        except ModelError as error:
            self.window, self.moves.left = before, 0
            self.notes.append(f"a further window was of no use: {error}")
            return False
        except OutOfBudget:
            self.window = before  # the record names the window that was learnt from
            raise
        return True

    def propose(self, gradients: Sequence[Gradient], refusals: int) -> Steps[tuple[list[Edits], list[Failure]]]:
        """Candidate edits from the gradients, and what the editor failed to give.

        On further windows an editor begins where it would after a refusal: an LM is told to leave single complaints
        aside, since by then it is the errors of critics that make most of them.
        """
        request = EditRequest(
            agent=self.agent,
            persona=self.persona,
            gradients=self.moves.feedback(gradients, self.window),
            background=self.background,
            tried=self.tried[self.retired :],
            count=self.candidates,
            seed=self.seed + 1000 * self.levels.epoch,
            refusals=refusals or int(self.moves.made > 0),
        )
        results = yield from self.levels.ask("edit", self.editor.propose(request))
        self.notes.extend(note for edits in results for note in getattr(edits, "left_out", ()))
        failures = [result for result in results if isinstance(result, Failure)]
        return [edits for edits in results if not isinstance(edits, Failure) and edits], failures

    def bring_up_to_date(self, before: Persona) -> None:
        """Make what was kept of the history's statements anew from all of it, with a note."""
        if not self.tried:
            return
        tried, self.persona = self.persona, brought_up_to_date(self.agent, self.persona, before, self.history)
        if renewed := len(tried.diff(self.persona)):
            self.notes.append(
                f"{renewed} kept statements were made anew from the whole history once they were accepted"
            )

    def record(self, before: Persona, losses: Sequence[float], steps: Sequence[Step], stopped: str) -> Alignment:
        """What it did, when it is over."""
        trouble = self.levels.checkpoint.trouble if self.levels.checkpoint else ""
        return Alignment(
            before=before,
            after=self.persona,
            losses=tuple(losses),
            steps=tuple(steps),
            stopped=stopped,
            usage=self.levels.usage,
            window=tuple(interaction.id for interaction in self.window.learn),
            held_out=tuple(interaction.id for interaction in self.window.hold_out),
            notes=(*self.notes, trouble) if trouble else tuple(self.notes),
            version=self.agent.persona_version,
            resumed=self.levels.resumed,
            run=self.levels.run,
        )

    def _answers(
        self, items: Sequence[Interaction], recorded: set[str]
    ) -> Steps[dict[str, tuple[Case, Outcome | Failure]]]:
        """Each interaction answered under the persona, with what was remembered before it: once for all candidates."""
        if not items:
            return {}
        cases = [
            _case(self.agent, item, item.id in recorded) if self.recalls else Case(item, Recall((), ()))
            for item in items
        ]
        results = yield from outcomes_of(self, "simulate", [(case, self.persona) for case in cases])
        return {case.interaction.id: (case, result) for case, result in zip(cases, results, strict=True)}

    def _choose(self, losses: Mapping[str, float]) -> None:
        chosen = self.choice.choose(self.history, losses, self.seed)
        if set(chosen.hold_out) != set(self.window.hold_out):
            raise ConfigurationError(
                f"{type(self.choice).__name__} lets the losses decide what is held out; the slice must be drawn "
                "without a look at them, or it says nothing."
            )
        self.window = chosen


def _case(agent: PersonaAgent, interaction: Interaction, recorded: bool) -> Case:
    """What was remembered before an interaction; without a place in the history, all of it but the question itself."""
    before = interaction if recorded else interaction.time
    recalled = agent.recall(interaction.inputs, before=before)
    if before is not None:
        return Case(interaction, recalled, before)

    def others(memories: Sequence[Memory]) -> tuple[Memory, ...]:
        return tuple(memory for memory in memories if memory.interaction.inputs != interaction.inputs)

    return Case(interaction, Recall(others(recalled.memories), others(recalled.earlier), recalled.options))


def _remarks(items: Sequence[Interaction]) -> list[str]:
    """What is odd about the interactions of a window, in words."""
    remarks = []
    said: dict[str, set[str]] = {}
    for item in (item for item in items if item.ground_truth):
        said.setdefault(query_text(item.inputs), set()).add(json.dumps(dict(item.ground_truth), sort_keys=True))
    if contradictory := sum(len(answers) > 1 for answers in said.values()):
        remarks.append(
            f"{contradictory} questions of the window were answered in more than one way: no persona makes all of it "
            "right"
        )
    if long := sum(_is_long(item) for item in items):
        remarks.append(
            f"{long} interactions have a text of more than {LONGEST_SHOWN} tokens: as memories, and to critic and "
            "editor, only its beginning and end were shown"
        )
    return remarks


def _is_long(item: Interaction) -> bool:
    texts: list[Any] = [*item.inputs.values(), *item.ground_truth.values()]
    return any(isinstance(text, str) and excerpt(text) != text for text in texts)
