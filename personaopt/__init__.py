"""A persona for every user of an LLM application, trained at test time on that user's own interactions.

The public names are imported when they are first asked for: importing the package itself costs a few milliseconds and
loads neither torch nor dspy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from personaopt.actions.mcp import MCPTools, mcp_tools
    from personaopt.actions.wikipedia import LocalArticles, WikipediaSearch
    from personaopt.agent import PersonaAgent
    from personaopt.conversation import Conversation
    from personaopt.errors import (
        ConfigurationError,
        ConsentError,
        DataError,
        ForgottenError,
        ModelError,
        PersonaError,
        PersonaOptError,
        ProgramError,
        StoreError,
        ToolError,
        ToolNotAllowed,
        VersionConflict,
    )
    from personaopt.fields import PersonaFields, Timeline
    from personaopt.interaction import Interaction
    from personaopt.lm.adapter import LocalAdapter
    from personaopt.lm.limits import limited
    from personaopt.lm.local import configure_local, local_lm
    from personaopt.lm.metering import Usage
    from personaopt.lm.textgrad_engine import textgrad_engine
    from personaopt.memory import (
        Forgotten,
        Memory,
        PatternFinder,
        PersonaVersion,
        PresidioFinder,
        Redaction,
        Redactor,
        Retention,
        Store,
        User,
        open_store,
    )
    from personaopt.memory.embedding import Embedder, local_embedder
    from personaopt.optimizers.acceptance import AcceptAll, ImprovesBoth, PairedTest, Strict
    from personaopt.optimizers.aligner import PersonaAligner
    from personaopt.optimizers.beside_fields import BesideFields
    from personaopt.optimizers.budget import Budget
    from personaopt.optimizers.descent import PersonaDescent
    from personaopt.optimizers.dictionary import DictionaryOptimizer
    from personaopt.optimizers.judges import LMJudge
    from personaopt.optimizers.mlflow_callback import MLflowCallback
    from personaopt.optimizers.preview import Preview
    from personaopt.optimizers.progress import Progress
    from personaopt.optimizers.session_surprise import OnSessionSurprise, OnUnexpected
    from personaopt.optimizers.triggers import ByHand, EveryInteractions, EverySessions, OnSurprise
    from personaopt.optimizers.windows import HardestWindow, LatestWindow, ReplayWindow, StratifiedWindow
    from personaopt.optimizers.worker import AlignmentWorker
    from personaopt.persona import Edit, Persona, Statement
    from personaopt.program import export, load
    from personaopt.signals import SignalWeights

__version__ = "0.1.0"

_MODULES = {
    "personaopt.actions.mcp": ("MCPTools", "mcp_tools"),
    "personaopt.actions.wikipedia": ("LocalArticles", "WikipediaSearch"),
    "personaopt.agent": ("PersonaAgent",),
    "personaopt.conversation": ("Conversation",),
    "personaopt.errors": (
        "ConfigurationError",
        "ConsentError",
        "DataError",
        "ForgottenError",
        "ModelError",
        "PersonaError",
        "PersonaOptError",
        "ProgramError",
        "StoreError",
        "ToolError",
        "ToolNotAllowed",
        "VersionConflict",
    ),
    "personaopt.fields": ("PersonaFields", "Timeline"),
    "personaopt.interaction": ("Interaction",),
    "personaopt.lm.adapter": ("LocalAdapter",),
    "personaopt.lm.limits": ("limited",),
    "personaopt.lm.local": ("configure_local", "local_lm"),
    "personaopt.lm.metering": ("Usage",),
    "personaopt.lm.textgrad_engine": ("textgrad_engine",),
    "personaopt.memory": (
        "Forgotten",
        "Memory",
        "PatternFinder",
        "PersonaVersion",
        "PresidioFinder",
        "Redaction",
        "Redactor",
        "Retention",
        "Store",
        "User",
        "open_store",
    ),
    "personaopt.memory.embedding": ("Embedder", "local_embedder"),
    "personaopt.optimizers.acceptance": ("AcceptAll", "ImprovesBoth", "PairedTest", "Strict"),
    "personaopt.optimizers.aligner": ("PersonaAligner",),
    "personaopt.optimizers.beside_fields": ("BesideFields",),
    "personaopt.optimizers.budget": ("Budget",),
    "personaopt.optimizers.descent": ("PersonaDescent",),
    "personaopt.optimizers.dictionary": ("DictionaryOptimizer",),
    "personaopt.optimizers.judges": ("LMJudge",),
    "personaopt.optimizers.mlflow_callback": ("MLflowCallback",),
    "personaopt.optimizers.preview": ("Preview",),
    "personaopt.optimizers.progress": ("Progress",),
    "personaopt.optimizers.session_surprise": ("OnSessionSurprise", "OnUnexpected"),
    "personaopt.optimizers.triggers": ("ByHand", "EveryInteractions", "EverySessions", "OnSurprise"),
    "personaopt.optimizers.windows": ("HardestWindow", "LatestWindow", "ReplayWindow", "StratifiedWindow"),
    "personaopt.optimizers.worker": ("AlignmentWorker",),
    "personaopt.persona": ("Edit", "Persona", "Statement"),
    "personaopt.program": ("export", "load"),
    "personaopt.signals": ("SignalWeights",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AcceptAll",
    "AlignmentWorker",
    "BesideFields",
    "Budget",
    "ByHand",
    "ConfigurationError",
    "ConsentError",
    "Conversation",
    "DataError",
    "DictionaryOptimizer",
    "Edit",
    "Embedder",
    "EveryInteractions",
    "EverySessions",
    "Forgotten",
    "ForgottenError",
    "HardestWindow",
    "ImprovesBoth",
    "Interaction",
    "LMJudge",
    "LatestWindow",
    "LocalAdapter",
    "LocalArticles",
    "MCPTools",
    "MLflowCallback",
    "Memory",
    "ModelError",
    "OnSessionSurprise",
    "OnSurprise",
    "OnUnexpected",
    "PairedTest",
    "PatternFinder",
    "Persona",
    "PersonaAgent",
    "PersonaAligner",
    "PersonaDescent",
    "PersonaError",
    "PersonaFields",
    "PersonaOptError",
    "PersonaVersion",
    "PresidioFinder",
    "Preview",
    "ProgramError",
    "Progress",
    "Redaction",
    "Redactor",
    "ReplayWindow",
    "Retention",
    "SignalWeights",
    "Statement",
    "Store",
    "StoreError",
    "StratifiedWindow",
    "Strict",
    "Timeline",
    "ToolError",
    "ToolNotAllowed",
    "Usage",
    "User",
    "VersionConflict",
    "WikipediaSearch",
    "__version__",
    "configure_local",
    "export",
    "limited",
    "load",
    "local_embedder",
    "local_lm",
    "mcp_tools",
    "open_store",
    "textgrad_engine",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # so that the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
