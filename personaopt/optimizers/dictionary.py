"""DictionaryOptimizer: AI PERSONA's lifelong update of a dictionary persona from the latest sessions.

The loop, its budget, versions, lineage, checkpoints and awaiting are those of `PersonaAligner`, which it holds with
another editor, another material to learn from and another acceptance.
"""

from __future__ import annotations

import asyncio
import copy
import weakref
from collections.abc import Collection, Sequence
from typing import Any

import dspy
from dspy.teleprompt import Teleprompter
from dspy.utils.callback import with_callbacks

from personaopt.agent import PersonaAgent
from personaopt.errors import ConfigurationError
from personaopt.fields import PersonaFields
from personaopt.interaction import Interaction
from personaopt.lm.local import is_small_local
from personaopt.memory.store import Store
from personaopt.memory.user import User
from personaopt.optimizers.acceptance import Acceptance
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.deciding_fields import DecidingFieldEditor
from personaopt.optimizers.editors import Editor
from personaopt.optimizers.events import Listener
from personaopt.optimizers.field_editor import FieldEditor
from personaopt.optimizers.field_rules import FieldRules
from personaopt.optimizers.preview import Preview
from personaopt.optimizers.said import BackedAndHarmless, SaidCritic, SaidInSessions
from personaopt.optimizers.session_surprise import OnSessionSurprise
from personaopt.optimizers.sessions import WholeWindow
from personaopt.optimizers.settings import check_whole, plain
from personaopt.optimizers.starts import EmptyStart
from personaopt.optimizers.triggers import EverySessions, Trigger, newest_version

AUTHOR = "DictionaryOptimizer"


