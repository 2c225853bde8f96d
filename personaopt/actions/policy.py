"""The policy pi_P: which tools to call next, or that enough is known. What may be called is decided elsewhere.

A capable LM writes a list of calls, those of one reply are made at once. A small local model cannot: its choice is
scored among the names of the tools, and arguments are written under their schemas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import dspy
import pydantic

from personaopt.actions.own_memory import Moment
from personaopt.actions.records import ActionRecord, call_text
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.asks import Ask, Failure, Steps
from personaopt.lm.codec import TEXT, Codec
from personaopt.lm.local import is_small_local
from personaopt.memory.episodic import Recall
from personaopt.memory.routines import helpful
from personaopt.signatures.act import RESPOND, Act, ToolCall
from personaopt.signatures.excerpt import excerpts
from personaopt.signatures.observed import Observed, delimited
from personaopt.signatures.persona_block import write_persona
from personaopt.signatures.respond import RecalledInteraction, compose, shown

if TYPE_CHECKING:
    from personaopt.actions.gathering import Gathered
    from personaopt.agent import PersonaAgent

LONGEST_ARGUMENT = 80
"""Characters of a text that a small local model writes as an argument."""


@dataclasses.dataclass(frozen=True)
class Situation:
    """What a policy decides on: the context c in a ~ pi_P(. | c).

    Attributes:
        agent: Who acts; its tools are `agent.actions`.
        inputs: The task's inputs.
        moment: Whose memory, under which persona, up to when.
        recalled: What is remembered, with what was looked up already.
        gathered: What was done so far.
        left: How many actions may still be done.
    """

    agent: PersonaAgent
    inputs: Mapping[str, Any]
    moment: Moment
    recalled: Recall
    gathered: Gathered
    left: int

    @property
    def case(self) -> dict[str, Any]:
        """The task's own inputs."""
        return {name: self.inputs[name] for name in self.agent.task.input_fields if name in self.inputs}


class Policy(Protocol):
    """Chooses the next actions. Any object with this method is one."""

    def choose(self, situation: Situation) -> Steps[Sequence[ToolCall] | Failure]:
        """The calls to be made next, at once; none when enough is known. Yields levels of LM calls."""
        ...


class LMPolicy:
    """The policy that suits the agent's LM: written by a capable one, scored by a small local one."""

    def choose(self, situation: Situation) -> Steps[Sequence[ToolCall] | Failure]:
        """See `Policy`."""
        policy: Policy = ScoredPolicy() if is_small_local(situation.agent.lm) else WrittenPolicy()
        return (yield from policy.choose(situation))


class WrittenPolicy:
    """An LM writes a list of calls, one LM call a round."""

    def choose(self, situation: Situation) -> Steps[Sequence[ToolCall] | Failure]:
        """See `Policy`."""
        agent = situation.agent
        signature = compose(Act, agent.task)
        signature = signature.with_instructions(
            write_persona(signature.instructions, situation.moment.persona.render())
        )
        (chosen,) = yield [
            Ask.predict(
                dspy.Predict(signature),
                lambda prediction: tuple(prediction.calls or ()),
                codec=_CALLS,
                lm=agent.lm,
                memories=shown(memory.interaction for memory in reversed(situation.recalled.memories)),
                tools=[tool.described() for tool in agent.actions.offered(situation.moment)],
                observations=[Observed(_record(action)) for action in situation.gathered.actions],
                **situation.case,
            )
        ]
        return chosen


