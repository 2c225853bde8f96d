"""How torch's threads wait for each other, settled before torch is loaded."""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Let torch's worker threads sleep, not spin, while they wait; a setting of the user's own stays.

    OpenMP's threads spin at every barrier by default. As soon as another process wants one of the cores, each of the
    thousand barriers of a forward pass then waits for the scheduler: a token took 230 ms instead of 55 beside one
    busy process on two cores. Read by OpenMP when torch is loaded, so it does nothing afterwards.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
