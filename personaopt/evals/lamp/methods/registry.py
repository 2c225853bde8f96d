"""All methods by name."""

from __future__ import annotations

from collections.abc import Mapping

from personaopt.evals.lamp.methods.ablations import WithoutAction, WithoutAlignment, WithoutMemory, WithoutPersona
from personaopt.evals.lamp.methods.counting import Majority, Nearest
from personaopt.evals.lamp.methods.membank import MemoryBank
from personaopt.evals.lamp.methods.method import MethodOf
from personaopt.evals.lamp.methods.personaagent import PaperPersonaAgent
from personaopt.evals.lamp.methods.personaopt import PersonaOpt
from personaopt.evals.lamp.methods.prompting import InContext, Profiled, Prompt, Retrieval
from personaopt.evals.lamp.methods.react import ReAct

METHODS: Mapping[str, MethodOf] = {
    "majority": Majority,
    "knn": Nearest,
    "prompt": Prompt,
    "icl": InContext,
    "rag": Retrieval,
    "pag": Profiled,
    "react": ReAct,
    "membank": MemoryBank,
    "personaagent": PaperPersonaAgent,
    "personaopt": PersonaOpt,
    "no-alignment": WithoutAlignment,
    "no-persona": WithoutPersona,
    "no-memory": WithoutMemory,
    "no-action": WithoutAction,
}
"""By the names that results are written under, in the order of the tables."""
