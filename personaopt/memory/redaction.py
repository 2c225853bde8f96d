"""What is taken out of texts before they are stored, so that it is in no row, no embedding and no prompt made of it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, get_args

from personaopt.errors import ConfigurationError, PersonaError
from personaopt.interaction import Interaction
from personaopt.memory.sensitive import Finder, PatternFinder
from personaopt.persona import Edit, Persona, Statement

How = Literal["mask", "hash", "drop", "off"]
FieldHow = Literal["mask", "hash", "drop", "off", "remove"]

_PARTS = ("inputs", "response", "ground_truth", "metadata", "signals")
_SHOWN = 12  # hexadecimal digits of a keyed hash: 1 in 281 million millions that two values share one


class Redactor(Protocol):
    """Takes out of an interaction what must not be stored. Any object with these two methods is one.

    The same interaction must come out the same every time: recording twice is once.
    """

    def interaction(self, interaction: Interaction) -> Interaction:
        """What is stored of an interaction."""
        ...

    def text(self, text: str) -> str:
        """What is stored of any other text, such as a statement of a persona."""
        ...


class Redaction:
    """Replaces what a finder finds, everywhere or by field.

    Ids, sessions, task names and times are kept as they are: they are names that the application chose.

    Args:
        how: What becomes of a finding. `mask` leaves its kind (`[email]`), `hash` its kind and a keyed hash, so that
            the same address is the same word everywhere and cannot be read back (`[email:3f2a…]`), `drop` nothing.
            `off` leaves everything alone, except in the fields that say otherwise.
        key: For `hash`: at least 16 bytes that only the application knows. Without it anyone could try all telephone
            numbers until one has the hash.
        fields: What becomes of findings in some fields, by their path, such as `{"inputs.note": "off"}`; the longest
            path counts. `remove` takes the whole value away, found or not.
        finder: What finds; a `PatternFinder` when None.

    Raises:
        ConfigurationError: An argument is outside its range, or `hash` has no key.

    Example:
        >>> store = open_store("personas.db", redactor=Redaction("mask", fields={"metadata.address": "remove"}))
    """

    def __init__(
        self,
        how: How = "mask",
        *,
        key: bytes | None = None,
        fields: Mapping[str, FieldHow] | None = None,
        finder: Finder | None = None,
    ) -> None:
        self._how: FieldHow = how
        self._fields = dict(fields or {})
        if how not in get_args(How) or not set(self._fields.values()) <= set(get_args(FieldHow)):
            raise ConfigurationError(
                f"A redaction is one of {', '.join(get_args(How))}, or of a field also remove; "
                f"it is {how!r} with {dict(self._fields)!r}."
            )
        if odd := [path for path in self._fields if path.partition(".")[0] not in (*_PARTS, "actions")]:
            raise ConfigurationError(
                f"A field is named by its path, such as inputs.text or metadata.address, not {odd[0]!r}."
            )
        hashes = "hash" in (how, *self._fields.values())
        if hashes and (not isinstance(key, bytes) or len(key) < 16):
            raise ConfigurationError("Redaction by hash needs a key of at least 16 bytes that is kept secret.")
        self._key = key or b""
        self._finder = finder or PatternFinder()

    def interaction(self, interaction: Interaction) -> Interaction:
        """What is stored of an interaction."""
        values = interaction.to_dict()
        for part in _PARTS:
            values[part] = {
                name: kept
                for name, value in values.get(part, {}).items()
                if (kept := self._value(value, f"{part}.{name}")) is not _REMOVED
            }
        actions = [self._value(action, "actions") for action in values.get("actions", [])]
        values["actions"] = [action for action in actions if action is not _REMOVED]
        if not values["inputs"]:
            values["inputs"] = {"removed": ""}  # an interaction has inputs, and all of these were to go
        return Interaction.from_dict(values)

    def text(self, text: str) -> str:
        """What is stored of any other text; fields have no say in it."""
        return self._replaced(text, self._how if self._how != "off" else None)

    def _value(self, value: Any, path: str) -> Any:
        how = self._how_at(path)
        if how == "remove":
            return _REMOVED
        if isinstance(value, Mapping):
            inner = {self._replaced(name, how): self._value(held, f"{path}.{name}") for name, held in value.items()}
            return {name: held for name, held in inner.items() if held is not _REMOVED}
        if isinstance(value, list):
            return [held for each in value if (held := self._value(each, path)) is not _REMOVED]
        if isinstance(value, str):
            return self._replaced(value, how)
        if isinstance(value, int) and abs(value) >= 10**6:  # a number that is a telephone, a card or an id
            return value if (said := self._replaced(str(value), how)) == str(value) else said
        return value

    def _how_at(self, path: str) -> FieldHow:
        while path:
            if path in self._fields:
                return self._fields[path]
            path = path.rpartition(".")[0]
        return self._how

    def _replaced(self, text: str, how: FieldHow | None) -> str:
        if how in (None, "off") or not text:
            return text
        pieces, end = [], 0
        for found in self._finder.find(text):
            pieces += [text[end : found.start], self._instead(found.kind, text[found.start : found.end], how)]
            end = found.end
        return "".join([*pieces, text[end:]])

    def _instead(self, kind: str, value: str, how: FieldHow | None) -> str:
        if how == "drop":
            return ""
        if how == "mask":
            return f"[{kind}]"
        same = "".join(character for character in value.casefold() if character.isalnum() or character in "@:_.")
        if kind in ("phone", "card", "iban", "national_id"):
            same = "".join(character for character in same if character.isalnum())
        digest = hmac.new(self._key, f"{kind}\0{same}".encode(), hashlib.sha256).hexdigest()
        return f"[{kind}:{digest[:_SHOWN]}]"


def redacted_change(
    persona: Persona, edits: Edit | Iterable[Edit], reason: str, redactor: Redactor
) -> tuple[Persona, tuple[Edit, ...], str]:
    """A persona, the edits that led to it and the reason, without what must not be stored.

    Raises:
        PersonaError: Not a persona, or not edits.
    """
    edits = tuple([edits] if isinstance(edits, Edit) else edits)
    if not isinstance(persona, Persona) or not all(isinstance(edit, Edit) for edit in edits):
        raise PersonaError("A Persona can be saved, with Edit values.")
    statements: dict[str, Statement] = {}
    for statement in persona.statements:
        if (kept := redacted_statement(statement, redactor)) is not None:
            statements.setdefault(kept.id, kept)
    changes = tuple(change for edit in edits if (change := _edit(edit, redactor)) is not None)
    kept_persona = dataclasses.replace(persona, statements=tuple(statements.values()))
    return kept_persona, changes, redactor.text(reason) if isinstance(reason, str) else reason


def redacted_statement(statement: Statement, redactor: Redactor) -> Statement | None:
    """A statement without what must not be stored; None where nothing is left of it."""
    text, identifier = redactor.text(statement.text), redactor.text(statement.id)
    if not text.strip() or not identifier:
        return None
    return dataclasses.replace(statement, text=text, id=identifier)


def _edit(edit: Edit, redactor: Redactor) -> Edit | None:
    statement = redacted_statement(edit.statement, redactor) if edit.statement else None
    if edit.statement is not None and statement is None:
        return None
    target = None if edit.target is None else redactor.text(edit.target)
    return Edit(edit.action, statement, target, redactor.text(edit.reason))


class _Removed:
    pass


_REMOVED = _Removed()
