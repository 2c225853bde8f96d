"""PersonaAgent: any DSPy task, answered for one user with that user's persona and memory."""

from __future__ import annotations

import copy
import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import dspy
import numpy as np
from dspy.adapters.utils import parse_value

from personaopt.errors import ConfigurationError
from personaopt.interaction import Interaction, query_text
from personaopt.lm.adapter import LocalAdapter, answers_of
from personaopt.lm.calibration import Calibration
from personaopt.lm.local import is_small_local
from personaopt.memory.priors import label_frequencies, neighbour_vote, recent_label_frequencies
from personaopt.persona import Persona, estimate_tokens
from personaopt.signatures.persona_block import read_persona, write_persona
from personaopt.signatures.respond import MEMORIES, RecalledInteraction, Respond, compose

if TYPE_CHECKING:
    from personaopt.memory import Memory, User

HALF_LIFE = 10.0
"""After how many later choices a choice counts half in the feature `recent`."""


@dataclasses.dataclass(frozen=True)
class Recall:
    """What is remembered for one question: everything before it, and the part that is shown to the LM.

    Attributes:
        memories: The most similar earlier interactions, the most similar first.
        earlier: All earlier interactions with their similarity, oldest first.
    """

    memories: tuple[Memory, ...]
    earlier: tuple[Memory, ...]


class PersonaAgent(dspy.Module):
    """Answers a task for one user: recalls similar interactions, writes the persona into the prompt, responds.

    An agent is a snapshot of one version of the persona; `refresh` moves it to the current one. It has one predictor,
    `predict`, whose signature is the task's composed with `Respond`; the persona is a block at the end of the
    predictor's instructions, so that saving, copying and other optimizers carry it along.

    Args:
        task: The task's signature, or its short form such as `"review -> score"`.
        user: Whose agent it is; `store.user(user_id)`.
        retrieve: How many similar earlier interactions are put into the prompt (PersonaAgent's K), 0 for none.
        persona: The persona to answer under; the user's current one when None.
        calibration: How measured probabilities are calibrated; `"shipped"` takes the one fitted for the small local
            model when that model answers, None leaves them as they are.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> agent = PersonaAgent("description -> tag", user=store.user("u42"))
        >>> agent(description="...").tag
    """

    def __init__(
        self,
        task: type[dspy.Signature] | str,
        *,
        user: User,
        retrieve: int = 8,
        persona: Persona | None = None,
        calibration: Calibration | Literal["shipped"] | None = "shipped",
    ) -> None:
        super().__init__()
        if not isinstance(retrieve, int) or isinstance(retrieve, bool) or retrieve < 0:
            raise ConfigurationError(f"An agent retrieves 0 or more memories; {retrieve!r} is not such a number.")
        self.user = user
        self.task: type[dspy.Signature] = dspy.signatures.ensure_signature(task)
        self.retrieve = retrieve
        self.calibration = calibration
        self.persona_version, self._known = _current(user)
        self._known = persona if persona is not None else self._known
        self.predict = dspy.Predict(compose(Respond, self.task))
        self.persona = self._known

    @property
    def persona(self) -> Persona:
        """The persona that stands in the predictor's instructions; lines that another optimizer wrote are `written`.

        Where an optimizer replaced the instructions and the persona's block with them, what differs from the task's
        own text is the persona, as one statement.

        Raises:
            PersonaError: What was written passes the token limit.
        """
        _, text = self._instructions()
        if text == self._known.render():
            return self._known
        known = {statement.text: statement for statement in self._known.statements}
        lines = Persona.from_text(text, token_limit=self._known.token_limit).statements
        return dataclasses.replace(self._known, statements=tuple(known.get(s.text, s) for s in lines))

    @persona.setter
    def persona(self, persona: Persona) -> None:
        self._known = persona
        self.predict.signature = self._signature(persona)

    @property
    def answers(self) -> dict[str, tuple[Any, ...]]:
        """The closed set of answers of each output field that has one."""
        fields = {name: answers_of(field) for name, field in self.task.output_fields.items()}
        return {name: answers for name, answers in fields.items() if answers}

    def refresh(self) -> PersonaAgent:
        """Move to the user's current persona; returns this agent."""
        self.persona_version, self.persona = _current(self.user)
        return self

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """What the user's memory holds for a question, strictly before a moment.

        Args:
            inputs: The task's inputs.
            before: An interaction of the user (only what comes ahead of it is seen), a time in seconds, or None.
        """
        text = query_text({name: inputs[name] for name in self.task.input_fields if name in inputs})
        earlier = [memory for memory in self.user.similarities(text, before=before) if memory.interaction.ground_truth]
        nearest = sorted(range(len(earlier)), key=lambda place: (-earlier[place].similarity, -place))
        return Recall(tuple(earlier[place] for place in nearest[: self.retrieve]), tuple(earlier))

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """Answer for this user.

        Returns:
            The task's outputs, `persona_version`, `memories`, and `probabilities` by field and answer where the LM
            measures them.
        """
        recalled = self.recall(inputs)
        with self.speaking():
            prediction = self.predict(**self.prompt_inputs(inputs, recalled))
        return self.finish(prediction, recalled)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """The same, awaited."""
        recalled = self.recall(inputs)
        with self.speaking():
            prediction = await self.predict.acall(**self.prompt_inputs(inputs, recalled))
        return self.finish(prediction, recalled)

    def speaking(self) -> Any:
        """A context in which the LM is spoken to through the adapter that suits it, unless one is configured."""
        if dspy.settings.adapter is None and is_small_local(self.lm):
            return dspy.context(adapter=LocalAdapter())
        return dspy.context()

    @property
    def lm(self) -> Any:
        """The LM that answers: the predictor's own, or the configured one."""
        return self.predict.lm or dspy.settings.lm

    def prompt_inputs(
        self, inputs: Mapping[str, Any], recalled: Recall, persona: Persona | None = None
    ) -> dict[str, Any]:
        """What the predictor is called with: inputs, memories, and another persona where one is given."""
        shown = [
            RecalledInteraction(inputs=dict(memory.interaction.inputs), answer=dict(memory.interaction.ground_truth))
            for memory in reversed(recalled.memories)
        ]
        override = {"signature": self._signature(persona)} if persona is not None else {}
        return {**inputs, MEMORIES: shown, **override}

    def finish(self, prediction: dspy.Prediction, recalled: Recall) -> dspy.Prediction:
        """The predictor's answer with calibrated probabilities, and what it was based on."""
        measured = prediction.get("probabilities")
        outputs = {name: prediction[name] for name in self.task.output_fields}
        if measured:
            probabilities = {name: self.calibrated(name, p, recalled) for name, p in measured.items()}
            for name, distribution in probabilities.items():
                if name in self.answers:
                    likeliest = max(distribution, key=lambda answer: distribution[answer])
                    answer = next(a for a in self.answers[name] if spelled(a) == likeliest)
                    outputs[name] = parse_value(answer, self.task.output_fields[name].annotation)
            outputs["probabilities"] = probabilities
        return dspy.Prediction(**outputs, persona_version=self.persona_version, memories=list(recalled.memories))

    def calibrated(self, field: str, measured: Mapping[str, float], recalled: Recall) -> dict[str, float]:
        """The probabilities of a field's answers, calibrated where a calibration is set."""
        calibration = self.calibration
        if calibration == "shipped":
            calibration = Calibration.shipped() if is_small_local(self.lm) else None
        if calibration is None:
            return dict(measured)
        values = calibration.probabilities(evidence(field, measured, recalled.earlier))
        return dict(zip(measured, values.tolist(), strict=True))

    def _signature(self, persona: Persona) -> type[dspy.Signature]:
        task, _ = self._instructions()
        return self.predict.signature.with_instructions(write_persona(task, persona.render()))

    def _instructions(self) -> tuple[str, str]:
        """The predictor's instructions as the task's part and the persona's."""
        written = self.predict.signature.instructions
        task, persona = read_persona(written)
        own = self.task.instructions
        if persona or " ".join(task.split()) == " ".join(own.split()):
            return task, persona
        return own, " ".join(task.replace(own, " ").split())

    def __deepcopy__(self, memo: dict[int, Any]) -> PersonaAgent:
        """A copy that shares the memory: a program is copied often, and what is remembered exists once."""
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in ("user", "task"):
                setattr(twin, name, copy.deepcopy(value, memo))
        return twin


