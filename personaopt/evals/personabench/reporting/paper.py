"""The figures of AI PERSONA's paper (arXiv 2412.13103), GPT-4o on its own PersonaBench.

They stand beside a run's own figures and are not comparable with them: another language model, another judge, other
personas.
"""

from __future__ import annotations

from collections.abc import Mapping

CALLED = "GPT-4o on its own PersonaBench (arXiv 2412.13103)"

MEASURED = ("helpfulness", "personalization", "similarity", "utterances")

RESULTS: Mapping[str, tuple[float, float, float | None, float]] = {
    "none": (7.96, 7.35, None, 2.24),
    "golden": (8.34, 7.78, None, 1.78),
    "k1": (8.09, 7.59, 5.88, 1.98),
    "k3": (8.29, 7.63, 6.07, 1.81),
    "k5": (8.03, 7.59, 5.23, 2.15),
    "rag": (8.07, 7.48, None, 2.89),
}
"""Helpfulness, personalization, profile similarity and utterances until satisfied, by method."""
