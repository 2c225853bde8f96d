"""What an LM may not put into a persona: texts of interactions, and its own refusals.

A persona that repeats its training data answers it by heart and nothing else, and it carries into every later prompt
what a user once said. Statements that quote by design (`EvidenceEditor`'s) are made by rules of their own.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from personaopt.interaction import Interaction, query_text
from personaopt.memory.quoting import telling_words
from personaopt.persona import Edit

MOST_COPIED = 12
"""Consecutive words that a learnt statement may share with an interaction."""
CLAIMED = 3
"""Consecutive words, two of them telling, that a learnt statement may not share with what a tool returned."""
_SEARCHING = frozenset({"look", "search", "ask", "asked", "check", "open", "questions", "first", "history"})
SHOWN, LONGEST = 8, 80
"""Words and characters of a copied text that the record shows."""
# Scripts without spaces between words: each sign counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|[^\W_]+(?:['’][^\W_]+)*")
_REFUSAL = re.compile(
    r"\W*(?:(?:i\W?m|i am) (?:very |so |really )?sorry|sorry\b|i apologi[sz]e|as an ai\b"
    r"|(?:i (?:can(?:no|['’]?)t|am not able to|am unable to|won['’]?t|will not)|i\W?m (?:not able|unable) to)"
    r" (?:help|assist|provide|do|comply|fulfil|answer|share|create|write|generate|discuss|continue|with))",
    re.IGNORECASE,
)


class Texts:
    """The texts of interactions, to find out what is copied from them. Read once, when they are first needed.

    Args:
        interactions: Whose inputs, answers and ground truths must not be copied.
    """

    def __init__(self, interactions: Iterable[Interaction]) -> None:
        self._interactions = interactions
        self._texts: list[str] | None = None

    def copied(self, text: str) -> str:
        """The first words, one more than is allowed, that a text shares with an interaction; empty if none."""
        words = _words(text)
        if len(words) <= MOST_COPIED:
            return ""
        if self._texts is None:
            self._texts = [_spaced(_words(_all_of(interaction))) for interaction in self._interactions]
        size = MOST_COPIED + 1
        for start in range(len(words) - size + 1):
            run = _spaced(words[start : start + size])
            if any(run in known for known in self._texts):
                return run.strip()
        return ""

    def refused(self, edits: Sequence[Edit]) -> str:
        """Why a change must not be tried; empty when it may. The reason does not repeat what was copied."""
        for edit in edits:
            if edit.statement is not None and edit.statement.source == "learnt" and self.copied(edit.statement.text):
                return f"it copies more than {MOST_COPIED} consecutive words of an interaction; say it in general terms"
        return ""


def from_tools(text: str, results: Iterable[str], own: Iterable[str], names: Iterable[str] = ()) -> str:
    """The first words of a statement that a tool's result says and the user never said; empty if there are none.

    Shorter runs count than for what the user said: what a page claims of a user must not be learnt from it at all.

    Args:
        text: The statement.
        results: What tools returned.
        own: What the user said.
        names: The tools' names, which may be said.
    """
    words, said = _words(text), [_spaced(_words(each)) for each in own]
    returned = [_spaced(_words(each)) for each in results]
    plain = {word for name in names for word in _words(name)} | _SEARCHING
    for start in range(len(words) - CLAIMED + 1):
        run = words[start : start + CLAIMED]
        telling = [word for word in telling_words(" ".join(run)) if word not in plain]
        spaced = _spaced(run)
        if len(telling) > 1 and any(spaced in each for each in returned) and not any(spaced in each for each in said):
            return spaced.strip()
    return ""


def shortened(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Changes as a record shows them where they must not be repeated: the first words only."""
    return tuple(
        dataclasses.replace(edit, statement=dataclasses.replace(edit.statement, text=_beginning(edit.statement.text)))
        if edit.statement
        else edit
        for edit in edits
    )


def is_refusal(text: str) -> bool:
    """Whether an LM says that it will not answer, instead of answering."""
    return _REFUSAL.match(text) is not None


def _beginning(text: str) -> str:
    words = text.split()
    return f"{' '.join(words[:SHOWN])[:LONGEST]} ..."


def _all_of(interaction: Interaction) -> str:
    parts = (interaction.inputs, interaction.ground_truth, interaction.response)
    return "\n\n".join(query_text(part) for part in parts)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _spaced(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "
