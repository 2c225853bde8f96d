"""Signatures with a further field, made once for each signature they extend.

DSPy's trace keeps the last 10,000 predictions with their signatures: one class a call would be hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import dspy

Signature = type[dspy.Signature]
_known: WeakKeyDictionary[Signature, dict[str, Signature]] = WeakKeyDictionary()


def extended(signature: Signature, name: str, make: Callable[[Signature], Signature]) -> Signature:
    """What `make` makes of a signature; the same every time, for as long as the signature lives.

    Args:
        signature: What is extended.
        name: The field it is extended by.
        make: Makes a signature that has that field.
    """
    forms = _known.setdefault(signature, {})
    if name not in forms:
        forms[name] = make(signature)
    return forms[name]
