"""PersonaAgent: any DSPy task, answered for one user with that user's persona and memory."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import dspy
from dspy.adapters.utils import parse_value

from personaopt.actions.acting import Acting
from personaopt.actions.gathering import NOTHING_GATHERED, Gathered
from personaopt.actions.outcomes import with_use
from personaopt.actions.policy import LMPolicy, Policy
from personaopt.actions.space import TOOL_SECONDS, ActionSpace
from personaopt.errors import ConfigurationError
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
from personaopt.memory.options import Options, options_for
from personaopt.persona import Persona
from personaopt.signatures.act import Act
from personaopt.signatures.observed import OBSERVATIONS, Observed, refuse_names, with_observations
from personaopt.signatures.respond import MEMORIES, Respond, compose, shown
from personaopt.signatures.standing import case_of
from personaopt.signatures.turns import with_turns
from personaopt.under_persona import UnderPersona

if TYPE_CHECKING:
    from personaopt.memory import User

MOST_ACTIONS = 4
"""Actions before an answer, where an agent has tools and nothing else is said."""


class PersonaAgent(UnderPersona, Acting):
    """Answers a task for one user: recalls similar interactions, looks up what it needs, responds under the persona.

    An agent is a snapshot of one version of the persona; `refresh` moves it to the current one. It has one predictor,
    `predict`, whose signature is the task's composed with `Respond`; the persona is a block at the end of the
    predictor's instructions, so that saving, copying and other optimizers carry it along.

    Args:
        task: The task's signature, or its short form such as `"review -> score"`.
        user: Whose agent it is; `store.user(user_id)`.
        tools: What the agent may look up or do before it answers: functions with type hints and a docstring,
            `dspy.Tool`s, and searches such as `WikipediaSearch`. A user's agent calls those that `user.allow_tools`
            named.
        max_actions: How many actions there are before an answer at most. None for 4 where there are tools and 0 where
            there are none; 0 chooses nothing, and makes the LM call of the answer alone.
        allow_tools_for_all: Names of the tools that may be called for every user.
        retrieve: How many similar earlier interactions are put into the prompt (PersonaAgent's K), 0 for none.
        persona: The persona to answer under; the user's current one when None.
        policy: Chooses the actions; `LMPolicy` when None.
        tool_timeout: Seconds that a tool may take, for all of them or by name.
        not_simulated: Names of tools that change something, such as one that orders: an alignment, which answers
            earlier questions again, does not call them.
        memory_tools: Whether the agent may search the user's own memory (`recall`, `profile`, `recent`).
        calibration: How measured probabilities are calibrated; `"shipped"` takes the one fitted for the small local
            model when that model answers, None leaves them as they are.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> PersonaAgent("description -> tag", user=store.user("u42"))(description="...").tag
    """

    def __init__(
        self,
        task: type[dspy.Signature] | str,
        *,
        user: User,
        tools: Iterable[dspy.Tool | Callable[..., Any]] = (),
        max_actions: int | None = None,
        allow_tools_for_all: Iterable[str] = (),
        retrieve: int = 8,
        persona: Persona | None = None,
        policy: Policy | None = None,
        tool_timeout: float | Mapping[str, float] = TOOL_SECONDS,
        not_simulated: Iterable[str] = (),
        memory_tools: bool = True,
        calibration: Calibration | Literal["shipped"] | None = "shipped",
    ) -> None:
        super().__init__()
        _refuse_number(retrieve, "An agent retrieves 0 or more memories")
        self.user = user
        self.task: type[dspy.Signature] = dspy.signatures.ensure_signature(task)
        self.retrieve = retrieve
        self.calibration = calibration
        self.actions = ActionSpace(
            user,
            tools,
            for_all=allow_tools_for_all,
            timeout=tool_timeout,
            not_simulated=not_simulated,
            memory_tools=memory_tools,
        )
        self.max_actions: int = (MOST_ACTIONS if self.actions.tools else 0) if max_actions is None else max_actions
        _refuse_number(self.max_actions, "An agent does 0 or more actions")
        self.policy: Policy = policy or LMPolicy()
        if self.max_actions:
            refuse_names(self.task, Act.fields)
        self.predict = PersonaPredict(compose(Respond, self.task), user.id)
        current = self._move_to_current()
        self.persona = current if persona is None else persona

    @property
    def answers(self) -> dict[str, tuple[Any, ...]]:
        """The closed set of answers of each output field that has one."""
        fields = {name: answers_of(field) for name, field in self.task.output_fields.items()}
        return {name: answers for name, answers in fields.items() if answers}

    def recall(self, inputs: Mapping[str, Any], *, before: Interaction | float | None = None) -> Recall:
        """What the user's memory holds for a question, strictly before a moment.

        Args:
            inputs: The task's inputs.
            before: An interaction of the user (only what comes ahead of it is seen), a time in seconds, or None.
        """
        if not self.retrieve and not self.answers:  # nothing is shown, and no answer has a prior: no need to search
            return Recall((), ())
        given = {name: inputs[name] for name in self.task.input_fields if name in inputs}
        text = query_text(case_of(self.task, given))
        earlier = [memory for memory in self.user.similarities(text, before=before) if memory.interaction.ground_truth]
        nearest = sorted(range(len(earlier)), key=lambda place: (-earlier[place].similarity, -place))
        memories = tuple(earlier[place] for place in nearest[: self.retrieve])
        return Recall(memories, tuple(earlier), self._options(inputs))

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """Answer for this user.

        Returns:
            The task's outputs, `persona_version`, `memories`, `actions` (what was done before the answer, one mapping
            an action: tool, arguments, result, error, seconds, and whether the answer `used` it), and `probabilities`
            by field and answer where the LM measures them.

        Raises:
            ForgottenError: The persona quotes what was forgotten since; see `refuse_forgotten`.
        """
        self.refuse_forgotten()
        recalled = self.recall(inputs)
        with self.speaking():
            gathered = self._look_up(inputs, recalled)
            prediction = self.predict(**self.prompt_inputs(inputs, recalled, gathered=gathered))
        return self._answered(inputs, prediction, recalled, gathered)

    async def aforward(self, **inputs: Any) -> dspy.Prediction:
        """The same, awaited."""
        self.refuse_forgotten()
        recalled = self.recall(inputs)
        with self.speaking():
            gathered = await self._alook_up(inputs, recalled)
            prediction = await self.predict.acall(**self.prompt_inputs(inputs, recalled, gathered=gathered))
        return self._answered(inputs, prediction, recalled, gathered)

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

    def _answered(
        self, inputs: Mapping[str, Any], prediction: dspy.Prediction, recalled: Recall, gathered: Gathered
    ) -> dspy.Prediction:
        answer = self.finish(prediction, recalled, gathered)
        said = {name: answer[name] for name in self.task.output_fields}
        answer.actions = with_use(answer.actions, said, found=gathered.found, known=[query_text(inputs)])
        answer._asked = Asked(self.user.id, dict(inputs), self.usable_persona, gathered)
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
        self,
        inputs: Mapping[str, Any],
        recalled: Recall,
        persona: Persona | None = None,
        gathered: Gathered = NOTHING_GATHERED,
    ) -> dict[str, Any]:
        """What the predictor is called with.

        Args:
            inputs: The task's inputs.
            recalled: What was retrieved; very long texts are shown in parts.
            persona: Another persona than the agent's.
            gathered: What was looked up; with nothing of it the prompt is that of an agent that looks nothing up.
        """
        recalled = gathered.joined(recalled, self.retrieve)
        memories = shown(memory.interaction for memory in reversed(recalled.memories))
        given: dict[str, Any] = {**inputs, MEMORIES: memories}
        if persona is not None:
            given["signature"] = self._signature(persona)
        if gathered.observations:
            given["signature"] = with_observations(given.get("signature") or self.predict.signature)
            given[OBSERVATIONS] = [Observed(record) for record in gathered.observations]
        return with_turns(given, self.predict.signature)

    def finish(
        self, prediction: dspy.Prediction, recalled: Recall, gathered: Gathered = NOTHING_GATHERED
    ) -> dspy.Prediction:
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
        outputs["memories"] = list(gathered.joined(recalled, self.retrieve).memories)
        outputs["actions"] = [action.to_dict() for action in gathered.actions]
        return dspy.Prediction(**outputs, persona_version=self.persona_version)

    def calibrated(self, field: str, measured: Mapping[str, float], recalled: Recall) -> dict[str, float]:
        """The probabilities of a field's answers, calibrated where a calibration is set."""
        calibration = self.calibration
        if calibration == "shipped":
            calibration = Calibration.shipped() if is_small_local(self.lm) else None
        if calibration is None:
            return dict(measured)
        values = calibration.probabilities(evidence(field, measured, recalled.earlier, recalled.options.get(field)))
        return dict(zip(measured, values.tolist(), strict=True))

    def _options(self, inputs: Mapping[str, Any]) -> dict[str, Options]:
        """Of the outputs whose answers stand for texts of the question."""
        embedder = self.user.store.embedder
        found = {name: options_for(field, inputs, embedder) for name, field in self.task.output_fields.items()}
        return {name: options for name, options in found.items() if options is not None}

    def __deepcopy__(self, memo: dict[int, Any]) -> PersonaAgent:
        """A copy that shares the memory: a program is copied often, and what is remembered exists once."""
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in ("user", "task", "actions", "policy"):
                setattr(twin, name, copy.deepcopy(value, memo))
        return twin


def _refuse_number(number: Any, rule: str) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ConfigurationError(f"{rule}; {number!r} is not such a number.")
