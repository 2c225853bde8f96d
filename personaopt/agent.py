"""PersonaAgent: any DSPy task, answered for one user with that user's persona and memory."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import dspy
from dspy.adapters.utils import parse_value

from personaopt.errors import ConfigurationError, PersonaError
from personaopt.explanation import Asked, Explanation, explain
from personaopt.interaction import Interaction, query_text
from personaopt.lm.adapter import LocalAdapter, answers_of
from personaopt.lm.calibration import Calibration
from personaopt.lm.local import is_small_local
from personaopt.lm.predictor import PersonaPredict
from personaopt.lm.private_calls import private_calls
from personaopt.memory.choices import evidence as evidence
from personaopt.memory.choices import spelled as spelled
from personaopt.memory.episodic import Recall
from personaopt.memory.forgotten import user_hash
from personaopt.persona import Persona, Statement
from personaopt.signatures.excerpt import excerpts
from personaopt.signatures.persona_block import read_persona, write_persona
from personaopt.signatures.respond import MEMORIES, RecalledInteraction, Respond, compose

if TYPE_CHECKING:
    from personaopt.memory import PersonaVersion, User


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
        >>> PersonaAgent("description -> tag", user=store.user("u42"))(description="...").tag
    """

    _made: tuple[int, float | None] | None = None  # the version last found usable, and when that one was made

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
        self._composed: tuple[Any, str, Any] = (None, "", None)
        self.predict = PersonaPredict(compose(Respond, self.task), user.id)
        current = self._move_to_current()
        self.persona = current if persona is None else persona

    @property
    def persona(self) -> Persona:
        """The persona that stands in the predictor's instructions; what another optimizer wrote there is `written`.

        Lines of the persona's block that were changed are statements of their own. What differs from the task's text
        outside of it, or in the place of it, is one statement more.

        Raises:
            PersonaError: What was written passes the token limit.
        """
        text, foreign = self._instructions()
        persona = self.predict.known
        if text != persona.render():
            known = {statement.text: statement for statement in persona.statements}
            lines = Persona.from_text(text, token_limit=persona.token_limit).statements
            persona = dataclasses.replace(persona, statements=tuple(known.get(s.text, s) for s in lines))
        if foreign and foreign not in {statement.text for statement in persona.statements}:
            statements = (*persona.statements, Statement(foreign, source="written"))
            return dataclasses.replace(persona, statements=statements)
        return persona

    @persona.setter
    def persona(self, persona: Persona) -> None:
        self.predict.known = persona
        self.predict.signature = self._signature(persona)

    @property
    def persona_version(self) -> int:
        """The version of the persona in the store; of one that is not stored, the version it would follow.

        Of a loaded state: the version it names if the store has this persona there, else the newest that says the
        same, else the current one.
        """
        if self.predict.loaded:
            says = {stored.version: stored.persona.render() for stored in self.user.personas()}
            same = [version for version, text in says.items() if text == self.predict.known.render()]
            if self.predict.version not in same:
                self.predict.version = max(same or says, default=0)
            self.predict.loaded = False
        return self.predict.version

    @persona_version.setter
    def persona_version(self, version: int) -> None:
        self.predict.version, self.predict.loaded = version, False
        self._made = None

    def save_persona(self, *, author: str, reason: str = "") -> PersonaVersion:
        """Store the agent's persona as a new version, which is returned; such as after GEPA or COPRO rewrote it.

        The instructions are then the task's own with the persona behind them, as the aligner writes them. Worked
        examples stay in the predictor. Nothing is stored where the persona is what the store has.

        Args:
            author: Who wrote it, such as the optimizer's name.
            reason: Why.

        Raises:
            VersionConflict: Another version was saved since; nothing is stored.
            PersonaError: The persona is empty and the user has none, or it passes the token limit.
        """
        persona, version = self.persona, self.persona_version
        stored = self.user.store.persona(self.user.id, version) if version else None
        if stored is None and not persona:
            raise PersonaError(f"There is no persona to save for user {self.user.id!r}: it is empty.")
        if stored is None or stored.persona != persona:
            before = stored.persona if stored else Persona()
            stored = self.user.save_persona(
                persona, parent=version, author=author, reason=reason, edits=before.diff(persona)
            )
        self.persona, self.persona_version = persona, stored.version
        return stored

    @property
    def answers(self) -> dict[str, tuple[Any, ...]]:
        """The closed set of answers of each output field that has one."""
        fields = {name: answers_of(field) for name, field in self.task.output_fields.items()}
        return {name: answers for name, answers in fields.items() if answers}

    def refresh(self) -> PersonaAgent:
        """Move to the user's current persona; returns this agent."""
        self.persona = self._move_to_current()
        return self

    def refuse_forgotten(self) -> None:
        """Refuse to work under a persona that quotes what the user wants forgotten.

        Raises:
            ForgottenError: The agent's version was redacted, or is gone with its user.
        """
        version = self.persona_version
        known = self._made[1] if self._made and self._made[0] == version else None
        self._made = (version, self.user.store.refuse_forgotten(self.user.id, version, known))

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """What the user's memory holds for a question, strictly before a moment.

        Args:
            inputs: The task's inputs.
            before: An interaction of the user (only what comes ahead of it is seen), a time in seconds, or None.
        """
        if not self.retrieve and not self.answers:  # nothing is shown, and no answer has a prior: no need to search
            return Recall((), ())
        text = query_text({name: inputs[name] for name in self.task.input_fields if name in inputs})
        earlier = [memory for memory in self.user.similarities(text, before=before) if memory.interaction.ground_truth]
        nearest = sorted(range(len(earlier)), key=lambda place: (-earlier[place].similarity, -place))
        return Recall(tuple(earlier[place] for place in nearest[: self.retrieve]), tuple(earlier))

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """Answer for this user.

        Returns:
            The task's outputs, `persona_version`, `memories`, and `probabilities` by field and answer where the LM
            measures them.

        Raises:
            ForgottenError: The persona quotes what was forgotten since; see `refuse_forgotten`.
        """
        self.refuse_forgotten()
        recalled = self.recall(inputs)
        with self.speaking():
            prediction = self.predict(**self.prompt_inputs(inputs, recalled))
        return self._answered(inputs, prediction, recalled)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """The same, awaited."""
        self.refuse_forgotten()
        recalled = self.recall(inputs)
        with self.speaking():
            prediction = await self.predict.acall(**self.prompt_inputs(inputs, recalled))
        return self._answered(inputs, prediction, recalled)

    def why(self, prediction: dspy.Prediction, *, measure: bool = True) -> Explanation:
        """Which statements and memories carried an answer of this agent.

        Args:
            prediction: What calling the agent returned.
            measure: Whether to ask again without each statement and each memory, all at once, and tell how much less
                likely the answer is then. Needs an LM that measures probabilities (or, of texts, the small local
                model), and as many calls as there are parts and one more. Without it nothing is called.

        Raises:
            ConfigurationError: The prediction is not one of this user's agent.
            ForgottenError: The persona quotes what was forgotten since.
        """
        self.refuse_forgotten()
        return explain(self, prediction, measure=measure)

    def _answered(self, inputs: Mapping[str, Any], prediction: dspy.Prediction, recalled: Recall) -> dspy.Prediction:
        answer = self.finish(prediction, recalled)
        persona = self.predict.known
        with contextlib.suppress(PersonaError):  # another optimizer may have written too much
            persona = self.persona
        answer._asked = Asked(self.user.id, dict(inputs), persona)
        return answer

    @contextlib.contextmanager
    def speaking(self) -> Iterator[None]:
        """A context in which the LM is spoken to for this user, by the adapter that suits it unless one is configured.

        Calls stay out of DSPy's shared cache, except where the store was opened with `lm_cache="shared"`.
        """
        small = dspy.settings.adapter is None and is_small_local(self.lm)
        adapted = dspy.context(adapter=LocalAdapter()) if small else dspy.context()
        shared = self.user.store.policy.lm_cache == "shared"
        with private_calls(user_hash(self.user.id), cached=shared), adapted:
            yield

    @property
    def lm(self) -> Any:
        """The LM that answers: the predictor's own, or the configured one."""
        return self.predict.lm or dspy.settings.lm

    def prompt_inputs(
        self, inputs: Mapping[str, Any], recalled: Recall, persona: Persona | None = None
    ) -> dict[str, Any]:
        """What the predictor is called with: inputs, memories (very long ones in parts), another persona if given."""
        shown = [
            RecalledInteraction(inputs=excerpts(item.inputs), answer=excerpts(item.ground_truth))
            for item in (memory.interaction for memory in reversed(recalled.memories))
        ]
        return {**inputs, MEMORIES: shown, **({"signature": self._signature(persona)} if persona is not None else {})}

    def finish(self, prediction: dspy.Prediction, recalled: Recall) -> dspy.Prediction:
        """The predictor's answer with calibrated probabilities, and what it was based on."""
        outputs = {name: prediction[name] for name in self.task.output_fields}
        if measured := prediction.get("probabilities"):
            probabilities = self.predict.decide(
                {name: self.calibrated(name, p, recalled) for name, p in measured.items()}
            )
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

    def _move_to_current(self) -> Persona:
        """Hold the user's current version; version and persona are read at once, so that they belong together."""
        stored = self.user.store.persona(self.user.id)
        self.persona_version = stored.version if stored else 0
        self._made = (stored.version, stored.created) if stored else None
        return stored.persona if stored else Persona()

    def _signature(self, persona: Persona) -> type[dspy.Signature]:
        # Composing one takes a millisecond, and all simulations under a candidate ask for the same.
        signature = self.predict.signature
        instructions = write_persona(self.task.instructions, persona.render())
        composed = self._composed  # read once: another thread may compose for another candidate
        if composed[:2] != (signature, instructions):
            composed = self._composed = (signature, instructions, signature.with_instructions(instructions))
        return composed[2]

    def _instructions(self) -> tuple[str, str]:
        """The persona's block in the predictor's instructions, and what else is not the task's own text."""
        rest, persona = read_persona(self.predict.signature.instructions)
        own = self.task.instructions
        if " ".join(rest.split()) == " ".join(own.split()):
            return persona, ""
        return persona, " ".join(rest.replace(own, " ").split())

    def __deepcopy__(self, memo: dict[int, Any]) -> PersonaAgent:
        """A copy that shares the memory: a program is copied often, and what is remembered exists once."""
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in ("user", "task"):
                setattr(twin, name, copy.deepcopy(value, memo))
        return twin
