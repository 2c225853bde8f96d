"""Between DSPy and TextGrad: any `dspy.LM` as a TextGrad engine, and any TextGrad engine as a `dspy.LM`.

Importing this module imports textgrad, quietly.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import dspy
from dspy.clients.backend_selection import CLIENT_KEYS
from dspy.lm15 import LM15Error, Message, Request, Response, TextPart, Usage, request_from_openai_chat

from personaopt.errors import ConfigurationError, ModelError
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.persona import estimate_tokens

_textgrad = textgrad()
_NOT_SENT = CLIENT_KEYS | {"n", "rollout_id", "num_generations", "prompt_cache", "cache"}
_IMAGES = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png"}

Content = str | Sequence[str | bytes]


def textgrad_engine(lm: Any = None, *, system_prompt: str | None = None) -> DSPyEngine:
    """A TextGrad engine that asks a `dspy.LM`, with DSPy's usage tracking, cache, retries and history.

    Stock TextGrad runs on it as on its own engines: forward calls, `TextLoss`, `backward` and `TGD.step`.

    Args:
        lm: The LM; when None the one that is configured in DSPy at the time of each call.
        system_prompt: For calls that bring none; TextGrad's own default when None.

    Raises:
        ConfigurationError: It is no `dspy.LM`.

    Example:
        >>> engine = po.textgrad_engine(dspy.LM("openai/gpt-4.1-mini"))
        >>> loss = tg.TextLoss("Is this brief?", engine=engine)(answer)
        >>> loss.backward(engine)
    """
    return DSPyEngine(lm, system_prompt=system_prompt)


class DSPyEngine(_textgrad.EngineLM):  # type: ignore[name-defined]
    """What `textgrad_engine` makes. Copies share the LM, so that none of its history is lost.

    Args:
        lm: The LM; when None the one that is configured in DSPy at the time of each call.
        system_prompt: For calls that bring none.

    Attributes:
        model_string: The model without its provider, by which TextGrad tells models that read images.
    """

    def __init__(self, lm: Any = None, *, system_prompt: str | None = None) -> None:
        if lm is not None and not isinstance(lm, dspy.BaseLM):
            raise ConfigurationError(f"textgrad_engine takes a dspy.LM; it got a {type(lm).__name__}.")
        self._lm = lm
        if system_prompt is not None:
            self.system_prompt = system_prompt

    @property
    def lm(self) -> Any:
        """The LM that is asked.

        Raises:
            ConfigurationError: None was given and none is configured.
        """
        lm = self._lm or dspy.settings.lm
        if lm is None:
            raise ConfigurationError("No LM is configured; give textgrad_engine one or call dspy.configure(lm=...).")
        return lm

    @property
    def model_string(self) -> str:
        """The model's name as TextGrad spells it."""
        return str(self.lm.model).split("/", 1)[-1]

    def generate(self, prompt: Content, system_prompt: str | None = None, **settings: Any) -> str:
        """One reply.

        Args:
            prompt: A text, or texts and images (JPEG or PNG as bytes) in order, as TextGrad's multimodal calls send.
            system_prompt: Stands in for the engine's own.
            **settings: Generation settings of this call, such as `temperature` or `max_tokens`, over the LM's.

        Raises:
            ModelError: The LM failed, or its reply holds no text.
            ConfigurationError: The prompt or a setting cannot be sent.
        """
        lm = self.lm
        request = _request(lm, prompt, system_prompt or self.system_prompt, settings)
        # Both stand outside the request: they are DSPy's, not the provider's.
        known = {**lm.kwargs, **settings}
        controls = {name: known[name] for name in ("cache", "rollout_id") if known.get(name) is not None}
        try:
            response = lm(request, **controls)
        except dspy.LMError as error:
            raise ModelError(f"TextGrad's call of {lm.model} failed: {_first_line(error)}") from error
        if not response.text:
            raise ModelError(
                f"{lm.model} replied to TextGrad without any text (it ended with {response.finish_reason})."
            )
        return str(response.text)

    def __call__(self, prompt: Content, **settings: Any) -> str:
        """The same; TextGrad calls engines."""
        return self.generate(prompt, **settings)

    def __deepcopy__(self, memo: dict[int, Any]) -> DSPyEngine:
        # A variable's graph holds the engine: copying one must not copy the LM, with its history and connections.
        copied = type(self)(self._lm)
        copied.__dict__.update(self.__dict__)
        return copied


