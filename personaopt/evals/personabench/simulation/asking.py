"""Asking the LM of a role beside the agent, in the form that suits that LM, whatever the agent's form is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import dspy

from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.asks import Ask
from personaopt.lm.local import form_of

T = TypeVar("T")


def ask_role(signature: type[dspy.Signature], lm: Any, finish: Callable[[dspy.Prediction], T], **inputs: Any) -> Ask[T]:
    """An ask of one role's LM.

    Args:
        signature: What is asked.
        lm: Who is asked; the configured LM when None.
        finish: Turns the prediction into the result; may raise `ModelError` to have it asked again.
        inputs: Of the signature.
    """
    chosen = {} if lm is None else {"lm": lm}
    ask = Ask.predict(dspy.Predict(signature), finish, **chosen, **inputs)

    def call(attempt: int) -> Any:
        with dspy.context(adapter=_form(lm)):
            return ask.call(attempt)

    async def acall(attempt: int) -> Any:
        with dspy.context(adapter=_form(lm)):
            return await ask.acall(attempt)

    return dataclasses.replace(ask, call=call, acall=acall)


def _form(lm: Any) -> Any:
    configured = dspy.settings.adapter
    if isinstance(configured, LocalAdapter):  # the agent's, which need not be the role's
        configured = None
    return form_of(lm or dspy.settings.lm) or configured or dspy.ChatAdapter(use_json_adapter_fallback=False)
