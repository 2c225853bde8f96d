"""What an alignment will cost, counted from its strategies and its prompts before any of them is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from personaopt.interaction import Interaction
from personaopt.lm.asks import ATTEMPTS
from personaopt.lm.prices import price
from personaopt.optimizers.action_sizes import (
    CALL_TOKENS,
    act_prompt,
    acted_size,
    as_formed,
    expected_calls,
    memories_shown,
    most_calls,
    observed,
    tool_names,
)
from personaopt.optimizers.editors import SHOWN_REFUSALS
from personaopt.optimizers.moving import REMEMBERED
from personaopt.optimizers.preview import Cost, Part, Preview
from personaopt.optimizers.prompt_sizes import (
    REASON_BYTES,
    WRITTEN_EDITS,
    WRITTEN_FEEDBACK,
    WRITTEN_STATEMENTS,
    Size,
    answer_prompt,
    answer_written,
    asked,
    case_texts,
    lm_of,
    memories,
    persona_size,
    predictors_of,
    read_again,
    written,
)
from personaopt.optimizers.run import Run
from personaopt.optimizers.starts import SUMMARISED, Start


def previewed(run: Run, *, start: Start, epochs: int, pool: Sequence[Interaction] = ()) -> Preview:
    """What a run will cost. No LM is asked and nothing is embedded.

    At most s + p + (n+h) + E(c·n + k·e + k(n+h)) calls, all of them where every epoch runs and criticises anew: s for a
    first persona, p for what is simulated to choose the window, c and e those of critic and editor, and as many more
    for each answer as the metric makes. Every further window that an epoch is left for makes n + h more. An agent that
    acts makes a call more for each of its actions before each answer (`action_sizes`), and as many levels.

    Args:
        run: The alignment, not begun, in the context in which it will run.
        start: Where a first persona comes from.
        epochs: How many times the loop runs at most.
        pool: What the window is chosen from by its losses.
    """
    if len(run.background) + len(run.window.all) < run.fewest:
        note = f"nothing is learnt from fewer than {run.fewest} interactions with a ground truth"
        return Preview((), 0, 0, (note,))
    measured = getattr(run.objective, "measures", lambda item: True)
    n, size = len(run.window.learn), sum(map(measured, run.window.all))
    taken = {item.id for item in pool}
    first = [item for item in (*pool, *(each for each in run.window.all if each.id not in taken)) if measured(item)]
    tried = epochs
    if run.candidates == 1 and not getattr(run.acceptance, "needs_trial", True):
        tried = max(epochs - 1, 0)  # what the last epoch proposes is taken unseen
    trials = tried * run.candidates * size
    moves = min(run.moves.left, epochs)  # one for an epoch, the first too where every answer was right
    moved = moves * size
    shown = run.history if run.moves.left else first
    critic, editor = getattr(run.critic, "calls", 1), getattr(run.editor, "calls", 1)
    wrong = -(-n // 2) * epochs
    parts = [
        _start(run, start),
        _simulated(run, "simulation", shown, len(first) + moved),
        _critic(run, critic * wrong, critic * n * epochs),
        _editor(run, editor * run.candidates * epochs),
        _simulated(run, "trials", shown, trials),
        _acting(run, shown, len(first) + moved + trials),
        _judged(run, shown, len(first) + moved + trials),
    ]
    parts = [part for part in parts if part.maximal.calls]
    most = sum(part.maximal.calls for part in parts)
    before = sum(part.name in ("first persona", "simulation") for part in parts) + moves + (0 < len(pool) < len(first))
    levels = before + epochs * (int(getattr(run.critic, "levels", bool(critic))) + bool(editor)) + tried
    levels += most_calls(run.agent) * (before - any(part.name == "first persona" for part in parts) + tried)
    return Preview(tuple(parts), (ATTEMPTS - 1) * most, levels, tuple(_notes(run, parts, most)))


def lms_of(run: Run, start: Start) -> list[Any]:
    """The LMs that a run may ask.

    Args:
        run: The alignment, not begun.
        start: Where a first persona comes from.
    """
    metric = _metric(run)
    asking = [(run.critic, getattr(run.critic, "calls", 1)), (run.editor, getattr(run.editor, "calls", 1))]
    asking += [(start, _start_ask(run, start).calls if not run.persona else 0), (metric, getattr(metric, "calls", 0))]
    return [run.agent.lm, *(lm_of(strategy, run.agent) for strategy, calls in asking if calls)]


def _start(run: Run, start: Start) -> Part:
    calls = 0 if run.persona else _start_ask(run, start).calls
    longest = sorted((case_texts(item) for item in run.history), key=lambda size: size.most or 0)[-SUMMARISED:]
    shown = Size()
    for size in longest:
        shown += read_again(size) + Size(10, 64)
    return _part("first persona", lm_of(start, run.agent), asked(start, shown + _task(run)), WRITTEN_STATEMENTS, calls)


def _simulated(run: Run, name: str, cases: Sequence[Interaction], calls: int) -> Part:
    most, found = memories_shown(run.agent), observed(run.agent)
    remembered = _remembered(run) if calls else []
    sizes = [answer_prompt(run.agent, item, remembered, run.persona, most) + found for item in cases] if calls else []
    answers = [answer_written(run.agent, item) for item in cases]
    return _part(name, run.agent.lm, _typical(sizes), _typical(answers), calls)


def _acting(run: Run, cases: Sequence[Interaction], answers: int) -> Part:
    """What is asked of the policy before so many answers."""
    agent, sizes = run.agent, []
    acts = bool(agent.max_actions and answers)
    remembered = _remembered(run) if acts else []
    for item in cases if acts else ():
        latest, longest = memories(item, remembered, agent.retrieve, memories_shown(agent))
        read, longer = (act_prompt(agent, item, shown, run.persona) for shown in (latest, longest))
        sizes.append(Size(read.expected, longer.most) + persona_size(run.persona))
    expected, most = expected_calls(agent) * answers, most_calls(agent) * answers
    return _part("actions", agent.lm, _typical(sizes), CALL_TOKENS, most, expected=expected)


def _remembered(run: Run) -> list[Interaction]:
    """Everything that may be shown as a memory, oldest first."""
    recorded = [item for item in run.agent.user.history() if item.ground_truth]
    known = {item.id for item in recorded}
    return [*recorded, *(item for item in run.history if item.id not in known)]


def _critic(run: Run, expected: int, calls: int) -> Part:
    shown = persona_size(run.persona) + _task(run) + _longest_case(run) + read_again(_answer(run))
    shown += acted_size(run.agent, run.history)
    if (metric := _metric(run)) is not None:  # a function may say anything in its feedback, a judge what its LM writes
        judges = predictors_of(metric)
        judged = written(lm_of(metric, run.agent), WRITTEN_FEEDBACK, *judges)
        shown += read_again(judged) if judges else Size(20, None)
    lm = lm_of(run.critic, run.agent)
    feedback = written(lm, WRITTEN_FEEDBACK, *predictors_of(run.critic))
    size = asked(run.critic, shown + read_again(feedback), lambda signature: as_formed(signature, run.agent))
    return _part("critic", lm, size, WRITTEN_FEEDBACK, calls, expected=expected, strategy=run.critic)


def _editor(run: Run, calls: int) -> Part:
    lm = lm_of(run.editor, run.agent)
    critic = lm_of(run.critic, run.agent)
    feedback = written(critic, WRITTEN_FEEDBACK, *predictors_of(run.critic))
    if not getattr(run.critic, "calls", 1):  # stated from the case and the answer
        feedback = _longest_case(run) + _answer(run) + Size(20, 1000) + acted_size(run.agent, run.history)
    edits = written(lm, WRITTEN_EDITS, *predictors_of(run.editor))
    refused = (read_again(edits) + Size(20, REASON_BYTES)).times(1, SHOWN_REFUSALS)
    n = len(run.window.learn)
    most = n + REMEMBERED if run.moves.left else n
    shown = persona_size(run.persona) + read_again(feedback).times(-(-n // 2), most) + refused
    size = asked(run.editor, shown + tool_names(run.agent), lambda signature: as_formed(signature, run.agent))
    return _part("editor", lm, size, WRITTEN_EDITS, calls, strategy=run.editor)


def _judged(run: Run, cases: Sequence[Interaction], outcomes: int) -> Part:
    metric = _metric(run)
    calls = getattr(metric, "calls", 0) * outcomes
    shown = _task(run) + Size.of(str(getattr(metric, "criteria", ""))) + _longest_case(run) + read_again(_answer(run))
    size = asked(metric, shown) if calls else Size()
    return _part("judge", lm_of(metric, run.agent) if calls else None, size, WRITTEN_FEEDBACK, calls, strategy=metric)


def _part(
    name: str,
    lm: Any,
    read: Size,
    wrote: Size | int,
    calls: int,
    *,
    expected: int | None = None,
    strategy: Any = None,
) -> Part:
    """One row: the size of one call, times how many there are."""
    if isinstance(wrote, int):
        wrote = written(lm, wrote, *(predictors_of(strategy) if strategy is not None else []))
    often = calls if expected is None else expected
    return Part(
        name,
        str(getattr(lm, "model", "")),
        _cost(lm, often, read.expected, wrote.expected),
        _cost(lm, calls, read.most, wrote.most),
    )


def _cost(lm: Any, calls: int, read: int | None, wrote: int | None) -> Cost:
    if not calls:
        return Cost()
    usd = price(lm, read, wrote) if read is not None and wrote is not None else None
    return Cost(
        calls,
        None if read is None else calls * read,
        None if wrote is None else calls * wrote,
        None if usd is None else calls * usd,
    )


def _typical(sizes: Sequence[Size]) -> Size:
    """Of one of several calls: the mean is expected, and none is longer than the longest."""
    if not sizes:
        return Size()
    return Size(round(sum(size.expected for size in sizes) / len(sizes)), Size.largest(sizes).most)


def _answer(run: Run) -> Size:
    return Size.largest(answer_written(run.agent, item) for item in run.window.all)


def _longest_case(run: Run) -> Size:
    return Size.largest(case_texts(item) for item in run.history)


def _task(run: Run) -> Size:
    return Size.of(run.agent.task.instructions)


def _metric(run: Run) -> Any:
    return getattr(run.objective, "metric", None)


def _start_ask(run: Run, start: Start) -> Any:
    return start.ask(run.agent, [*run.background, *run.window.learn])


def _notes(run: Run, parts: Sequence[Part], most: int) -> list[str]:
    notes = list(run.notes)
    limits = {name: value for name, value in dataclasses.asdict(run.budget).items() if value is not None}
    if limits:
        notes.append("the budget ends it earlier: " + ", ".join(f"{value:g} {name}" for name, value in limits.items()))
    if any(part.maximal.output_tokens is None for part in parts):
        notes.append("an LM without max_tokens may write any number of tokens: give it one to have a bound")
    elif any(part.maximal.input_tokens is None for part in parts):
        notes.append("nothing bounds what a metric, critic or editor of your own shows an LM")
    return notes