class ScoredPolicy:
    """The names of the tools and `respond` are scored, then the arguments written under their schema: two LM calls.

    What this user's agent did in similar cases, where that is recorded, stands in front as worked examples.
    """

    def choose(self, situation: Situation) -> Steps[Sequence[ToolCall] | Failure]:
        """See `Policy`."""
        tools = {tool.name: tool for tool in situation.agent.actions.offered(situation.moment)}
        done = [action.tool for action in situation.gathered.actions]
        names = [name for name in tools if name not in done]  # a small model would do the same again and again
        if not names:
            return ()
        choice: Any = Literal[(*names, RESPOND)]
        fields = {"action": (choice, dspy.OutputField(desc="What to do next."))}
        examples = _first_actions(situation.recalled)
        (chosen,) = yield [self._ask(situation, fields, examples, lambda prediction: str(prediction.action), TEXT)]
        if isinstance(chosen, Failure) or chosen == RESPOND:
            return chosen if isinstance(chosen, Failure) else ()
        tool = tools[chosen]
        needed = {name: schema for name, schema in tool.arguments.items() if name in tool.required}
        if not needed:
            return (ToolCall(tool=chosen),)
        titles = {f"{chosen}_{name}".replace("-", "_").replace(".", "_"): name for name in needed}
        outputs = {title: _argument(tool.tool.arg_types.get(name, Any)) for title, name in titles.items()}

        def by_name(prediction: dspy.Prediction) -> dict[str, Any]:
            return {name: prediction[title] for title, name in titles.items()}

        examples = _searches(situation.recalled, chosen, titles)
        (arguments,) = yield [self._ask(situation, outputs, examples, by_name, _ARGUMENTS)]
        if isinstance(arguments, Failure):
            return arguments
        return (ToolCall(tool=chosen, arguments=arguments),)

    def _ask(
        self,
        situation: Situation,
        outputs: dict[str, Any],
        examples: list[RecalledInteraction],
        finish: Any,
        codec: Codec[Any],
    ) -> Ask[Any]:
        agent = situation.agent
        inputs = {name: (field.annotation, field) for name, field in agent.task.input_fields.items()}
        memories = {"memories": (list[RecalledInteraction], dspy.InputField())}
        instructions = write_persona(agent.task.instructions, situation.moment.persona.render())
        signature = dspy.Signature({**memories, **inputs, **outputs}, instructions)
        predict = _Scored(signature)
        return Ask.predict(predict, finish, codec=codec, lm=agent.lm, memories=examples, **situation.case)


class _Scored(dspy.Predict):
    """A predictor that is answered in the local model's form, whatever adapter is configured."""

    def forward(self, **kwargs: Any) -> dspy.Prediction:
        with dspy.context(adapter=_local_adapter()):
            return super().forward(**kwargs)

    async def aforward(self, **kwargs: Any) -> dspy.Prediction:
        with dspy.context(adapter=_local_adapter()):
            return await super().aforward(**kwargs)


def _local_adapter() -> LocalAdapter:
    adapter = dspy.settings.adapter
    return adapter if isinstance(adapter, LocalAdapter) else LocalAdapter()


def _argument(kind: Any) -> tuple[Any, Any]:
    if kind in (str, Any):
        return str, dspy.OutputField(min_length=1, max_length=LONGEST_ARGUMENT)
    return kind, dspy.OutputField()


def _first_actions(recalled: Recall) -> list[RecalledInteraction]:
    """What to do first in similar cases: what helped, where that is recorded, else what was done first."""
    items = [memory.interaction for memory in reversed(recalled.memories) if memory.interaction.actions]
    return [
        RecalledInteraction(
            inputs=excerpts(item.inputs), answer={"action": [*helpful(item), *item.actions][0].get("tool", RESPOND)}
        )
        for item in items
    ]


def _searches(recalled: Recall, tool: str, titles: Mapping[str, str]) -> list[RecalledInteraction]:
    """What a tool was called with in similar cases that it helped with; `titles` names the arguments in the prompt."""
    found = [
        (memory.interaction, action.get("arguments") or {})
        for memory in reversed(recalled.memories)
        for action in helpful(memory.interaction)[:1]
        if action.get("tool") == tool
    ]
    return [
        RecalledInteraction(inputs=excerpts(item.inputs), answer={title: given[name] for title, name in titles.items()})
        for item, given in found
        if all(name in given for name in titles.values())
    ]


def _record(action: ActionRecord) -> str:
    said = f"It failed. {action.error}" if action.error else action.result
    return delimited(call_text(action.tool, action.arguments), said)


def _read_calls(values: Any) -> tuple[ToolCall, ...]:
    return tuple(pydantic.TypeAdapter(list[ToolCall]).validate_python(values))


_CALLS: Codec[tuple[ToolCall, ...]] = Codec(lambda calls: [call.model_dump() for call in calls], _read_calls)
_ARGUMENTS: Codec[dict[str, Any]] = Codec(dict, dict)
