"""What an alignment will cost, as a value: calls, tokens and dollars, expected and at most."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

_UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a part of an alignment, or all of it, costs; None is unknown.

    Attributes:
        calls: LM calls, repeated attempts left out.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        usd: Dollars.
    """

    calls: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    usd: float | None = 0.0

    @property
    def tokens(self) -> int | None:
        """Tokens read and written."""
        return _sum(self.input_tokens, self.output_tokens)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls,
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            _sum(self.usd, other.usd),
        )


@dataclasses.dataclass(frozen=True)
class Part:
    """One kind of call of an alignment.

    Attributes:
        name: What it is for.
        lm: The model that is asked.
        expected: What is expected.
        maximal: What it cannot pass.
    """

    name: str
    lm: str
    expected: Cost
    maximal: Cost


@dataclasses.dataclass(frozen=True)
class Preview:
    """What an alignment will cost.

    **Maximal** holds whatever the LM answers: calls as the loop is built, every epoch run and every answer wrong;
    tokens as `prompt_sizes` bounds them, for models with a byte-level vocabulary; dollars for these tokens, none of
    them cached. **Expected** is an estimate: every epoch runs, half of the answers are wrong, prompts are as they
    would be formatted now. A budget ends a run earlier; DSPy's cache makes it cheaper.

    Attributes:
        parts: By kind of call, in the order in which they are made first.
        repeats: The most attempts that may be made beside these calls, because a reply was of no use.
        levels: The most levels of calls that wait for each other.
        notes: What the reader should know.
    """

    parts: tuple[Part, ...]
    repeats: int
    levels: int
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> Cost:
        """All parts."""
        return sum((part.expected for part in self.parts), Cost())

    @property
    def maximal(self) -> Cost:
        """All parts."""
        return sum((part.maximal for part in self.parts), Cost())

    def to_dict(self) -> dict[str, Any]:
        """The preview as JSON values."""
        return {
            "parts": [dataclasses.asdict(part) for part in self.parts],
            "expected": dataclasses.asdict(self.expected),
            "maximal": dataclasses.asdict(self.maximal),
            "repeats": self.repeats,
            "levels": self.levels,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        return "\n".join([*(line.rstrip() for line in lines), *self._remarks()])

    def _repr_html_(self) -> str:
        head, *rows = [[html.escape(cell) for cell in row] for row in self._rows()]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in self._remarks())
        return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{body}</table>{remarks}"

    def _rows(self) -> list[list[str]]:
        head = ["", "calls", "at most", "tokens read", "at most", "tokens written", "at most", "dollars", "at most"]
        totals = Part("together", "", self.expected, self.maximal)
        return [head, *(_row(part) for part in (*self.parts, totals))]

    def _remarks(self) -> list[str]:
        return [
            f"{self.levels} levels of calls wait for each other; up to {self.repeats} repeated attempts come on top.",
            *self.notes,
        ]


def _row(part: Part) -> list[str]:
    pairs = [
        (part.expected.calls, part.maximal.calls),
        (part.expected.input_tokens, part.maximal.input_tokens),
        (part.expected.output_tokens, part.maximal.output_tokens),
    ]
    cells = [_UNKNOWN if value is None else f"{value:,}" for pair in pairs for value in pair]
    dollars = [_UNKNOWN if usd is None else f"{usd:,.4f}" for usd in (part.expected.usd, part.maximal.usd)]
    return [part.name, *cells, *dollars]


def _sum(first: Any, second: Any) -> Any:
    return None if first is None or second is None else first + second
