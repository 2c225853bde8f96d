"""Semantic memory: an incremental summary of a user's history into statements (PersonaAgent's f_s).

A summariser notices things in the interactions that were recorded since the last time; the store makes facts of them
(`consolidation`): what two interactions show, or what the user said, is believed, and new facts end old ones without
deleting them. Only what the user said is looked at, never what an agent answered: what was recalled into an answer
would be learnt again as if the user had said it. Of what an agent did, only whether it helped is learnt (`routines`).
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import personaopt.memory.routines as routines
from personaopt.errors import ModelError, PersonaError
from personaopt.interaction import Interaction
from personaopt.memory.consolidation import Observation
from personaopt.memory.facts import Fact
from personaopt.memory.forgotten import user_hash
from personaopt.memory.own_words import own_words as own_words
from personaopt.memory.own_words import recalled as recalled
from personaopt.memory.own_words import stripped, texts
from personaopt.memory.quoting import plain
from personaopt.memory.tool_preferences import is_callable
from personaopt.persona import DEFAULT_TOKEN_LIMIT, Persona

if TYPE_CHECKING:
    from personaopt.memory.user import User

BATCH = 16
"""Interactions summarised at a time."""
_LABEL, _LABELS, _MOSTLY = 40, 20, 3  # characters of a label, how many a field may have, how many are named


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What a summariser is given.

    Attributes:
        fresh: Interactions that were not summarised yet, in the order of recording.
        history: All of them, oldest first.
        known: What holds already.
    """

    fresh: Sequence[Interaction]
    history: Sequence[Interaction]
    known: Sequence[Fact]


class Summariser(Protocol):
    """Notices things about a user. Any object with this method is one."""

    def observe(self, reading: Reading) -> Sequence[Observation]:
        """What the fresh interactions show, with the ids of those that show it."""
        ...


class StatisticalSummary:
    """Notices what can be counted, without an LM: which answers are common, and how the user writes."""

    def observe(self, reading: Reading) -> list[Observation]:
        """One observation a topic, about the whole history; each ends what was observed of its topic before."""
        names = dict.fromkeys(name for item in reading.history for name in item.ground_truth)
        return [found for name in names for found in _counted(name, reading.history)]


class LMSummary:
    """Notices what an LM sees. What it says was said must stand in the user's own words, or needs a second witness.

    Args:
        lm: The LM that is asked; the configured one when None.
    """

    def __init__(self, lm: Any = None) -> None:
        self.lm = lm

    def observe(self, reading: Reading) -> list[Observation]:
        """One call. A reply that cannot be used is asked for once more.

        Raises:
            ModelError: There is no LM, or neither reply could be used.
        """
        import dspy
        from dspy.utils.exceptions import AdapterParseError, LMError

        from personaopt.signatures.profile import Observe

        lm = self.lm or dspy.settings.lm
        if lm is None:
            raise ModelError("Semantic memory is written by an LM and none is configured; use StatisticalSummary().")
        predict = dspy.Predict(Observe)
        inputs = {
            "interactions": _numbered(json.dumps(own_words(item), ensure_ascii=False) for item in reading.fresh),
            "known": _numbered(fact.statement.text for fact in reading.known),
        }
        for attempt in range(2):
            adapter = dspy.JSONAdapter() if attempt else dspy.ChatAdapter(use_json_adapter_fallback=False)
            config = {"temperature": 1.0, "rollout_id": attempt} if attempt else {}
            try:
                with dspy.context(lm=lm, adapter=adapter):
                    noticed = predict(**inputs, config=config).observations
                return [one for each in noticed or [] if (one := _checked(each, reading)) is not None]
            except (AdapterParseError, LMError) as error:
                reason = type(error).__name__
        raise ModelError(f"The LM's summary of the history could not be used: {reason}.")


