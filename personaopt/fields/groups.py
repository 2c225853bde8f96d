"""The four groups of AI PERSONA's dictionary and their fields (arXiv 2412.13103, its persona definition).

A title is what stands before the value in the persona's text. What is a list has one line for each item, so that every
item has its own evidence and its own time; the items have no order.
"""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

Texts = list[str]
Age = Annotated[int, pydantic.Field(ge=0, le=130)]


class Group(pydantic.BaseModel):
    """A group of fields. Own groups may be any pydantic model; this one refuses fields that it does not know."""

    model_config = pydantic.ConfigDict(extra="forbid", validate_assignment=True)


class Demographics(Group):
    """Who the user is; known from the user's own words alone."""

    name: str | None = pydantic.Field(default=None, title="Name")
    age: Age | None = pydantic.Field(default=None, title="Age")
    gender: str | None = pydantic.Field(default=None, title="Gender")
    nationality: str | None = pydantic.Field(default=None, title="Nationality")
    languages: Texts = pydantic.Field(default_factory=list, title="Speaks")
    career: str | None = pydantic.Field(default=None, title="Works as")


class Personality(Group):
    """The four letters of the MBTI, values and interests."""

    extraversion: Literal["E", "I"] | None = pydantic.Field(default=None, title="Extraversion or introversion")
    sensing: Literal["S", "N"] | None = pydantic.Field(default=None, title="Sensing or intuition")
    thinking: Literal["T", "F"] | None = pydantic.Field(default=None, title="Thinking or feeling")
    judging: Literal["J", "P"] | None = pydantic.Field(default=None, title="Judging or perceiving")
    values: Texts = pydantic.Field(default_factory=list, title="Holds dear")
    interests: Texts = pydantic.Field(default_factory=list, title="Is interested in")


class Pattern(Group):
    """How the user behaves."""

    engagement: str | None = pydantic.Field(default=None, title="In conversations")
    usage: str | None = pydantic.Field(default=None, title="Uses the assistant")
    emotion: str | None = pydantic.Field(default=None, title="Feels")
    purchase: str | None = pydantic.Field(default=None, title="When buying")


class Preference(Group):
    """How the user wants answers."""

    styles: Texts = pydantic.Field(default_factory=list, title="Prefers the style")
    formats: Texts = pydantic.Field(default_factory=list, title="Prefers the format")
    workflows: Texts = pydantic.Field(default_factory=list, title="Prefers to work by")
