"""The part of a store that keeps what users were promised; `Rights` describes what each method does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from personaopt.memory.consent import Consent
    from personaopt.memory.forgetting import Forgotten
    from personaopt.memory.policy import Policy
    from personaopt.memory.portability import Imported
    from personaopt.memory.retention import Retention


class StoreRights(Protocol):
    """Forgetting, consent, retention, and taking the data along; every method names the user first."""

    @property
    def policy(self) -> Policy: ...

    def forget_interactions(
        self,
        user_id: str,
        interaction_ids: Iterable[str] | None = None,
        *,
        session: str | None = None,
        matching: str | None = None,
        dry_run: bool = False,
    ) -> Forgotten: ...

    def forget(self, user_id: str, *, dry_run: bool = False) -> Forgotten: ...

    def scrub(self) -> str: ...

    def last_forgetting(self, user_id: str) -> float: ...

    def refuse_forgotten(self, user_id: str, version: int, created: float | None = None) -> float | None: ...

    def consent(self, user_id: str) -> Consent: ...

    def set_consent(self, user_id: str, consent: Consent) -> None: ...

    def require_consent(self, user_id: str, purpose: Consent) -> None: ...

    def allowed_tools(self, user_id: str) -> list[str]: ...

    def change_tools(self, user_id: str, *, allow: Iterable[str] = (), forbid: Iterable[str] = ()) -> None: ...

    def retention(self, user_id: str) -> Retention: ...

    def set_retention(self, user_id: str, kept: Retention | None) -> None: ...

    def apply_retention(self) -> list[Forgotten]: ...

    def export_data(self, user_id: str, path: str | os.PathLike[str]) -> Path: ...

    def import_data(self, path: str | os.PathLike[str], *, restore: bool = False) -> Imported: ...
