"""The loop of an alignment: PersonaAgent's Algorithm 1 (arXiv 2506.06254), with windows that move and a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from personaopt.lm.asks import Failure, Steps
from personaopt.optimizers.events import EpochEnded
from personaopt.optimizers.levels import OutOfBudget
from personaopt.optimizers.results import Alignment, Step
from personaopt.optimizers.run import Run
from personaopt.optimizers.starts import Start
from personaopt.optimizers.trials import try_out

if TYPE_CHECKING:
    from personaopt.optimizers.autograd import TextualGraph


def align(run: Run, start: Start, *, epochs: int, recriticise: bool) -> Steps[Alignment]:
    """The algorithm. Each `yield from` is at most one level of independent LM calls.

    Args:
        run: What is aligned, with what, and how far it is.
        start: Where a first persona comes from, for a user who has none.
        epochs: How many times the loop runs at most.
        recriticise: Whether feedback is asked for anew after a step that changed nothing.
    """
    before = run.persona
    losses: list[float] = []
    steps: list[Step] = []
    try:
        if len(run.history) < run.fewest:
            return run.record(before, losses, steps, _too_few(run))
        yield from _begin(run, start)
        losses.append(run.loss)
        stopped = f"all {epochs} epochs are over"
        graph, refusals = None, 0
        for epoch in range(1, epochs + 1):
            if (refusals or not run.wrong) and (yield from run.move()):
                losses.append(run.loss)
                graph, refusals = None, 0
            if not run.wrong and run.moves.left:
                continue
            if not run.wrong:
                stopped = _nothing_to_learn(run)
                break
            run.levels.begin_epoch(epoch, losses[-1])
            if graph is None or refusals == 0 or recriticise:
                graph = _graph(run)
                failures = yield from graph.backward(run.critic, run.levels.ask, again=refusals)
            proposals, unusable = yield from run.propose(graph.persona.gradients, refusals)
            candidates = (yield from try_out(run, proposals, last=epoch == epochs)) if proposals else []
            refusals = 0 if any(candidate.accepted for candidate in candidates) else refusals + 1
            skipped = tuple(failure.reason for failure in [*failures, *unusable])
            steps.append(Step(epoch, losses[-1], _feedback(graph), tuple(candidates), skipped))
            if not proposals and not run.moves.left:
                stopped = _nothing_to_propose(skipped)
                break
            if run.measured:
                losses.append(run.loss)
            run.levels.tell(EpochEnded, epoch=epoch, loss=run.loss, persona=run.persona)
    except OutOfBudget as reason:
        stopped = str(reason)
        if not losses:
            run.persona = before  # a first persona that was never tried is not the best so far
    run.bring_up_to_date(before)
    return run.record(before, losses, steps, stopped)


def _too_few(run: Run) -> str:
    return f"nothing is learnt from fewer than {run.fewest} interactions with a ground truth"


def _nothing_to_learn(run: Run) -> str:
    reason = "every answer was right" if run.learn else "no interaction of the window could be answered"
    return f"nothing to learn: {reason}"


def _nothing_to_propose(skipped: tuple[str, ...]) -> str:
    return f"the LM's replies were of no use: {skipped[-1]}" if skipped else "the editor has nothing more to propose"


def _feedback(graph: TextualGraph) -> tuple[str, ...]:
    return tuple(gradient.text for gradient in graph.persona.gradients)


def _begin(run: Run, start: Start) -> Steps[None]:
    """The first persona, from the history, for a user who has none, and the first simulation."""
    if not run.persona:
        ask = start.ask(run.agent, run.learnable)
        (persona,) = yield from run.levels.ask("start", [ask])
        if isinstance(persona, Failure):
            run.notes.append(f"no first persona: {persona.reason}")
        else:
            run.persona = persona
    yield from run.simulate()


def _graph(run: Run) -> TextualGraph:
    from personaopt.optimizers.autograd import TextualGraph  # brings textgrad, which takes seconds to import

    return TextualGraph(run.agent, run.persona, run.wrong)
