"""A persona: the text that is trained for a user, as ordered statements that know where they come from.

Pure values, no I/O. A persona never changes; edits make a new one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from personaopt.errors import PersonaError

Source = Literal["learnt", "stated", "written"]
Action = Literal["add", "replace", "remove"]

DEFAULT_TOKEN_LIMIT = 400
_PIECES = re.compile(r"\w+|[^\w\s]")


def estimate_tokens(text: str) -> int:
    """How many tokens a text costs, estimated without a tokenizer so that it is the same for every model.

    Each word counts one token for every six characters begun, each other visible character one. On English text this
    is within a few percent of byte-pair vocabularies of 50,000 to 200,000 entries.
    """
    return sum(math.ceil(len(piece) / 6) for piece in _PIECES.findall(text))


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One line of a persona, and why it is there.

    Attributes:
        text: What is said of the user; one line, not empty.
        id: Stable name within a persona; made from the text when missing.
        evidence: Ids of the interactions it was derived from.
        source: `learnt` (from interactions), `stated` (the user said so) or `written` (by hand).
        field: Path in AI PERSONA's dictionary, such as `preference.formats`, or None for a free line.
        confidence: In [0, 1].
        valid_from: Seconds since the epoch from which it holds, or None.
        valid_to: Seconds since the epoch after which it no longer holds, or None.
        pinned: A pinned statement is never replaced or removed by an optimizer.

    Raises:
        PersonaError: The text is empty, the source unknown or the confidence out of range.
    """

    text: str
    id: str = ""
    evidence: tuple[str, ...] = ()
    source: Source = "learnt"
    field: str | None = None
    confidence: float = 1.0
    valid_from: float | None = None
    valid_to: float | None = None
    pinned: bool = False

    def __post_init__(self) -> None:
        text = " ".join(str(self.text).split())
        if not text:
            raise PersonaError("A statement needs text; it is empty.")
        if not _encodable(text) or not _encodable(self.id):
            raise PersonaError(f"A statement holds half of a surrogate pair, which is not text: {text!r}.")
        if self.source not in get_args(Source):
            raise PersonaError(f"A statement's source is one of {', '.join(get_args(Source))}, not {self.source!r}.")
        confidence: Any = self.confidence
        if not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
            raise PersonaError(f"A statement's confidence lies in [0, 1]; it is {self.confidence!r}.")
        evidence: Any = self.evidence
        if isinstance(evidence, str):
            raise PersonaError(f"A statement's evidence is several ids, not the text {evidence!r}; put it in a list.")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "evidence", tuple(dict.fromkeys(evidence)))
        if not self.id:
            object.__setattr__(self, "id", hashlib.sha256(text.encode()).hexdigest()[:12])

    def to_dict(self) -> dict[str, Any]:
        """The statement as JSON values."""
        return {**dataclasses.asdict(self), "evidence": list(self.evidence)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Statement:
        """Build a statement from `to_dict`'s values.

        Raises:
            PersonaError: A key is unknown or a value not valid.
        """
        try:
            evidence = values.get("evidence", ())
            return cls(**{**values, "evidence": evidence if isinstance(evidence, str) else tuple(evidence)})
        except (TypeError, AttributeError) as error:
            raise PersonaError(f"Not a statement: {error}.") from error


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """One change to a persona.

    Attributes:
        action: `add` puts `statement` at the end, `replace` puts it in the place of `target`, `remove` deletes
            `target`.
        statement: The new statement of an `add` or `replace`.
        target: Id of the statement that a `replace` or `remove` is about.
        reason: Why, in one sentence.

    Raises:
        PersonaError: A part that the action needs is missing, or one that it cannot have is there.
    """

    action: Action
    statement: Statement | None = None
    target: str | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise PersonaError(f"An edit is one of {', '.join(get_args(Action))}, not {self.action!r}.")
        if (self.statement is None) != (self.action == "remove"):
            raise PersonaError(
                f"An edit that would {self.action} a statement must{' not' if self.statement else ''} carry one."
            )
        if (self.target is None) != (self.action == "add"):
            raise PersonaError(
                f"An edit that would {self.action} a statement must{' not' if self.target else ''} name a target."
            )

    def __str__(self) -> str:
        sign = {"add": "+", "replace": "~", "remove": "-"}[self.action]
        return f"{sign} {self.statement.text if self.statement else self.target}"

    def to_dict(self) -> dict[str, Any]:
        """The edit as JSON values."""
        statement = self.statement.to_dict() if self.statement else None
        return {"action": self.action, "statement": statement, "target": self.target, "reason": self.reason}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Edit:
        """Build an edit from `to_dict`'s values.

        Raises:
            PersonaError: A value is missing or not valid.
        """
        if not isinstance(values, Mapping) or "action" not in values:
            raise PersonaError("An edit is a mapping with an 'action'.")
        statement = values.get("statement")
        return cls(
            action=values["action"],
            statement=Statement.from_dict(statement) if statement else None,
            target=values.get("target"),
            reason=values.get("reason", ""),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Persona:
    """What is known of a user, as the text of a system prompt (PersonaAgent's P) in ordered statements.

    Attributes:
        statements: In the order in which they are rendered; ids are unique.
        token_limit: The rendered text may not pass this many tokens (see `estimate_tokens`).

    Raises:
        PersonaError: Two statements share an id, or the text passes the limit.
    """

    statements: tuple[Statement, ...] = ()
    token_limit: int = DEFAULT_TOKEN_LIMIT

    def __post_init__(self) -> None:
        object.__setattr__(self, "statements", tuple(self.statements))
        if not all(isinstance(statement, Statement) for statement in self.statements):
            raise PersonaError("A persona is made of Statement values; Persona.from_text reads a text.")
        if not isinstance(self.token_limit, int) or isinstance(self.token_limit, bool) or self.token_limit < 0:
            raise PersonaError(f"A persona's token limit is a whole number of at least 0; it is {self.token_limit!r}.")
        identifiers = [statement.id for statement in self.statements]
        if len(set(identifiers)) != len(identifiers):
            raise PersonaError("Two statements of a persona share an id; the same line may stand in it only once.")
        if self.tokens > self.token_limit:
            raise PersonaError(
                f"The persona has {self.tokens} tokens and its limit is {self.token_limit}; "
                "shorten it or raise the limit."
            )

    @classmethod
    def from_text(cls, text: str, *, source: Source = "written", token_limit: int = DEFAULT_TOKEN_LIMIT) -> Persona:
        """A persona with one statement for each non-empty line of a text; leading dashes are dropped."""
        spaced = (" ".join(line.split()) for line in text.splitlines() if line.strip(" -\t"))
        lines = dict.fromkeys(line.removeprefix("- ").strip() for line in spaced)
        return cls(tuple(Statement(line, source=source) for line in lines), token_limit)

    @property
    def tokens(self) -> int:
        """Estimated tokens of the rendered text."""
        return estimate_tokens(self.render())

    def render(self) -> str:
        """The persona as text, one statement a line; the same statements give the same text."""
        return "\n".join(f"- {statement.text}" for statement in self.statements)

    def __str__(self) -> str:
        return self.render()

    def __bool__(self) -> bool:
        return bool(self.statements)

    def statement(self, identifier: str) -> Statement:
        """The statement with this id.

        Raises:
            PersonaError: There is none.
        """
        return self.statements[_position(self.statements, identifier)]

    def apply(self, edits: Edit | Iterable[Edit]) -> Persona:
        """A new persona with the edits made in their order.

        Raises:
            PersonaError: A target is unknown, a statement is there already, or the result passes the token limit.
        """
        statements = list(self.statements)
        for edit in [edits] if isinstance(edits, Edit) else edits:
            if edit.target is not None:
                # Only the result has to be a valid persona: on the way there a limit may be passed.
                position = _position(statements, edit.target)
                statements[position : position + 1] = [edit.statement] if edit.statement else []
            elif edit.statement is not None:
                statements.append(edit.statement)
        return dataclasses.replace(self, statements=tuple(statements))

    def diff(self, other: Persona) -> tuple[Edit, ...]:
        """The edits that lead from this persona to another: `self.apply(self.diff(other))` has the other's statements.

        Statements are matched by id; a statement of which only the text or the evidence differs is replaced. The order
        of what both share is this persona's.
        """
        theirs = {statement.id: statement for statement in other.statements}
        mine = {statement.id: statement for statement in self.statements}
        removed = [Edit("remove", target=identifier) for identifier in mine if identifier not in theirs]
        replaced = [
            Edit("replace", statement=theirs[identifier], target=identifier)
            for identifier, statement in mine.items()
            if identifier in theirs and theirs[identifier] != statement
        ]
        added = [Edit("add", statement=statement) for identifier, statement in theirs.items() if identifier not in mine]
        return (*removed, *replaced, *added)

    def to_dict(self) -> dict[str, Any]:
        """The persona as JSON values."""
        return {"statements": [statement.to_dict() for statement in self.statements], "token_limit": self.token_limit}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Persona:
        """Build a persona from `to_dict`'s values.

        Raises:
            PersonaError: A value is missing or not valid.
        """
        if not isinstance(values, Mapping) or not isinstance(values.get("statements"), Sequence):
            raise PersonaError("A persona is a mapping with a list of 'statements'.")
        statements = tuple(Statement.from_dict(statement) for statement in values["statements"])
        return cls(statements, values.get("token_limit", DEFAULT_TOKEN_LIMIT))

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<li>{html.escape(s.text)} <small>({html.escape(s.source)}, {len(s.evidence)} interactions)</small></li>"
            for s in self.statements
        )
        return f"<ul>{rows}</ul>" if rows else "<p><em>empty persona</em></p>"


def _position(statements: Sequence[Statement], identifier: str) -> int:
    for position, statement in enumerate(statements):
        if statement.id == identifier:
            return position
    raise PersonaError(f"The persona has no statement {identifier!r}; it has {[s.id for s in statements]}.")


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
