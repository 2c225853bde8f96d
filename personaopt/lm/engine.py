"""A causal language model in this process, as an engine of `dspy.LM`.

Outputs with a closed set of answers are decided: every answer is scored, and the response carries the distribution.
All others are written under a grammar. Requests that wait while another runs are answered together, in one pass where
they share their beginning.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from dspy._vendor.lm15.judgments import judgments_in_schema, normalize_logprobs
from dspy.lm15 import (
    ContextLengthError,
    DataPart,
    InvalidRequestError,
    Message,
    Request,
    Response,
    StreamDeltaEvent,
    StreamEndEvent,
    StreamStartEvent,
    TextDelta,
    TextPart,
    UnsupportedFeatureError,
    Usage,
    response_to_events,
)

from personaopt.errors import PersonaOptError
from personaopt.lm import prompt_form, reading
from personaopt.lm.generation import GrammarWriter, Written
from personaopt.lm.measuring import Measured, measure
from personaopt.lm.prefix_cache import PrefixCache
from personaopt.lm.scoring import PromptTooLong, SequenceScorer
from personaopt.lm.tokenization import PromptTokens
from personaopt.lm.turns import Turns

METHOD = "candidate_sequence_likelihood"


class LocalEngine:
    """Answers `dspy.lm15` requests with a model of transformers, on CPU or GPU.

    Args:
        model: A causal language model, in evaluation mode.
        tokenizer: Its fast tokenizer.
        folder: Where both were loaded from; saved with programs so that they load again.
        name: What the model is called in requests and responses.
        cache_tokens: How many tokens' attention states are kept for prompts that begin alike; 0 keeps none.
    """

    supports_response_schema = True
    supported_params = frozenset({"temperature", "max_tokens", "response_format", "seed"})

    def __init__(self, model: Any, tokenizer: Any, *, folder: Path, name: str, cache_tokens: int = 16_384) -> None:
        self.tokenizer = tokenizer
        self.folder = Path(folder)
        self.name = name
        self.scorer = SequenceScorer(model, PrefixCache(cache_tokens) if cache_tokens else None)
        self.writer = GrammarWriter(self.scorer, tokenizer)
        self.turns: Turns[Request, Response] = Turns(self._answer, reading.only_decision)
        self.tokens = PromptTokens(tokenizer)

    def __deepcopy__(self, memo: dict[int, Any]) -> LocalEngine:
        return self  # a program is copied often, and its model exists once

    def __reduce__(self) -> tuple[Any, ...]:
        return (LocalEngine.load_state, (self.dump_state(),))

    @property
    def parameters(self) -> int:
        """How many parameters the model has."""
        return int(self.scorer.model.num_parameters())

    def complete(self, request: Request) -> Response:
        """Answer one request; with those of other threads that wait, where there are any."""
        return self.turns.ask(request)

    def stream(self, request: Request) -> Iterator[Any]:
        """The same answer as events: token by token for free text, at once for written fields.

        Raises:
            UnsupportedFeatureError: The request has an output that is decided by scoring; such an answer has no parts.
        """
        schema = reading.schema_of(request)
        if schema is None:
            yield from self._stream_text(request)
            return
        if judgments_in_schema(schema):
            raise UnsupportedFeatureError("An output that is decided by scoring cannot be streamed; call it plainly.")
        response = self.complete(request)
        text = TextPart(json.dumps(response.data, ensure_ascii=False))
        yield from response_to_events(dataclasses.replace(response, message=Message.assistant([text])))

    def close(self) -> None:
        """Let go of the cached states; the engine can still be used."""
        if self.scorer.cache is not None:
            with self.turns.alone():
                self.scorer.cache.clear()

    def dump_state(self) -> dict[str, Any]:
        """What `load_state` needs: where the model is, never its weights."""
        cache = self.scorer.cache
        return {
            "folder": str(self.folder),
            "name": self.name,
            "dtype": str(self.scorer.model.dtype).removeprefix("torch."),
            "cache_tokens": cache.capacity if cache else 0,
        }

    @classmethod
    def load_state(cls, state: dict[str, Any]) -> LocalEngine:
        """The engine that `dump_state` described.

        Raises:
            ModelError: The folder is gone or holds no causal language model.
        """
        from personaopt.lm.local import load_engine

        return load_engine(Path(state["folder"]), dtype=state["dtype"], cache_tokens=state["cache_tokens"])

    def _answer(self, requests: Sequence[Request]) -> list[Response]:
        with _translated():
            for request in requests:
                reading.check(request)
            if all(reading.only_decision(request) for request in requests):
                return self._decided(requests)
            return [
                self._chat(request) if (schema := reading.schema_of(request)) is None else self._fields(request, schema)
                for request in requests
            ]

    def _chat(self, request: Request) -> Response:
        prompt, sampling = self._chat_tokens(request), reading.sampling_of(request)
        tokens = list(self.writer.text(prompt, sampling))
        text = self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
        reason = "length" if len(tokens) >= self.writer.room(prompt, sampling) else "stop"
        return Response(None, self.name, Message.assistant([TextPart(text)]), reason, _usage(len(prompt), len(tokens)))

    def _stream_text(self, request: Request) -> Iterator[Any]:
        with _translated():
            reading.check(request)
            prompt, sampling = self._chat_tokens(request), reading.sampling_of(request)
            tokens = self.writer.text(prompt, sampling)
        yield StreamStartEvent(model=self.name)
        written: list[int] = []
        shown = ""
        while True:
            # A turn for each token: whoever reads the stream may ask for something else meanwhile, or never come back.
            with self.turns.alone(), _translated():
                token = next(tokens, None)
            if token is None:
                break
            written.append(token)
            text = self.tokenizer.decode(written, skip_special_tokens=True)
            if text[len(shown) :] and not text.endswith("\ufffd"):
                yield StreamDeltaEvent(TextDelta(text=text[len(shown) :], part_index=0))
                shown = text
        reason = "length" if len(written) >= self.writer.room(prompt, sampling) else "stop"
        yield StreamEndEvent(finish_reason=reason, usage=_usage(len(prompt), len(written)))

    def _decided(self, requests: Sequence[Request]) -> list[Response]:
        """Requests with one output each, a closed set of answers: one call of the scorer for all of them."""
        questions = []
        for request in requests:
            schema = reading.schema_of(request) or {}
            name, judgment = next(iter(judgments_in_schema(schema).items()))
            questions.append(reading.question(reading.text_of(request), schema, name, judgment))
        return [
            self._response(
                {one.judgment.name: reading.likeliest(one.judgment, one.scores)}, [one], _usage(one.prompt_tokens, 1)
            )
            for one in measure(self.scorer, self.tokens, questions)
        ]

    def _fields(self, request: Request, schema: dict[str, Any]) -> Response:
        """One request, its outputs in their order: each sees those before it."""
        text = reading.text_of(request)
        judgments = judgments_in_schema(schema)
        values: dict[str, Any] = {}
        measured: list[Measured] = []
        read = spent = 0
        cut = False
        for name in schema["properties"]:
            before, text = text, text + reading.output_line(schema, name)
            if name in judgments:
                question = reading.question(before, schema, name, judgments[name])
                (found,) = measure(self.scorer, self.tokens, [question])
                values[name] = reading.likeliest(judgments[name], found.scores)
                measured.append(found)
                read, spent = found.prompt_tokens, spent + 1
            else:
                prompt = self.tokens.prompt(text)
                written = self._written(prompt, request, schema, name)
                values[name], cut = written.value, cut or written.cut
                read, spent = len(prompt), spent + written.tokens
            text += prompt_form.answer(reading.spelled(values[name]))
        return self._response(values, measured, _usage(read, spent), cut=cut)

    def _written(self, prompt: list[int], request: Request, schema: dict[str, Any], name: str) -> Written:
        definition, sampling = schema["properties"][name], reading.sampling_of(request)
        if definition.get("type") == "string" and not {"pattern", "format", "enum", "maxLength"} & set(definition):
            return self.writer.line(prompt, sampling)
        shared: dict[str, Any] = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        return self.writer.json_value(prompt, {**definition, **shared}, sampling)

    def _response(
        self, values: dict[str, Any], measured: Sequence[Measured], usage: Usage, *, cut: bool = False
    ) -> Response:
        def by_answer(figures: str) -> dict[str, dict[str, Any]]:
            return {
                one.judgment.name: dict(zip(one.judgment.keys, getattr(one, figures), strict=True)) for one in measured
            }

        probabilities = {name: normalize_logprobs(scores) for name, scores in by_answer("scores").items()} or None
        part = DataPart(values, probabilities, METHOD if probabilities else None)
        told = {"log_likelihoods": by_answer("log_likelihoods"), "answer_tokens": by_answer("answer_tokens")}
        reason = "length" if cut else "stop"
        return Response(None, self.name, Message.assistant([part]), reason, usage, provider_data=told)

    def _chat_tokens(self, request: Request) -> list[int]:
        if not self.tokenizer.chat_template:
            return self.tokens.prompt(reading.text_of(request))
        return self.tokens.chat(reading.turns_of(request))


class AsyncLocalEngine:
    """The same engine for `await`: the model runs in a worker thread."""

    supports_response_schema = True
    supported_params = LocalEngine.supported_params

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer one request without blocking the event loop."""
        return await self.engine.turns.aask(request)

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        """The same answer as events."""
        events = self.engine.stream(request)
        while (event := await asyncio.to_thread(next, events, None)) is not None:
            yield event

    async def aclose(self) -> None:
        """Let go of the cached states."""
        await asyncio.to_thread(self.engine.close)

    def dump_state(self) -> dict[str, Any]:
        """What `load_state` needs."""
        return self.engine.dump_state()

    @classmethod
    def load_state(cls, state: dict[str, Any]) -> AsyncLocalEngine:
        """The engine that `dump_state` described."""
        return cls(LocalEngine.load_state(state))


def _usage(read: int, written: int) -> Usage:
    return Usage(input_tokens=read, output_tokens=written)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Errors of this library as the ones that DSPy expects from an engine, which it does not try again."""
    try:
        yield
    except PromptTooLong as error:
        raise ContextLengthError(str(error)) from error
    except PersonaOptError as error:
        raise InvalidRequestError(str(error)) from error