def _current(user: User) -> tuple[int, Persona]:
    """Version and persona in one reading, so that they belong together."""
    stored = user.store.persona(user.id)
    return (stored.version, stored.persona) if stored else (0, Persona())


def evidence(field: str, measured: Mapping[str, float], earlier: Sequence[Memory]) -> dict[str, np.ndarray]:
    """The features that a calibration weighs, for one question.

    Args:
        field: The output field.
        measured: The LM's probability of each answer.
        earlier: The user's earlier interactions with their similarity to the question, oldest first.
    """
    answers = list(measured)
    known = [(memory.similarity, spelled(memory.interaction.ground_truth.get(field))) for memory in earlier]
    known = [(similarity, answer) for similarity, answer in known if answer in measured]
    chosen = [answer for _, answer in known]

    def logs(distribution: Mapping[str, float]) -> np.ndarray:
        return np.log([max(distribution[answer], 1e-12) for answer in answers])

    return {
        "model": logs(measured),
        "length": np.array([estimate_tokens(answer) for answer in answers], dtype=float),
        "frequencies": logs(label_frequencies(chosen, answers)),
        "recent": logs(recent_label_frequencies(chosen, answers, HALF_LIFE)),
        "neighbours": logs(neighbour_vote([similarity for similarity, _ in known], chosen, answers)),
    }


def spelled(answer: Any) -> str:
    """An answer as the text by which it is scored and counted: JSON's words for true and false, else its text."""
    answer = answer.value if isinstance(answer, enum.Enum) else answer
    return str(answer).lower() if isinstance(answer, bool) else str(answer)
