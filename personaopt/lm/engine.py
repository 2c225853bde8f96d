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
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

# The public dspy.lm15 has no reader of the convention; this is the one that DSPy's own providers use.
from dspy._vendor.lm15.judgments import Judgment, judgments_in_schema, normalize_logprobs
from dspy.lm15 import (
    DataPart,
    InvalidRequestError,
    LM15Error,
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

from personaopt.errors import ModelError, PersonaOptError
from personaopt.lm import prompt_form
from personaopt.lm.generation import GrammarWriter, Sampling
from personaopt.lm.prefix_cache import PrefixCache
from personaopt.lm.scoring import SequenceScorer

METHOD = "candidate_sequence_likelihood"


@dataclasses.dataclass(eq=False)
class _Job:
    request: Request
    response: Response | None = None
    error: BaseException | None = None

    def result(self) -> Response:
        if self.error is not None:
            raise self.error
        if self.response is None:
            raise ModelError("A request to the local model ended without an answer.")
        return self.response


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
        self._model_lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._waiting_lock = threading.Lock()

    @property
    def parameters(self) -> int:
        """How many parameters the model has."""
        return int(self.scorer.model.num_parameters())

    def complete(self, request: Request) -> Response:
        """Answer one request; with those of other threads that wait, where there are any."""
        job = _Job(request)
        with self._waiting_lock:
            self._waiting.append(job)
        with self._model_lock:
            if job.response is None and job.error is None:
                with self._waiting_lock:
                    batch, self._waiting = self._waiting, []
                self._run(batch)
        return job.result()

    def stream(self, request: Request) -> Iterator[Any]:
        """The same answer as events: token by token for free text, at once for written fields.

        Raises:
            UnsupportedFeatureError: The request has an output that is decided by scoring; such an answer has no parts.
        """
        if judgments_in_schema(_schema(request)):
            raise UnsupportedFeatureError("An output that is decided by scoring cannot be streamed; call it plainly.")
        if _schema(request) is not None:
            response = self.complete(request)
            text = TextPart(json.dumps(response.data, ensure_ascii=False))
            yield from response_to_events(dataclasses.replace(response, message=Message.assistant([text])))
            return
        yield StreamStartEvent(model=self.name)
        prompt = self._chat_tokens(request)
        written: list[int] = []
        shown = ""
        sampling = _sampling(request)
        with self._model_lock, _translated():
            for token in self.writer.text(prompt, sampling):
                written.append(token)
                text = self.tokenizer.decode(written, skip_special_tokens=True)
                if text[len(shown) :] and not text.endswith("�"):
                    yield StreamDeltaEvent(TextDelta(text=text[len(shown) :], part_index=0))
                    shown = text
        reason = "length" if len(written) >= sampling.most_tokens else "stop"
        yield StreamEndEvent(finish_reason=reason, usage=_usage(len(prompt), len(written)))

    def close(self) -> None:
        """Let go of the cached states; the engine can still be used."""
        if self.scorer.cache is not None:
            with self._model_lock:
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

    def _run(self, batch: Sequence[_Job]) -> None:
        """Answer a batch: first every decision whose prompt is known, in one call, then the rest one by one."""
        ready = [job for job in batch if _only_decisions(job.request)]
        for jobs in ([ready] if ready else []) + [[job] for job in batch if job not in ready]:
            try:
                with _translated():
                    for job, response in zip(jobs, self._answer([job.request for job in jobs]), strict=True):
                        job.response = response
            except (LM15Error, RuntimeError, ValueError, TypeError) as error:
                if len(jobs) > 1:  # one bad request must not take the others with it
                    for job in jobs:
                        self._run([job])
                else:
                    jobs[0].error = error

    def _answer(self, requests: Sequence[Request]) -> list[Response]:
        if all(_only_decisions(request) for request in requests):
            return self._decided(requests)
        (request,) = requests
        if _schema(request) is None:
            prompt = self._chat_tokens(request)
            sampling = _sampling(request)
            tokens = list(self.writer.text(prompt, sampling))
            text = self.tokenizer.decode(tokens, skip_special_tokens=True).strip()
            reason = "length" if len(tokens) >= sampling.most_tokens else "stop"
            message = Message.assistant([TextPart(text)])
            return [Response(None, self.name, message, reason, _usage(len(prompt), len(tokens)))]
        return [self._fields(request)]

    def _decided(self, requests: Sequence[Request]) -> list[Response]:
        """Requests with one output each, a closed set of answers: one call of the scorer for all of them."""
        names = [next(iter(judgments_in_schema(_schema(request)).items())) for request in requests]
        prompts = [self._open(_text(request), _schema(request), name) for request, (name, _) in zip(requests, names)]
        answers = [[self._tokens(prompt_form.answer(key)) for key in judgment.keys] for _, judgment in names]
        scores = self.scorer.score(prompts, answers)
        return [
            self._response(
                {name: _value(judgment, values)},
                {name: dict(zip(judgment.keys, values, strict=True))},
                {name: dict(zip(judgment.keys, map(len, texts), strict=True))},
                _usage(len(prompt), 1),
            )
            for (name, judgment), prompt, texts, values in zip(names, prompts, answers, scores, strict=True)
        ]

    def _fields(self, request: Request) -> Response:
        """One request, its outputs in their order: each sees those before it."""
        schema, text = _schema(request) or {}, _text(request)
        judgments = judgments_in_schema(schema)
        values: dict[str, Any] = {}
        scores: dict[str, dict[str, float]] = {}
        lengths: dict[str, dict[str, int]] = {}
        read = written = 0
        for name, definition in schema.get("properties", {}).items():
            prompt = self._open(text, schema, name)
            read = len(prompt)
            if name in judgments:
                answers = [self._tokens(prompt_form.answer(key)) for key in judgments[name].keys]
                measured = self.scorer.score([prompt], [answers])[0]
                values[name] = _value(judgments[name], measured)
                scores[name] = dict(zip(judgments[name].keys, measured, strict=True))
                lengths[name] = dict(zip(judgments[name].keys, map(len, answers), strict=True))
                written += 1
            elif definition.get("type") == "string" and not {"pattern", "format"} & set(definition):
                values[name], count = self.writer.line(prompt, _sampling(request))
                written += count
            else:
                shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
                values[name], count = self.writer.json_value(prompt, {**definition, **shared}, _sampling(request))
                written += count
            text += f"{_line(schema, name)}{prompt_form.answer(_spelled(values[name]))}"
        return self._response(values, scores, lengths, _usage(read, written))

    def _response(
        self,
        values: dict[str, Any],
        scores: dict[str, dict[str, float]],
        lengths: dict[str, dict[str, int]],
        usage: Usage,
    ) -> Response:
        probabilities = {name: normalize_logprobs(by_key) for name, by_key in scores.items()} or None
        part = DataPart(values, probabilities, METHOD if probabilities else None)
        measured = {"log_likelihoods": scores, "answer_tokens": lengths}
        return Response(None, self.name, Message.assistant([part]), "stop", usage, provider_data=measured)

    def _open(self, text: str, schema: Any, name: str) -> list[int]:
        return self._tokens(text + _line(schema, name))

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def _chat_tokens(self, request: Request) -> list[int]:
        if not self.tokenizer.chat_template:
            return self._tokens(_text(request))
        system = _system(request)
        messages = [{"role": "system", "content": system}] if system else []
        messages += [
            {"role": "assistant" if message.role == "assistant" else "user", "content": _message_text(message)}
            for message in request.messages
        ]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self._tokens(text)


class AsyncLocalEngine:
    """The same engine for `await`: the model runs in a worker thread."""

    supports_response_schema = True
    supported_params = LocalEngine.supported_params

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer one request without blocking the event loop."""
        return await asyncio.to_thread(self.engine.complete, request)

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


def _schema(request: Request) -> Any:
    form = request.config.response_format
    return form.get("schema") if isinstance(form, dict) and form.get("type") == "json_schema" else None


def _only_decisions(request: Request) -> bool:
    """Whether the request has one output and its answers are a closed set: then its prompt is known beforehand."""
    schema = _schema(request)
    return schema is not None and len(schema.get("properties", {})) == 1 == len(judgments_in_schema(schema))


def _line(schema: Any, name: str) -> str:
    return prompt_form.open_line(schema["properties"][name].get("title") or prompt_form.title(name))


def _value(judgment: Judgment, log_likelihoods: Sequence[float]) -> Any:
    """The likeliest answer as the value that the schema declares."""
    best = judgment.keys[max(range(len(log_likelihoods)), key=lambda place: log_likelihoods[place])]
    return best == "true" if judgment.kind == "boolean" else int(best) if judgment.ordered else best


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _message_text(message: Message) -> str:
    parts = [part.text if isinstance(part, TextPart) else None for part in message.parts]
    if None in parts:
        raise InvalidRequestError("The local model reads text only; leave out images, files and tool results.")
    return "".join(part for part in parts if part)


def _system(request: Request) -> str:
    system = request.system
    return system if isinstance(system, str) else _message_text(Message.user(system)) if system else ""


def _text(request: Request) -> str:
    """The request as one text: what the messages say, one after the other."""
    texts = [_system(request), *(_message_text(message) for message in request.messages)]
    return "\n\n".join(text for text in texts if text)


def _sampling(request: Request) -> Sampling:
    config = request.config
    return Sampling(config.temperature or 0.0, config.seed or 0, config.max_tokens or Sampling.most_tokens)


def _usage(read: int, written: int) -> Usage:
    return Usage(input_tokens=read, output_tokens=written)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Errors of this library as the ones that DSPy expects from an engine, which it does not try again."""
    try:
        yield
    except PersonaOptError as error:
        raise InvalidRequestError(str(error)) from error
