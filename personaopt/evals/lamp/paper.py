"""The figures of PersonaAgent's paper (arXiv 2506.06254), Claude 3.5 Sonnet on LaMP's own data.

They stand beside a run's own figures in a column of their own and are not comparable with them: another language
model, and other users. What the paper does not give is not here. Its rows without a part leave that part out of
PersonaAgent.
"""

from __future__ import annotations

from collections.abc import Mapping

CALLED = "paper: Claude 3.5 Sonnet, real LaMP"

RESULTS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "LaMP-1": {
        "membank": (0.862, 0.861),
        "personaagent": (0.919, 0.918),
        "no-alignment": (0.894, 0.893),
        "no-persona": (0.846, 0.855),
        "no-memory": (0.821, 0.841),
        "no-action": (0.764, 0.789),
    },
    "LaMP-2M": {
        "prompt": (0.387, 0.302),
        "react": (0.450, 0.378),
        "membank": (0.470, 0.391),
        "personaagent": (0.513, 0.424),
        "no-alignment": (0.487, 0.403),
        "no-persona": (0.463, 0.361),
        "no-memory": (0.460, 0.365),
        "no-action": (0.403, 0.329),
    },
    "LaMP-2N": {
        "prompt": (0.660, 0.386),
        "pag": (0.768, 0.509),
        "react": (0.639, 0.381),
        "membank": (0.741, 0.456),
        "personaagent": (0.796, 0.532),
        "no-alignment": (0.775, 0.502),
        "no-persona": (0.769, 0.483),
        "no-memory": (0.646, 0.388),
        "no-action": (0.626, 0.375),
    },
    "LaMP-3": {
        "prompt": (0.295, 0.590),
        "icl": (0.277, 0.543),
        "react": (0.313, 0.590),
        "membank": (0.321, 0.582),
        "personaagent": (0.241, 0.509),
        "no-alignment": (0.259, 0.560),
        "no-persona": (0.277, 0.542),
        "no-memory": (0.348, 0.661),
        "no-action": (0.375, 0.756),
    },
}
"""Accuracy and F1, of LaMP-3 MAE and RMSE, by task and method."""

COLD_START: Mapping[str, Mapping[int, float]] = {"LaMP-1": {10: 0.845}, "LaMP-2M": {10: 0.476}, "LaMP-3": {10: 0.301}}
"""PersonaAgent's accuracy (of LaMP-3 MAE) by how many interactions were known."""
