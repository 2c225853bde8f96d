"""Why an agent answered what it did: the statements and memories it had, and what the answer would be without each.

What was in the prompt is known. How much each part mattered is measured by leaving it out and asking again, which says
what changes the answer's probability, not what the model thought: two parts that say the same may both seem idle.
"""

from __future__ import annotations

import contextvars
import dataclasses
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import dspy

from personaopt.actions.gathering import NOTHING_GATHERED, Gathered
from personaopt.errors import ConfigurationError
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.local import is_small_local
from personaopt.memory.choices import spelled
from personaopt.memory.episodic import Memory, Recall
from personaopt.persona import Persona, Statement

if TYPE_CHECKING:
    from personaopt.agent import PersonaAgent

MOST_AT_ONCE = 16
Unit = Literal["probability", "log-likelihood a token"]
Measure = Callable[["PersonaAgent", Mapping[str, Any], Recall, Mapping[str, Any]], dict[str, float]]


class Asked(NamedTuple):
    """What a prediction was made from and does not say itself."""

    user_id: str
    inputs: Mapping[str, Any]
    persona: Persona
    gathered: Gathered = NOTHING_GATHERED


@dataclasses.dataclass(frozen=True)
class Part:
    """A statement or a memory that was in the prompt.

    Attributes:
        statement: The statement, with its evidence, or None.
        memory: The recalled interaction with its similarity, or None.
        effect: By output, how much likelier the answer was with it than without it, in the explanation's `unit`; None
            where that was not measured.
    """

    statement: Statement | None = None
    memory: Memory | None = None
    effect: Mapping[str, float] | None = None

    @property
    def strength(self) -> float:
        """The largest effect, whichever its direction."""
        return max(map(abs, (self.effect or {}).values()), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """The part as JSON values; of a memory its id and similarity."""
        said: dict[str, Any] = {"statement": self.statement.to_dict()} if self.statement else {}
        if self.memory:
            said = {"interaction": self.memory.interaction.id, "similarity": float(self.memory.similarity)}
        return {**said, "effect": dict(self.effect) if self.effect is not None else None}

    def __str__(self) -> str:
        effect = "".join(f"{value:+.3f} " for value in (self.effect or {}).values())
        if self.statement:
            rests = ", ".join(self.statement.evidence) or "no interactions"
            return f"{effect}{self.statement.text} ({self.statement.source}; {rests})"
        memory = self.memory
        return f"{effect}interaction {memory.interaction.id} (similarity {memory.similarity:.2f})" if memory else effect


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What carried an answer; made by `PersonaAgent.why`.

    Attributes:
        answer: The outputs.
        persona_version: The version of the persona it was given under.
        statements: The persona's lines, the one with the largest effect first.
        memories: The recalled interactions, likewise.
        measured: By output, how likely the answer is with everything; empty where it was not measured.
        unit: Of what was measured: the answer's `probability`, or a text's `log-likelihood a token`.
        calls: LM calls that this cost.
        note: Why nothing was measured, where it was asked for.
    """

    answer: Mapping[str, Any]
    persona_version: int
    statements: tuple[Part, ...]
    memories: tuple[Part, ...]
    measured: Mapping[str, float] = dataclasses.field(default_factory=dict)
    unit: Unit = "probability"
    calls: int = 0
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The explanation as JSON values."""
        return {
            "answer": {name: spelled(value) for name, value in self.answer.items()},
            "persona_version": self.persona_version,
            "statements": [part.to_dict() for part in self.statements],
            "memories": [part.to_dict() for part in self.memories],
            "measured": dict(self.measured),
            "unit": self.unit,
            "calls": self.calls,
            "note": self.note,
        }

    def __str__(self) -> str:
        lines = []
        for name, value in self.answer.items():
            sure = f" ({self.unit} {self.measured[name]:.3f})" if name in self.measured else ""
            lines.append(f"{name}: {value}{sure}")
        parts = (f"persona, version {self.persona_version}", self.statements), ("memories", self.memories)
        for title, found in parts:
            lines += [f"{title}:", *(f"  {part}" for part in found)] if found else [f"{title}: none"]
        return "\n".join([*lines, self.note] if self.note else lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def explain(agent: PersonaAgent, prediction: dspy.Prediction, *, measure: bool = True) -> Explanation:
    """See `PersonaAgent.why`."""
    asked = getattr(prediction, "_asked", None)
    if not isinstance(asked, Asked):
        raise ConfigurationError("Only a prediction that calling a PersonaAgent returned can be explained.")
    if asked.user_id != agent.user.id:
        raise ConfigurationError(
            f"The prediction is user {asked.user_id!r}'s and this agent is user {agent.user.id!r}'s; ask that agent."
        )
    statements = [Part(statement=statement) for statement in asked.persona.statements]
    memories = [Part(memory=memory) for memory in prediction.memories]
    explanation = Explanation(
        answer={name: prediction[name] for name in agent.task.output_fields},
        persona_version=prediction.persona_version,
        statements=tuple(statements),
        memories=tuple(memories),
    )
    if not measure:
        return explanation
    if "probabilities" in prediction:
        return _measured(agent, asked, explanation, _probabilities)
    if is_small_local(agent.lm):
        return _measured(agent, asked, dataclasses.replace(explanation, unit="log-likelihood a token"), _likelihoods)
    return dataclasses.replace(explanation, note="Nothing was measured: the LM gives no probabilities of answers.")


def _measured(agent: PersonaAgent, asked: Asked, explanation: Explanation, ask: Measure) -> Explanation:
    """The explanation with the effect of each part, all calls at once."""
    recalled = agent.recall(asked.inputs)
    shown = tuple(part.memory for part in explanation.memories if part.memory)
    parts = [*explanation.statements, *explanation.memories]
    # What was recalled stands among the memories that were shown.
    looked_up = dataclasses.replace(asked.gathered, memories=())

    def call(persona: Persona, gone: Memory | None) -> Callable[[], dict[str, float]]:
        rest = _without(recalled, shown, gone)
        inputs = agent.prompt_inputs(asked.inputs, rest, persona, looked_up)
        return lambda: ask(agent, inputs, rest, explanation.answer)

    calls = [call(asked.persona, None)]
    for part in parts:
        persona, gone = asked.persona, part.statement
        if gone is not None:
            kept = tuple(statement for statement in persona.statements if statement.id != gone.id)
            persona = dataclasses.replace(persona, statements=kept)
        calls.append(call(persona, part.memory))
    whole, *without = _at_once(calls)
    weighed = [
        dataclasses.replace(part, effect={name: whole[name] - left[name] for name in whole})
        for part, left in zip(parts, without, strict=True)
    ]
    count = len(explanation.statements)
    return dataclasses.replace(
        explanation,
        statements=_strongest_first(weighed[:count]),
        memories=_strongest_first(weighed[count:]),
        measured=whole,
        calls=len(calls),
    )


def _probabilities(
    agent: PersonaAgent, inputs: Mapping[str, Any], recalled: Recall, answer: Mapping[str, Any]
) -> dict[str, float]:
    """How likely the chosen answers are, calibrated."""
    with agent.speaking():
        prediction = agent.predict(**inputs)
    answered = agent.finish(prediction, recalled).get("probabilities") or {}
    return {name: float(answered[name][spelled(answer[name])]) for name in agent.answers if name in answered}


def _likelihoods(
    agent: PersonaAgent, inputs: Mapping[str, Any], recalled: Recall, answer: Mapping[str, Any]
) -> dict[str, float]:
    """How likely the written texts are, per token."""
    texts = {name: str(text) for name, text in answer.items() if str(text).strip()}
    given = {name: value for name, value in inputs.items() if name != "signature"}
    scores = LocalAdapter().score(agent.lm, inputs["signature"], given, texts) if texts else {}
    return {name: score.log_likelihood / max(score.tokens, 1) for name, score in scores.items()}


def _without(recalled: Recall, shown: Sequence[Memory], gone: Memory | None) -> Recall:
    """What was remembered, but for one memory; neither shown nor counted by the calibration."""
    identifier = gone.interaction.id if gone else None

    def rest(memories: Iterable[Memory]) -> tuple[Memory, ...]:
        return tuple(memory for memory in memories if memory.interaction.id != identifier)

    return dataclasses.replace(recalled, memories=rest(shown), earlier=rest(recalled.earlier))


def _at_once(calls: Sequence[Callable[[], dict[str, float]]]) -> list[dict[str, float]]:
    """Results in the order of the calls; every thread has DSPy's settings of this one."""
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(calls))) as pool:
        futures = [pool.submit(contextvars.copy_context().run, call) for call in calls]
        return [future.result() for future in futures]


def _strongest_first(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: -part.strength))
