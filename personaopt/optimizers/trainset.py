"""A training set in DSPy's form as interactions of a user."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import dspy

from personaopt.agent import PersonaAgent
from personaopt.errors import DataError
from personaopt.interaction import Interaction
from personaopt.signals import DEFAULT_WEIGHTS, SignalWeights, is_rejected, settled, weight_of
from personaopt.signatures.turns import turns_field


def interactions(agent: PersonaAgent, trainset: Sequence[Interaction | dspy.Example]) -> list[Interaction]:
    """The items of a training set as interactions, each once, in their order.

    An example that says what a recorded interaction says is that interaction: it has its place in the history, so that
    only what came before it is remembered for it. Others get an id made from what they say.

    Raises:
        DataError: An item is neither an interaction nor an example with the task's inputs.
    """
    recorded = {_content(item.inputs, item.ground_truth): item for item in reversed(agent.user.history())}
    found: dict[str, Interaction] = {}
    for item in trainset:
        interaction = item if isinstance(item, Interaction) else _of_example(agent, item, recorded)
        found.setdefault(interaction.id, interaction)
    return list(found.values())


def with_truth(
    agent: PersonaAgent,
    trainset: Sequence[Interaction | dspy.Example] | None,
    weights: SignalWeights = DEFAULT_WEIGHTS,
) -> list[Interaction]:
    """The interactions that say what the user really answered, or that an answer was rejected, oldest first.

    An answer that was accepted is what the user answered. What has no weight is left out.

    Args:
        agent: Whose task it is.
        trainset: What is learnt from; the user's recorded interactions when None.
        weights: How much the signals weigh.

    Raises:
        DataError: There is none.
    """
    given = agent.user.history() if trainset is None else interactions(agent, trainset)
    outputs = list(agent.task.output_fields)
    inputs = [name for name in agent.task.input_fields if name != turns_field(agent.task)]
    history = [
        item
        for item in map(settled, given)
        if set(outputs) <= set(item.response if is_rejected(item) else item.ground_truth)
        and set(inputs) <= set(item.inputs)
        and weight_of(item, weights) > 0
    ]
    if not history:
        whose = f"User {agent.user.id!r}" if trainset is None else f"The training set for user {agent.user.id!r}"
        raise DataError(
            f"{whose} has no interaction with the inputs {', '.join(inputs)} and a ground truth for "
            f"{', '.join(outputs)}; record some first."
        )
    return history


def _of_example(agent: PersonaAgent, example: Any, recorded: Mapping[str, Interaction]) -> Interaction:
    if not isinstance(example, dspy.Example):
        raise DataError(f"A training set holds interactions or dspy.Examples, not {type(example).__name__}.")
    inputs = {name: example[name] for name in agent.task.input_fields if name in example}
    truth = {name: example[name] for name in agent.task.output_fields if name in example}
    # Made once without an id to have what is not JSON refused in its usual words.
    content = _content(Interaction(inputs, ground_truth=truth, id="example").inputs, truth)
    if content in recorded:
        return recorded[content]
    return Interaction(inputs, ground_truth=truth, id=f"example-{hashlib.sha256(content.encode()).hexdigest()[:12]}")


def _content(inputs: Mapping[str, Any], truth: Mapping[str, Any]) -> str:
    return json.dumps([dict(inputs), dict(truth)], sort_keys=True, ensure_ascii=False)
