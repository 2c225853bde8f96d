"""From a quantised GGUF file to a safetensors folder in 32-bit floats, which loads in 0.4 s instead of 11.

Run as a process of its own (`python -m personaopt.lm.conversion FILE FOLDER`): it needs over a gigabyte for a while,
and its libraries draw progress bars that cannot be turned off from the inside.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from personaopt.errors import ModelError

NEEDED = ("torch", "transformers", "gguf", "accelerate", "safetensors")


def convert(gguf: Path, folder: Path) -> None:
    """Convert in a child process, silently.

    Args:
        gguf: The quantised model.
        folder: An existing folder; receives weights, config, generation config and tokenizer.

    Raises:
        ModelError: The conversion failed.
    """
    quiet = {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "personaopt.lm.conversion", str(gguf), str(folder)]
    done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"{gguf.name} could not be converted into {folder.parent}: {said[-1]}")


def _convert_here(gguf: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config  # what is written here is not quantised any more
    # Where the output weights are the input embeddings, they are stored once and tied again at loading.
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    _convert_here(Path(sys.argv[1]), Path(sys.argv[2]))
