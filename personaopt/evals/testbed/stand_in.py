"""A stand-in for a capable LM: it obeys the rules in its prompt, criticises and edits, with dials for errors.

It is an engine of `dspy.LM` and knows a user only by what stands in its prompts. What it gets wrong is drawn from the
seed and the content of the prompt (and from how often that prompt was seen), so that the order of threads does not
matter and a repeated call is a new draw.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, TextPart, Usage

import personaopt.evals.testbed.prompts as prompts
from personaopt.errors import ConfigurationError
from personaopt.evals.testbed.language import rules_in, sentence
from personaopt.evals.testbed.rules import (
    ASPECTS,
    Rule,
    agreement,
    in_force,
    read_reply,
    situation_of,
    wanted,
    written_reply,
)

MODEL = "testbed/stand-in"
MOST_EDITS = 5
NOTHING = "Nothing has to change."


@dataclasses.dataclass(frozen=True)
class Noise:
    """How often whoever takes part errs.

    Attributes:
        wrong_answer: An answer has one aspect that the prompt does not ask for.
        missed: A critic passes over a difference; for each difference.
        invented: A critic adds a rule that the user does not have; for each critique.
        dropped: An editor loses a line; for each line of a rewrite. An edit is lost or hits the wrong line, half each.
        judge: A score is turned round, s to 1 - s; for each answer that is judged.

    Raises:
        ConfigurationError: A rate is not in [0, 1].
    """

    wrong_answer: float = 0.0
    missed: float = 0.0
    invented: float = 0.0
    dropped: float = 0.0
    judge: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in dataclasses.asdict(self).items():
            if not 0.0 <= rate <= 1.0:
                raise ConfigurationError(f"The rate {name} lies in [0, 1]; it is {rate!r}.")


NOISE: Mapping[str, Noise] = {
    "off": Noise(),
    "medium": Noise(0.05, 0.20, 0.10, 0.10, 0.10),
    "double": Noise(0.10, 0.40, 0.20, 0.20, 0.20),
}


class Judge:
    """The metric of the testbed: the share of aspects that are right, turned round as often as the noise says.

    A verdict depends on the seed, the message and the answer as it is worded, and every answer is worded anew.

    Args:
        error: How often a verdict is turned round.
        seed: For what is drawn.
    """

    def __init__(self, error: float = 0.0, seed: int = 0) -> None:
        self.error = error
        self.seed = seed

    def __call__(self, example: Any, prediction: Any, trace: Any = None) -> float:
        """The score, in [0, 1]."""
        given = read_reply(str(prediction.get("folder") or ""), str(prediction.get("reply") or ""))
        score = agreement(given, read_reply(example["folder"], example["reply"]))
        key = f"judge {self.seed} {example['message']} {prediction.get('folder')} {prediction.get('reply')}"
        return 1.0 - score if self.error and Random(key).random() < self.error else score

    def with_feedback(
        self, gold: Any, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None
    ) -> dspy.Prediction:
        """The same in GEPA's form: what a critique would be based on, the expected answer beside the given one."""
        score = self(gold, pred, trace)
        expected = prompts.answer_text(gold["folder"], gold["reply"])
        feedback = f"Score {score:.2f}. {prompts.EXPECTED_ANSWER}\n{expected}"
        return dspy.Prediction(score=score, feedback=feedback)


