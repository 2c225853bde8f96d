"""What a call would cost, from the price data that DSPy prices its own calls with."""

from __future__ import annotations

from typing import Any


def price(lm: Any, input_tokens: int, output_tokens: int) -> float | None:
    """Dollars for one call without cached tokens; None where the price is not known, as for a custom engine.

    The first look-up in a process loads the price list: DSPy tries the network for a newer one, unless the environment
    variable `LITELLM_LOCAL_MODEL_COST_MAP` is `True`.

    Args:
        lm: A `dspy.LM`.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
    """
    from dspy.clients.capabilities import resolve
    from dspy.clients.costs import estimate_cost
    from dspy.lm15 import LM15Error, Message, Response, TextPart, Usage, registered_providers

    if not isinstance(getattr(lm, "engine", None), str):
        return None
    namespaces = None
    try:
        route = resolve(lm)
        provider, model = route.provider, route.model
        if route.declared:
            stated = {binding.definition.id: binding.metadata_namespaces for binding in registered_providers()}
            namespaces = stated.get(provider, ())
    except LM15Error:  # a provider that only DSPy's compatibility backend knows: its name is the prefix
        provider, _, model = lm.model.partition("/")
    answer = Response(None, model, Message.assistant([TextPart("")]), "stop", Usage(input_tokens, output_tokens))
    usd: float | None = estimate_cost(answer, provider=provider, requested_model=model, namespaces=namespaces)[0]
    return usd
