"""The five stages of the generator (arXiv 2412.13103, its PersonaBench pipeline), each with a file of its own.

Seed profiles, persona synthesis, scenes, queries (with what the user says of themselves beside them), filtering and
neutralising. What is drawn for a thing depends on the seed and the thing's name alone, and things are written in one
order, so that a run that was interrupted goes on and ends with the same files as one that was not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Protocol, TypeVar

import personaopt.evals.personabench.files as files
from personaopt.errors import ConfigurationError, ModelError
from personaopt.evals.personabench.assembling import assembled
from personaopt.evals.personabench.backend import Backend, Topics
from personaopt.evals.personabench.drafts import Filtered, Query, Said, Scene, Seed
from personaopt.evals.personabench.duplicates import NearDuplicates, near_duplicates
from personaopt.evals.personabench.files import StageFile
from personaopt.evals.personabench.neutralising import neutralised
from personaopt.evals.personabench.pool import in_order
from personaopt.evals.personabench.records import Profile, Record
from personaopt.evals.personabench.timeline import Planned, planned

R = TypeVar("R", bound=Record)
T = TypeVar("T")
FILES = {
    "seeds": "1-seeds.jsonl",
    "personas": "2-personas.jsonl",
    "scenes": "3-scenes.jsonl",
    "queries": "4-queries.jsonl",
    "remarks": "4-remarks.jsonl",
    "filtered": "5-filtered.jsonl",
}
VERSION = 1
"""Of the files' schema."""
FEWEST_SESSIONS = 2
REDRAWN = 6
"""How often a scene is drawn that is nearly the same as another one."""
SHARED_BY = 12
"""A common scene is made for about so many personas of each topic."""
BATCH = 64


class Watch(Protocol):
    """Is told how far a stage is."""

    def __call__(self, stage: str, done: int, whole: int) -> None:
        """`done` of `whole` things of a stage are written."""
        ...


@dataclasses.dataclass(frozen=True)
class Size:
    """How large a bench is.

    Attributes:
        personas: How many.
        sessions: Of each, at least 2.
        seed: For everything that is drawn.

    Raises:
        ConfigurationError: A number is too small.
    """

    personas: int
    sessions: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.personas < 1 or self.sessions < FEWEST_SESSIONS:
            raise ConfigurationError(
                f"A bench has at least 1 persona and {FEWEST_SESSIONS} sessions, between which something happens; "
                f"these are {self.personas} and {self.sessions}."
            )


def generate(folder: Path, backend: Backend, size: Size, *, watch: Watch | None = None) -> None:
    """Make a bench, or go on with one that was interrupted.

    Args:
        folder: Where its files are; see docs/personabench.md for them.
        backend: Who writes.
        size: How large it is.
        watch: Is told how far it is.

    Raises:
        ConfigurationError: The folder has another bench.
        StoreError: The folder cannot be written, or another process writes it.
        ModelError: An LM does not answer (the same call goes on from there), or nothing that it wrote is of use.
    """
    made_by = {"backend": backend.name, "language": backend.language, "wording": backend.wording}
    config = {"version": VERSION, **made_by, **dataclasses.asdict(size)}
    with files.only_one(folder):
        files.configure(folder, config)
        _Generation(folder, backend, size, watch or (lambda stage, done, whole: None)).run()


def drawn(size: Size, what: str, name: str, attempt: int = 0) -> Random:
    """What is drawn for a thing: a function of the bench's seed and the thing's name alone."""
    return Random(f"{size.seed}/{what}/{name}/{attempt}")


