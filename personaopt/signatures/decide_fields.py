"""The same update for a model that cannot write JSON of any sense: it decides what a sentence is about, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import dspy

NOTHING = "nothing about the user"
"""What a sentence is about that changes no field."""

Example = tuple[str, str, str]
"""A sentence, the path of the field that it is about (empty for none), and the value in it."""

EXAMPLES: tuple[Example, ...] = (
    ("Could you compare these two offers for me?", "", ""),
    ("Hello, call me Petra.", "demographics.name", "Petra"),
    ("I have been retired for 3 years.", "demographics.career", "retired"),
    ("The weather has been awful all week.", "", ""),
    ("These days I collect stamps whenever I can.", "personality.interests", "stamps"),
    ("From now on please keep it short.", "preference.styles", "short"),
    ("I was born 52 years ago.", "demographics.age", "52"),
    ("What time does the museum open on Sunday?", "", ""),
    ("We speak Danish at home.", "demographics.languages", "Danish"),
    ("I hold a Canadian passport.", "demographics.nationality", "Canadian"),
    ("Send it as a table, please.", "preference.formats", "table"),
    ("I feel worn out today.", "pattern.emotion", "worn out"),
    ("To me honesty matters most.", "personality.values", "honesty"),
    ("I always start from an outline.", "preference.workflows", "outline"),
    ("Thanks, that helps.", "", ""),
    ("When I shop I take the cheapest.", "pattern.purchase", "cheapest"),
    ("I gave up teaching and now drive a bus.", "demographics.career", "drive a bus"),
    ("I mostly write to you late at night.", "pattern.usage", "late at night"),
    ("I am a woman.", "demographics.gender", "woman"),
    ("Is there a direct train in the morning?", "", ""),
)
"""Worked examples; those of fields that a model does not have are left out."""


def about(titles: Sequence[str]) -> type[dspy.Signature]:
    """What a sentence is about: one of the fields' titles, or nothing."""
    kind: Any = Literal[(*titles, NOTHING)]
    return dspy.Signature(
        {"message": (str, dspy.InputField()), "about": (kind, dspy.OutputField())},
        "Say what the message tells about its writer.",
    )


def value(spans: Sequence[str]) -> type[dspy.Signature]:
    """Which words of a sentence are the value."""
    kind: Any = Literal[tuple(spans)]
    return dspy.Signature(
        {
            "message": (str, dspy.InputField()),
            "about": (str, dspy.InputField()),
            "value": (kind, dspy.OutputField()),
        },
        "Copy the words of the message that are the value.",
    )
