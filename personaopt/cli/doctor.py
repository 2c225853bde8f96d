"""`personaopt doctor`: what is installed, whether the local models and a store are sound, and getting the models."""

from __future__ import annotations

import dataclasses
import platform
import sqlite3
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from personaopt import __version__
from personaopt.cli.output import print_json, progress_on_stderr
from personaopt.errors import PersonaOptError

CORE = ("dspy", "textgrad", "faiss-cpu", "numpy")
LOCAL = ("torch", "transformers", "sentence-transformers", "gguf", "accelerate", "llguidance", "safetensors")
SQLITE_MENDED = (3, 51, 3)


@dataclasses.dataclass(frozen=True)
class ModelState:
    """A local model, as it was found.

    Attributes:
        name: The model.
        state: `ready`; `installed`, so that its first use prepares it; `damaged`; or `missing`.
        folder: Where it is or will be.
        origin: Where its files came from; empty when it is not ready.
        fault: What is wrong when it is damaged.
    """

    name: str
    state: Literal["ready", "installed", "damaged", "missing"]
    folder: str
    origin: str = ""
    fault: str = ""


@dataclasses.dataclass(frozen=True)
class Report:
    """What a diagnosis found.

    Attributes:
        versions: Of personaopt, Python and the packages that matter; None for one that is not installed.
        sqlite: The version of the SQLite library in this Python.
        models: The local models.
        store: What the store says of itself; None when none was named or it cannot be opened.
        warnings: What is worth knowing.
        problems: What must be mended.
    """

    versions: dict[str, str | None]
    sqlite: str
    models: tuple[ModelState, ...]
    store: dict[str, Any] | None
    warnings: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether there is no problem; warnings do not count."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"healthy": self.healthy, **dataclasses.asdict(self)}


def diagnose(store: Path | None = None) -> Report:
    """Look at this installation, the local models and, where one is named, a store; nothing is changed.

    Args:
        store: The file of a store.
    """
    versions = _versions()
    models = _models()
    health, store_problems = _store(store) if store is not None else (None, [])
    return Report(
        versions=versions,
        sqlite=sqlite3.sqlite_version,
        models=models,
        store=health,
        warnings=tuple(_warnings(versions, models)),
        problems=(*_problems(versions, models), *store_problems),
    )


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"personaopt": __version__, "python": platform.python_version()}
    for package in (*CORE, *LOCAL):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _models() -> tuple[ModelState, ...]:
    from personaopt.lm import sealed
    from personaopt.lm.weights import EMBEDDER, LANGUAGE_MODEL, installed

    states = []
    for weights in (LANGUAGE_MODEL, EMBEDDER):
        folder, fault = weights.folder, weights.fault(verify=True)
        if fault is None:
            origin = str(sealed.manifest(folder).get("origin", ""))
            states.append(ModelState(weights.name, "ready", str(folder), origin))
        elif installed(weights) is not None:
            states.append(ModelState(weights.name, "installed", str(folder)))
        elif folder.exists():
            states.append(ModelState(weights.name, "damaged", str(folder), fault=fault))
        else:
            states.append(ModelState(weights.name, "missing", str(folder)))
    return tuple(states)


def _store(path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    from personaopt.memory import open_store

    if not path.is_file():  # opening it would make it
        return None, [f"There is no store at {path}."]
    try:
        with open_store(path) as opened:
            health = opened.health()
    except PersonaOptError as error:
        return None, [str(error)]
    integrity = health.get("integrity", "ok")
    return health, [] if integrity == "ok" else [f"The store {path} is damaged: {integrity}."]


def _warnings(versions: dict[str, str | None], models: tuple[ModelState, ...]) -> list[str]:
    warnings = []
    lacking = [package for package in LOCAL if versions[package] is None]
    if lacking:
        warnings.append(f"The local model needs {', '.join(lacking)}: install personaopt[local] to use it.")
    missing = [model.name for model in models if model.state == "missing"]
    if missing:
        warnings.append(f"Not at hand: {', '.join(missing)}; to work offline run `personaopt doctor --fetch` once.")
    if sqlite3.sqlite_version_info < SQLITE_MENDED:
        warnings.append(
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug, mended in 3.51.3: very rarely, processes that "
            "write one store at the same moment damage it; keep backups, or use a Python with a newer SQLite."
        )
    return warnings


def _problems(versions: dict[str, str | None], models: tuple[ModelState, ...]) -> list[str]:
    problems = [
        f"{package} is not installed: install personaopt again." for package in CORE if versions[package] is None
    ]
    problems += [
        f"{model.name} in {model.folder} is damaged ({model.fault}): run `personaopt doctor --fetch`."
        for model in models
        if model.state == "damaged"
    ]
    return problems


def doctor(
    store: Annotated[Path | None, typer.Option(help="Also look into this store.", show_default=False)] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Get the weights of the local models that are not ready, and prepare them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what is installed and whether it is sound; exits with 1 when something must be mended."""
    fetched = _fetch() if fetch else {}
    report = diagnose(store)
    if json:
        print_json({**report.to_dict(), **({"fetched": fetched} if fetch else {})})
    else:
        typer.echo("\n".join(_lines(report)))
    if not report.healthy:
        raise typer.Exit(1)


def _fetch() -> dict[str, str]:
    from personaopt.lm.fetching import fetch

    with progress_on_stderr() as progress:
        return {model.name: model.source for model in fetch(progress)}


def _lines(report: Report) -> list[str]:
    known = {**report.versions, "sqlite": report.sqlite}
    width = max(len(name) for name in [*known, *(model.name for model in report.models)])
    lines = [f"{name:{width}}  {version or 'not installed'}" for name, version in known.items()]
    for model in report.models:
        state = "installed, prepared at first use" if model.state == "installed" else model.state
        lines.append(f"{model.name:{width}}  {state}{f' ({model.origin})' if model.origin else ''}: {model.folder}")
    if report.store is not None:
        lines.append("store")
        lines += [f"  {key:{width - 2}}  {value}" for key, value in report.store.items()]
    lines += [f"warning: {text}" for text in report.warnings]
    lines += [f"problem: {text}" for text in report.problems]
    return [*lines, "Nothing needs mending." if report.healthy else f"{len(report.problems)} to mend."]
