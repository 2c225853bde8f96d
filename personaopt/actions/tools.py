"""A tool as an agent knows it: its name, what it is for, and which arguments fit."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dspy
import pydantic
import pydantic_core

from personaopt.errors import ConfigurationError, DataError, ToolError
from personaopt.memory.permissions import OWN_TOOLS, checked
from personaopt.signatures.act import RESPOND

LONGEST_DESCRIPTION = 500
"""Characters of a tool's description that a policy is shown: the first paragraph of a docstring says what it is for."""

LONGEST_ARGUMENTS = 1500
"""Characters of what it is shown of a tool's arguments."""

_REQUIRED = "(Required)"  # so DSPy marks arguments that a tool's own schema requires


@dataclasses.dataclass(frozen=True)
class AgentTool:
    """One tool.

    Attributes:
        tool: DSPy's, which checks arguments against their schemas and makes the call.
        required: Arguments that must be given.
        open: Whether it takes arguments that it does not name.
    """

    tool: dspy.Tool
    required: frozenset[str]
    open: bool = False

    @property
    def name(self) -> str:
        """What it is called by."""
        return str(self.tool.name)

    @property
    def arguments(self) -> dict[str, Any]:
        """The JSON schema of each argument."""
        hidden = _gathering(self.tool, inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        return {name: schema for name, schema in (self.tool.args or {}).items() if name not in hidden}

    @property
    def waits(self) -> bool:
        """Whether it is awaited."""
        func = self.tool.func
        return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)

    def described(self) -> str:
        """One line for a policy: name, arguments, what it is for."""
        shown = []
        for name, schema in self.arguments.items():
            said = f", {schema['description']}" if schema.get("description") else ""
            shown.append(f"{name} ({_kind(schema)}{'' if name in self.required else ', optional'}{said})")
        purpose = " ".join(str(self.tool.desc or "").strip().split("\n\n")[0].split())
        return f"{self.name}({' '.join('; '.join(shown).split())[:LONGEST_ARGUMENTS]}): {purpose[:LONGEST_DESCRIPTION]}"

    def fitting(self, arguments: Any) -> dict[str, Any]:
        """The arguments as the tool takes them.

        Raises:
            ToolError: They do not fit.
        """
        if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
            raise ToolError(f"The arguments of {self.name!r} are a mapping of names to values, not {arguments!r:.80}.")
        known = self.arguments
        takes = ", ".join(known) or "none"
        if not self.open and (unknown := [name for name in arguments if name not in known]):
            raise ToolError(f"The tool {self.name!r} has no argument {unknown[0]!r}; it takes {takes}.")
        if missing := [name for name in known if name in self.required and name not in arguments]:
            raise ToolError(f"The tool {self.name!r} needs the argument {missing[0]!r}; it takes {takes}.")
        # LMs write null for what they leave out.
        given = {name: value for name, value in arguments.items() if value is not None or name in self.required}
        return {name: self._value(name, value) for name, value in given.items()}

    def _value(self, name: str, value: Any) -> Any:
        kind = (self.tool.arg_types or {}).get(name, Any)
        if kind is Any:
            return value
        adapter = pydantic.TypeAdapter(kind)
        try:
            fitting = adapter.validate_python(value)
            # DSPy checks it against the JSON schema once more, which knows no dates, enums or sets.
            return adapter.dump_python(fitting, mode="json", by_alias=True)
        except pydantic_core.PydanticSerializationError:
            return fitting
        except pydantic.ValidationError as error:
            reason = error.errors(include_url=False, include_context=False)[0]["msg"]
            raise ToolError(
                f"The argument {name!r} of the tool {self.name!r} does not fit: {reason[:1].lower()}{reason[1:]}; it "
                f"is {value!r:.80}."
            ) from error


def made(given: Iterable[dspy.Tool | Callable[..., Any]]) -> dict[str, AgentTool]:
    """The tools of an agent by name, in their order.

    Args:
        given: Functions with type hints and a docstring, objects that can be called and have a `name`, `dspy.Tool`s.

    Raises:
        ConfigurationError: Something is no tool, or two have one name.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigurationError(f"The tools of an agent are a list of functions or dspy.Tools, not {given!r:.80}.")
    tools: dict[str, AgentTool] = {}
    for each in given:
        tool = agent_tool(each)
        if tool.name in tools or tool.name in (*OWN_TOOLS, RESPOND):
            whose = "two of the tools have it" if tool.name in tools else "every agent has that action itself"
            raise ConfigurationError(f"No tool can be named {tool.name!r}: {whose}; give it another name.")
        tools[tool.name] = tool
    return tools


def agent_tool(given: dspy.Tool | Callable[..., Any]) -> AgentTool:
    """One tool from what an application has.

    Raises:
        ConfigurationError: It cannot be called, or has no usable name or signature.
    """
    if not isinstance(given, dspy.Tool) and not callable(given):
        raise ConfigurationError(f"A tool is a function or a dspy.Tool, not {given!r:.80}.")
    try:
        tool = given
        if not isinstance(given, dspy.Tool):
            tool = dspy.Tool(given, name=getattr(given, "name", None), desc=getattr(given, "description", None))
        checked([tool.name])
        json.dumps(tool.args)
        _refuse_form(tool)
    except (TypeError, ValueError, NameError, DataError, pydantic.errors.PydanticUserError) as error:
        name = getattr(given, "name", None) or getattr(given, "__name__", type(given).__name__)
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ConfigurationError(
            f"The tool {name!r} cannot be used: {reason}; give it a name and arguments with type hints."
        ) from error
    return AgentTool(
        tool, frozenset(_required(tool)), bool(_gathering(tool, inspect.Parameter.VAR_KEYWORD) & {*(tool.args or {})})
    )


def _refuse_form(tool: dspy.Tool) -> None:
    """Refuse what would fail at every call, and names that a line of a prompt cannot show as they are.

    Raises:
        ValueError: It is such a tool.
    """
    if tool.name != str(tool.name).strip() or not str(tool.name).isprintable():
        raise ValueError("its name has spaces around it or characters that cannot be seen")
    if inspect.isgeneratorfunction(tool.func) or inspect.isasyncgenfunction(tool.func):
        raise ValueError("it yields values, and a tool returns one")
    if any(parameter.kind is parameter.POSITIONAL_ONLY for parameter in _signature(tool.func).values()):
        raise ValueError("it has arguments that cannot be given by name")


def _kind(schema: Mapping[str, Any]) -> str:
    """What an argument may be, in a few words."""
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return "/".join(_kind(each) for each in schema["anyOf"])
    if properties := schema.get("properties"):
        return "object of " + ", ".join(f"{name} {_kind(each)}" for name, each in properties.items())
    if schema.get("items"):
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("type") or schema.get("const") or "any")


def _required(tool: dspy.Tool) -> Iterable[str]:
    parameters = _signature(tool.func)
    for name, schema in (tool.args or {}).items():
        parameter = parameters.get(name)
        if parameter is None:  # by its own schema, such as a server's
            described = (tool.arg_desc or {}).get(name, "")
            if described.endswith(_REQUIRED) and "default" not in schema:
                yield name
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            yield name


def _gathering(tool: dspy.Tool, *kinds: Any) -> set[str]:
    """Names that DSPy lists among the arguments and that stand for any number of others, as in `**options`."""
    described = tool.arg_desc or {}  # of a server's tool they name real arguments
    parameters = _signature(tool.func).items()
    return {name for name, parameter in parameters if parameter.kind in kinds and name not in described}


def _signature(func: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(func).parameters
