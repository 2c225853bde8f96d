"""A task's signature as JSON values and back, from a closed set of types: reading one never runs anything."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import dspy

from personaopt.errors import ProgramError
from personaopt.signatures.standing import StandsFor, stands_for

_SCALARS: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "any": Any}
_NAMES = {kind: name for name, kind in _SCALARS.items()}
_BOUNDS = ("ge", "gt", "le", "lt")
_DEEPEST = 8


def signature_to_dict(signature: type[dspy.Signature]) -> dict[str, Any]:
    """A signature as JSON values: its name, instructions and fields.

    Raises:
        ProgramError: A field is of a type that a file cannot hold.
    """
    return {
        "name": signature.__name__,
        "instructions": signature.instructions,
        "inputs": [_field_to_dict(name, field) for name, field in signature.input_fields.items()],
        "outputs": [_field_to_dict(name, field) for name, field in signature.output_fields.items()],
    }


def signature_from_dict(values: Any) -> type[dspy.Signature]:
    """Build a signature from `signature_to_dict`'s values.

    Raises:
        ProgramError: They do not describe one.
    """
    if not isinstance(values, Mapping) or not isinstance(values.get("instructions"), str):
        raise ProgramError("The task is not a mapping with 'instructions', 'inputs' and 'outputs'.")
    fields: dict[str, tuple[Any, Any]] = {}
    for part, kind in (("inputs", dspy.InputField), ("outputs", dspy.OutputField)):
        described = values.get(part)
        if not isinstance(described, list) or not described:
            raise ProgramError(f"The task's {part} are not a list of fields.")
        for field in described:
            name = field.get("name") if isinstance(field, Mapping) else None
            if not isinstance(name, str) or not name.isidentifier() or name.startswith("_") or name in fields:
                raise ProgramError(f"The task has a field named {name!r}, which is no name of its own.")
            fields[name] = (_annotation(field, name), kind(**_settings(field, name)))
    return dspy.Signature(fields, values["instructions"], signature_name=str(values.get("name") or "Task"))


def _field_to_dict(name: str, field: Any) -> dict[str, Any]:
    extra = field.json_schema_extra or {}
    values = {"name": name, "type": _type_to(field.annotation, name)}
    if isinstance(extra.get("desc"), str):
        values["desc"] = extra["desc"]
    bounds: dict[str, float] = {}
    if (standing := stands_for(field)) is not None:
        values["stands_for"] = {"inputs": dict(standing.inputs), "said": standing.said}
    for rule in field.metadata:
        if rule is standing:
            continue
        known = {key: getattr(rule, key) for key in _BOUNDS if getattr(rule, key, None) is not None}
        if not known or not all(isinstance(bound, int | float) for bound in known.values()):
            raise ProgramError(f"The field {name!r} has the rule {rule!r}, which a program file cannot hold; drop it.")
        bounds |= known
    if bounds:
        values["bounds"] = bounds
    if not field.is_required():
        try:
            values["default"] = json.loads(json.dumps(field.default, allow_nan=False))
        except (TypeError, ValueError):
            raise ProgramError(f"The default of the field {name!r} cannot be written as JSON; drop it.") from None
    return values


def _annotation(field: Mapping[str, Any], name: str) -> Any:
    annotation, rule = _type_from(field.get("type"), name), field.get("stands_for")
    if rule is None:
        return annotation
    inputs = rule.get("inputs") if isinstance(rule, Mapping) else None
    if not isinstance(inputs, Mapping) or not all(isinstance(text, str) for pair in inputs.items() for text in pair):
        raise ProgramError(f"What the answers of the field {name!r} stand for is not a mapping from text to text.")
    return Annotated[annotation, StandsFor(dict(inputs), str(rule.get("said") or ""))]


def _settings(field: Mapping[str, Any], name: str) -> dict[str, Any]:
    described = {"desc": field["desc"]} if isinstance(field.get("desc"), str) else {}
    bounds = field.get("bounds", {})
    if not isinstance(bounds, Mapping) or not all(
        key in _BOUNDS and isinstance(bound, int | float) and math.isfinite(bound) for key, bound in bounds.items()
    ):
        raise ProgramError(f"The bounds of the field {name!r} are not numbers for {', '.join(_BOUNDS)}.")
    default = {"default": field["default"]} if "default" in field else {}
    return {**described, **bounds, **default}


def _type_to(annotation: Any, name: str) -> dict[str, Any]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES:
        return {"type": _NAMES[annotation]}
    if origin is Literal and all(value is None or type(value) in (str, int, float, bool) for value in arguments):
        return {"type": "literal", "values": list(arguments)}
    if origin in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return {"type": "optional", "of": _type_to(next(a for a in arguments if a is not type(None)), name)}
    if annotation is list or (origin is list and len(arguments) == 1):
        return {"type": "list", "of": _type_to(arguments[0] if arguments else Any, name)}
    if annotation is dict or (origin is dict and arguments[0] is str):
        return {"type": "dict", "of": _type_to(arguments[1] if arguments else Any, name)}
    raise ProgramError(
        f"The field {name!r} is of type {getattr(annotation, '__name__', annotation)}, which a program file cannot "
        "hold; use text, numbers, bool, Literal, Optional, and lists and dicts of those."
    )


def _type_from(values: Any, name: str, depth: int = 0) -> Any:
    kind = values.get("type") if isinstance(values, Mapping) else None
    if isinstance(kind, str) and kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "literal":
        known = values.get("values")
        if isinstance(known, list) and known and all(isinstance(v, str | int | float | bool | None) for v in known):
            return Literal[tuple(known)]
    if kind in ("optional", "list", "dict") and depth < _DEEPEST:
        inner = _type_from(values.get("of"), name, depth + 1)
        return {"optional": inner | None, "list": list[inner], "dict": dict[str, inner]}[kind]  # type: ignore[valid-type]
    raise ProgramError(f"The field {name!r} has a type that this version does not know.")
