"""Free lines beside the fields of one persona: who writes the lines leaves the fields alone, and repeats none of them.

A field is kept up to date from what the user says (`DictionaryOptimizer`); a line that says the same would go stale
beside it. So a line that names a value which a field has, or had, is not kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from personaopt.fields import PersonaFields
from personaopt.lm.asks import Ask
from personaopt.memory.quoting import words
from personaopt.optimizers.editors import KEPT_EDITS, Editor, EditRequest, Edits
from personaopt.optimizers.field_rules import values_in
from personaopt.persona import Edit, Persona, Statement

SHORTEST = 3
"""Letters of a value by which a line is recognised; shorter ones, such as those of MBTI, stand in any sentence."""


class BesideFields:
    """An editor of free lines: what it proposes for a field, or as a line that names a field's value, is left out.

    It is shown the fields, so that it knows what is said already.

    Args:
        editor: Proposes the edits.
        fields: The fields there are.
    """

    def __init__(self, editor: Editor, fields: type[PersonaFields] = PersonaFields) -> None:
        self.editor, self.fields = editor, fields
        self.calls = getattr(editor, "calls", 1)
        if getattr(editor, "quotes", False):
            self.quotes = True

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """The editor's proposals, without what is the fields' own."""
        slots = self.fields.slots()
        taken = {each.id for each in request.persona.statements if each.field in slots}
        shut = [
            dataclasses.replace(each, pinned=True) if each.id in taken else each for each in request.persona.statements
        ]
        shown = dataclasses.replace(request, persona=dataclasses.replace(request.persona, statements=tuple(shut)))
        values = values_of(request.persona, self.fields)

        def kept(edits: Edits) -> Edits:
            return tuple(
                edit
                for edit in edits
                if edit.target not in taken and not (edit.statement and names_one(edit.statement, values))
            )

        def beside(ask: Ask[Edits]) -> Ask[Edits]:
            return dataclasses.replace(ask, finish=lambda answer: kept(ask.finish(answer)), codec=KEPT_EDITS)

        return [beside(ask) for ask in self.editor.propose(shown)]


def without_repeated(persona: Persona, fields: type[PersonaFields] = PersonaFields) -> Persona:
    """A persona without those learnt free lines that name a value which one of its fields has or had.

    Args:
        persona: The persona; what is pinned, or written by hand, stays.
        fields: The fields there are.
    """
    slots, values = fields.slots(), values_of(persona, fields)
    gone = [
        Edit("remove", target=each.id, reason="A field says it.")
        for each in persona.statements
        if each.field not in slots and each.source == "learnt" and not each.pinned and names_one(each, values)
    ]
    return persona.apply(gone)


def values_of(persona: Persona, fields: type[PersonaFields]) -> list[list[str]]:
    """The words of every value that a field of the persona has or had, the shortest left out."""
    found = [words(value) for value, _ in values_in(persona, fields)]
    return [each for each in found if len("".join(each)) >= SHORTEST]


def names_one(statement: Statement, values: Sequence[Sequence[str]]) -> bool:
    """Whether a statement names a value, all of its words in their order."""
    said = words(statement.text)
    return any(said[place : place + len(value)] == list(value) for value in values for place in range(len(said)))
