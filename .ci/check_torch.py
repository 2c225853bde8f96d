"""Say which torch was installed, and stop where gigabytes of GPU packages came to a machine that cannot use them."""

import os
import sys

import torch

gpu = torch.cuda.is_available()
toolkit = f"CUDA {torch.version.cuda}" if torch.version.cuda else "ROCm" if torch.version.hip else "the CPU"
print(f"torch {torch.__version__}, built for {toolkit}; {'a GPU' if gpu else 'no GPU'} at hand")
if torch.version.cuda and not gpu and os.environ.get("ALLOW_CUDA", "") in ("", "0"):
    sys.exit(
        "This torch is built for CUDA, and no CUDA GPU is at hand here: run `make clean`, then make again with "
        "TORCH_INDEX=<a package index of CPU builds>, or keep this build with ALLOW_CUDA=1."
    )
