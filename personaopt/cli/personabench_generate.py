"""What `personaopt eval personabench generate` does."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import Any

from personaopt.cli.output import message
from personaopt.errors import ConfigurationError
from personaopt.evals.personabench import OfflineBackend, Size, generate, leaks, load_bench, write_report
from personaopt.evals.personabench.backend import Backend

EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The command's options."""

    out: Path
    backend: str
    personas: int
    sessions: int
    seed: int
    language: str
    wording: str
    concurrency: int
    check_leaks: bool
    api_base: str | None


def carry_out(wanted: Wanted) -> dict[str, Any]:
    """Make the bench, or go on with it, and say what it is like.

    Raises:
        ConfigurationError: An option does not fit, or the folder has another bench.
        ModelError: The LM does not answer.
        StoreError: The folder cannot be written.
    """
    size = Size(wanted.personas, wanted.sessions, wanted.seed)
    with _Shown() as shown:
        generate(wanted.out, backend_of(wanted), size, watch=shown)
    bench = load_bench(wanted.out)
    more: dict[str, Any] = {}
    if wanted.check_leaks:
        from personaopt.memory.embedding import local_embedder

        message("leak check")
        found = leaks(list(bench.profiles.values()), bench.sessions, local_embedder())
        more["leaks"] = {
            "mean_excess": sum(leak.excess for leak in found) / len(found),
            "worst": max(found, key=lambda leak: leak.excess).field,
            "fields": [leak.to_dict() for leak in found],
        }
    return write_report(wanted.out, bench, more)


def previewed(backend: str, personas: int, sessions: int, seed: int) -> dict[str, Any]:
    """How many LM calls a bench would take; none where no LM writes it."""
    from personaopt.evals.personabench.forecast import Forecast, forecast

    size = Size(personas, sessions, seed)
    return (Forecast(0, 0, {}) if backend == "offline" else forecast(size)).to_dict()


def backend_of(wanted: Wanted) -> Backend:
    """Who writes.

    Raises:
        ConfigurationError: The name or the language is not known.
        ModelError: The LM does not answer.
    """
    if wanted.backend == "offline":
        return OfflineBackend(wanted.language, wanted.wording)
    if wanted.wording != "usual":
        raise ConfigurationError(
            f"--wording {wanted.wording} is for --backend offline; an LM says everything in its own words."
        )
    if wanted.backend == "local":
        raise ConfigurationError(
            "The small local model cannot write scenes: give --backend offline, or a capable LM as PROVIDER/MODEL."
        )
    from personaopt.cli.lm import language_model
    from personaopt.evals.personabench.writing import LMBackend

    settings = {"api_base": wanted.api_base} if wanted.api_base else {}
    return LMBackend(
        language_model(wanted.backend, **settings), language=wanted.language, concurrency=wanted.concurrency
    )


class _Shown:
    """How far the stages are: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._written = 0.0

    def __enter__(self) -> _Shown:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            self._bars = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, whole: int) -> None:
        if self._bars is not None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=whole)
            self._bars.update(self._tasks[stage], completed=done)
        elif done == whole or time.monotonic() - self._written >= EVERY:
            self._written = time.monotonic()
            message(f"{stage}: {done} of {whole}")
