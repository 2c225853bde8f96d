"""The file of a compiled program: JSON with a schema version and a checksum, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from personaopt.errors import ProgramError

KIND = "personaopt program"
SCHEMA = 1


def document(content: Mapping[str, Any]) -> str:
    """The content of a program as the text of its file."""
    sealed = {"kind": KIND, "schema": SCHEMA, "checksum": _checksum(content), "content": content}
    return json.dumps(sealed, ensure_ascii=False, indent=1, allow_nan=False)


def refuse_place(path: str | os.PathLike[str]) -> None:
    """Say now that a file could not be written later.

    Raises:
        ProgramError: It could not.
    """
    file = Path(path)
    if file.is_dir():
        raise ProgramError(f"{file} is a folder; give the path of a file.")
    if not file.parent.is_dir():
        raise ProgramError(f"{file} cannot be written, because the folder {file.parent} does not exist.")
    if not os.access(file.parent, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ProgramError(f"{file} cannot be written: no permission.")


def checked(path: Path) -> dict[str, Any]:
    """The content of a program file whose checksum is right.

    Raises:
        ProgramError: It is not one.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ProgramError(f"The program {path} cannot be read: {error.strerror or error}.") from error
    if raw[:1] == b"\x80" or raw[:2] == b"PK":
        raise ProgramError(f"{path} is a pickle or an archive; only JSON that personaopt exported is read.")
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"{path} is not JSON, or is damaged ({type(error).__name__}); export it again.") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ProgramError(f"{path} is JSON, but not a program that personaopt exported.")
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ProgramError(f"The program {path} has the unknown schema {schema!r}; export it again.")
    if schema > SCHEMA:
        raise ProgramError(
            f"The program {path} has schema {schema} and this version of personaopt knows {SCHEMA} at most; upgrade it."
        )
    content = document.get("content")
    if not isinstance(content, dict) or document.get("checksum") != _checksum(content):
        raise ProgramError(f"The program {path} was changed or damaged since it was exported: its checksum is wrong.")
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode('utf-8', 'surrogatepass')).hexdigest()}"


def write(path: Path, text: str) -> Path:
    """Write a file so that it is there as a whole or not at all.

    Raises:
        ProgramError: It cannot be written.
    """
    refuse_place(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o600)  # it holds what a user said
        os.replace(temporary, path)
        temporary = None
    except (OSError, UnicodeEncodeError) as error:
        raise ProgramError(f"{path} cannot be written: {error}.") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    return path
