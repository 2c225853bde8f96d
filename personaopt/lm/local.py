"""The local model as a `dspy.LM`, ready to be configured."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.errors import ModelError
from personaopt.lm import prompt_form
from personaopt.lm.weights import language_model_folder

if TYPE_CHECKING:
    import dspy

    from personaopt.lm.engine import LocalEngine

SMALL_MODEL_PARAMETERS = 3_000_000_000
"""Below this a model can fill a form but not reflect; measured at 135M, the bound itself is a convention."""


def local_lm(
    model: str | Path | None = None,
    *,
    dtype: str = "float32",
    device: str | None = None,
    cache_tokens: int = 16_384,
    cache: bool = False,
    **settings: Any,
) -> dspy.LM:
    """A causal language model in this process, as a `dspy.LM` with sync and async engines.

    Args:
        model: A folder or hub id of an instruction-tuned causal model with a fast tokenizer; SmolLM2-135M-Instruct
            from the user's cache folder when None.
        dtype: `float32` (the same answers on every machine), `bfloat16`, `float16` or `auto` (as it was saved).
        device: Such as `cpu` or `cuda`; a GPU where torch finds one when None.
        cache_tokens: Tokens whose attention states are kept for prompts that begin alike; 0 keeps none.
        cache: Whether DSPy's own cache keeps answers. Off by default: that cache is shared by all users and holds
            their texts, and the model is in reach anyway.
        settings: Passed on to `dspy.LM`, such as `temperature` or `max_tokens`.

    Raises:
        ModelError: The model cannot be found or loaded.
    """
    import dspy

    from personaopt.lm.engine import AsyncLocalEngine

    folder = Path(model) if model is not None else language_model_folder()
    engine = load_engine(folder, dtype=dtype, device=device, cache_tokens=cache_tokens)
    return dspy.LM(engine.name, engine=engine, async_engine=AsyncLocalEngine(engine), cache=cache, **settings)


def load_engine(
    folder: Path, *, dtype: str = "float32", device: str | None = None, cache_tokens: int = 16_384
) -> LocalEngine:
    """Load a model and its tokenizer into an engine.

    Raises:
        ModelError: There is no such model, or a package that it needs is missing.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise ModelError(f"The local model needs {error.name}: pip install 'personaopt[local]'.") from error
    from personaopt.lm.engine import LocalEngine

    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        with _QUIET:
            bars = transformers_logging.is_progress_bar_enabled()
            transformers_logging.disable_progress_bar()
            try:
                tokenizer = AutoTokenizer.from_pretrained(str(folder))
                model = AutoModelForCausalLM.from_pretrained(
                    str(folder), dtype="auto" if dtype == "auto" else getattr(torch, dtype)
                )
            finally:
                if bars:
                    transformers_logging.enable_progress_bar()
    except (OSError, ValueError, AttributeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"No causal language model could be loaded from {folder}: {reason}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"The tokenizer in {folder} is not a fast one; save it as tokenizer.json.")
    return LocalEngine(
        model.to(place).eval(),
        tokenizer,
        folder=folder,
        name=f"local/{Path(folder).name.lower()}@{_digest(folder, model)}.{dtype}.form{prompt_form.VERSION}",
        cache_tokens=cache_tokens,
    )


def configure_local(**settings: Any) -> None:
    """Make the local model the one that DSPy uses: `dspy.configure(lm=local_lm(), adapter=LocalAdapter())`."""
    import dspy

    from personaopt.lm.adapter import LocalAdapter

    dspy.configure(lm=local_lm(**settings), adapter=LocalAdapter())


def is_small_local(lm: Any) -> bool:
    """Whether an LM is a local model too small to reflect on answers in words: it decides, and fills in forms."""
    parameters = getattr(getattr(lm, "engine", None), "parameters", None)
    return parameters is not None and parameters < SMALL_MODEL_PARAMETERS


_QUIET = threading.Lock()
"""transformers' progress bars are switched for the whole process: one load at a time."""


def _digest(folder: Path, model: Any) -> str:
    """Names the weights, so that no cache confuses two models of one name: their size, form and a sample of them."""
    digest = hashlib.sha256(f"{model.config.to_json_string()}{model.num_parameters()}".encode())
    for parameter in list(model.parameters())[:4]:
        digest.update(parameter.detach().flatten()[:256].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]