class StandIn:
    """The engine: requests and responses of `dspy.lm15`, nothing else.

    Args:
        noise: The dials.
        seed: For what is drawn.

    Attributes:
        calls: How many requests were answered, by kind.
    """

    def __init__(self, noise: Noise = NOISE["off"], seed: int = 0) -> None:
        self.noise = noise
        self.seed = seed
        self.calls: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Response:
        """Answer a request."""
        system = request.system if isinstance(request.system, str) else ""
        user = "\n".join(part.text for part in request.messages[-1].parts if isinstance(part, TextPart))
        prompt = prompts.read(system, user)
        # The order of lines does not count: TextGrad keeps its gradients in sets.
        key = "\n".join(sorted(f"{system}\n{user}\n{request.config.temperature}".splitlines()))
        with self._lock:
            self.calls[prompt.kind] += 1
            self._seen[key] += 1
            repeat = self._seen[key]
        reply = self._reply(prompt, Random(f"{self.seed} {repeat} {key}"))
        usage = Usage(input_tokens=len(system.split()) + len(user.split()), output_tokens=len(reply.split()))
        return Response(None, MODEL, Message.assistant([TextPart(reply)]), "stop", usage)

    def _reply(self, prompt: prompts.Prompt, draw: Random) -> str:
        given = prompt.given
        if prompt.kind == "answer":
            folder, reply = self._answer(prompt.system, given.get("message", ""), draw)
            return prompt.form({"folder": folder, "reply": reply})
        if prompt.kind == "critique":
            texts = (given["question"], given["expected"], given["answer"])
            return prompt.form({prompt.outputs[0]: self._critique(*texts, draw)})
        if prompt.kind == "relay":
            said = [sentence(rule, draw) for rule in rules_in(given["said"])]
            return prompt.form({prompt.outputs[0]: " ".join(said) or NOTHING})
        if prompt.kind == "edit":
            return prompt.form({"edits": self._edits(given, draw)})
        if prompt.kind == "reflect":
            critiques = [
                self._critique(message, expected, answer, draw) for message, expected, answer in prompts.examples(given)
            ]
            return prompt.form({prompt.outputs[0]: self._rewritten(given["text"], critiques, draw)})
        if prompt.kind == "rewrite":
            feedback = prompts.listed(given["feedback"])
            return prompt.form({prompt.outputs[0]: self._rewritten(given["text"], feedback, draw)})
        return prompt.form({name: ["Writes messages."] for name in prompt.outputs})

    def _answer(self, system: str, message: str, draw: Random) -> tuple[str, str]:
        """What the rules in the prompt ask for; sometimes with one aspect that they do not."""
        situation = situation_of(message)
        if not situation:
            return "general", "I do not understand."
        aspects = wanted(in_force(rules_in(html.unescape(system))), situation)
        if draw.random() < self.noise.wrong_answer:
            aspect = draw.choice(list(ASPECTS))
            aspects[aspect] = draw.choice([value for value in ("", *ASPECTS[aspect][1]) if value != aspects[aspect]])
        return written_reply(aspects, draw)

    def _critique(self, message: str, expected: str, answer: str, draw: Random) -> str:
        """The rules by which the expected answer differs from the given one; one may be missed, one made up."""
        situation = situation_of(message)
        if not situation:
            return NOTHING
        right, said = read_reply(*prompts.read_answer(expected)), read_reply(*prompts.read_answer(answer))
        rules = [
            Rule(situation[ASPECTS[aspect][0]], aspect, value)
            for aspect, value in right.items()
            if value != said[aspect] and draw.random() >= self.noise.missed
        ]
        if draw.random() < self.noise.invented:
            aspect = draw.choice(list(ASPECTS))
            value = draw.choice([value for value in ASPECTS[aspect][1] if value != right[aspect]])
            rules.append(Rule(situation[ASPECTS[aspect][0]], aspect, value))
        return " ".join(sentence(rule, draw) for rule in rules) or NOTHING

    def _edits(self, given: Mapping[str, str], draw: Random) -> list[dict[str, Any]]:
        """At most five edits, the most supported first; none that was refused.

        As it is asked to, it takes up what several pieces of feedback agree on, and single ones only where none agree;
        and it keeps to a focus.
        """
        persona, feedback = json.loads(given["persona"]), json.loads(given["feedback"])
        feedback = [self._critique(*seen, draw) if (seen := prompts.contrast(text)) else text for text in feedback]
        refused = {rule for text in prompts.listed(given.get("refused", "[]")) for rule in rules_in(text)}
        lines = {rule.about: number for number, text in enumerate(persona, 1) for rule in rules_in(text)}
        told = in_force(rule for text in persona for rule in rules_in(text))
        edits: list[dict[str, Any]] = []
        asked = [
            (rule, numbers)
            for rule, numbers in supported(feedback)
            if rule not in refused and told.get(rule.about, "") != rule.value
        ]
        agreed = [(rule, numbers) for rule, numbers in asked if len(numbers) > 1]
        focus = given.get("focus", "")
        if "leave single complaints aside" in focus:
            asked = agreed
        elif found := re.search(r"feedback numbered (\d+)", focus):
            asked = agreed = [(rule, numbers) for rule, numbers in asked if int(found[1]) in numbers]
        elif "Add nothing" in focus:
            asked = agreed = [(rule, numbers) for rule, numbers in asked if rule.about in lines]
        for rule, numbers in (agreed or asked)[:MOST_EDITS]:
            line = lines.get(rule.about)
            edit: dict[str, Any] = {"action": "add", "text": sentence(rule, draw), "feedback": numbers}
            if line is not None:
                edit |= {"action": "replace" if rule.value else "remove", "statement": line}
            error = draw.random()
            if error < self.noise.dropped / 2:
                continue
            if error < self.noise.dropped and persona:
                edit |= {"action": "replace", "statement": draw.randint(1, len(persona))}
            edits.append(edit)
        return edits

    def _rewritten(self, text: str, feedback: list[str], draw: Random) -> str:
        """The text with what the feedback asks for worked in; any line of it that states a rule may be lost."""
        news = {rule.about: rule for rule, _ in supported(feedback)}
        lines: list[str] = []
        for line in text.splitlines():
            rules = rules_in(line)
            if not rules:
                lines.append(line)
            elif draw.random() >= self.noise.dropped:
                changed = [news.pop(rule.about, rule) for rule in rules]
                kept = [new for new in changed if new.value]
                lines.append(line if changed == rules else "- " + " ".join(sentence(new, draw) for new in kept))
        added = [rule for rule in news.values() if rule.value and draw.random() >= self.noise.dropped]
        return "\n".join([*(line for line in lines if line != "- "), *(f"- {sentence(rule, draw)}" for rule in added)])


class AsyncStandIn:
    """The same engine, awaited."""

    def __init__(self, engine: StandIn) -> None:
        self.engine = engine

    async def complete(self, request: Request) -> Response:
        """Answer a request."""
        return self.engine.complete(request)


def stand_in_lm(noise: Noise = NOISE["off"], seed: int = 0) -> dspy.LM:
    """A `dspy.LM` whose `engine` is a `StandIn` with these dials. Nothing is cached: a repeated call is a new draw."""
    engine = StandIn(noise, seed)
    return dspy.LM(MODEL, engine=engine, async_engine=AsyncStandIn(engine), cache=False, num_retries=0)


def supported(feedback: list[str]) -> list[tuple[Rule, list[int]]]:
    """The rules that feedback asks for, the most supported first; of two that contradict each other the better one."""
    said: dict[Rule, list[int]] = {}
    for number, text in enumerate(feedback, 1):
        for rule in dict.fromkeys(rules_in(text)):
            said.setdefault(rule, []).append(number)
    ranked = sorted(said.items(), key=lambda entry: (-len(entry[1]), dataclasses.astuple(entry[0])))
    best: dict[tuple[str, str], tuple[Rule, list[int]]] = {}
    for rule, numbers in ranked:
        best.setdefault(rule.about, (rule, numbers))
    return list(best.values())
