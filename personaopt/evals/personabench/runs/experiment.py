"""What is run, as a value: which personas and sessions, under which methods, with whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

from personaopt.errors import ConfigurationError
from personaopt.evals.personabench.bench import Bench
from personaopt.evals.personabench.measuring.telling import Telling
from personaopt.evals.personabench.methods.method import LearnerOf, Setting
from personaopt.evals.personabench.records import Session
from personaopt.evals.personabench.runs.roles import Roles
from personaopt.evals.personabench.runs.sittings import Sitting
from personaopt.evals.personabench.simulation.sessions import TURNS
from personaopt.memory.embedding import Embedder


@dataclasses.dataclass(frozen=True)
class Experiment:
    """Everything that a run is made of.

    Attributes:
        bench: Personas and sessions.
        methods: What makes each method, by name, in the order in which they are run.
        lm: The agent's language model as it was asked for; rows carry it.
        roles: Makes those who take part; called when there is something to run.
        embedder: Of all stores; one that remembers, such as `KnownTexts`: methods hear the same messages.
        setting: Of the methods; the language models are filled in.
        personas: How many, the first of the bench; all when None.
        sessions: How many of each persona's, the first; all when None.
        turns: Of a session, at most.

    Raises:
        ConfigurationError: There is nothing to run.
    """

    bench: Bench
    methods: Mapping[str, LearnerOf]
    lm: str
    roles: Callable[[], Roles]
    embedder: Embedder
    setting: Setting = dataclasses.field(default_factory=Setting)
    personas: int | None = None
    sessions: int | None = None
    turns: int = TURNS

    def __post_init__(self) -> None:
        for name in ("personas", "sessions", "turns"):
            wanted = getattr(self, name)
            if wanted is not None and wanted < 1:
                raise ConfigurationError(f"A run has 1 or more {name}, not {wanted}.")
        if not self.methods or not self.bench.sessions:
            raise ConfigurationError("A run has one method or more, and a bench with sessions.")

    def sittings(self) -> Iterator[Sitting]:
        """All sittings, all methods of a persona together: a run that ends early has complete personas."""
        held: dict[str, list[Session]] = {}
        for session in self.bench.sessions:
            held.setdefault(session.persona, []).append(session)
        for persona in sorted(held)[: self.personas]:
            sessions = held[persona][: self.sessions]
            profile = self.bench.profiles[persona]
            telling = Telling.of(profile, sessions)
            for method, make in self.methods.items():
                yield Sitting(
                    method, make, profile, sessions, telling, self.setting, self.lm, self.turns, self.embedder
                )


def chosen(named: str, known: Mapping[str, LearnerOf], default: Sequence[str]) -> dict[str, LearnerOf]:
    """Methods by their names.

    Args:
        named: With commas between them, or `all`.
        known: All there are.
        default: What `all` stands for.

    Raises:
        ConfigurationError: One is not known, or there is none.
    """
    names = [name.strip() for name in named.split(",") if name.strip()]
    names = list(dict.fromkeys(default if named.strip() == "all" else names))
    if unknown := [name for name in names if name not in known]:
        raise ConfigurationError(f"There is no method {unknown[0]!r}; there are {', '.join(known)}, and `all`.")
    if not names:
        raise ConfigurationError(f"No method is named; there are {', '.join(known)}, and `all`.")
    return {name: known[name] for name in names}
