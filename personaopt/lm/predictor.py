"""The predictor of a persona agent: a `dspy.Predict` that knows whose persona it carries and decides by measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dspy

from personaopt.errors import ConfigurationError, ProgramError
from personaopt.lm.adapter import LocalAdapter, answers_of
from personaopt.lm.decisions import decision_state, is_decided_by_type, report_evidence, weighed
from personaopt.persona import Persona


class PersonaPredict(dspy.Predict):
    """Answers a task under the persona in its instructions.

    Beside DSPy's own state it saves which statements the persona has and where they come from, which the text of the
    instructions does not tell.

    Args:
        signature: The task's signature, composed with `Respond`.
        user_id: Whose persona it carries.

    Attributes:
        known: The persona as it was last written here; another optimizer may have changed the text since.
        version: Its version in the store.
        loaded: Whether both come from a file that was not compared with the store yet.
    """

    def __init__(self, signature: type[dspy.Signature], user_id: str) -> None:
        super().__init__(signature)
        self.user_id = user_id
        self.known = Persona()
        self.version = 0
        self.loaded = False

    def forward(self, **kwargs: Any) -> dspy.Prediction:
        """As `dspy.Predict`, but an adapter that measures the answers is asked as it is."""
        if not self._measures():
            return super().forward(**kwargs)
        lm, config, signature, demos, inputs = self._forward_preprocess(**kwargs)
        with self._streaming():
            completions = dspy.settings.adapter(lm, lm_kwargs=config, signature=signature, demos=demos, inputs=inputs)
        return self._forward_postprocess(completions, signature, **inputs)

    async def aforward(self, **kwargs: Any) -> dspy.Prediction:
        """The same, awaited."""
        if not self._measures():
            return await super().aforward(**kwargs)
        lm, config, signature, demos, inputs = self._forward_preprocess(**kwargs)
        with self._streaming():
            completions = await dspy.settings.adapter.acall(
                lm, lm_kwargs=config, signature=signature, demos=demos, inputs=inputs
            )
        return self._forward_postprocess(completions, signature, **inputs)

    def decide(self, distributions: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        """Calibrated probabilities under the decision parameters in `fields` (see `dspy.experimental.ReAnchor`)."""
        state = decision_state(self)
        for name, distribution in distributions.items():
            report_evidence(self, state, name, distribution)
        return {name: weighed(state, name, distribution) for name, distribution in distributions.items()}

    def dump_state(self, json_mode: bool = True) -> dict[str, Any]:
        """DSPy's state, and whose persona it is with its statements."""
        carried = {"user": self.user_id, "version": self.version, **self.known.to_dict()}
        return {**super().dump_state(json_mode=json_mode), "persona": carried}

    def load_state(self, state: dict[str, Any], *, allow_unsafe_lm_state: bool = False) -> PersonaPredict:
        """Read what `dump_state` wrote, or the state of a plain predictor.

        Raises:
            ProgramError: It is another user's.
            PersonaError: The statements are damaged.
        """
        carried = state.get("persona")
        known, version = self.known, self.version
        if carried is not None:
            if carried.get("user") != self.user_id:
                raise ProgramError(
                    f"The saved state holds the persona of user {carried.get('user')!r}, and this agent is user "
                    f"{self.user_id!r}'s; load it into an agent of that user."
                )
            known, version = Persona.from_dict(carried), carried.get("version", 0)
        own = {name: value for name, value in state.items() if name != "persona"}
        super().load_state(own, allow_unsafe_lm_state=allow_unsafe_lm_state)
        self.known, self.version, self.loaded = known, version, True
        return self

    def _streaming(self) -> Any:
        """As `dspy.Predict` does it: the LM's words go to the stream only where they are listened to."""
        return dspy.context(caller_predict=self) if self._should_stream() else dspy.context(send_stream=None)

    def _measures(self) -> bool:
        """Whether the configured adapter decides closed sets of answers itself.

        Raises:
            ConfigurationError: The answer is to be streamed, and it comes as a whole.
        """
        measures = isinstance(dspy.settings.adapter, LocalAdapter) and not is_decided_by_type(self.signature)
        decided = set(self.fields)
        if measures:
            decided |= {name for name, field in self.signature.output_fields.items() if answers_of(field)}
        if decided and self._should_stream():
            raise ConfigurationError(
                f"The output {', '.join(sorted(decided))} is chosen by its probability and comes as a whole, so it "
                "cannot be streamed; stream free text, or call the agent itself."
            )
        if measures and self._should_stream() and dspy.settings.stream_listeners:
            raise ConfigurationError(
                "LocalAdapter has an output written as JSON in one piece, which no StreamListener can follow; leave "
                "the listeners out, or configure dspy.ChatAdapter()."
            )
        return measures
