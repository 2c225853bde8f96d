"""The functions of a session, simulated: a state, arguments checked by JSON schema, and what a call does to the state.

AI PERSONA's sessions let the agent call simulated APIs (arXiv 2412.13103, its session manager). A call that does not
fit is refused with a sentence that the agent reads; it is counted, and changes nothing.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from personaopt.actions.space import ActionSpace
from personaopt.errors import DataError, ToolError
from personaopt.evals.personabench.records import Call, Function, Session
from personaopt.memory.permissions import OWN_TOOLS
from personaopt.signatures.act import RESPOND

if TYPE_CHECKING:
    import dspy

    from personaopt.agent import PersonaAgent

LEAST_ACTIONS = 4
"""Calls that an agent may make before an answer at least, where a session has functions."""
_TYPES: Mapping[str, Any] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict,
}  # fmt: skip


class SimulatedFunctions:
    """The functions of one session and the state that they work on.

    Args:
        session: Whose functions they are. Nothing but its functions and its state is read.

    Attributes:
        functions: By name.
        state: As it is now; calls change it.

    Raises:
        DataError: The state is no JSON object, two functions have one name, or the parameters of one are no JSON
            schema of an object.
    """

    def __init__(self, session: Session) -> None:
        self.functions = {function.name: function for function in session.functions}
        if len(self.functions) < len(session.functions):
            raise DataError(f"Session {session.id!r} has two functions of one name; rename one of them.")
        self.state: dict[str, Any] = _object(session.state or "{}", f"The state of session {session.id!r}")
        self._schemas = {name: _schema(each, session.id) for name, each in self.functions.items()}
        self._lock = threading.Lock()

    def tools(self) -> list[dspy.Tool]:
        """The functions as tools of an agent, in their order."""
        return [self._tool(name) for name in self.functions]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a call.

        Args:
            name: The function.
            arguments: What it is called with.

        Returns:
            What it gives, as JSON values.

        Raises:
            ToolError: There is no such function or the arguments do not fit; nothing was changed.
        """
        if name not in self.functions:
            raise ToolError(f"There is no function {name!r}; there are {', '.join(self.functions) or 'none'}.")
        self._refuse(name, arguments)
        function = self.functions[name]
        with self._lock:  # calls of one reply are made at once
            return _EFFECTS[function.effect](self.state, function, arguments)

    def heard(self, actions: Sequence[Mapping[str, Any]]) -> tuple[tuple[Call, ...], tuple[str, ...]]:
        """What an answer's actions say of calls: those that were made or refused, and why each was refused.

        The actions know what was refused before it came here too: a name that does not exist, an argument too many.

        Args:
            actions: As `prediction.actions` has them.
        """
        other = {*OWN_TOOLS, RESPOND} - self.functions.keys()
        made = [action for action in actions if action.get("tool") not in other]
        calls = tuple(
            Call(name=str(each["tool"]), arguments=json.dumps(each["arguments"], ensure_ascii=False), exact=[])
            for each in made
        )
        return calls, tuple(str(each.get("error") or "") for each in made)

    def snapshot(self) -> Callable[[], None]:
        """Keep the state as it is now; what is returned puts it back."""
        kept = copy.deepcopy(self.state)

        def restore() -> None:
            self.state = copy.deepcopy(kept)

        return restore

    def _tool(self, name: str) -> dspy.Tool:
        import dspy

        schema, function = self._schemas[name], self.functions[name]
        properties: dict[str, Any] = schema.get("properties") or {}
        required = schema.get("required") or ()

        def call(**arguments: Any) -> Any:
            return self.call(name, arguments)

        said = {each: str(known.get("description") or each) for each, known in properties.items()}
        return dspy.Tool(
            call,
            name=name,
            desc=function.description,
            args=copy.deepcopy(properties),
            arg_types={each: _python_type(known) for each, known in properties.items()},
            # So DSPy marks what a schema requires.
            arg_desc={each: f"{text} (Required)" if each in required else text for each, text in said.items()},
        )

    def _refuse(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments that do not fit.

        Raises:
            ToolError: They do not.
        """
        import jsonschema

        checker = jsonschema.validators.validator_for(self._schemas[name], jsonschema.Draft202012Validator)
        error = jsonschema.exceptions.best_match(checker(self._schemas[name]).iter_errors(dict(arguments)))
        if error is not None:
            where = ".".join(str(step) for step in error.absolute_path)
            takes = ", ".join(self._schemas[name].get("properties") or {}) or "no arguments"
            raise ToolError(
                f"{name} was not carried out: {f'{where}: ' if where else ''}{error.message[:200]}; it takes {takes}."
            )


def equipped(agent: PersonaAgent, functions: SimulatedFunctions) -> PersonaAgent:
    """The agent with a session's functions beside its own tools; the agent itself for a session without any.

    The functions are allowed for this agent alone, nothing is written into the store. An agent that did nothing before
    it answered does not begin to search its user's memory now: what a method knows is the method's business.

    Args:
        agent: As the method prepared it.
        functions: The session's.

    Raises:
        ConfigurationError: A function has the name of a tool that the agent has, or one that no tool can have.
    """
    if not functions.functions:
        return agent
    before = agent.actions
    twin = copy.copy(agent)
    twin.actions = ActionSpace(
        agent.user,
        [*(tool.tool for tool in before.tools.values()), *functions.tools()],
        for_all=[*before.for_all, *functions.functions],
        timeout=before.seconds,
        not_simulated=before.not_simulated,
        memory_tools=bool(agent.max_actions and before.own),
    )
    twin.max_actions = max(agent.max_actions, LEAST_ACTIONS)
    return twin


def _look_up(state: dict[str, Any], function: Function, arguments: Mapping[str, Any]) -> Any:
    table, wanted = state.get(function.table), arguments.get(function.key)
    entries = {_plain(key): value for key, value in table.items()} if isinstance(table, dict) else {}
    return entries.get(_plain(wanted), f"Nothing is known for {wanted!r}.")


def _at_most(state: dict[str, Any], function: Function, arguments: Mapping[str, Any]) -> Any:
    most, rows = arguments.get(function.key), state.get(function.table)
    if isinstance(most, bool) or not isinstance(most, int | float):
        raise ToolError(f"{function.name} was not carried out: {function.key} is a number, not {most!r:.80}.")
    priced = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    prices = [(row, row.get("price")) for row in priced]
    found = [row for row, price in prices if isinstance(price, int | float) and price <= most]
    return found or "Nothing was found."


def _append(state: dict[str, Any], function: Function, arguments: Mapping[str, Any]) -> Any:
    rows = state.setdefault(function.table, [])
    if not isinstance(rows, list):
        raise ToolError(f"{function.name} was not carried out: nothing can be added to {function.table}.")
    rows.append(copy.deepcopy(dict(arguments)))
    return {"added": dict(arguments)}


_EFFECTS: Mapping[str, Callable[[dict[str, Any], Function, Mapping[str, Any]], Any]] = {
    "look_up": _look_up, "at_most": _at_most, "append": _append,
}  # fmt: skip


def _schema(function: Function, session: str) -> dict[str, Any]:
    """The JSON schema of a function's arguments.

    Raises:
        DataError: It is none, or not one of an object.
    """
    import jsonschema

    where = f"The parameters of function {function.name!r} in session {session!r}"
    schema = _object(function.parameters, where)
    try:
        jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator).check_schema(schema)
    except jsonschema.SchemaError as error:
        raise DataError(f"{where} are no JSON schema: {error.message[:200]}.") from error
    properties = schema.get("properties") or {}
    if schema.get("type", "object") != "object" or not all(isinstance(each, dict) for each in properties.values()):
        raise DataError(f"{where} are no JSON schema of an object; give it type object and properties by name.")
    return schema


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise DataError(f"{what} is a JSON object, not {text[:80]!r}.")
    return found


def _python_type(schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    return _TYPES.get(kind, Any) if isinstance(kind, str) else Any


def _plain(value: object) -> str:
    return " ".join(str(value).split()).casefold()