class DictionaryOptimizer(Teleprompter):
    """Keeps the fields of a user's persona up to date from what the user says, session by session (arXiv 2412.13103).

    It sees the persona and the latest sessions and proposes changed fields only. A change needs a quotation that stands
    in a message of the user; demographics need their value in the quotation. What gives way keeps its interval, what
    was never true goes without one, a mood stands beside what lasts for a few days. Interactions need no ground truth:
    acceptance is by these rules. With `measured`, answers of these sessions of which the ground truth is known are
    simulated too, and a change that makes them worse is refused. A reply that cannot be read changes nothing.

    Args:
        fields: The fields there are; see `PersonaFields.with_groups` for more.
        k: After how many sessions `after_session` makes an update.
        sessions: How many of the latest sessions are looked at; fewer than k would leave some out.
        messages: How many messages of each, at most, the latest.
        lm: The LM that writes the changes, or decides on them; the agent's when None.
        editor: Proposes the changes; when None `FieldEditor`, or `DecidingFieldEditor` for a small local model.
        stated: Groups, or paths of fields, that only the user's own words may fill; when None demographics and your own
            groups. What is in AI PERSONA's other groups may be concluded from what the user says.
        mood_days: How many days a mood, or a wish for one occasion, is kept beside what lasts; 0 keeps none.
        past: How many values that no longer hold stay in the persona, of each field, the latest.
        most_items: How many items a list keeps; the ones that were said longest ago go.
        readings: How many times an update reads the sessions, a call each: a second reading sees the fields as the
            first one leaves them, and is asked about what the user told that nothing rests on. A small local model
            reads once.
        measured: How many answers with a ground truth are simulated, before and after; 0 for none.
        acceptance: Decides which changes are kept, of those that keep to the rules; `BackedAndHarmless` when None.
        surprise: Whether `after_session` also makes an update where sessions go worse or the user speaks of a change
            (`OnSessionSurprise`); without it, it is every k sessions as in the paper.
        triggers: When `after_session` makes an update: any of these, in the place of k and `surprise`.
        messages_in: Inputs of the task that hold the user's own words; found by their names when empty.
        budget: Hard limits of one update; see `Budget`.
        checkpoint: As for `PersonaAligner`.
        callbacks: As for `PersonaAligner`.
        threads: LM calls under way at once.
        seed: For everything that is drawn.

    Attributes:
        aligner: The aligner that does it.
        triggers: Any of them makes an update due.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> optimizer = DictionaryOptimizer(k=3)
        >>> agent = optimizer.after_session(agent)
        >>> print(PersonaFields.of(agent.persona).to_dict())
    """

    author = AUTHOR
    """Whose name the stored versions have."""

    def __init__(
        self,
        *,
        fields: type[PersonaFields] = PersonaFields,
        k: int = 3,
        sessions: int = 3,
        messages: int = 9,
        lm: Any = None,
        editor: Editor | None = None,
        stated: Collection[str] | None = None,
        mood_days: float = 7.0,
        past: int = 1,
        most_items: int = 8,
        readings: int = 1,
        measured: int = 0,
        acceptance: Acceptance | None = None,
        surprise: bool = True,
        triggers: Sequence[Trigger] | None = None,
        messages_in: Collection[str] = (),
        budget: Budget | None = None,
        checkpoint: bool = True,
        callbacks: Sequence[Listener] = (),
        threads: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_whole(k=(k, 1), sessions=(sessions, 1), messages=(messages, 1), past=(past, 0))
        check_whole(measured=(measured, 0), most_items=(most_items, 1), readings=(readings, 1))
        if editor is not None and readings > 1:
            raise ConfigurationError("readings is for the optimizer's own editor; say it to the editor you give.")
        self.k, self.sessions, self.messages = k, sessions, messages
        self.readings, self.measured = readings, measured
        self.rules = _rules(fields, stated, mood_days, past, most_items)
        self.messages_in = _names(messages_in)
        self.triggers = _triggers(k, surprise) if triggers is None else list(triggers)
        self._lm, self._decides = lm, editor is None
        self.aligner = PersonaAligner(
            epochs=1,
            candidates=1,
            window=WholeWindow(),
            critic=SaidCritic(),
            editor=editor or FieldEditor(lm, rules=self.rules, messages_in=self.messages_in, readings=readings),
            start=EmptyStart(),
            acceptance=acceptance or BackedAndHarmless(),
            material=SaidInSessions(AUTHOR, sessions, messages, measured=measured, messages_in=self.messages_in),
            budget=budget,
            checkpoint=checkpoint,
            callbacks=callbacks,
            threads=threads,
            seed=seed,
        )
        self._seen: weakref.WeakKeyDictionary[Store, dict[str, float]] = weakref.WeakKeyDictionary()

    def compile(
        self,
        student: PersonaAgent,
        *,
        trainset: Sequence[Interaction | dspy.Example] | None = None,
        teacher: Any = None,
        valset: Any = None,
        resume: bool = False,
        **kwargs: Any,
    ) -> PersonaAgent:
        """Bring the fields of the student's persona up to date, store them as a new version, and return an agent.

        Args:
            student: The agent; it is not changed.
            trainset: The turns to look at; the user's latest sessions when None.
            teacher: Not used.
            valset: Not used.
            resume: As for `PersonaAligner.compile`.
            **kwargs: Not used.

        Raises:
            DataError: The user said nothing in the latest sessions.
            ConfigurationError: Which input holds the user's words cannot be told.
            PersonaOptError: As for `PersonaAligner.compile`.
        """
        newest = self._newest(student.user)
        updated = self._aligner(student).compile(student, trainset=trainset, resume=resume)
        self._see(student.user, newest)
        return updated

    @with_callbacks  # DSPy adds them to `compile` only
    async def acompile(
        self,
        student: PersonaAgent,
        *,
        trainset: Sequence[Interaction | dspy.Example] | None = None,
        resume: bool = False,
        **kwargs: Any,
    ) -> PersonaAgent:
        """The same, awaited; the same result."""
        newest = await asyncio.to_thread(self._newest, student.user)
        updated = await self._aligner(student).acompile(student, trainset=trainset, resume=resume)
        self._see(student.user, newest)
        return updated

    def after_session(self, agent: PersonaAgent) -> PersonaAgent:
        """Call it when a session is over: an update where one is due, else the agent as it is.

        Raises:
            PersonaOptError: As for `compile`.
        """
        return self.compile(agent.refresh()) if self.due(agent.user) else agent

    async def aafter_session(self, agent: PersonaAgent) -> PersonaAgent:
        """The same, awaited."""
        due = await asyncio.to_thread(self.due, agent.user)
        return await self.acompile(agent.refresh()) if due else agent

    def due(self, user: User) -> str:
        """Why an update is due, in a few words; empty where none is.

        What the last update saw is remembered by this object; another one takes the newest message that the last
        update used.
        """
        since = self._seen.get(user.store, {}).get(user.id)
        since = learnt_until(user) if since is None else since
        return next((reason for trigger in self.triggers if (reason := trigger.due(user, since))), "")

    def preview(self, agent: PersonaAgent, *, trainset: Sequence[Interaction | dspy.Example] | None = None) -> Preview:
        """What one update would cost, expected and at most; no LM is asked."""
        return self._aligner(agent).preview(agent, trainset=trainset)

    def get_params(self) -> dict[str, Any]:
        """What it was made with, as JSON values: strategies by their names."""
        names = ("k", "sessions", "messages", "readings", "measured", "messages_in")
        own = {name: plain(getattr(self, name)) for name in names}
        rules = {name: plain(value) for name, value in vars(self.rules).items()}
        return {**self.aligner.get_params(), **own, **rules, "triggers": plain(tuple(self.triggers))}

    def _aligner(self, agent: PersonaAgent) -> PersonaAligner:
        """The aligner, with the editor that suits the LM which writes."""
        if not (self._decides and is_small_local(self._lm or agent.lm)):
            return self.aligner
        aligner = copy.copy(self.aligner)
        aligner.editor = DecidingFieldEditor(rules=self.rules, messages_in=self.messages_in, lm=self._lm)
        return aligner

    def _newest(self, user: User) -> float | None:
        latest = user.latest(1)
        return latest[0].time if latest else None

    def _see(self, user: User, newest: float | None) -> None:
        if newest is not None:
            self._seen.setdefault(user.store, {})[user.id] = newest


def learnt_until(user: User) -> float | None:
    """The time of the newest message that the last update of the fields used; None where there was none."""
    version = newest_version(user, AUTHOR)
    if version is None:
        return None
    said = [edit.statement.valid_from for edit in version.edits if edit.statement is not None]
    ended = [edit.statement.valid_to for edit in version.edits if edit.statement is not None]
    return max((time for time in (*said, *ended) if time is not None), default=version.created)


def _triggers(k: int, surprise: bool) -> list[Trigger]:
    every_k = EverySessions(k, count_open=True, truth=False)
    return [every_k, OnSessionSurprise()] if surprise else [every_k]


def _rules(
    fields: type[PersonaFields], stated: Collection[str] | None, mood_days: float, past: int, most_items: int
) -> FieldRules:
    if not (isinstance(fields, type) and issubclass(fields, PersonaFields)):
        raise ConfigurationError(f"fields is a PersonaFields model, not {fields!r}.")
    if isinstance(mood_days, bool) or not isinstance(mood_days, int | float) or not 0 <= mood_days < 1e6:
        raise ConfigurationError(f"mood_days is a number of days of at least 0; it is {mood_days!r}.")
    names = None if stated is None else _names(stated)
    if unknown := [each for each in names or () if not any(_within(path, each) for path in fields.slots())]:
        raise ConfigurationError(f"There is no field {unknown[0]!r} that had to be stated.")
    return FieldRules(fields, names, float(mood_days), past, most_items)


def _names(given: Collection[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise ConfigurationError("stated and messages_in are several names; put one in a list.")
    return tuple(given)


def _within(path: str, group: str) -> bool:
    return path == group or path.startswith(f"{group}.")
