"""What every store does for the rights of its users: consent, retention, forgetting, taking the data along."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import os
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

import personaopt.memory.consent as consents
import personaopt.memory.facts as facts
import personaopt.memory.forgetting as forgetting
import personaopt.memory.forgotten as forgotten
import personaopt.memory.interactions as interactions
import personaopt.memory.permissions as permissions
import personaopt.memory.personas as personas
import personaopt.memory.portability as portability
import personaopt.memory.retention as retention
import personaopt.memory.runs as runs
from personaopt.errors import ForgottenError
from personaopt.interaction import Interaction
from personaopt.memory.checks import name_of
from personaopt.memory.connection import Connection
from personaopt.memory.consent import Consent
from personaopt.memory.episodic import EpisodicSearch
from personaopt.memory.forgetting import Forgotten
from personaopt.memory.policy import BARE, Policy
from personaopt.memory.portability import Imported, UserData
from personaopt.memory.quoting import texts_of
from personaopt.memory.retention import Retention
from personaopt.persona import Persona

_TOLD_APART = 12
"""Characters a text must have to be looked for in calls that are not marked as a user's; labels are too common."""


class Rights(abc.ABC):
    """The part of a store that keeps what users were promised; see `User` for what each method does."""

    _policy: Policy = BARE
    _search: EpisodicSearch

    @abc.abstractmethod
    def transaction(self, user_id: str | None, *, write: bool = True) -> contextlib.AbstractContextManager[Connection]:
        """A transaction on the rows of one user; see `SqlStore.transaction`."""

    @abc.abstractmethod
    def users(self) -> list[str]:
        """The ids of all users that something is kept of."""

    @abc.abstractmethod
    def scrub(self) -> str:
        """Overwrite what was deleted but may still stand in the store's files.

        Returns:
            Where it may still stand, as a sentence; empty where it is nowhere.
        """

    @property
    def policy(self) -> Policy:
        """The rules that the store was opened with."""
        return self._policy

    def consent(self, user_id: str) -> Consent:
        """What a user has agreed to."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return consents.of(connection, user_id, self._policy.consent)

    def set_consent(self, user_id: str, consent: Consent) -> None:
        """Keep what a user has agreed to; nothing that is stored is changed by it."""
        with self.transaction(name_of(user_id, "A user id")) as connection:
            consents.put(connection, user_id, consent)

    def require_consent(self, user_id: str, purpose: Consent) -> None:
        """Refuse what a user has not agreed to."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            consents.require(connection, user_id, purpose, self._policy.consent)

    def allowed_tools(self, user_id: str) -> list[str]:
        """The tools that were allowed for a user, sorted."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return permissions.stated(connection, user_id) or []

    def change_tools(self, user_id: str, *, allow: Iterable[str] = (), forbid: Iterable[str] = ()) -> None:
        """Allow some tools for a user and forbid others, in one step."""
        with self.transaction(name_of(user_id, "A user id")) as connection:
            permissions.change(connection, user_id, allow, forbid)

    def retention(self, user_id: str) -> Retention:
        """What is kept of a user."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return retention.stated(connection, user_id) or self._policy.retention

    def set_retention(self, user_id: str, kept: Retention | None) -> None:
        """Set what is kept of a user, None for the store's own rule; it is applied at once."""
        with self.transaction(name_of(user_id, "A user id")) as connection:
            retention.put(connection, user_id, kept)
        if self._retain(user_id) is not None:
            self.scrub()

    def apply_retention(self) -> list[Forgotten]:
        """Forget what is past its retention, of all users; to be called now and then, such as daily.

        Recording applies it to the user who is recorded, so that nobody's grows; what only grows old is found here.

        Returns:
            What was forgotten, of the users who lost something.
        """
        done = [report for user_id in self.users() if (report := self._retain(user_id)) is not None]
        remains = self.scrub()  # also of what recording took away since the last time
        return [dataclasses.replace(report, remains=remains) for report in done]

    def forget_interactions(
        self,
        user_id: str,
        interaction_ids: Iterable[str] | None = None,
        *,
        session: str | None = None,
        matching: str | None = None,
        dry_run: bool = False,
    ) -> Forgotten:
        """Forget interactions of a user and what was derived from them; see `User.forget`."""
        with self.transaction(name_of(user_id, "A user id"), write=not dry_run) as connection:
            items = forgetting.chosen(connection, user_id, interaction_ids, session, matching)
            plan = forgetting.planned(connection, user_id, items, matching or "")
            if dry_run or not (plan.items or plan.versions or plan.facts or plan.runs):
                return plan.report(user_id, dry_run=dry_run)
            new = forgetting.carry_out(connection, user_id, plan)
        self._let_go(user_id, items)
        return plan.report(user_id, version=new.version if new else None, remains=self.scrub())

    def forget(self, user_id: str, *, dry_run: bool = False) -> Forgotten:
        """Forget a user: everything that is kept of one, with all persona versions. An unknown user is no error.

        Args:
            user_id: Who.
            dry_run: Only tell what would go.

        Raises:
            DataError: The id is not one.
            StoreError: The store cannot be written.
        """
        with self.transaction(name_of(user_id, "A user id"), write=not dry_run) as connection:
            items = interactions.read(connection, user_id)
            versions = personas.versions(connection, user_id)
            report = Forgotten(
                user_id,
                tuple(item.id for item in items),
                versions[-1].persona.statements if versions else (),
                tuple(version.version for version in versions),
                len(facts.read(connection, user_id)),
                tuple(run.run_id for run in runs.unfinished(connection, user_id)),
                dry_run=dry_run,
            )
            if dry_run:
                return report
            connection.execute("DELETE FROM users WHERE user_id = ?", (user_id,))
            forgotten.note_user(connection, user_id)
        self._let_go(user_id, items)
        return dataclasses.replace(report, remains=self.scrub())

    def export_data(self, user_id: str, path: str | os.PathLike[str]) -> Path:
        """Write everything that is kept of a user to one file; see `User.export_data`."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            data = portability.collected(connection, user_id)
        return portability.write(data, path)

    def import_data(self, path: str | os.PathLike[str], *, restore: bool = False) -> Imported:
        """Bring back what `User.export_data` wrote; what is there already stays, so doing it twice is once.

        All of it comes in or nothing. Interactions that were forgotten here since, and what rests on them, stay
        forgotten. The store's redactor is not asked again; its retention is applied.

        Args:
            path: The file.
            restore: Bring back what was forgotten too.

        Raises:
            DataError: The file is missing, damaged, of a newer version, or does not fit what is stored.
            ForgottenError: The user was forgotten here after the file was written.
            ConsentError: The user, by the file and this store, has not agreed that anything is recorded.
            StoreError: The store cannot be written.
        """
        data = portability.read(path)
        with self.transaction(data.user_id) as connection:
            back = self._came_back(connection, data, restore=restore)
            imported = portability.restored(connection, data)
            learns = any(fact.statement.source == "learnt" for fact in data.facts) or any(
                each.source == "learnt" for version in data.personas for each in version.persona.statements
            )
            new = imported.personas or imported.facts
            purpose: Consent = "learn" if new and learns else "record"
            consents.require(connection, data.user_id, purpose, self._policy.consent)
            if back:
                forgetting.carry_out(connection, data.user_id, forgetting.planned(connection, data.user_id, back))
            self._retained(connection, data.user_id)
        if back:
            self._let_go(data.user_id, back)
            self.scrub()
        left_out = tuple(item.id for item in back)
        return dataclasses.replace(imported, interactions=imported.interactions - len(back), left_out=left_out)

    def refuse_forgotten(self, user_id: str, version: int, created: float | None = None) -> float | None:
        """Refuse to work with a persona version that was redacted or is gone.

        Args:
            user_id: Whose.
            version: The version, 0 for the empty persona before the first.
            created: When it was made, as this method told before; None the first time.

        Returns:
            When it was made; None where there is no such version and there was none before.

        Raises:
            ForgottenError: It was redacted, or is gone with its user.
        """
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            found = personas.standing(connection, user_id, version) if version else None
        if found is not None and found[1]:
            raise ForgottenError(
                f"Persona version {version} of user {user_id!r} quoted what was forgotten and was redacted; call "
                "agent.refresh() to answer under the current one."
            )
        if created is not None and (found is None or found[0] != created):
            raise ForgottenError(
                f"Persona version {version} of user {user_id!r} is gone: the user was forgotten since this agent was "
                "made; make a new one."
            )
        return found[0] if found else None

    def last_forgetting(self, user_id: str) -> float:
        """When something of a user was last forgotten, in seconds since the epoch; 0 where nothing ever was."""
        with self.transaction(name_of(user_id, "A user id"), write=False) as connection:
            return forgotten.last(connection, user_id)

    def _require_consent_to(self, connection: Connection, user_id: str, persona: Persona) -> None:
        """Refuse a persona with learnt statements that the current one lacks, where nothing may be learnt."""
        current = personas.version(connection, user_id)
        known = set(current.persona.statements) if current else set()
        learns = any(each.source == "learnt" and each not in known for each in persona.statements)
        consents.require(connection, user_id, "learn" if learns else "record", self._policy.consent)

    def _came_back(self, connection: Connection, data: UserData, *, restore: bool) -> list[Interaction]:
        """The interactions of a file that were forgotten here and must not come back with it."""
        user_id, ids = data.user_id, [item.id for item in data.interactions]
        if restore:
            forgotten.lift(connection, user_id, ids)
            forgotten.lift_user(connection, user_id)
            return []
        went = forgotten.when_user(connection, user_id)
        if went is not None and data.exported <= went:
            raise ForgottenError(
                f"User {user_id!r} was forgotten here after this file was written; nothing was imported. Give "
                "restore=True to bring the user back."
            )
        gone = forgotten.among(connection, user_id, ids)
        return [item for item in data.interactions if item.id in gone]

    def _retained(self, connection: Connection, user_id: str) -> Forgotten | None:
        """Forget what is past its retention, within a transaction. It may be recorded again, and then goes again."""
        items = retention.past(connection, user_id, self._policy.retention)
        if not items:
            return None
        plan = forgetting.planned(connection, user_id, items)
        new = forgetting.carry_out(connection, user_id, plan, remember=False)
        return plan.report(user_id, version=new.version if new else None)

    def _retain(self, user_id: str) -> Forgotten | None:
        with self.transaction(user_id) as connection:
            report = self._retained(connection, user_id)
        if report is not None:
            self._let_go(user_id, ())
        return report

    def _let_go(self, user_id: str, items: Collection[Interaction]) -> None:
        """Drop what this process holds of a user: vectors, histories of LM calls, states of prompts."""
        self._search.forget(user_id)
        if "dspy" in sys.modules:
            from personaopt.lm.private_calls import forget_calls

            texts = {text for item in items for text in texts_of(item) if len(text) >= _TOLD_APART}
            forget_calls(forgotten.user_hash(user_id), texts)
