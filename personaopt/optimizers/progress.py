"""How an alignment is getting on: a bar on a terminal, a changing line in a notebook, plain lines in a pipe.

Nothing is shown unless this listener is asked for. It shows figures and verdicts, never what a user said and no line
of a persona, so that it may go to a log.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any, Protocol, TextIO

from personaopt.optimizers.events import (
    CallEnded,
    CandidateJudged,
    EpochEnded,
    EpochStarted,
    Event,
    LevelStarted,
    RunEnded,
    RunFailed,
    RunStarted,
    VersionStored,
)

logger = logging.getLogger(__name__)

DOING = {
    "start": "writing the first persona",
    "act": "looking things up",
    "simulate": "answering",
    "loss": "comparing with what the user said",
    "critique": "writing feedback",
    "edit": "proposing changes",
    "trial": "trying the changes",
}


class Screen(Protocol):
    """Where progress is shown."""

    def state(self, run: str, text: str, done: int, calls: int) -> None:
        """What a run is doing now; takes the place of what it did before."""
        ...

    def line(self, text: str) -> None:
        """Something that stays."""
        ...

    def over(self, run: str) -> None:
        """A run has ended."""
        ...


class Progress:
    """A listener that shows alignments: `PersonaAligner(callbacks=[Progress()])`. One may serve several at once.

    Args:
        screen: Where it is shown. When None a terminal gets a bar, a notebook a line that changes, and everything
            else plain lines, all on standard error.

    Example:
        >>> aligned = PersonaAligner(callbacks=[Progress()]).compile(agent)
    """

    def __init__(self, screen: Screen | None = None) -> None:
        self._screen = screen
        self._where: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Show an event. Never raises: where it cannot be shown, such as on a closed pipe, it is not."""
        with self._lock:
            try:
                self._show(event)
            except Exception:
                logger.debug("Progress could not be shown.", exc_info=True)

    def _show(self, event: Event) -> None:
        if self._screen is None:
            self._screen = screen_for(sys.stderr)
        screen, run = self._screen, event.run
        what, epochs = self._where.get(run, ("", 0))
        if isinstance(event, RunStarted):
            self._where[run] = "", event.epochs
            resumed = f", {event.resumed} calls taken over" if event.resumed else ""
            screen.line(
                f"{event.user}: learning from {len(event.window)} interactions, judging by {len(event.held_out)} more"
                f"{resumed}"
            )
        elif isinstance(event, EpochStarted):
            screen.line(f"{event.user}: epoch {event.epoch} of at most {epochs}, mean loss {event.loss:.3f}")
        elif isinstance(event, LevelStarted):
            epoch = f"epoch {event.epoch} of {epochs}, " if event.epoch else ""
            what = f"{event.user}: {epoch}{DOING.get(event.level, event.level)}"
            self._where[run] = what, epochs
            screen.state(run, what, 0, event.calls)
        elif isinstance(event, CallEnded):
            screen.state(run, what, event.done, event.calls)
        else:
            self._outcome(event, screen)

    def _outcome(self, event: Event, screen: Screen) -> None:
        if isinstance(event, CandidateJudged):
            verdict = "kept" if event.candidate.accepted else "refused"
            gain = event.candidate.gain
            effect = "" if gain is None else f", mean loss {'lower' if gain >= 0 else 'higher'} by {abs(gain):.3f}"
            screen.line(f"{event.user}: a change was {verdict}{effect}")
        elif isinstance(event, EpochEnded):
            screen.line(f"{event.user}: epoch {event.epoch} is over, mean loss {event.loss:.3f}")
        elif isinstance(event, VersionStored):
            screen.line(f"{event.user}: stored as version {event.version}")
        elif isinstance(event, RunEnded | RunFailed):
            self._where.pop(event.run, None)
            screen.over(event.run)
            screen.line(f"{event.user}: {_end(event)}")


def _end(event: RunEnded | RunFailed) -> str:
    if isinstance(event, RunFailed):
        return f"failed with {event.error}"
    record = event.alignment
    path = " -> ".join(f"{loss:.3f}" for loss in record.losses) or "not measured"
    usage = record.usage
    return f"done; mean loss {path}; {usage.calls} LM calls, {usage.tokens} tokens, {usage.seconds:.1f} s"


def screen_for(file: TextIO) -> Screen:
    """The screen that suits where the output goes."""
    if _in_notebook():
        return Cell()
    return Bars(file) if file.isatty() else Lines(file)


class Lines:
    """Plain lines, for pipes and logs.

    Args:
        file: Where they are written.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def state(self, run: str, text: str, done: int, calls: int) -> None:
        """Not written: a pipe is read afterwards."""

    def line(self, text: str) -> None:
        self.file.write(f"{text}\n")
        self.file.flush()

    def over(self, run: str) -> None:
        """Nothing to take away."""


class Bars:
    """A bar for each run that is under way, on a terminal; lines that stay are written above them.

    Args:
        file: The terminal.
    """

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(file=file, highlight=False, markup=False)
        text = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = RichProgress(*columns, console=self._console, transient=True, redirect_stdout=False)
        self._tasks: dict[str, Any] = {}

    def state(self, run: str, text: str, done: int, calls: int) -> None:
        if run not in self._tasks:
            if not self._tasks:
                self._bars.start()
            self._tasks[run] = self._bars.add_task(text, total=calls or None)
        # What is done next is shown at once; the calls are counted when the bar is drawn next.
        self._bars.update(self._tasks[run], description=text, completed=done, total=calls or None, refresh=not done)

    def line(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def over(self, run: str) -> None:
        if run not in self._tasks:
            return
        self._bars.remove_task(self._tasks.pop(run))
        if not self._tasks:
            self._bars.stop()  # the terminal is given back with the last run, also after an error


class Cell:
    """The output of a notebook's cell: lines that stay, and one below them for each run that changes in its place."""

    def __init__(self) -> None:
        self._shown: dict[str, Any] = {}

    def state(self, run: str, text: str, done: int, calls: int) -> None:
        from IPython.display import display

        content = {"text/plain": f"{text} ({done} of {calls})" if calls else text}
        if run in self._shown:
            self._shown[run].update(content, raw=True)
        else:
            self._shown[run] = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def line(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def over(self, run: str) -> None:
        if run in self._shown:
            self._shown.pop(run).update({"text/plain": ""}, raw=True)


def _in_notebook() -> bool:
    """Whether this runs in a notebook's kernel; not in IPython on a terminal, which is one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
