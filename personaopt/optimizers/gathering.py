"""Simulated actions: what the agent would look up for each case under each persona, all of them side by side.

A policy that acts takes several levels of calls a case. Here the first level of all cases is one level, then the
second, so that a window takes as many levels as its longest case, however many candidates are tried on it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from personaopt.actions.gathering import gather
from personaopt.lm.asks import Ask, Failure, Steps
from personaopt.lm.side_by_side import side_by_side
from personaopt.memory.own_words import own_words, texts
from personaopt.memory.permissions import OWN_TOOLS
from personaopt.optimizers.events import LevelName
from personaopt.optimizers.first_action import action_loss
from personaopt.optimizers.heeding import in_conversation
from personaopt.optimizers.losses import Case, Outcome
from personaopt.optimizers.quoting import from_tools
from personaopt.persona import Edit, Persona

if TYPE_CHECKING:
    from personaopt.optimizers.run import Run


def outcomes_of(run: Run, name: LevelName, pairs: Sequence[tuple[Case, Persona]]) -> Steps[list[Outcome | Failure]]:
    """Cases simulated under personas: first what is looked up, where the agent acts, then all answers at once.

    Args:
        run: The alignment.
        name: What the answers are for.
        pairs: Each case with the persona it is simulated under.
    """
    cases = yield from _with_actions(run, pairs)
    asks: list[Ask[Any]] = [
        Ask.done(case) if isinstance(case, Failure) else run.objective.ask(run.agent, case, persona)
        for case, (_, persona) in zip(cases, pairs, strict=True)
    ]
    results = yield from run.levels.ask(name, asks)
    if not run.agent.max_actions:
        return results
    return [
        result if isinstance(case, Failure) or isinstance(result, Failure) else _with_action_loss(case, result)
        for case, result in zip(cases, results, strict=True)
    ]


def _with_actions(run: Run, pairs: Sequence[tuple[Case, Persona]]) -> Steps[list[Case | Failure]]:
    """The cases with what the policy looks up for each, from what was known before it."""
    if not run.agent.max_actions or not pairs:
        return [case for case, _ in pairs]
    gathering = [
        gather(
            run.agent,
            dict(in_conversation(run.agent, case.interaction).inputs),
            persona=persona,
            before=case.before,
            recalled=case.recalled,
        )
        for case, persona in pairs
    ]
    found = yield from side_by_side(gathering, lambda asks: _once(run, asks))
    return [
        each if isinstance(each, Failure) else dataclasses.replace(case, gathered=each)
        for (case, _), each in zip(pairs, found, strict=True)
    ]


def _once(run: Run, asks: Sequence[Ask[Any]]) -> Steps[list[Any]]:
    """A level in which each search is made once in the whole alignment, however many cases and candidates make it.

    Searches of the user's own memory depend on the case and the persona and are made anew; so is what failed.
    """
    keys = [_key(ask) or place for place, ask in enumerate(asks)]
    new = {key: ask for key, ask in zip(keys, asks, strict=True) if key not in run.looked_up}
    found = dict(zip(new, (yield from run.levels.ask("act", list(new.values()))), strict=True))
    run.looked_up |= {key: acted for key, acted in found.items() if isinstance(key, str) and not acted.record.error}
    known = run.looked_up | found
    return [known[key] for key in keys]


def _key(ask: Ask[Any]) -> str:
    """What a tool is called with, as text; empty for a call of an LM and for the user's own memory."""
    tool = ask.asked.get("tool") if not ask.calls else None
    return json.dumps(dict(ask.asked), sort_keys=True, default=str) if tool and tool not in OWN_TOOLS else ""


def _with_action_loss(case: Case, outcome: Outcome) -> Outcome:
    actions = tuple(action.to_dict() for action in case.gathered.actions)
    return dataclasses.replace(outcome, actions=actions, action_loss=action_loss(case.interaction, actions))


def claimed(run: Run, edits: Sequence[Edit]) -> str:
    """Why a change must not be tried because it says of the user what a tool said; empty where it does not."""
    results = [str(action.get("result") or "") for outcome in run.outcomes for action in outcome.actions]
    if not results:
        return ""
    own = [text for item in run.history for text in texts([own_words(item)])]
    for edit in edits:
        statement = edit.statement
        if statement is None or statement.source != "learnt":
            continue
        if from_tools(statement.text, results, own, run.agent.available_tools()):
            return "it says what a tool returned; only what the user said or chose tells anything of the user"
    return ""
