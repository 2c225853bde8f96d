"""How a run is getting on: a bar on a terminal, a line now and then elsewhere; figures only, no texts."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from personaopt.evals.tally import Tally

EVERY = 15.0
"""Seconds between two lines where there is no terminal."""


class Shown:
    """Shows a run.

    Args:
        file: Where.
        what: What a row is about, in the plural.
    """

    def __init__(self, file: TextIO, what: str) -> None:
        self._file = file
        self._what = what
        self._bars: Any = None
        self._task: Any = None
        self._written = time.monotonic()

    def __enter__(self) -> Shown:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, tally: Tally) -> None:
        """Say what there is to do."""
        known = f", {tally.before} of them from before" if tally.before else ""
        self._line(f"{tally.whole} {self._what}{known}")
        if not self._file.isatty() or tally.done == tally.whole:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*columns, console=Console(file=self._file), transient=True)
        self._task = self._bars.add_task("", total=tally.whole, completed=tally.done)
        self._bars.start()

    def row(self, label: str, tally: Tally) -> None:
        """A row is there; the label says of what."""
        if self._bars is not None:
            self._bars.update(self._task, completed=tally.done, description=f"{label}{_spent(tally)}")
        elif time.monotonic() - self._written >= EVERY or tally.done == tally.whole:
            self._line(f"{tally.done} of {tally.whole} {self._what}{_spent(tally)}")

    def end(self) -> None:
        """The terminal is given back."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _line(self, text: str) -> None:
        self._written = time.monotonic()
        self._file.write(f"{text}\n")
        self._file.flush()


def _spent(tally: Tally) -> str:
    usage = tally.usage
    price = f", ${usage.usd:,.4f}" if usage.usd else ""
    failed = f", {tally.errors} errors" if tally.errors else ""
    left = tally.seconds_left
    return f", {usage.calls:,} calls, {usage.tokens:,} tokens{price}{failed}" + (
        f", {_time(left)} left" if left else ""
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
