"""Images and other media in a task's inputs: what a record keeps of them, and what stands for them in a text.

A record keeps where an image is, or a hash by which it is known again, and not the image: pictures of users are large
and tell more than they meant to. Whoever wants to replay the turn with the image asks for it to be kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Mapping
from typing import Any

KIND, REFERENCE, DATA = "attachment", "reference", "data"
_REMOTE = ("http://", "https://", "gs://")
_HELD = ("url", "data", "file_data", "file_id")  # the fields of DSPy's types, the first that is set


def recorded(value: Any, *, keep: bool = False) -> Any:
    """A value of an input as JSON can hold it: media as a mapping that says what and where they are.

    Args:
        value: Any value; media may stand in lists and mappings.
        keep: Whether the media themselves are kept beside it.
    """
    if isinstance(value, list | tuple):
        return [recorded(each, keep=keep) for each in value]
    if isinstance(value, Mapping):
        return {str(name): recorded(each, keep=keep) for name, each in value.items()}
    if not is_medium(value):
        return _plain(value)
    kind = type(value).__name__.lower()
    held = next((str(found) for name in _HELD if (found := getattr(value, name, None))), "")
    if held.startswith(_REMOTE) or getattr(value, "file_id", None) == held:
        return {KIND: kind, REFERENCE: held}
    head, _, body = held.rpartition(",")
    content = _decoded(body)
    said = {KIND: kind, REFERENCE: f"sha256:{hashlib.sha256(content).hexdigest()}", "bytes": len(content)}
    if head.startswith("data:"):
        said["media_type"] = head[len("data:") :].partition(";")[0]
    return {**said, DATA: held} if keep else said


def is_medium(value: Any) -> bool:
    """Whether a value is one of DSPy's types for media."""
    dspy = sys.modules.get("dspy")  # who has such a value has imported it
    return dspy is not None and isinstance(value, dspy.Image | dspy.Audio | dspy.File)


def is_attachment(value: Any) -> bool:
    """Whether a value is what `recorded` made of a medium."""
    return isinstance(value, Mapping) and isinstance(value.get(KIND), str) and isinstance(value.get(REFERENCE), str)


def restored(value: Any) -> Any:
    """A recorded value as it is asked with: an image again where its bytes or address are known, else a text."""
    if not is_attachment(value):
        return value
    source = held if isinstance(held := value.get(DATA), str) else value[REFERENCE]
    if value[KIND] == "image" and (source.startswith(_REMOTE) or _is_data(source)):
        import dspy

        return dspy.Image(source)
    return described(value)


def described(value: Any) -> Any:
    """A value with a short text in the place of a medium."""
    if is_medium(value):
        value = recorded(value)
    if isinstance(value, list | tuple):
        return [described(each) for each in value]
    if not is_attachment(value):
        return value
    said = [value[KIND], value.get("media_type"), f"{value['bytes']:,} bytes" if "bytes" in value else None]
    reference = value[REFERENCE]
    return f"[{', '.join(str(part) for part in said if part)}: {reference[:200]}]"


def words_of(value: Any) -> str:
    """What a value says in words, to look up what is similar: nothing for a medium, and nothing for a conversation."""
    if isinstance(value, str):
        return value
    if is_medium(value) or is_attachment(value) or _is_conversation(value):
        return ""
    if isinstance(value, list | tuple) and any(map(is_medium, value)) | any(map(is_attachment, value)):
        return "\n".join(text for each in value if (text := words_of(each)))
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _is_conversation(value: Any) -> bool:
    dspy = sys.modules.get("dspy")
    return dspy is not None and isinstance(value, dspy.History)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    from dspy.adapters.utils import serialize_for_json

    return serialize_for_json(value)


def _is_data(source: Any) -> bool:
    """Whether a text holds the bytes of a medium; a record may come from anywhere, and be damaged."""
    if not isinstance(source, str) or not source.startswith("data:image/"):
        return False
    head, _, body = source.partition(",")
    try:
        return head.endswith(";base64") and bool(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        return False


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
