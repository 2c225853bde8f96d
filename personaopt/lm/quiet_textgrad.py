"""TextGrad without its side effects at import: a `./logs` folder, prompts in a log file, a try at the network."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
import threading
from types import ModuleType

_IMPORT = threading.Lock()


def textgrad() -> ModuleType:
    """The textgrad module; takes about three seconds the first time.

    Its log records carry every prompt and reply as extra fields, which an application's own handlers may write. They
    are switched off; `textgrad.logger.setLevel("INFO")` brings them back. A textgrad that the application imported
    before is left as it is, with the log file it then writes.
    """
    with _IMPORT:
        if "textgrad" in sys.modules:
            return sys.modules["textgrad"]
        before = {name: os.environ.get(name) for name in ("TEXTGRAD_LOG_DIR", "LITELLM_LOCAL_MODEL_COST_MAP")}
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TEXTGRAD_LOG_DIR"] = folder
            os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            try:
                module = importlib.import_module("textgrad")
            finally:
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value
            for handler in list(module.logger.handlers):
                if isinstance(handler, logging.FileHandler):
                    module.logger.removeHandler(handler)
                    handler.close()
        module.logger.setLevel(logging.CRITICAL)
        return module
