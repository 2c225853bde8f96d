"""All methods by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from personaopt.evals.personabench.methods.dictionary import of_the_paper
from personaopt.evals.personabench.methods.method import LearnerOf
from personaopt.evals.personabench.methods.personaopt import PersonaOpt
from personaopt.evals.personabench.methods.prompting import Conversations, Golden, NoPersona

METHODS: Mapping[str, LearnerOf] = {
    "none": NoPersona,
    "golden": Golden,
    "rag": Conversations,
    "k1": partial(of_the_paper, k=1),
    "k3": partial(of_the_paper, k=3),
    "k5": partial(of_the_paper, k=5),
    "personaopt": PersonaOpt,
    "no-lines": partial(PersonaOpt, with_lines=False),
    "no-fields": partial(PersonaOpt, with_fields=False),
}
"""By the names that results are written under, in the order of the tables."""
