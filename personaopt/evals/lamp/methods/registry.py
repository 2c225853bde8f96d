"""All methods by name."""

from __future__ import annotations

from collections.abc import Mapping

from personaopt.evals.lamp.methods.counting import Majority, Nearest
from personaopt.evals.lamp.methods.method import MethodOf
from personaopt.evals.lamp.methods.personaagent import PaperPersonaAgent
from personaopt.evals.lamp.methods.personaopt import PersonaOpt
from personaopt.evals.lamp.methods.prompting import InContext, Profiled, Prompt, Retrieval

METHODS: Mapping[str, MethodOf] = {
    "majority": Majority,
    "knn": Nearest,
    "prompt": Prompt,
    "icl": InContext,
    "rag": Retrieval,
    "pag": Profiled,
    "personaagent": PaperPersonaAgent,
    "personaopt": PersonaOpt,
}
"""By the names that results are written under, in the order of the tables."""
