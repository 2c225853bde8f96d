"""What all commands print in the same way: one JSON document on stdout, progress and messages on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is (0 when unknown)."""


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
