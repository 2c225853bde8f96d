"""What several test files need: the small local model, loaded once, and a tiny model of random weights, by path."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import command  # noqa: F401
from store_fixtures import address, new_database, postgresql, store  # noqa: F401
from tiny_model import save_tiny_model

from personaopt.lm.patience import wait_passively

wait_passively()  # before anything imports torch: other processes may run beside the tests


@pytest.fixture(scope="session")
def local_lm():
    """The small local model as a `dspy.LM`; mark the test with `local_model`."""
    import personaopt as po

    return po.local_lm()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A folder with a randomly initialised Llama of 100,000 parameters and its own tokenizer."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def tiny_engine(tiny_folder):
    from personaopt.lm.local import load_engine

    return load_engine(tiny_folder)


@pytest.fixture
def tiny_lm(tiny_folder):
    import personaopt as po

    return po.local_lm(tiny_folder)
