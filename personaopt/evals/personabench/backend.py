"""Who writes the bench: one method a thing that is written. The stages are the same for every backend."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol, runtime_checkable

from personaopt.evals.personabench.drafts import Scene, Seed
from personaopt.evals.personabench.records import Profile, Remark
from personaopt.evals.personabench.timeline import Planned


@dataclasses.dataclass(frozen=True)
class Topics:
    """The topics a backend writes scenes about.

    Attributes:
        fields: The field that a topic's right answer depends on, by the topic's name.
        everybody: Those that have common scenes.
    """

    fields: Mapping[str, str]
    everybody: frozenset[str]


@runtime_checkable
class Backend(Protocol):
    """What writes. Every method is a function of its arguments alone, so that an interrupted run can go on.

    Attributes:
        name: What the files say of who wrote them.
        language: The language it writes in.
        wording: In what words the user speaks, where there is a choice.
        concurrency: How many things it may write at once.
        topics: What there are scenes about.
    """

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> str: ...

    @property
    def wording(self) -> str: ...

    @property
    def concurrency(self) -> int: ...

    @property
    def topics(self) -> Topics: ...

    def seed(self, identifier: str, draw: Random) -> Seed:
        """Stage 1: the values that a persona starts with."""
        ...

    def profile(self, seed: Seed, sessions: int, draw: Random) -> Profile:
        """Stage 2: the persona, its events and its biography."""
        ...

    def scene(self, plan: Planned, profile: Profile, shared: Scene | None, draw: Random) -> Scene:
        """Stage 3: a scene, with what is right for this persona at this time.

        Args:
            plan: Which one.
            profile: The persona.
            shared: The same common scene, as it was written for another persona: only what is right is new.
            draw: For what is drawn; another one after a scene that was too much like one there is.
        """
        ...

    def query(self, scene: Scene, profile: Profile, draw: Random) -> str:
        """Stage 4: how the scene is asked for."""
        ...

    def remarks(self, profile: Profile, number: int, draw: Random) -> list[Remark]:
        """Stage 4: what the user says of themselves in a session."""
        ...

    def giveaways(self, profiles: Sequence[Profile]) -> frozenset[str]:
        """Stage 5: words that no query for these personas may have."""
        ...

    def reveals(self, scene: Scene, query: str, profiles: Sequence[Profile]) -> list[str]:
        """Stage 5: what else in a query gives these personas away; empty where nothing does."""
        ...

    def neutral(self, scene: Scene, query: str, revealed: Sequence[str], draw: Random) -> str:
        """Stage 5: the query without what gave the persona away."""
        ...
