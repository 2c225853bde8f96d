"""A table of a report as a value, and how figures are written in it."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence

from personaopt.evals.statistics import FEW_USERS, Comparison


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with what a reader must know of it.

    Attributes:
        title: What it shows.
        head: The columns' names.
        rows: The cells as text; an empty one was not run or not measured.
        notes: Sentences under it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self, level: int = 3) -> str:
        """The table as Markdown under a heading of this level."""
        right = ["---", *["---:"] * (len(self.head) - 1)]
        lines = [_line(self.head), _line(right), *map(_line, self.rows)]
        notes = "".join(f"\n{note}\n" for note in self.notes)
        return f"{'#' * level} {self.title}\n\n" + "\n".join(lines) + f"\n{notes}"

    def html(self) -> str:
        """The table as HTML, escaped."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.head)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return f"<h4>{html.escape(self.title)}</h4><table><tr>{head}</tr>{rows}</table>{notes}"


def number(value: float | None) -> str:
    """A figure with three decimals; empty for what was not measured."""
    return "" if value is None else f"{value:.3f}"


def signed(comparison: Comparison) -> str:
    """A difference with its sign and its interval."""
    interval = comparison.difference
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def p_value(comparison: Comparison, corrected: float | None) -> str:
    """A corrected p value; nothing of few users, from whom a bootstrap finds differences where there are none."""
    if corrected is None or comparison.difference.n_users < FEW_USERS:
        return ""
    return "<0.001" if corrected < 0.001 else f"{corrected:.3f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
