"""What a `dspy.lm15` request asks of the local model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

# The public dspy.lm15 has no reader of the convention; this is the one that DSPy's own providers use.
from dspy._vendor.lm15.judgments import Judgment, judgments_in_schema
from dspy.lm15 import InvalidRequestError, Message, Request, TextPart, UnsupportedFeatureError

from personaopt.lm import prompt_form
from personaopt.lm.generation import Sampling
from personaopt.lm.measuring import ALONE, Question

NOT_SUPPORTED = ("stop", "top_p", "top_k", "tool_choice", "frequency_penalty", "presence_penalty", "logprobs")


def check(request: Request) -> None:
    """Refuse what would otherwise be ignored.

    Raises:
        UnsupportedFeatureError: The request has tools, or a setting that the local model does not have.
    """
    if request.tools:
        raise UnsupportedFeatureError("The local model calls no tools by itself; describe them in the task's inputs.")
    for name in NOT_SUPPORTED:
        if getattr(request.config, name, None):
            raise UnsupportedFeatureError(
                f"The local model knows temperature, max_tokens, seed and response_format, and not {name}."
            )


def schema_of(request: Request) -> dict[str, Any] | None:
    """The JSON schema that the answer has to follow, where there is one."""
    form = request.config.response_format
    schema = form.get("schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    return schema if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) else None


def only_decision(request: Request) -> bool:
    """Whether the request has one output and its answers are a closed set: then its prompt is known beforehand."""
    schema = schema_of(request)
    return schema is not None and len(schema["properties"]) == 1 == len(judgments_in_schema(schema))


def output_line(schema: Mapping[str, Any], name: str) -> str:
    """How the line of an output begins."""
    return prompt_form.open_line(schema["properties"][name].get("title") or prompt_form.title(name))


def question(text: str, schema: Mapping[str, Any], name: str, judgment: Judgment) -> Question:
    """How an output with a closed set of answers is measured, behind a text."""
    line = output_line(schema, name)
    return Question(text + line, judgment, line if schema["properties"][name].get(ALONE) else "")


def likeliest(judgment: Judgment, log_likelihoods: Sequence[float]) -> Any:
    """The likeliest answer as the value that the schema declares."""
    best = judgment.keys[max(range(len(log_likelihoods)), key=lambda place: log_likelihoods[place])]
    return best == "true" if judgment.kind == "boolean" else int(best) if judgment.ordered else best


def text_of(request: Request) -> str:
    """The request as one text: what the messages say, one after the other."""
    texts = [_system(request), *(message_text(message) for message in request.messages)]
    return "\n\n".join(text for text in texts if text)


def turns_of(request: Request) -> list[dict[str, str]]:
    """The request as the turns of a conversation."""
    system = _system(request)
    turns = [{"role": "system", "content": system}] if system else []
    for message in request.messages:
        role = "assistant" if message.role == "assistant" else "user"
        turns.append({"role": role, "content": message_text(message)})
    return turns


def message_text(message: Message) -> str:
    """The text of a message.

    Raises:
        InvalidRequestError: It has parts that are not text.
    """
    parts = [part.text if isinstance(part, TextPart) else None for part in message.parts]
    if None in parts:
        raise InvalidRequestError("The local model reads text only; leave out images, files and tool results.")
    return "".join(part for part in parts if part)


def sampling_of(request: Request) -> Sampling:
    """How the request wants tokens to be chosen."""
    config = request.config
    return Sampling(config.temperature or 0.0, config.seed or 0, config.max_tokens or Sampling.most_tokens)


def spelled(value: Any) -> str:
    """A value as it stands in a prompt."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _system(request: Request) -> str:
    system = request.system
    return system if isinstance(system, str) else message_text(Message.user(system)) if system else ""
