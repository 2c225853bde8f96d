"""A language model for tests that reads its prompt and obeys it: no weights, no network, no side channel.

It answers a task by the rules that stand in the persona of the prompt, criticises an answer by comparing it with what
was expected, and turns feedback into edits. The user of a test follows the same kind of rules, so that the persona that
makes every answer right is known; the model learns of it from the expected answers in critique prompts alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import html
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import dspy
from dspy.lm15 import DataPart, Message, Request, Response, TextPart, Usage

MODEL = "scripted/rule-obeying"
_SECTION = re.compile(r"\[\[ ## (\w+) ## \]\]\n")
_PERSONA = re.compile(r"<persona>\n(.*?)\n?\s*</persona>", re.DOTALL)
_KINDS = {
    "edits": "edit",
    "feedback": "critique",
    "statements": "profile",
    "loss": "loss",
    "calls": "act",
    "changes": "fields",
}


@dataclasses.dataclass(frozen=True)
class Rules:
    """What makes a user's answers their own."""

    sign_off: str = ""
    lower: bool = False
    words: int = 0
    labels: tuple[tuple[str, str, str], ...] = ()

    def lines(self) -> list[str]:
        """The persona that says it all."""
        found = [f'Always signs with "{self.sign_off}".'] if self.sign_off else []
        found += ["Writes in lower case."] if self.lower else []
        found += [f"Writes no more than {self.words} words."] if self.words else []
        return found + [f'Calls every {first} with {second} "{label}".' for first, second, label in self.labels]

    @classmethod
    def of(cls, persona: str) -> Rules:
        """The rules that stand in a text; what is not a rule is passed over."""
        sign_offs = re.findall(r'always signs with "(.+)"', persona, re.IGNORECASE)
        words = re.findall(r"no more than (\d+) words", persona, re.IGNORECASE)
        return cls(
            sign_off=sign_offs[-1] if sign_offs else "",
            lower="lower case" in persona.lower(),
            words=int(words[-1]) if words else 0,
            labels=tuple(re.findall(r'calls every (\w+) with (\w+) "(.+?)"', persona, re.IGNORECASE)),
        )

    def reply(self, message: str) -> str:
        """A written answer to a message."""
        subject = " ".join(re.findall(r"\w+", message)[-3:])
        body = f"Thank you for your message, I have read all of it and Agree about {subject}."
        if self.words:
            body = " ".join(body.split()[: self.words])
        body = body.lower() if self.lower else body
        return f"{body}\n{self.sign_off}" if self.sign_off else body

    def label(self, description: str) -> str:
        """The label of "A comedy with crime ..."; its first word of the two where no rule says otherwise."""
        first, second = _pair(description)
        return next((label for a, b, label in self.labels if (a, b) == (first, second)), first)


@dataclasses.dataclass(frozen=True)
class Call:
    """One request as it was seen, and the reply."""

    kind: str
    system: str
    user: str
    reply: str

    @property
    def sections(self) -> dict[str, str]:
        """The inputs in the prompt, by name."""
        return sections(self.user)


