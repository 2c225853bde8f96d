"""What a prompt asks for, and in which form it wants the reply: DSPy's chat and JSON forms, and TextGrad's."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

EVALUATOR = "You compare a reply that was written for a user with what the user really answered."
"""Begins the system prompt of TextGrad's `TextLoss` on the testbed."""

EXPECTED_ANSWER = "The user really answered:"

_SECTION = re.compile(r"\[\[ ## (\w+) ## \]\]\n")
_OUTPUT = re.compile(r"^\d+\. `(\w+)`", re.MULTILINE)
_ANSWER = re.compile(r"folder: ?(.*?)\n+(?:reply: ?)(.*)", re.DOTALL)
_TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CONTRAST = re.compile(rf"the user gave the (\w+) {_TEXT} where the answer was {_TEXT}|the (\w+) {_TEXT} was right")
_TGD = "improves text (i.e., variable)"
_GRADIENT = "You are the gradient (feedback) engine"


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A prompt that was understood.

    Attributes:
        kind: `answer`, `critique`, `relay` (a critique handed on), `edit`, `rewrite`, `reflect` or `other`.
        system: The system prompt.
        given: What the prompt gives, by name.
        outputs: What is asked for, by name.
        form: Turns the outputs into the text of the reply.
    """

    kind: str
    system: str
    given: Mapping[str, str]
    outputs: tuple[str, ...]
    form: Callable[[Mapping[str, Any]], str]


def read(system: str, user: str) -> Prompt:
    """What a prompt asks for."""
    if "Your output fields are:" in system:
        return _dspy(system, user)
    if _GRADIENT in system:
        said = re.findall(r"feedback on the LM_OUTPUT:(.*?)</OBJECTIVE_FUNCTION>", user, re.DOTALL)
        said += re.findall(r"<LM_OUTPUT>(.*?)</LM_OUTPUT>", user, re.DOTALL)
        return Prompt("relay", system, {"said": "\n".join(said)}, ("said",), _only)
    if _TGD in system:
        found = re.search(r"<LM_SYSTEM_PROMPT>(.*?)</LM_SYSTEM_PROMPT>", user, re.DOTALL)
        found = found or re.search(r"<VARIABLE>(.*?)</VARIABLE>", user, re.DOTALL)
        feedback = re.findall(r"<FEEDBACK>(.*?)</FEEDBACK>", user, re.DOTALL)
        given = {"text": found[1].strip() if found else "", "feedback": json.dumps(feedback)}
        return Prompt("rewrite", system, given, ("text",), _improved)
    if system.startswith(EVALUATOR):
        return Prompt("critique", system, {**_tagged(system), "answer": user}, ("said",), _only)
    return Prompt("answer", system, {"message": user}, ("folder", "reply"), _as_answer)


def sections(user: str) -> dict[str, str]:
    """The inputs of a prompt in DSPy's form, by name."""
    parts = _SECTION.split(user.partition("\n\nRespond with")[0])
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def listed(text: str) -> list[str]:
    """A list of texts as DSPy writes it."""
    try:
        values = json.loads(text)
    except ValueError:
        return [text]
    return [str(value) for value in values] if isinstance(values, list) else [str(values)]


def answer_text(folder: str, reply: str) -> str:
    """An answer as one text."""
    return f"folder: {folder}\nreply: {reply}"


def read_answer(text: str) -> tuple[str, str]:
    """Folder and reply of `answer_text`; empty ones where the text is something else."""
    found = _ANSWER.search(text)
    return (found[1].strip(), found[2].strip()) if found else ("", "")


def examples(given: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Message, expected and given answer of each example that GEPA shows."""
    found = []
    for example in json.loads(given["examples"]):
        outputs = example.get("Generated Outputs")
        expected = str(example.get("Feedback", "")).partition(EXPECTED_ANSWER)[2]
        if isinstance(outputs, dict) and expected:
            answer = answer_text(str(outputs.get("folder", "")), str(outputs.get("reply", "")))
            found.append((str(example["Inputs"].get("message", "")), expected, answer))
    return found


def contrast(text: str) -> tuple[str, str, str] | None:
    """Message, expected and given answer of feedback that only states the contrast; None for other feedback."""
    found = _CONTRAST.findall(text)
    if not found:
        return None
    expected, given = {}, {}
    for name, right, said, same, both in found:
        expected[name or same] = ast.literal_eval(right or both)
        given[name or same] = ast.literal_eval(said or both)
    expected, given = ({"folder": "", "reply": ""} | values for values in (expected, given))
    return text, answer_text(**expected), answer_text(**given)


def _dspy(system: str, user: str) -> Prompt:
    outputs = tuple(_OUTPUT.findall(system.partition("Your output fields are:")[2]))
    given: dict[str, str] = sections(user)
    kind = "other"
    if "new_instruction" in outputs:
        kind = "reflect"
        given = {"text": given["current_instruction"], "examples": given["examples_with_feedback"]}
    elif "edits" in outputs:
        kind = "edit"
    elif "new_persona" in outputs:
        kind = "rewrite"
        given = {"text": given["persona"], "feedback": given["feedback"]}
    elif {"question", "expected", "answer"} <= given.keys():
        kind = "critique"
    elif {"loss", "question", "answer"} <= given.keys():
        kind = "relay"
        given = {"said": given["loss"]}
    elif {"folder", "reply"} <= set(outputs):
        kind = "answer"
    return Prompt(kind, system, given, outputs, _as_json if "JSON object" in user else _as_sections)


def _tagged(text: str) -> dict[str, str]:
    return {name.lower(): value.strip() for name, value in re.findall(r"<([A-Z]+)>(.*?)</\1>", text, re.DOTALL)}


def _only(fields: Mapping[str, Any]) -> str:
    return str(next(iter(fields.values())))


def _improved(fields: Mapping[str, Any]) -> str:
    return f"<IMPROVED_VARIABLE>{_only(fields)}</IMPROVED_VARIABLE>"


def _as_answer(fields: Mapping[str, Any]) -> str:
    return answer_text(fields["folder"], fields["reply"])


def _as_json(fields: Mapping[str, Any]) -> str:
    return json.dumps(dict(fields))


def _as_sections(fields: Mapping[str, Any]) -> str:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return "".join(f"[[ ## {name} ## ]]\n{text}\n\n" for name, text in texts.items()) + "[[ ## completed ## ]]"
