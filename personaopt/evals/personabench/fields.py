"""The fields of the bench's personas: AI PERSONA's four groups, and one for circumstances that change."""

from __future__ import annotations

import pydantic

from personaopt.fields import PersonaFields
from personaopt.fields.groups import Group


class Life(Group):
    """Circumstances that an assistant has to know and that do not last."""

    home: str | None = pydantic.Field(default=None, title="Lives in")
    diet: str | None = pydantic.Field(default=None, title="Eats")
    budget: int | None = pydantic.Field(default=None, ge=0, title="Budget for a purchase in euros")


class BenchFields(PersonaFields):
    """The fields that PersonaBench's personas have."""

    life: Life = pydantic.Field(default_factory=Life)
