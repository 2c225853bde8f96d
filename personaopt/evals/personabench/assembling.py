"""The sessions of the finished bench, from what the stages wrote."""

from __future__ import annotations

from collections.abc import Sequence

from personaopt.evals.personabench.drafts import Filtered, Said, Scene
from personaopt.evals.personabench.records import Profile, Remark, Session


def assembled(
    profiles: Sequence[Profile], scenes: Sequence[Scene], filtered: Sequence[Filtered], said: Sequence[Said]
) -> list[Session]:
    """Every session whose query was kept; what would have been said in another one is said in the next."""
    queries = {each.scene: each.query for each in filtered if each.kept}
    remarks = {(each.persona, each.number): each.remarks for each in said}
    by_persona: dict[str, list[Scene]] = {}
    for scene in scenes:
        by_persona.setdefault(scene.persona, []).append(scene)
    sessions = []
    for profile in profiles:
        waiting: list[Remark] = []
        for scene in by_persona.get(profile.id, []):
            waiting += remarks.get((profile.id, scene.number), [])
            if scene.id in queries:
                sessions.append(_session(profile, scene, queries[scene.id], waiting))
                waiting = []
    return sessions


def _session(profile: Profile, scene: Scene, query: str, remarks: list[Remark]) -> Session:
    return Session(
        id=scene.session,
        time=profile.sessions[scene.number],
        scene=scene.id,
        query=query,
        remarks=remarks,
        **scene.model_dump(exclude={"id", "session"}),
    )
