"""A conversation of one user with an agent: turns that are remembered, answers that are streamed, feedback on them."""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import dspy

from personaopt.errors import PersonaOptError
from personaopt.interaction import Interaction
from personaopt.lm.private_calls import unremembered_calls
from personaopt.memory.forgotten import user_hash
from personaopt.session import Session, Turn
from personaopt.signatures.turns import PARTIAL
from personaopt.streaming import Piece, carried, pieces

if TYPE_CHECKING:
    from personaopt.agent import PersonaAgent
    from personaopt.memory import User

_SHOWN = 20


class Conversation:
    """One session of a user with an agent. Each turn is answered, recorded as an interaction, and shown to later turns.

    The latest turns of the session stand in the prompt as messages; of older ones those that are most similar to the
    question. A turn that was returned is on the disk. Many threads and tasks may use one conversation, and many
    conversations one agent; a web application may make one for each request, by the session's name.

    Args:
        user: Whose conversation it is; the agent's user.
        agent: Who answers. Its tools, memories and persona are used as when it is called by itself.
        session: The session's name, to go on with one; a new one when None.
        temporary: Nothing is left behind: no interaction, no signals, no embedding, no cached or remembered LM call.
            What was recorded before is used all the same.
        turns: How many of the latest turns stand in the prompt.
        tokens: How many tokens they may have together, by estimate; the very latest is always shown, in parts if long.
        keep_media: Whether images and other media are kept with the record; else their address, or a hash, is.
        clock: Says what time it is, in seconds, for conversations that are simulated or told again; the store's clock
            when None.

    Attributes:
        user: Whose conversation it is.
        agent: Who answers; may be set to an aligned one between two turns.

    Raises:
        ConfigurationError: The agent is another user's, or an argument is outside its range.

    Example:
        >>> conversation = Conversation(user, PersonaAgent("message -> reply", user=user))
        >>> conversation(message="Write to Ann that I am late.").reply
        >>> conversation.feedback(edited="Ann, 10 min late!")
    """

    def __init__(
        self,
        user: User,
        agent: PersonaAgent,
        session: str | None = None,
        temporary: bool = False,
        *,
        turns: int = 8,
        tokens: int = 2000,
        keep_media: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._session = Session(
            user,
            agent,
            session,
            temporary=temporary,
            turns=turns,
            tokens=tokens,
            keep_media=keep_media,
            clock=clock,
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, **inputs: Any) -> dspy.Prediction:
        """One turn.

        Args:
            inputs: The task's inputs, without earlier turns.

        Returns:
            The agent's prediction, with `turn`: the id of its interaction, empty where nothing is recorded.

        Raises:
            DataError: An input is missing, unknown, or cannot be recorded; nothing was asked.
            StoreError: The turn could not be recorded.
        """
        turn = self._session.begin(inputs)
        with self._speaking(turn):
            prediction = self.agent(**turn.asked)
        return self._session.finish(turn, prediction)

    async def acall(self, **inputs: Any) -> dspy.Prediction:
        """The same, awaited. A turn that is cancelled is recorded as a whole or not at all."""
        turn = await asyncio.to_thread(self._session.begin, inputs)
        with self._speaking(turn):
            prediction = await self.agent.acall(**turn.asked)
        return await asyncio.to_thread(self._session.finish, turn, prediction)

    async def stream(self, **inputs: Any) -> AsyncGenerator[Piece, None]:
        """One turn, its answer as it is written.

        Gives `dspy.streaming.StreamResponse`s with parts of the text outputs, and as the last value the prediction.
        What cannot be streamed comes as one part: an answer that is decided by its probability, or written by the
        local model. A reader that goes away before the end ends the turn; it is recorded without an answer, with
        `metadata["interrupted"]` and what was heard until then under `metadata["partial"]`.

        Args:
            inputs: The task's inputs, without earlier turns.

        Raises:
            DataError: An input is missing, unknown, or cannot be recorded; nothing was asked.
            StoreError: The turn could not be recorded.
        """
        turn = await asyncio.to_thread(self._session.begin, inputs)
        async with contextlib.aclosing(carried(lambda: self._streamed(turn), self._tasks)) as values:
            async for value in values:
                yield value

    def feedback(
        self,
        turn: str | dspy.Prediction | None = None,
        *,
        correction: Any = None,
        edited: Any = None,
        rating: float | None = None,
        of: float = 5,
        thumbs: Literal["up", "down"] | None = None,
        accepted: bool | None = None,
        dwell_seconds: float | None = None,
        comment: str | None = None,
        weight: float | None = None,
    ) -> Interaction:
        """Tell how an answer was taken; see `User.feedback` for what each signal does.

        Args:
            turn: The id of a turn or its prediction; the last one when None.
            correction: The right outputs by name, or the right text where the task has one output.
            edited: The outputs as the user left them, likewise.
            rating: From 1 to `of`.
            of: The best rating.
            thumbs: `up` or `down`.
            accepted: Whether the answer was used; False for one that was seen and left.
            dwell_seconds: How long the user stayed with the answer.
            comment: What the user said of it.
            weight: How much the turn counts in the loss, in the place of the signals' own weight.

        Returns:
            The turn's interaction as it is now.

        Raises:
            DataError: There is no such turn, or a value does not fit.
            ConsentError: Nothing of this conversation is recorded.
        """
        return self.user.feedback(
            self._session.named(turn),
            correction=self._session.outputs("correction", correction),
            edited=self._session.outputs("edited text", edited),
            rating=rating,
            of=of,
            thumbs=thumbs,
            accepted=accepted,
            dwell_seconds=dwell_seconds,
            comment=comment,
            weight=weight,
            at=self._session.now(),
        )

    @property
    def user(self) -> User:
        """Whose conversation it is."""
        return self._session.user

    @property
    def agent(self) -> PersonaAgent:
        """Who answers."""
        return self._session.agent

    @agent.setter
    def agent(self, agent: PersonaAgent) -> None:
        self._session.change(agent)

    @property
    def session(self) -> str:
        """What the session is called in the store."""
        return self._session.name

    @property
    def temporary(self) -> bool:
        """Whether nothing of it is kept, by the caller's wish."""
        return self._session.temporary

    @property
    def notice(self) -> str:
        """What the user should know of how this conversation is kept; empty where it is recorded."""
        return self._session.notice

    @property
    def turns(self) -> list[Interaction]:
        """The turns of the session that are recorded, and the latest of those that are not, oldest first."""
        return self._session.turns()

    @contextlib.contextmanager
    def _speaking(self, turn: Turn) -> Iterator[None]:
        """A context in which nothing is remembered of the calls of a turn that is not kept."""
        with contextlib.nullcontext() if turn.kept else unremembered_calls(user_hash(self.user.id), self.agent.lm):
            yield

    async def _streamed(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        try:
            with self._speaking(turn):
                async with contextlib.aclosing(pieces(self.agent, turn.asked)) as values:
                    async for value in values:
                        if isinstance(value, dspy.Prediction):
                            yield await asyncio.to_thread(self._session.finish, turn, value)
                        else:
                            turn.hear(value.signature_field_name, value.chunk)
                            yield value
        except (GeneratorExit, asyncio.CancelledError):
            if not turn.done:
                turn.done = True
                with contextlib.suppress(PersonaOptError):  # nobody is left to be told
                    await asyncio.to_thread(self._session.break_off, turn)
            raise

    def __repr__(self) -> str:
        return f"Conversation({self.user.id!r}, session={self.session!r})"

    def _repr_html_(self) -> str:
        def cell(values: Mapping[str, Any]) -> str:
            return f"<td>{'<br>'.join(html.escape(f'{name}: {value}') for name, value in values.items())}</td>"

        rows = [
            cell(turn.inputs)
            + cell(turn.response or {**turn.metadata.get(PARTIAL, {}), "": "(interrupted)"})
            + cell({kind: said for kind, said in turn.signals.items() if kind != "log"})
            for turn in self.turns[-_SHOWN:]
        ]
        notice = f"<p>{html.escape(self.notice)}</p>" if self.notice else ""
        head = f"<p><b>{html.escape(self.user.id)}</b>, session {html.escape(self.session)}</p>{notice}"
        return f"{head}<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