class RuleObeyingEngine:
    """The engine: requests and responses of `dspy.lm15`, nothing else.

    Args:
        spoil: May replace a reply: called with the kind of the request, its number among those of its kind, from 1, and
            the prompt; returns the bad reply, or None for the good one. What it raises is the engine's failure.
        gather: Seconds without a new request after which all that wait are answered together. What came in before
            anything was answered is one level, however slow the machine is. 0 answers at once.
        replies: Replaces how a kind of request is answered: from the prompt's sections to the fields of the reply.
    """

    def __init__(
        self,
        spoil: Callable[[str, int, str], str | None] | None = None,
        gather: float = 0.0,
        replies: dict[str, Callable[[dict[str, str]], dict[str, Any]]] | None = None,
    ) -> None:
        self.spoil = spoil
        self.gather = gather
        self.replies = replies or {}
        self.calls: list[Call] = []
        self.levels: list[int] = []
        self.most_at_once = 0
        self._seen: Counter[str] = Counter()
        self._at_once = 0
        self._waiting = 0
        self._newest = 0.0
        self._lock = threading.Lock()

    def count(self, kind: str = "") -> int:
        """How many requests there were, of one kind or of all."""
        return sum(not kind or call.kind == kind for call in self.calls)

    def complete(self, request: Request) -> Response:
        level = self._enter()
        while not self._released(level):
            time.sleep(self.gather / 5)
        return self._leave(request)

    async def acomplete(self, request: Request) -> Response:
        level = self._enter()
        while not self._released(level):
            await asyncio.sleep(self.gather / 5)
        return self._leave(request)

    def _enter(self) -> int:
        with self._lock:
            self._waiting += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self._newest = time.monotonic()
            return len(self.levels)

    def _released(self, level: int) -> bool:
        if not self.gather:
            return True
        with self._lock:
            if len(self.levels) == level and time.monotonic() - self._newest >= self.gather:
                self.levels.append(self._waiting)
                self._waiting = 0
            return len(self.levels) > level

    def _leave(self, request: Request) -> Response:
        system = request.system if isinstance(request.system, str) else ""
        user = "\n".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart))
        outputs = re.findall(r"^\d+\. `(\w+)`", system.partition("Your output fields are:")[2], re.MULTILINE)
        kind = _KINDS.get(outputs[0] if outputs else "", "answer")
        with self._lock:
            self._at_once -= 1
            self._seen[kind] += 1
            bad = self.spoil(kind, self._seen[kind], user) if self.spoil else None
            reply = bad if bad is not None else self._reply(kind, outputs, system, user)
            self.calls.append(Call(kind, system, user, reply))
        usage = Usage(input_tokens=len(user.split()), output_tokens=len(reply.split()))
        return Response(None, MODEL, Message.assistant([TextPart(reply)]), "stop", usage)

    def _reply(self, kind: str, outputs: list[str], system: str, user: str) -> str:
        given = sections(user)
        if kind in self.replies:
            fields = self.replies[kind](given)
        elif kind == "answer":
            fields = answer(outputs, system, given)
        elif kind == "act":
            fields = {"calls": []}
        elif kind == "fields":
            fields = {"changes": []}
        else:
            fields = {"critique": critique, "edit": edit, "profile": profile, "loss": loss}[kind](given)
        if "JSON object" in user:
            return json.dumps(fields)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        return "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in texts.items()) + "[[ ## completed ## ]]"


class AsyncRuleObeyingEngine:
    """The same engine, awaited."""

    def __init__(self, engine: RuleObeyingEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        return await self.engine.acomplete(request)


def scripted_lm(**dials: Any) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `RuleObeyingEngine` with these dials."""
    engine = RuleObeyingEngine(**dials)
    return dspy.LM(MODEL, engine=engine, async_engine=AsyncRuleObeyingEngine(engine), cache=False, num_retries=0)


def sections(user: str) -> dict[str, str]:
    """The inputs of a prompt in DSPy's chat form, by name."""
    parts = _SECTION.split(user.partition("\n\nRespond with")[0])
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def answer(outputs: list[str], system: str, given: dict[str, str]) -> dict[str, str]:
    """The task's outputs, by the rules of the persona in the instructions."""
    block = _PERSONA.search(system)
    rules = Rules.of(html.unescape(block.group(1)) if block else "")
    texts = [text for name, text in given.items() if name not in ("memories", "observations")]
    return {name: rules.label(texts[0]) if name == "tag" else rules.reply(texts[0]) for name in outputs}


def loss(given: dict[str, str]) -> dict[str, str]:
    """What a critic would say that knows no persona."""
    return {"loss": critique(given)["feedback"]}


def critique(given: dict[str, str]) -> dict[str, str]:
    """The first rule that the expected answer follows and the given one does not, in other words.

    Where the loss was put into words before, what it says.
    """
    if "expected" not in given:
        return {"feedback": given["loss"]}
    question, expected, said = (given[name] for name in ("question", "expected", "answer"))
    if re.search(r"\w+ with \w+", question) and "\n" not in expected and len(expected.split()) <= 3:
        first, second = _pair(question)
        return {"feedback": f'For this user a {first} that has {second} in it is a "{expected}".'}
    body, _, sign_off = expected.partition("\n")
    said_body, _, said_sign_off = said.partition("\n")
    if sign_off != said_sign_off:
        return {"feedback": f'The persona does not say that this user ends each message with the words "{sign_off}".'}
    if body == body.lower() and said_body != said_body.lower():
        return {"feedback": "This user avoids capital letters altogether."}
    if len(body.split()) < len(said_body.split()):
        return {"feedback": f"This user is brief: {len(body.split())} words and then it is over."}
    return {"feedback": "The persona is right; the answer is not."}


def edit(given: dict[str, str]) -> dict[str, Any]:
    """One edit: what most of the feedback says, as a line of the persona that is obeyed."""
    feedback = json.loads(given["feedback"])
    meant = [_line_of(text) for text in feedback]
    refused = given["refused"]
    counts = Counter(line for line in meant if line and line not in refused)
    if not counts:
        return {"edits": []}
    line, _ = counts.most_common(1)[0]
    numbers = [number for number, said in enumerate(meant, 1) if said == line]
    return {"edits": [{"action": "add", "text": line, "feedback": numbers}]}


def profile(given: dict[str, str]) -> dict[str, list[str]]:
    """Nothing that changes an answer."""
    return {"statements": ["Answers in English."]}


def _line_of(feedback: str) -> str:
    if found := re.search(r'each message with the words "(.+)"', feedback):
        return f'Always signs with "{found.group(1)}".'
    if "capital letters" in feedback:
        return "Writes in lower case."
    if found := re.search(r"(\d+) words and then", feedback):
        return f"Writes no more than {found.group(1)} words."
    if found := re.search(r'a (\w+) that has (\w+) in it is a "(.+)"', feedback):
        return 'Calls every {} with {} "{}".'.format(*found.groups())
    return ""


def _pair(description: str) -> tuple[str, str]:
    found = re.search(r"(\w+) with (\w+)", description)
    return (found.group(1), found.group(2)) if found else ("", "")


class MeasuringEngine:
    """Answers a closed set with probabilities, as a model that is scored does: by a function of prompt and answer.

    Args:
        score: Unnormalised log-probability of an answer, from the prompt's text and the answer.
    """

    supports_response_schema = True
    supported_params = frozenset({"temperature", "max_tokens", "response_format", "seed"})

    def __init__(self, score: Callable[[str, str], float]) -> None:
        self.score = score
        self.prompts: list[str] = []

    def complete(self, request: Request) -> Response:
        from dspy._vendor.lm15.judgments import judgments_in_schema, normalize_logprobs

        prompt = request.messages[-1].parts[0].text
        self.prompts.append(prompt)
        probabilities, values = {}, {}
        for name, judgment in judgments_in_schema(request.config.response_format["schema"]).items():
            probabilities[name] = normalize_logprobs({key: self.score(prompt, key) for key in judgment.keys})
            best = max(probabilities[name], key=lambda key: probabilities[name][key])
            values[name] = best == "true" if judgment.kind == "boolean" else best
        part = DataPart(values, probabilities, "candidate_sequence_likelihood")
        return Response(None, "scripted/measuring", Message.assistant([part]), "stop", Usage(len(prompt), 1))


class AsyncMeasuringEngine:
    """The same engine, awaited."""

    supports_response_schema = True
    supported_params = MeasuringEngine.supported_params

    def __init__(self, engine: MeasuringEngine) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        return self.engine.complete(request)


def measuring_lm(score: Callable[[str, str], float]) -> dspy.LM:
    """A `dspy.LM` that measures its answers."""
    engine = MeasuringEngine(score)
    return dspy.LM("scripted/measuring", engine=engine, async_engine=AsyncMeasuringEngine(engine), cache=False)
