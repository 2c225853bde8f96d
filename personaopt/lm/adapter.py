"""The adapter for models that measure their answers: decided outputs with a distribution, all others under a schema."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Annotated, Any, Literal, get_args, get_origin

import dspy
import pydantic
from dspy.adapters.utils import parse_value, serialize_for_json
from dspy.clients.capabilities import with_capability_planning
from dspy.lm15 import Config, Message, Request, Response
from dspy.utils.exceptions import AdapterParseError

from personaopt.attachments import described
from personaopt.errors import ConfigurationError, ModelError
from personaopt.lm import options, prompt_form
from personaopt.signatures.observed import OBSERVATIONS, holds_observations
from personaopt.signatures.persona_block import read_persona
from personaopt.signatures.respond import MEMORIES, RecalledInteraction
from personaopt.signatures.standing import StandsFor
from personaopt.signatures.turns import turns_field

MOST_ORDINAL_LEVELS = 10


class LocalAdapter(dspy.Adapter):
    """Prompts in plain completion form and asks for measured answers (`personaopt.lm.prompt_form`).

    Outputs with a closed set of answers (`Literal`, `bool`, enums, whole numbers with at most ten levels) are decided:
    the LM scores each answer, and the prediction carries `probabilities`, by field and answer, and `log_likelihoods`
    where the engine gives them. All others are written under their JSON schema. Works with the local model and with
    servers that return the log-probabilities of candidates.

    Args:
        probabilities: `required` refuses an LM that cannot measure; `if_available` takes its plain answer.
        callbacks: DSPy callbacks of this adapter.
    """

    def __init__(self, probabilities: Literal["required", "if_available"] = "required", callbacks: Any = None) -> None:
        super().__init__(callbacks=callbacks)
        self.probabilities = probabilities

    @with_capability_planning
    def __call__(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Ask the LM and return one mapping of outputs for each answer."""
        requests, settings = self._requests(lm, lm_kwargs, signature, demos, inputs)
        return [self._outputs(signature, inputs, lm(request, **settings)) for request in requests]

    @with_capability_planning
    async def acall(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """The same, awaited."""
        requests, settings = self._requests(lm, lm_kwargs, signature, demos, inputs)
        return [self._outputs(signature, inputs, await lm.acall(request, **settings)) for request in requests]

    def score(self, lm: Any, signature: Any, inputs: dict[str, Any], outputs: dict[str, str]) -> dict[str, TextScore]:
        """How likely given texts are as the outputs of a task: natural log-likelihood and tokens, by field.

        Args:
            lm: An LM whose engine measures candidates, such as the local model.
            signature: The task, with persona and memories where there are any.
            inputs: The task's inputs, `memories` among them.
            outputs: The texts to be scored, by output field; each is read as one line.

        Raises:
            ModelError: A text is empty, or the LM does not measure texts.
            ConfigurationError: The task has no such output.
        """
        return _text_scores(lm(self._score_request(lm, signature, inputs, outputs)), outputs)

    async def ascore(
        self, lm: Any, signature: Any, inputs: dict[str, Any], outputs: dict[str, str]
    ) -> dict[str, TextScore]:
        """The same, awaited."""
        request = self._score_request(lm, signature, inputs, outputs)
        return _text_scores(await lm.acall(request), outputs)

    def format(self, signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]) -> list[dict[str, Any]]:
        """The prompt, as a single message."""
        _, persona = read_persona(signature.instructions)
        remembers = _remembers(signature)
        examples = [
            {name: demo[name] for name in signature.fields if demo.get(name) is not None and name != remembers}
            for demo in demos
        ]
        for memory in (inputs.get(remembers) or ()) if remembers else ():
            recalled = RecalledInteraction.model_validate(memory)
            examples.append({**recalled.inputs, **recalled.answer})
        case = {name: inputs[name] for name in signature.input_fields if inputs.get(name) is not None}
        case.pop(remembers, None)
        if (spoken := case.pop(turns_field(signature), None)) is not None:  # what was said before in the conversation
            examples += spoken.messages
        records = case.pop(OBSERVATIONS, ()) if holds_observations(signature) else ()
        written = not any(map(answers_of, signature.output_fields.values()))
        prompt = prompt_form.write_prompt(
            _plain(options.read(signature, case)),
            titles=options.titles(signature),
            examples=[_plain(options.read(signature, example)) for example in examples],
            records=map(serialize_for_json, records),
            persona=persona,
            persona_first=written,
        )
        return [{"role": "user", "content": prompt}]

    def _requests(
        self, lm: Any, lm_kwargs: dict[str, Any], signature: Any, demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> tuple[list[Request], dict[str, Any]]:
        settings = {**lm.kwargs, **lm_kwargs}
        controls = {key: lm_kwargs[key] for key in ("cache", "rollout_id") if lm_kwargs.get(key) is not None}
        seed = settings.get("seed") or settings.get("rollout_id") or 0
        properties = {
            name: options.as_property(name, field, inputs) or _property(name, field)
            for name, field in signature.output_fields.items()
        }
        request = self._request(lm, self.format(signature, demos, inputs)[0]["content"], properties)
        config = dataclasses.replace(
            request.config, temperature=settings.get("temperature"), max_tokens=settings.get("max_tokens"), seed=seed
        )
        drawn = range(settings.get("n") or 1)
        return [
            dataclasses.replace(request, config=dataclasses.replace(config, seed=seed + place)) for place in drawn
        ], controls

    def _request(self, lm: Any, prompt: str, properties: dict[str, Any]) -> Request:
        schema = {
            "type": "object",
            "properties": {name: dict(definition) for name, definition in properties.items()},
            "required": list(properties),
            "additionalProperties": False,
        }
        # pydantic keeps shared definitions beside each property; JSON Schema looks for them at the top.
        shared = [definition.pop("$defs", {}) for definition in schema["properties"].values()]  # type: ignore[attr-defined]
        if any(shared):
            schema["$defs"] = {name: value for definitions in shared for name, value in definitions.items()}
        form = {"type": "json_schema", "name": "outputs", "strict": True, "schema": schema}
        decided = any("enum" in value or value.get("type") == "boolean" for value in properties.values())
        policy = self.probabilities if decided else None
        return Request(lm.model, (Message.user(prompt),), config=Config(response_format=form, probabilities=policy))

    def _score_request(self, lm: Any, signature: Any, inputs: dict[str, Any], outputs: dict[str, str]) -> Request:
        if unknown := set(outputs) - set(signature.output_fields):
            raise ConfigurationError(f"The task has no output {min(unknown)!r} whose text could be scored.")
        empty = [name for name, text in outputs.items() if not prompt_form.one_line(text)]
        if empty or not outputs:
            raise ModelError(f"An empty text cannot be scored; give one for {empty[0] if empty else 'an output'}.")
        properties = {
            name: {"type": "string", "title": prompt_form.title(name), "enum": [prompt_form.one_line(outputs[name])]}
            for name in signature.output_fields
            if name in outputs
        }
        return self._request(lm, self.format(signature, [], inputs)[0]["content"], properties)

    def _outputs(self, signature: Any, inputs: dict[str, Any], response: Response) -> dict[str, Any]:
        data, probabilities = options.under_answers(signature, inputs, response.data, response.probabilities)
        if not isinstance(data, dict) or not set(signature.output_fields) <= set(data):
            raise AdapterParseError(
                adapter_name=type(self).__name__,
                signature=signature,
                lm_response=str(response.text),
                message="The LM did not answer with the fields it was asked for.",
            )
        outputs = {}
        for name, field in signature.output_fields.items():
            try:
                outputs[name] = _answer_value(field, data[name])
            except (ValueError, pydantic.ValidationError) as error:
                raise AdapterParseError(
                    adapter_name=type(self).__name__,
                    signature=signature,
                    lm_response=str(data),
                    message=f"The LM's {name} is not valid: {error}",
                ) from error
        if probabilities and "probabilities" not in signature.output_fields:
            outputs["probabilities"] = probabilities
        return outputs


@dataclasses.dataclass(frozen=True)
class TextScore:
    """The log-likelihood of a text (natural logarithm, summed) and the tokens it was summed over."""

    log_likelihood: float
    tokens: int


def _text_scores(response: Response, outputs: dict[str, str]) -> dict[str, TextScore]:
    measured = response.provider_data or {}
    if "log_likelihoods" not in measured or "answer_tokens" not in measured:
        raise ModelError(f"The LM {response.model} does not measure how likely a text is; score with the local model.")
    lines = {name: prompt_form.one_line(text) for name, text in outputs.items()}
    return {
        name: TextScore(measured["log_likelihoods"][name][line], measured["answer_tokens"][name][line])
        for name, line in lines.items()
    }


def answers_of(field: Any) -> tuple[Any, ...]:
    """The closed set of answers of an output field, in their order; empty when it is open.

    Answers that are written alike (`Literal[1, "1"]`) cannot be told apart, so such a field counts as open.
    """
    annotation = field.annotation
    answers: tuple[Any, ...] = ()
    if get_origin(annotation) is Literal:
        answers = get_args(annotation)
    elif annotation is bool:
        answers = (True, False)
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        answers = tuple(member.value for member in annotation)
    elif annotation is int:
        low = next((rule.ge for rule in field.metadata if hasattr(rule, "ge")), None)
        high = next((rule.le for rule in field.metadata if hasattr(rule, "le")), None)
        if low is not None and high is not None and 0 < high - low < MOST_ORDINAL_LEVELS:
            answers = tuple(range(int(low), int(high) + 1))
    lines = {prompt_form.one_line(spelled(answer)) for answer in answers}
    return answers if len(lines) == len(answers) and "" not in lines else ()


def spelled(answer: Any) -> str:
    """An answer as the text by which it is scored and counted: JSON's words for true, false and null, else its text."""
    return json.dumps(answer) if isinstance(answer, bool) or answer is None else str(answer)


def _property(name: str, field: Any) -> dict[str, Any]:
    """An output field as a JSON schema property; closed sets of answers as an `enum` of text, which is scored."""
    answers = answers_of(field)
    if field.annotation is bool:
        return {"type": "boolean", "title": prompt_form.title(name)}
    if answers:
        return {"type": "string", "enum": [spelled(answer) for answer in answers], "title": prompt_form.title(name)}
    return {**pydantic.TypeAdapter(_constrained(field)).json_schema(), "title": prompt_form.title(name)}


def _constrained(field: Any) -> Any:
    """The field's annotation with its limits (`ge`, `max_length`), which pydantic keeps beside it."""
    rules = [rule for rule in field.metadata if not isinstance(rule, StandsFor)]
    return Annotated[(field.annotation, *rules)] if rules else field.annotation


def _answer_value(field: Any, value: Any) -> Any:
    """A measured answer as the value that the annotation has for it."""
    value = next((answer for answer in answers_of(field) if spelled(answer) == value), value)
    if isinstance(field.annotation, type) and issubclass(field.annotation, enum.Enum):
        return field.annotation(value)
    if field.annotation is str and isinstance(value, str):  # DSPy would read a limited text such as "[...]" as JSON
        return pydantic.TypeAdapter(_constrained(field)).validate_python(value)
    return parse_value(value, _constrained(field))


def _remembers(signature: Any) -> str | None:
    """The name of the input that holds the user's memories; a task's own field of that name is like any other."""
    field = signature.input_fields.get(MEMORIES)
    return MEMORIES if field is not None and field.annotation == list[RecalledInteraction] else None


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: serialize_for_json(described(value)) for name, value in values.items()}
