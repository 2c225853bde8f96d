"""A language model that guesses: what a run will cost is rehearsed with it, by the code of the run itself.

It answers in the form that is asked for, without reading; nothing is loaded and nothing is asked. Tokens are estimated
from the texts' length.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dspy
import numpy as np
from dspy.lm15 import DataPart, Message, Request, Response, TextPart, ToolCallPart, Usage

from personaopt.persona import estimate_tokens

SMALL = 135_000_000
"""Parameters of the small local model, by which a rehearsal for it takes the same ways."""
WRITTEN = "The user prefers plain words and often comes back to the same few topics."


def vectors(texts: list[str]) -> np.ndarray:
    """Some vector for each text: nothing is compared by them but guesses."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts]
    return np.stack([np.random.default_rng(seed).standard_normal(8) for seed in seeds])


def guess_of(lm: Any, written: Mapping[str, Callable[[str], str]] | None = None) -> dspy.LM:
    """What guesses in the place of a language model.

    Args:
        lm: Which one; the small local model when None.
        written: As for `GuessingEngine`.
    """
    engine = GuessingEngine(SMALL if lm is None else None, written)
    name = "local/preview" if lm is None else f"preview/{getattr(lm, 'model', 'lm').rpartition('/')[2]}"
    return dspy.LM(name, engine=engine, async_engine=_Awaited(engine), cache=False, num_retries=0)


class GuessingEngine:
    """Answers in the form that is asked for, without reading.

    Args:
        parameters: How large a local model it stands for; None for a served one.
        written: What it writes into outputs of these names, by the prompt.
    """

    supports_response_schema = True
    supported_params = frozenset({"temperature", "max_tokens", "response_format", "seed", "tools", "tool_choice"})

    def __init__(self, parameters: int | None, written: Mapping[str, Callable[[str], str]] | None = None) -> None:
        if parameters is not None:
            self.parameters = parameters
        self._written = written or {}

    def complete(self, request: Request) -> Response:
        """One guess, drawn from the prompt."""
        system = request.system if isinstance(request.system, str) else ""
        said = [part.text for message in request.messages for part in message.parts if isinstance(part, TextPart)]
        prompt = "\n".join([system, *said])
        part = self._part(request, system, prompt)
        wrote = 1 if isinstance(part, DataPart) else estimate_tokens(getattr(part, "text", "") or WRITTEN)
        usage = Usage(input_tokens=estimate_tokens(prompt), output_tokens=wrote)
        return Response(None, request.model, Message.assistant([part]), "stop", usage)

    def _part(self, request: Request, system: str, prompt: str) -> Any:
        from dspy._vendor.lm15.judgments import judgments_in_schema

        schema = (request.config.response_format or {}).get("schema", {})
        draw = np.random.default_rng(int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:8], "big"))
        if judgments := judgments_in_schema(schema):
            shares = {
                name: dict(zip(each.keys, draw.dirichlet(np.ones(len(each.keys))).tolist(), strict=True))
                for name, each in judgments.items()
            }
            values: dict[str, Any] = {name: max(each, key=lambda key: each[key]) for name, each in shares.items()}
            values = {
                name: value == "true" if judgments[name].kind == "boolean" else value for name, value in values.items()
            }
            return DataPart(values, shares, "candidate_sequence_likelihood")
        if schema.get("properties"):
            return DataPart({name: _guess(value.get("type", "string")) for name, value in schema["properties"].items()})
        if request.tools:
            return _tool_call(request)
        fields = re.findall(r"^\d+\. `(\w+)` \((.*?)\)", system.partition("output fields are:")[2], re.M)
        options = re.findall(r"must exactly match .*? one of: (.*?)$", prompt, re.M)
        choices = options[0].strip("` .").split("; ") if options else []
        answers = {
            name: self._written[name](prompt) if name in self._written else _as_text(name, kind, choices, draw)
            for name, kind in fields
        }
        if "JSON object" in prompt:
            return TextPart(json.dumps(answers))
        body = "\n\n".join(f"[[ ## {name} ## ]]\n{text}" for name, text in answers.items())
        return TextPart(f"{body}\n\n[[ ## completed ## ]]")


class _Awaited:
    """The same engine, awaited."""

    supports_response_schema = True
    supported_params = GuessingEngine.supported_params

    def __init__(self, engine: GuessingEngine) -> None:
        self._engine = engine

    async def complete(self, request: Request) -> Response:
        return self._engine.complete(request)


def _guess(kind: Any) -> Any:
    return {"array": [WRITTEN], "integer": 3, "number": 0.5, "boolean": False}.get(str(kind), WRITTEN)


def _as_text(name: str, kind: str, choices: Sequence[str], draw: np.random.Generator) -> str:
    if name == "edits":
        return json.dumps([{"action": "add", "text": WRITTEN, "feedback": [1]}])
    if kind.startswith("Literal"):
        found = choices or re.findall(r"'([^']+)'", kind)
        return str(found[int(draw.integers(len(found)))]) if found else WRITTEN
    if kind.startswith("list"):
        return json.dumps([WRITTEN])
    return {"int": "3", "float": "0.5", "bool": "False"}.get(kind, WRITTEN)


def _tool_call(request: Request) -> Any:
    """The first tool once, then the last one, by which an answer is submitted."""
    answered = any(message.role == "assistant" for message in request.messages)
    tool = request.tools[-1 if answered else 0]
    schema = getattr(tool, "parameters", None) or {}
    arguments = {}
    for name, value in (schema.get("properties") or {}).items():
        arguments[name] = value["enum"][0] if value.get("enum") else _guess(value.get("type", "string"))
    return ToolCallPart(id="1", name=tool.name, input=arguments)
