"""The local model as a `dspy.LM`, ready to be configured."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.errors import ConfigurationError, ModelError
from personaopt.lm import prompt_form
from personaopt.lm.patience import share_arenas, wait_passively
from personaopt.lm.weights import language_model_folder

if TYPE_CHECKING:
    import dspy

    from personaopt.lm.engine import LocalEngine
    from personaopt.lm.scoring import SequenceScorer

DTYPES = ("float32", "bfloat16", "float16", "auto")

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
        ConfigurationError: The dtype is unknown or `cache_tokens` negative.
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
        ModelError: There is no such model, it is of a kind that cannot be scored, or a package is missing.
        ConfigurationError: The dtype is unknown or `cache_tokens` negative.
    """
    if dtype not in DTYPES or cache_tokens < 0:
        raise ConfigurationError(
            f"The local model's dtype is one of {', '.join(DTYPES)} and cache_tokens 0 or more, "
            f"not {dtype!r} and {cache_tokens!r}."
        )
    wait_passively()
    share_arenas()
    try:
        import torch
    except ImportError as error:
        raise ModelError(f"The local model needs {error.name}: pip install 'personaopt[local]'.") from error
    from personaopt.lm.engine import LocalEngine

    folder = folder.resolve() if folder.exists() else folder
    model, tokenizer = _loaded(folder.as_posix(), "auto" if dtype == "auto" else getattr(torch, dtype))
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"The tokenizer in {folder} is not a fast one; save it as tokenizer.json.")
    engine = LocalEngine(
        model.to(device or ("cuda" if torch.cuda.is_available() else "cpu")).eval(),
        tokenizer,
        folder=folder,
        name=f"local/{folder.name.lower()}@{_digest(model)}.{dtype}.form{prompt_form.VERSION}",
        cache_tokens=cache_tokens,
    )
    _check_scores(engine.scorer)
    return engine


def _loaded(folder: str, dtype: Any) -> tuple[Any, Any]:
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise ModelError(f"The local model needs {error.name}: pip install 'personaopt[local]'.") from error
    with _QUIET:
        bars = transformers_logging.is_progress_bar_enabled()
        transformers_logging.disable_progress_bar()
        try:
            return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype), AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            raise ModelError(f"No causal language model could be loaded from {folder}: {reason}.") from error
        finally:
            if bars:
                transformers_logging.enable_progress_bar()


def configure_local(**settings: Any) -> None:
    """Make the local model the one that DSPy uses: `dspy.configure(lm=local_lm(), adapter=LocalAdapter())`."""
    import dspy

    from personaopt.lm.adapter import LocalAdapter

    dspy.configure(lm=local_lm(**settings), adapter=LocalAdapter())


def is_small_local(lm: Any) -> bool:
    """Whether an LM is a local model too small to reflect on answers in words: it decides, and fills in forms."""
    parameters = getattr(getattr(lm, "engine", None), "parameters", None)
    return parameters is not None and parameters < SMALL_MODEL_PARAMETERS


def form_of(lm: Any) -> Any:
    """The adapter that suits an LM: that of a small local model, or None for DSPy's own."""
    from personaopt.lm.adapter import LocalAdapter

    return LocalAdapter() if is_small_local(lm) else None


_QUIET = threading.Lock()
"""transformers' progress bars are switched for the whole process: one load at a time."""


def _digest(model: Any) -> str:
    """Names the weights, so that no cache confuses two models of one name: their form and a sample of each of them."""
    digest = hashlib.sha256(f"{model.config.to_json_string()}{model.num_parameters()}".encode())
    for parameter in model.parameters():
        values = parameter.detach().flatten()
        digest.update(values[:: max(1, len(values) // 16)].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]


def _check_scores(scorer: SequenceScorer) -> None:
    """Compare the scores of a short text with what the model says by itself: not every architecture reads trees.

    Raises:
        ModelError: They differ.
    """
    import torch

    size = scorer.model.config.get_text_config().vocab_size
    text = [(7 + 31 * place) % size for place in range(12)]
    texts = [text[9:], [*text[9:11], (text[11] + 1) % size]]
    with torch.inference_mode():
        logits = scorer.model(input_ids=torch.tensor([text], device=scorer.model.device)).logits[0, 8:11].float()
    plain = logits.log_softmax(-1)[range(3), text[9:]].sum().item()
    cache, scorer.cache = scorer.cache, None
    found = scorer.score([text[:9]], [texts])[0][0]
    scorer.cache = cache
    if not abs(found - plain) <= 0.02 * max(1.0, abs(plain)):
        raise ModelError(
            f"A {scorer.model.config.model_type} model cannot be scored here: it sees other tokens than it is shown."
        )
