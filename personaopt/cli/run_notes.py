"""What is said and written down of a run, whatever is run: how it was made, how far it came, how to go on."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personaopt.evals.tally import Tally

PACKAGES = ("personaopt", "dspy", "textgrad", "torch", "transformers", "sentence-transformers", "faiss-cpu", "bm25s")


def circumstances() -> dict[str, Any]:
    """With what a run is made, for its `config.json`: versions, machine and command."""
    return {
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "command": command(),
    }


def command() -> str:
    """What was typed."""
    return shlex.join(["personaopt", *sys.argv[1:]])


def run_of(tally: Tally, what: str) -> dict[str, Any]:
    """What a run did, as JSON values.

    Args:
        tally: Of the run.
        what: What its rows are about, in the plural.
    """
    usage = tally.usage
    return {
        what: tally.whole,
        "done": tally.done,
        "done_before": tally.before,
        "errors": tally.errors,
        "calls": usage.calls,
        "tokens": usage.tokens,
        "usd": usage.usd,
        "seconds": round(time.monotonic() - tally.began, 2),
    }


def go_on(tally: Tally, reason: str, what: str) -> str:
    """How far a run came that ended early, and how it goes on."""
    return f"Ended because {reason}; {tally.done} of {tally.whole} {what}. Go on with: {command()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
