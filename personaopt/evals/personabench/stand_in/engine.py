"""A stand-in for a capable LM on PersonaBench: it plays every role, sees nothing but the text of its prompts, and errs.

What it cannot do is what makes LMs better: it knows the values and situations of the generator's vocabulary and no
others, and it reads English by rules.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from random import Random
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, TextPart, Usage

from personaopt.evals.personabench.stand_in.assisting import act, assist
from personaopt.evals.personabench.stand_in.editing import changes
from personaopt.evals.personabench.stand_in.noise import Luck, Noise
from personaopt.evals.personabench.stand_in.reflecting import NOTHING, critique, edits
from personaopt.evals.personabench.stand_in.verdicts import is_expected, likeness, scores, speak
from personaopt.evals.testbed import prompts
from personaopt.persona import estimate_tokens

MODEL = "personabench/stand-in"
_ROLES = {
    "satisfaction": {"satisfied"},
    "judge": {"helpfulness", "personalization"},
    "likeness": {"coverage", "correctness"},
}
"""The roles that are known by what they are asked for."""


class CapableStandIn:
    """The engine: requests and responses of `dspy.lm15`, nothing else.

    Args:
        noise: How often it errs.
        seed: For what is drawn, together with the prompt.

    Attributes:
        calls: How many requests were answered, by kind.
    """

    def __init__(self, noise: Noise | None = None, seed: int = 0) -> None:
        self.noise = noise or Noise()
        self.seed = seed
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Response:
        """Answer a request."""
        system = request.system if isinstance(request.system, str) else ""
        said = [
            "\n".join(part.text for part in message.parts if isinstance(part, TextPart)) for message in request.messages
        ]
        prompt = prompts.read(system, said[-1])
        heard = [
            prompts.sections(text).get("message", "")
            for message, text in zip(request.messages[:-1], said, strict=False)
            if message.role == "user"
        ]
        kind = _kind(prompt)
        with self._lock:
            self.calls[kind] += 1
        whole = "\n".join([str(request.config.temperature), system, *said])
        reply = prompt.form(self._fields(kind, prompt, heard, Luck(self.noise, self.seed, whole)))
        usage = Usage(input_tokens=estimate_tokens(whole), output_tokens=estimate_tokens(reply))
        return Response(None, MODEL, Message.assistant([TextPart(reply)]), "stop", usage)

    def _fields(self, kind: str, prompt: prompts.Prompt, heard: list[str], luck: Luck) -> dict[str, Any]:
        given, draw = prompt.given, Random(f"{self.seed}|{kind}|{luck.prompt}")
        if kind == "act":
            return {"calls": act(prompt, draw)}
        if kind == "assist":
            return {"reply": assist(prompt, [text for text in heard if text], draw)}
        if kind == "fields":
            return {"changes": changes(given, luck)}
        if kind == "edit":
            return {"edits": edits(given, luck)}
        if kind == "judge":
            return scores(given, draw)
        if kind == "likeness":
            return likeness(given)
        said: Any = NOTHING
        if kind == "satisfaction":
            said = is_expected(given)
        elif kind == "user":
            said = speak(given, draw)
        elif kind in ("critique", "relay"):
            said = critique(given, luck) if kind == "critique" else given["said"]
        elif re.search(rf"`{prompt.outputs[0]}` \(list", prompt.system):
            said = []
        return dict.fromkeys(prompt.outputs, said)


class AsyncCapableStandIn:
    """The same engine, awaited."""

    def __init__(self, engine: CapableStandIn) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer a request."""
        return self.engine.complete(request)


def capable_lm(noise: Noise | None = None, seed: int = 0) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `CapableStandIn`; nothing is cached.

    Args:
        noise: How often it errs; 10 % of facts missed and 5 % of edits with something made up when None.
        seed: For what is drawn.
    """
    engine = CapableStandIn(noise, seed)
    return dspy.LM(
        MODEL, engine=engine, async_engine=AsyncCapableStandIn(engine), cache=False, num_retries=0, max_tokens=2000
    )


def _kind(prompt: prompts.Prompt) -> str:
    outputs = set(prompt.outputs)
    for kind, names in _ROLES.items():
        if names <= outputs:
            return kind
    if "changes" in outputs:
        return "fields"
    if "calls" in outputs and "tools" in prompt.given:
        return "act"
    if outputs == {"message"} and "to_be_said" in prompt.given:
        return "user"
    if outputs == {"reply"} and "expected" not in prompt.given:
        return "assist"
    return prompt.kind