def plans_of(profile: Profile, topics: Topics, size: Size) -> list[Planned]:
    """A persona's sessions, before anything is written."""
    pool = max(2, size.personas // SHARED_BY)
    return planned(profile, topics.fields, topics.everybody, pool, drawn(size, "plan", profile.id))


class _Generation:
    def __init__(self, folder: Path, backend: Backend, size: Size, watch: Watch) -> None:
        self.folder, self.backend, self.size, self.watch = folder, backend, size, watch

    def run(self) -> None:
        seeds = self.seeds()
        profiles = self.personas(seeds)
        plans = [plan for profile in profiles for plan in plans_of(profile, self.backend.topics, self.size)]
        by_id = {profile.id: profile for profile in profiles}
        scenes = self.scenes(plans, by_id)
        first = list({scene.id: scene for scene in reversed(scenes)}.values())[::-1]
        queries = self.queries(first, by_id)
        said = self.remarks(profiles)
        kept = self.filtered(first, scenes, queries, by_id)
        sessions = assembled(profiles, scenes, kept, said)
        if not sessions:
            raise ModelError(
                f"Nothing that {self.backend.name} wrote is of use; {self.folder / FILES['filtered']} has the reasons. "
                "Give a more capable LM, and another folder."
            )
        for name, records in ((files.PERSONAS, profiles), (files.SESSIONS, sessions)):
            files.write_whole(self.folder / name, "".join(f"{each.model_dump_json()}\n" for each in records))

    def draw(self, what: str, name: str, attempt: int = 0) -> Random:
        return drawn(self.size, what, name, attempt)

    def seeds(self) -> list[Seed]:
        names = [f"p{number:04d}" for number in range(self.size.personas)]
        return self._written("seeds", Seed, names, lambda name: self.backend.seed(name, self.draw("seed", name)))

    def personas(self, seeds: list[Seed]) -> list[Profile]:
        def make(seed: Seed) -> Profile:
            return self.backend.profile(seed, self.size.sessions, self.draw("persona", seed.id))

        return self._written("personas", Profile, seeds, make)

    def scenes(self, plans: list[Planned], profiles: dict[str, Profile]) -> list[Scene]:
        """Scenes in order; one that is nearly the same as an earlier one is drawn again."""
        seen = NearDuplicates()
        known: dict[str, Scene] = {}
        with self._file("scenes", Scene) as file:
            for scene in file.records:
                _remember(scene, seen, known)
            for batch in _batches(plans[len(file.records) :], self.backend.concurrency):
                file.append(self._scenes(batch, profiles, seen, known))
                self.watch("scenes", len(file.records), len(plans))
            return file.records

    def _scenes(
        self, batch: Sequence[Planned], profiles: dict[str, Profile], seen: NearDuplicates, known: dict[str, Scene]
    ) -> list[Scene]:
        """The scenes of a batch: first those that nobody had yet, each once, then the same ones for other personas."""
        firsts = {plan.scene: plan for plan in reversed(batch) if plan.scene not in known}
        first = [plan for plan in batch if firsts.get(plan.scene) is plan]
        rest = [plan for plan in batch if firsts.get(plan.scene) is not plan]
        drafts = in_order(lambda plan: self._scene(plan, profiles, None, 0), first, self.backend.concurrency)
        for plan, draft in zip(first, drafts, strict=True):
            _remember(self._unlike(draft, plan, profiles, seen), seen, known)
        shared = in_order(
            lambda plan: self._scene(plan, profiles, known[plan.scene], 0), rest, self.backend.concurrency
        )
        made = {scene.session: scene for scene in [*(known[plan.scene] for plan in first), *shared]}
        return [made[plan.session] for plan in batch]

    def _scene(self, plan: Planned, profiles: dict[str, Profile], shared: Scene | None, attempt: int) -> Scene:
        name = plan.session if shared is not None else plan.scene
        return self.backend.scene(plan, profiles[plan.persona], shared, self.draw("scene", name, attempt))

    def _unlike(self, draft: Scene, plan: Planned, profiles: dict[str, Profile], seen: NearDuplicates) -> Scene:
        for attempt in range(1, REDRAWN):
            if not draft.context or seen.like(draft.context) is None:
                return draft
            draft = self._scene(plan, profiles, None, attempt)
        return draft

    def queries(self, scenes: list[Scene], profiles: dict[str, Profile]) -> list[Query]:
        def make(scene: Scene) -> Query:
            said = self.backend.query(scene, profiles[scene.persona], self.draw("query", scene.id))
            return Query(scene=scene.id, query=said)

        return self._written("queries", Query, scenes, make)

    def remarks(self, profiles: list[Profile]) -> list[Said]:
        def make(which: tuple[Profile, int]) -> Said:
            profile, number = which
            draw = self.draw("remarks", f"{profile.id}/{number}")
            return Said(persona=profile.id, number=number, remarks=self.backend.remarks(profile, number, draw))

        every = [(profile, number) for profile in profiles for number in range(len(profile.sessions))]
        return self._written("remarks", Said, every, make)

    def filtered(
        self, first: list[Scene], scenes: list[Scene], queries: list[Query], profiles: dict[str, Profile]
    ) -> list[Filtered]:
        """A query may give none of the personas away that share its scene, and no scene is in the bench twice."""
        twins = dict(near_duplicates((scene.id, scene.context) for scene in first if scene.context))
        asked: dict[str, dict[str, Profile]] = {}
        for scene in scenes:
            asked.setdefault(scene.id, {})[scene.persona] = profiles[scene.persona]
        words = {query.scene: query.query for query in queries}

        def make(scene: Scene) -> Filtered:
            if twin := twins.get(scene.id):
                said, reason = words[scene.id], f"Its scene is nearly the same as {twin}."
                return Filtered(scene=scene.id, query=said, before=said, kept=False, revealed=[], reason=reason)
            return neutralised(
                self.backend,
                scene,
                words[scene.id],
                list(asked[scene.id].values()),
                lambda turn: self.draw("neutral", scene.id, turn),
            )

        return self._written("filtered", Filtered, first, make)

    def _file(self, stage: str, kind: type[R]) -> StageFile[R]:
        return StageFile(self.folder / FILES[stage], kind)

    def _written(self, stage: str, kind: type[R], things: Sequence[T], make: Callable[[T], R]) -> list[R]:
        """What a stage makes of things, in their order; what is there already is not made again."""
        with self._file(stage, kind) as file:
            for batch in _batches(things[len(file.records) :], self.backend.concurrency):
                file.append(in_order(make, batch, self.backend.concurrency))
                self.watch(stage, len(file.records), len(things))
            return file.records


def _remember(scene: Scene, seen: NearDuplicates, known: dict[str, Scene]) -> None:
    if scene.id not in known:
        known[scene.id] = scene
        if scene.context:
            seen.add(scene.id, scene.context)


def _batches(things: Sequence[T], concurrency: int) -> Iterator[Sequence[T]]:
    """A few at a time where each costs a call, so that little has to be made again."""
    size = BATCH if concurrency == 1 else concurrency
    for at in range(0, len(things), size):
        yield things[at : at + size]
