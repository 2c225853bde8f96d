"""What signals and conversations change about a simulation: weight, what is known of the truth, what was said before.

Of a rejected answer only this is known: it was not right. It is measured as if it were the truth, and the loss turned
round: low when the agent does not repeat it, -log(1 - p) where the LM measures its probability p. Of a text p is the
geometric mean over its tokens (after the unlikelihood of Welleck et al. 2020, which takes each token by itself).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from personaopt.agent import PersonaAgent
from personaopt.attachments import recorded
from personaopt.errors import DataError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.optimizers.losses import FLOOR, Case, Objective, Outcome, kept
from personaopt.persona import Persona
from personaopt.signals import DEFAULT_WEIGHTS, SignalWeights, is_rejected, weight_of
from personaopt.signatures.excerpt import excerpts
from personaopt.signatures.turns import SHOWN, TURNS, turns_field, turns_of


class HeedingObjective:
    """An objective for histories in which some answers were only accepted or rejected, or are turns of conversations.

    Args:
        objective: Measures each outcome.
        weights: How much the signals weigh.
    """

    def __init__(self, objective: Objective, weights: SignalWeights = DEFAULT_WEIGHTS) -> None:
        self.objective = objective
        self.weights = weights
        self.minimum_effect = objective.minimum_effect
        self.metric = getattr(objective, "metric", None)
        self._talks: dict[str, Interaction] = {}

    def ask(self, agent: PersonaAgent, case: Case, persona: Persona) -> Ask[Outcome]:
        """The call of the objective; its outcome with the weight of the interaction, turned round where rejected."""
        item = case.interaction
        if item.id not in self._talks:
            self._talks[item.id] = in_conversation(agent, item)
        asked, rejected, weight = self._talks[item.id], is_rejected(item), weight_of(item, self.weights)
        if rejected:
            truth = {name: value for name, value in item.response.items() if name in agent.task.output_fields}
            asked = dataclasses.replace(asked, ground_truth=truth)

        def heeded(outcome: Outcome) -> Outcome:
            outcome = turned_round(outcome) if rejected else outcome
            return dataclasses.replace(outcome, interaction=item, weight=weight)

        ask = self.objective.ask(agent, dataclasses.replace(case, interaction=asked), persona)
        finish, afinish = ask.finish, ask.afinish

        async def finished(answer: Any) -> Outcome:
            return heeded(await afinish(answer) if afinish is not None else finish(answer))

        return dataclasses.replace(
            ask,
            finish=lambda answer: heeded(finish(answer)),
            afinish=None if afinish is None else finished,
            codec=None if ask.codec is None else kept(item),
        )


def heeding(objective: Objective, history: Sequence[Interaction], weights: SignalWeights) -> Objective:
    """The objective itself for a history of plain ground truths, else one that heeds signals and conversations."""
    plain = all(weight_of(item, weights) == 1.0 and not item.metadata.get(SHOWN) for item in history)
    return objective if plain else HeedingObjective(objective, weights)


def turned_round(outcome: Outcome) -> Outcome:
    """An outcome that was measured as if the rejected answer were the truth, as what it means.

    Texts of one kind always have words in common: those that are no more than half alike are different.
    """
    score, loss = outcome.score, outcome.likelihood_loss
    return dataclasses.replace(
        outcome,
        score=None if score is None else min(1.0, 2.0 * (1.0 - score)),
        likelihood_loss=None if loss is None else -math.log(max(-math.expm1(-loss), FLOOR)),
        feedback="",  # of the metric: it took what was rejected for what was expected
    )


def in_conversation(agent: PersonaAgent, item: Interaction) -> Interaction:
    """An interaction with the turns that stood in its prompt among its inputs, as far as they are still there."""
    ids = item.metadata.get(SHOWN)
    name = turns_field(agent.task) or TURNS
    if not isinstance(ids, list) or name in item.inputs:
        return item
    earlier = []
    for identifier in ids:
        try:
            earlier.append(agent.user.interaction(identifier))
        except DataError:
            continue  # forgotten since
    turns = turns_of(earlier, agent.task, before=math.inf if item.time is None else item.time)
    if not turns.messages and name == TURNS:
        return item
    return dataclasses.replace(item, inputs={**item.inputs, name: recorded(turns.messages)})


def expected(interaction: Interaction) -> Mapping[str, Any]:
    """What critics are told the user really said; of a rejected answer that nothing more is known."""
    said = excerpts(interaction.ground_truth)
    if is_rejected(interaction):
        said = {
            "rejected": excerpts(interaction.response),
            "note": "The user rejected this answer; what they would have said is unknown. Say what in the persona may "
            "have led to it.",
        }
    comment = interaction.signals.get("comment")
    return {**said, "the user's comment on an earlier answer": comment} if comment else said
