"""AI PERSONA's dictionary (arXiv 2412.13103): the typed view on those statements of a persona that have a `field`."""

from __future__ import annotations

from personaopt.fields.foreign import Imported, Misfit, import_fields
from personaopt.fields.groups import Demographics, Pattern, Personality, Preference
from personaopt.fields.model import PersonaFields, Reading
from personaopt.fields.paths import Slot
from personaopt.fields.spans import Span
from personaopt.fields.timeline import Timeline

__all__ = [
    "Demographics",
    "Imported",
    "Misfit",
    "Pattern",
    "PersonaFields",
    "Personality",
    "Preference",
    "Reading",
    "Slot",
    "Span",
    "Timeline",
    "import_fields",
]
