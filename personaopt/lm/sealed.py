"""Sealed folders: files with a manifest of sizes and hashes, so that a half-written or damaged copy is never trusted.

A folder is filled somewhere else on the same file system, sealed, and only then moved to its place. Sizes are compared
each time; a file is hashed again when its time of change differs from the sealed one, or when asked.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SCHEMA = 1


def sha256(path: Path) -> str:
    """The hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path, **about: Any) -> None:
    """Write the manifest of everything in a folder.

    Args:
        folder: The folder, complete.
        about: What else the manifest says, as JSON values: what the files are and where they come from.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    entries = {path.relative_to(folder).as_posix(): {"sha256": sha256(path), **_stamp(path)} for path in files}
    _write(folder, {"schema": SCHEMA, **about, "files": entries})


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; empty where there is none that can be read."""
    try:
        read = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(read, dict) and read.get("schema") == SCHEMA and isinstance(read.get("files"), dict)
    return read if whole else {}


def fault(folder: Path, *, verify: bool = False, **about: Any) -> str | None:
    """What is wrong with a sealed folder, in a few words; None when nothing is.

    Args:
        folder: The folder.
        verify: Hash every file, even those that look untouched.
        about: What the manifest must say.
    """
    if not folder.is_dir():
        return "it is not there"
    read = manifest(folder)
    if not read or not read["files"]:
        return f"its {MANIFEST} is missing or damaged"
    for key, value in about.items():
        if read.get(key) != value:
            return f"it was made for {key} {read.get(key)!r}, not {value!r}"
    touched = False
    for name, entry in read["files"].items():
        path = folder / name
        try:
            now = _stamp(path)
            if now["bytes"] != entry["bytes"]:
                return f"{name} has {now['bytes']} bytes instead of {entry['bytes']}"
            if verify or now != {key: entry[key] for key in now}:
                if sha256(path) != entry["sha256"]:
                    return f"the contents of {name} have changed"
                touched |= now != {key: entry[key] for key in now}
                entry.update(now)
        except (OSError, KeyError, TypeError):
            return f"{name} is missing or cannot be read"
    if touched:
        _remember(folder, read)
    return None


def put_in_place(ready: Path, folder: Path) -> None:
    """Move a sealed folder to its place; what stands there is taken away only when the new one follows at once."""
    old = None
    if folder.exists():
        old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-old-"))
        os.replace(folder, old / folder.name)
    os.replace(ready, folder)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _stamp(path: Path) -> dict[str, int]:
    state = path.stat()
    return {"bytes": state.st_size, "changed_ns": state.st_mtime_ns}


def _write(folder: Path, contents: dict[str, Any]) -> None:
    file, name = tempfile.mkstemp(dir=folder, prefix=".manifest-")
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump(contents, stream, indent=1)
    os.replace(name, folder / MANIFEST)


def _remember(folder: Path, contents: dict[str, Any]) -> None:
    """Keep the new times of files that were hashed and found whole; a folder that is read-only is hashed each time."""
    if os.access(folder, os.W_OK):
        _write(folder, contents)