def dspy_lm(engine: Any) -> Any:
    """A `dspy.LM` that asks a TextGrad engine; the LM itself for one of `textgrad_engine`.

    Args:
        engine: A TextGrad engine, its name for `textgrad.get_engine`, a `dspy.LM`, or None for the engine that was set
            with `textgrad.set_backward_engine`, or else the LM that is configured in DSPy.

    Raises:
        ConfigurationError: It is none of these, or there is none.
    """
    engine = engine or _textgrad.singleton_backward_engine.get_engine() or dspy.settings.lm
    if isinstance(engine, str):
        try:
            engine = _textgrad.get_engine(engine)
        except (ValueError, ImportError) as error:
            raise ConfigurationError(f"TextGrad has no engine {engine!r}: {_first_line(error)}") from error
    if isinstance(engine, dspy.BaseLM):
        return engine
    if isinstance(engine, DSPyEngine):
        return engine.lm
    if not isinstance(engine, _textgrad.EngineLM):
        said = "nothing" if engine is None else f"a {type(engine).__name__}"
        raise ConfigurationError(f"An engine is a dspy.LM or a TextGrad engine; it got {said}.")
    asked = _AsksTextGrad(engine)
    # TextGrad's engines cache by themselves, and two of one name would get each other's answers from DSPy's cache.
    return dspy.LM(asked.name, engine=asked, async_engine=_AsksTextGradLater(asked), cache=False)


class _AsksTextGrad:
    """An engine of `dspy.LM` over one of TextGrad. Tokens are estimated: TextGrad does not report them."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.name = f"textgrad/{getattr(engine, 'model_string', type(engine).__name__)}"

    def complete(self, request: Request) -> Response:
        system = request.system if isinstance(request.system, str) else ""
        prompt = "\n\n".join(
            part.text for message in request.messages for part in message.parts if isinstance(part, TextPart)
        )
        text = str(self.engine(prompt, system_prompt=system or None) or "")
        usage = Usage(
            input_tokens=estimate_tokens(system) + estimate_tokens(prompt), output_tokens=estimate_tokens(text)
        )
        return Response(None, self.name, Message.assistant([TextPart(text)]), "stop", usage)


class _AsksTextGradLater:
    """The same, awaited: TextGrad's engines block, so that a thread waits for them."""

    def __init__(self, engine: _AsksTextGrad) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        return await asyncio.to_thread(self.engine.complete, request)


def _request(lm: Any, prompt: Content, system_prompt: str, settings: dict[str, Any]) -> Request:
    """A call as a canonical request with the LM's own settings under those of the call.

    Raises:
        ConfigurationError: The prompt or a setting cannot be sent.
    """
    messages = [{"role": "system", "content": system_prompt}, {"role": "user", "content": _content(prompt)}]
    merged = {**lm.kwargs, **settings}
    sent = {name: value for name, value in merged.items() if name not in _NOT_SENT and value is not None}
    try:
        return request_from_openai_chat({"model": lm.model, "messages": messages, **sent})
    except (LM15Error, TypeError, ValueError) as error:
        raise ConfigurationError(f"TextGrad's call cannot be sent to {lm.model}: {_first_line(error)}") from error


def _content(prompt: Any) -> str | list[dict[str, Any]]:
    if isinstance(prompt, str):
        return prompt
    if not isinstance(prompt, list | tuple) or not all(isinstance(part, str | bytes) for part in prompt):
        raise ConfigurationError("A TextGrad prompt is a text, or a list of texts and images in bytes.")
    return [{"type": "text", "text": part} if isinstance(part, str) else _image(part) for part in prompt]


def _image(data: bytes) -> dict[str, Any]:
    kind = next((kind for start, kind in _IMAGES.items() if data.startswith(start)), None)
    if kind is None:
        raise ConfigurationError("An image in a TextGrad prompt must be a JPEG or a PNG.")
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