def summarise(user: User, summariser: Summariser, *, most: int = 16 * BATCH) -> list[Fact]:
    """Bring a user's semantic memory up to date with what was recorded since the last time.

    Args:
        user: Whose.
        summariser: What notices: `LMSummary()`, or `StatisticalSummary()` for small models.
        most: How many interactions are read at most; the next call goes on behind them.

    Returns:
        The facts that changed, as they are now.

    Raises:
        ConsentError: The user has not agreed that anything is learnt.
        ForgottenError: Something was forgotten meanwhile; what was learnt before it is kept.
        ModelError: The LM gave nothing of use; what was learnt before is kept.
    """
    from personaopt.lm.private_calls import private_calls

    store = user.store
    changed: dict[str, Fact] = {}
    user.require_consent("learn")
    for _ in range(-(-most // BATCH)):
        as_of = store.last_forgetting(user.id)
        fresh, last = store.unseen(user.id, BATCH)
        if not fresh:
            break
        reading = Reading(fresh, user.history(), [fact for fact in store.facts(user.id) if fact.holds])
        with private_calls(user_hash(user.id), cached=store.policy.lm_cache == "shared"):
            noticed = [*summariser.observe(reading), *routines.observations(reading.history)]
        changed |= {fact.id: fact for fact in store.observe(user.id, noticed, seen=last, as_of=as_of)}
    return list(changed.values())


def as_persona(
    facts: Sequence[Fact], token_limit: int = DEFAULT_TOKEN_LIMIT, *, tools: Collection[str] = ()
) -> Persona:
    """A first persona from semantic memory: what holds, the surest and latest first, as far as the limit goes.

    Args:
        facts: Semantic memory.
        token_limit: The persona's.
        tools: The tools that the agent may call; what is known of others is left out.
    """
    persona = Persona(token_limit=token_limit)
    for fact in sorted(facts, key=lambda fact: (-fact.statement.confidence, -fact.last_seen, fact.id)):
        if fact.holds and is_callable(fact.statement, tools):
            try:
                persona = Persona((*persona.statements, fact.statement), token_limit)
            except PersonaError:
                continue  # too long for what is left of the limit
    return persona


def _checked(noticed: Any, reading: Reading) -> Observation | None:
    """What an LM noticed, if it names interactions that there are."""
    numbers = [number for number in noticed.interactions if 1 <= number <= len(reading.fresh)]
    evidence = [reading.fresh[number - 1] for number in dict.fromkeys(numbers)]
    text = " ".join(noticed.text.split())
    if not evidence or not text:
        return None
    quote = plain(noticed.quote or "")
    stated = len(quote) > 3 and any(quote in plain(said) for item in evidence for said in texts(own_words(item)))
    replaced = noticed.replaces
    old = reading.known[replaced - 1].id if replaced and 1 <= replaced <= len(reading.known) else None
    return Observation(text, tuple(item.id for item in evidence), stated, replaces=old)


def _numbered(texts: Iterable[str]) -> list[str]:
    return [f"{number}. {text}" for number, text in enumerate(texts, 1)]


def _counted(name: str, history: Sequence[Interaction]) -> Iterator[Observation]:
    field = name.replace("_", " ")
    chosen = [(stripped(item.ground_truth[name]), item.id) for item in history if name in item.ground_truth]
    texts = [(str(value), identifier) for value, identifier in chosen if isinstance(value, str | int) and str(value)]
    counts = Counter(text for text, _ in texts)
    if len(texts) < 2:
        return
    if len(counts) <= min(_LABELS, len(texts) // 2) and all(len(text) <= _LABEL for text in counts):
        latest = {text: place for place, (text, _) in enumerate(texts)}
        common = sorted(counts, key=lambda text: (-counts[text], -latest[text]))[:_MOSTLY]
        evidence = tuple(identifier for text, identifier in texts if text in common)
        yield Observation(f"Mostly gives the {field} {', '.join(common)}.", evidence, topic=f"{name}.mostly")
        return
    lengths = sorted(len(text.split()) for text, _ in texts)
    middle = lengths[len(lengths) // 2]
    near = tuple(each for text, each in texts if 0.5 * middle <= len(text.split()) <= 2 * middle)
    size = "a few words" if middle <= 8 else "a sentence or two" if middle <= 40 else "whole paragraphs"
    yield Observation(f"Writes {size} as {field}.", near, topic=f"{name}.length")
    lower = tuple(each for text, each in texts if text == text.lower() and text != text.upper())
    if len(lower) > 0.8 * len(texts):
        yield Observation(f"Writes the {field} in lower case.", lower, topic=f"{name}.case")
