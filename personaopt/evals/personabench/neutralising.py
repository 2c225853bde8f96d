"""Filtering and neutralising: a query that gives its persona away is written anew, and else left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from personaopt.evals.personabench.backend import Backend
from personaopt.evals.personabench.drafts import Filtered, Scene
from personaopt.evals.personabench.records import Profile
from personaopt.evals.personabench.revealing import revealed

TURNS = 3
"""How often a query is written anew; an offline one, which costs nothing, more often."""
FREE_TURNS = 50


def neutralised(
    backend: Backend, scene: Scene, query: str, profiles: Sequence[Profile], draw: Callable[[int], Random]
) -> Filtered:
    """A query that does not give away any of the personas it is asked for.

    The rule comes first: none of the backend's giveaway words. Then the backend looks itself, such as by asking an LM
    what the query tells of its writer.

    Args:
        backend: Who looks and rewrites.
        scene: What is asked about.
        query: As it was written.
        profiles: The personas.
        draw: For what is drawn, by turn.
    """
    words = backend.giveaways(profiles)
    before = query
    first: list[str] | None = None
    found: list[str] = []
    for turn in range(1 + (FREE_TURNS if backend.concurrency == 1 else TURNS)):
        if turn:
            query = backend.neutral(scene, query, found, draw(turn))
        found = revealed(query, words) or backend.reveals(scene, query, profiles)
        first = found if first is None else first
        if not found and query.strip():
            return Filtered(scene=scene.id, query=query, before=before, kept=True, revealed=first)
    reason = f"It still gives the persona away by {', '.join(found)}." if found else "It is empty."
    return Filtered(scene=scene.id, query=query, before=before, kept=False, revealed=first or [], reason=reason)
