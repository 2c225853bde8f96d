"""A task and a persona as text for use without personaopt: a prompt, chat messages, or a page for people."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import dspy

from personaopt.persona import Persona
from personaopt.signatures.persona_block import write_persona


def messages(task: type[dspy.Signature], persona: Persona) -> list[dict[str, str]]:
    """Chat messages: a system message, and a user message in which each `{input}` stands for its value."""
    return [{"role": "system", "content": _system(task, persona)}, {"role": "user", "content": _case(task)}]


def prompt(task: type[dspy.Signature], persona: Persona) -> str:
    """The same as one text."""
    return f"{_system(task, persona)}\n\n{_case(task)}"


def markdown(task: type[dspy.Signature], persona: Persona, whose: str) -> str:
    """A page for people: what is known of the user, from which interactions, and the prompt itself.

    Args:
        task: The task's signature.
        persona: The persona.
        whose: The user and the version, for the title.
    """
    lines = [f"# Persona of {whose}", "", f"For the task: {task.instructions}", ""]
    for statement in persona.statements:
        rests = f"interactions {', '.join(statement.evidence)}" if statement.evidence else "no interactions"
        lines.append(f"- {statement.text} ({statement.source}; {rests})")
    if not persona:
        lines.append("The persona is empty.")
    fence = "`" * 4
    return "\n".join([*lines, "", "## Prompt", "", fence, prompt(task, persona), fence])


def _system(task: type[dspy.Signature], persona: Persona) -> str:
    answers = [f"- {name}: {_described(field)}" for name, field in task.output_fields.items()]
    return "\n".join([write_persona(task.instructions, persona.render()), "", "Answer with:", *answers])


def _case(task: type[dspy.Signature]) -> str:
    return "\n".join(f"{name}: {{{name}}}" for name in task.input_fields)


def _described(field: Any) -> str:
    described = (field.json_schema_extra or {}).get("desc") or ""
    parts = [] if described.startswith("${") else [described]
    if get_origin(field.annotation) is Literal:
        parts.append(f"one of {', '.join(str(answer) for answer in get_args(field.annotation))}")
    elif field.annotation is not str:
        parts.append(getattr(field.annotation, "__name__", str(field.annotation)))
    return "; ".join(part for part in parts if part) or "text"
