"""JSON files that may come from anywhere: read as JSON or refused, never opened as anything else."""

from __future__ import annotations

import json
import pickletools
from pathlib import Path
from typing import Any

from personaopt.errors import PersonaError

LARGEST = 64 * 2**20
"""Bytes. A dictionary persona has a few thousand."""


def read_json(path: Path) -> Any:
    """The values in a JSON file.

    Raises:
        PersonaError: It cannot be read, is too large, is a pickle whatever its name says, or is not JSON.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise PersonaError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST:
        raise PersonaError(f"{path} is larger than {LARGEST // 2**20} MiB, which no dictionary persona is.")
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if _is_pickle(content):
            raise PersonaError(
                f"{path} is a pickle, not JSON: opening one can run any code, so it is refused; write the persona as "
                "JSON where it was made."
            ) from None
        raise PersonaError(f"{path} is not JSON: {error}.") from None


def _is_pickle(content: bytes) -> bool:
    """Whether these are the instructions of a pickle; they are looked at, not carried out."""
    if content[:1] == b"\x80" and content[1:2] in {b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"}:
        return True
    try:
        return sum(1 for _ in pickletools.genops(content)) > 1
    except Exception:  # noqa: BLE001  # whatever else it is, it is no pickle
        return False
