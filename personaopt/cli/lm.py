"""The LM that a command's `--lm` names."""

from __future__ import annotations

import logging
import os
import re
from enum import StrEnum
from typing import Any

from personaopt.errors import ConfigurationError, ModelError

LONGEST_TEXT = 96
"""Tokens of a written answer: the small model seldom ends a line by itself, and each token is a pass of its own."""


class Dtype(StrEnum):
    """The numbers of the local model."""

    float32 = "float32"
    bfloat16 = "bfloat16"


def language_model(name: str, **settings: Any) -> Any:
    """The local model, or any other one after it has answered once.

    Args:
        name: `local`, or `PROVIDER/MODEL`.
        settings: Of the model, as `local_lm` or `dspy.LM` takes them.

    Raises:
        ConfigurationError: The name has neither form.
        ModelError: The model does not answer, with the provider's reason.
    """
    logging.getLogger("dspy").setLevel(logging.ERROR)  # what matters of its warnings comes as an error of ours
    if name == "local":
        from personaopt.lm.local import local_lm

        return local_lm(max_tokens=LONGEST_TEXT, **settings)
    if not re.fullmatch(r"[\w.-]+/\S+", name):
        raise ConfigurationError(
            f"The LM {name!r} is not known: give `local` or PROVIDER/MODEL, such as openai/gpt-4.1-mini."
        )
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # its price list would be looked for in the network
    import dspy
    from dspy.utils.exceptions import AdapterParseError, LMError

    lm = dspy.LM(name, **settings)
    try:
        with dspy.context(lm=lm, adapter=None):
            dspy.Predict("word -> echo")(word="ready")
    except AdapterParseError:
        return lm  # it answered, if not to the point
    except LMError as error:
        reason = str(error).strip().splitlines()[0].removeprefix(f"[{name}] ")
        raise ModelError(f"The LM {name} does not answer: {reason}") from error
    return lm
