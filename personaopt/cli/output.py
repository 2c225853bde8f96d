"""What all commands print in the same way: one JSON document on stdout, progress and messages on stderr."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is (0 when unknown)."""

Stage = Callable[[str], None]
"""Told what is being done now."""

WIDTH = 80


def print_json(document: Any) -> None:
    """Print the one JSON document of a command."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def message(text: str) -> None:
    """Print a line for a person, beside the output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress_on_stderr() -> Iterator[Progress]:
    """Progress of downloads and conversions: a bar on a terminal, a line for every new step elsewhere."""
    if not sys.stderr.isatty():
        yield _line_per_step()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        shown = ""

        def _show(what: str, done: int, whole: int) -> None:
            nonlocal shown
            if what != shown:
                bars.reset(task, description=what)
                shown = what
            bars.update(task, completed=done, total=whole or None)

        yield _show


def _line_per_step() -> Progress:
    shown = ""

    def _show(what: str, done: int, whole: int) -> None:
        nonlocal shown
        if what != shown:
            message(what)
            shown = what

    return _show


@contextmanager
def stages_on_stderr() -> Iterator[Stage]:
    """What a long command is doing: a running clock on a terminal, a line for every stage elsewhere."""
    if not sys.stderr.isatty():
        yield message
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda what: bars.update(task, description=what)


class AlignmentOnStderr:
    """Where `personaopt.optimizers.progress.Progress` shows an alignment: beside the stages of the same command.

    Args:
        stage: What `stages_on_stderr` gave: on a terminal it has the one line that changes.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage if sys.stderr.isatty() else None

    def state(self, run: str, text: str, done: int, calls: int) -> None:
        """What the alignment is doing now, call by call on a terminal."""
        if self._stage is not None:
            self._stage(f"{text} ({done} of {calls})" if calls else text)

    def line(self, text: str) -> None:
        """What stays, as a line where there is no terminal."""
        if self._stage is None:
            message(text)

    def over(self, run: str) -> None:
        """The next stage takes its place."""


def print_heading(text: str) -> None:
    """Print the title of a part of the output."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, markup=False).print(f"\n{text}", style="bold")
    else:
        print(f"\n{text}")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: its first column is text, the others are figures."""
    if sys.stdout.isatty():
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for place, name in enumerate(header):
            table.add_column(name, justify="right" if place else "left")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console(highlight=False).print(table)
        return
    widths = [max(len(line[place]) for line in (header, *rows)) for place in range(len(header))]
    for line in (header, *rows):
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join([line[0].ljust(len(first)), *others]).rstrip())


def print_item(text: str, *, sign: str = "-", note: str = "") -> None:
    """Print an item of a list, wrapped, with a note on lines of its own."""
    lines = textwrap.wrap(text, WIDTH, initial_indent=f"{sign} ", subsequent_indent="  ") or [sign]
    notes = textwrap.wrap(note, WIDTH, initial_indent="    ", subsequent_indent="    ")
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False, markup=False, soft_wrap=True)
        console.print("\n".join(lines), style={"+": "green", "x": "dim"}.get(sign))
        if notes:
            console.print("\n".join(notes), style="dim")
    else:
        print("\n".join([*lines, *notes]))


def figure(value: float | None, digits: int = 3) -> str:
    """A figure of a table; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def evidence(identifiers: Sequence[str], shown: int = 4) -> str:
    """The interactions that a statement rests on, by id."""
    if not identifiers:
        return "no interactions"
    more = f" and {len(identifiers) - shown} more" if len(identifiers) > shown else ""
    return f"from {', '.join(identifiers[:shown])}{more}"
