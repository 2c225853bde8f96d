"""Statements that say where to look first for a user: one kind of statement, written and recognised here alone.

Such a statement names a topic, a tool, the words to search for, or several of these. Its `field` is `action.<topic>`,
so that of one topic one holds at a time. It is made of a tool's name and of single plain words, and never holds what a
tool returned.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from personaopt.persona import Statement

FIELD = "action"
MOST_KEYWORDS = 4
_TOOL = re.compile(r"[A-Za-z_][\w.\-]{0,63}")
_WORD = re.compile(r"[^\W_][\w'’\-]{0,23}")
_CUES = re.compile(r"\b(first|before|instead|look|search|use|ask|check|call|consult|open|try|start|begin|skip)\b", re.I)
_NOT = re.compile(r"\b(do not|don['’]t|never|avoid|skip|no use|does not help)\b", re.IGNORECASE)
_PHRASE = (
    r"((?:[\w'’\-]+\s+){0,3}?[\w'’\-]+)"
    r"(?=\s*(?:[,;:.]|$|\b(?:is|are|was|were|should|must|can|will|the|this|that|these|look|use|ask|check|search|start|"
    r"first|before|he|she|they|it|you|we|go|open|try|consult|call)\b))"
)
_TOPIC = (
    re.compile(
        rf"\b(?:asked?|asks|questions?|anything|requests?)\s+(?:about|on|for|concerning)\s+(?:the\s+)?{_PHRASE}", re.I
    ),
    re.compile(r"\bfor\s+(?:the\s+)?((?:[\w'’\-]+\s+){0,2}[\w'’\-]+)\s+questions?\b", re.IGNORECASE),
    re.compile(rf"^(?:about|for|on|in case of)\s+(?:the\s+)?{_PHRASE}", re.IGNORECASE),
)
_ARTICLE = re.compile(r"^(?:the|a|an|any|all|this user's|their)\s+", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“]([^\"”]{1,80})[\"”]")


@dataclasses.dataclass(frozen=True, slots=True)
class ToolPreference:
    """Where to look first.

    Attributes:
        topic: What is asked about; empty for whatever is asked.
        tool: The tool's name; empty where only the words to search for are said.
        keywords: Words to search for beside those of the question.
        avoid: The tool is of no use for the topic.
    """

    topic: str = ""
    tool: str = ""
    keywords: tuple[str, ...] = ()
    avoid: bool = False

    @property
    def field(self) -> str:
        """The field of the statement that says it."""
        topic = "-".join(re.findall(r"\w+", self.topic.casefold()))
        return f"{FIELD}.{topic}" if topic else FIELD

    @property
    def text(self) -> str:
        """The statement."""
        when = f"When asked about {self.topic}, " if self.topic else ""
        if self.avoid:
            said = f"do not look in {self.tool}"
        else:
            words = f'search for "{" ".join(self.keywords)}"' if self.keywords else ""
            said = " and ".join(part for part in (f"look in {self.tool} first" if self.tool else "", words) if part)
        whole = f"{when}{said}."
        return whole[0].upper() + whole[1:]


def preference_in(text: str, tools: Collection[str]) -> ToolPreference | None:
    """The preference that a statement states, however an LM words it; None where it states none.

    Args:
        text: The statement.
        tools: The names of the tools there are; others are not recognised.
    """
    if not _CUES.search(text):
        return None
    unquoted = _QUOTED.sub('""', text)
    named = [
        (found.start(), name) for name in tools if (found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", unquoted))
    ]
    tool = min(named)[1] if named else ""
    quoted = _QUOTED.search(text)
    keywords = plain_words(quoted[1].split()) if quoted else ()
    if not tool and not (keywords and re.search(r"\bsearch\b", text, re.IGNORECASE)):
        return None
    topic = next((found[1] for pattern in _TOPIC if (found := pattern.search(unquoted))), "")
    topic = " ".join(plain_words(_ARTICLE.sub("", topic.strip()).split()))
    avoid = bool(tool and not keywords and _NOT.search(unquoted))
    return ToolPreference(topic, tool, keywords, avoid)


def field_of(text: str, tools: Collection[str]) -> str | None:
    """The `field` of a statement that states a tool preference; None for any other."""
    preference = preference_in(text, tools)
    return preference.field if preference else None


def is_tool_preference(field: str | None) -> bool:
    """Whether a statement's `field` is that of a tool preference."""
    return field == FIELD or (field or "").startswith(f"{FIELD}.")


def is_callable(statement: Statement, tools: Collection[str]) -> bool:
    """Whether a statement is of use to an agent with these tools; all but tool preferences are."""
    return not is_tool_preference(statement.field) or (bool(tools) and preference_in(statement.text, tools) is not None)


def plain_words(words: Collection[str]) -> tuple[str, ...]:
    """The first few words of a phrase; none where one of them is no plain word or there are too many to be keywords."""
    if len(words) > MOST_KEYWORDS or not all(_WORD.fullmatch(word) for word in words):
        return ()
    return tuple(words)


def is_tool_name(name: object) -> bool:
    """Whether a recorded name may stand in a statement."""
    return isinstance(name, str) and _TOOL.fullmatch(name) is not None
