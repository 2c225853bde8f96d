"""A finished bench, read from its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import personaopt.evals.personabench.files as files
from personaopt.errors import DataError
from personaopt.evals.personabench.checking import check_bench
from personaopt.evals.personabench.records import Profile, Session


@dataclasses.dataclass(frozen=True)
class Bench:
    """Personas and their sessions.

    Attributes:
        profiles: The personas, by id.
        sessions: All sessions, by persona and in order of time.
        config: What the bench was made with.
    """

    profiles: Mapping[str, Profile]
    sessions: Sequence[Session]
    config: Mapping[str, Any]

    def of(self, persona: str) -> list[Session]:
        """A persona's sessions, in order."""
        return [session for session in self.sessions if session.persona == persona]


def load_bench(folder: str | Path) -> Bench:
    """Read what `generate` wrote.

    Raises:
        DataError: The folder has no finished bench, or a record in it is damaged.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; give the folder of a bench.")
    if not (folder / files.SESSIONS).is_file():
        raise DataError(
            f"{folder} has no finished bench: {files.SESSIONS} is missing; `personaopt eval personabench generate` "
            "writes it, and goes on where it was interrupted."
        )
    profiles = files.read_records(folder / files.PERSONAS, Profile)
    sessions = files.read_records(folder / files.SESSIONS, Session)
    check_bench(folder, profiles, sessions)
    ordered = sorted(sessions, key=lambda session: (session.persona, session.time, session.number))
    return Bench({profile.id: profile for profile in profiles}, ordered, files.read_config(folder))


def as_datasets(folder: str | Path) -> Any:
    """A bench as a `datasets.DatasetDict` of `personas` and `sessions`; no copy is left in the library's cache.

    Raises:
        DataError: The folder has no finished bench.
    """
    bench = load_bench(folder)
    import datasets

    return datasets.DatasetDict(
        {
            "personas": datasets.Dataset.from_list([profile.model_dump() for profile in bench.profiles.values()]),
            "sessions": datasets.Dataset.from_list([session.model_dump() for session in bench.sessions]),
        }
    )
