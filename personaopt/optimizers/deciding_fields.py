"""DecidingFieldEditor: changed fields by decisions between options, for a model that can decide and not write.

Sentences of the user are looked at one by one. Rules say which fields one may be about and which of its words may be
the value (`field_cues`); where several are left the model decides, by the probabilities that it gives them. Nothing is
generated, so every value is a span of the user's words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Any

import dspy

from personaopt.fields import Slot
from personaopt.lm.adapter import LocalAdapter
from personaopt.lm.asks import Ask
from personaopt.optimizers.backing import sentences
from personaopt.optimizers.editors import EditRequest, Edits
from personaopt.optimizers.field_changes import edits_of_changes
from personaopt.optimizers.field_cues import fields_of, spans_of
from personaopt.optimizers.field_editor import KEPT_FIELD_EDITS
from personaopt.optimizers.field_rules import FieldRules, known_values
from personaopt.optimizers.sessions import Message, messages_of, spoken_fields
from personaopt.signatures.change_fields import FieldChange
from personaopt.signatures.decide_fields import EXAMPLES, NOTHING, about, value

MOST_SENTENCES = 24
"""That may change a field, the latest; each takes two decisions at most."""
_TAKEN_BACK = re.compile(
    r"\bmistake\b|\bnever (?:was|were)\b|\bwrong\b|\bforget\b|\bslip\b|\bmixed\b.*\bup\b|\btyping error\b|\btypo\b",
    re.IGNORECASE,
)
_ENDED = re.compile(r"\bno longer\b|\bany ?more\b|\bstopped\b|\bquit\b|\bgave up\b|\bused to\b", re.IGNORECASE)

Decisions = Generator[dspy.Predict, str, list[FieldChange]]
"""Yields what is to be decided, already bound to its inputs, and receives what was decided."""


class _Decide(dspy.Predict):
    """A decision with its inputs."""

    def __init__(self, signature: type[dspy.Signature], demos: Sequence[dspy.Example], **inputs: str) -> None:
        super().__init__(signature)
        self.demos = list(demos)
        self.inputs = inputs
        (self.output,) = signature.output_fields


class DecidingFieldEditor:
    """Changed fields as decisions of a small local model between fields, and between words of the user.

    Args:
        rules: What a change has to keep to.
        messages_in: Inputs of the task that hold the user's own words; found by their names when empty.
        lm: The LM that decides; the agent's when None. It has to measure probabilities.
    """

    calls = 2 * MOST_SENTENCES

    def __init__(self, *, rules: FieldRules | None = None, messages_in: Collection[str] = (), lm: Any = None) -> None:
        self.rules = rules or FieldRules()
        self.messages_in = tuple(messages_in)
        self.lm = lm

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """One proposal, from as many decisions as there are sentences that leave something to decide."""
        turns = [gradient.outcome.interaction for gradient in request.gradients]
        messages = messages_of(turns, spoken_fields(request.agent, self.messages_in))
        if not messages or request.refusals or any(candidate.accepted for candidate in request.tried):
            return []
        known = known_values(request.persona, self.rules)
        read = {(one.field or "", each) for one in request.persona.statements for each in one.evidence}
        lm = self.lm or request.agent.lm

        def call(attempt: int) -> list[FieldChange]:
            steps, said = self._decisions(messages, known, read), None
            with dspy.context(adapter=LocalAdapter()):
                try:
                    while True:
                        decision = steps.send(said)  # type: ignore[arg-type]  # None starts a generator
                        said = decision(lm=lm, **decision.inputs)[decision.output]
                except StopIteration as end:
                    return list(end.value)

        async def acall(attempt: int) -> list[FieldChange]:
            return await asyncio.to_thread(call, attempt)

        def finish(changes: list[FieldChange]) -> Edits:
            return edits_of_changes(changes, request.persona, messages, self.rules)

        asked = {"messages": [message.text for message in messages], "known": known}
        return [Ask(call, acall, finish, self.calls, KEPT_FIELD_EDITS, asked)]

    def _decisions(
        self, messages: Sequence[Message], known: Mapping[str, Any], read: Collection[tuple[str, str]]
    ) -> Decisions:
        slots = self.rules.model.slots()
        held = {path: list(map(str, each if isinstance(each, list) else [each])) for path, each in known.items()}
        said = [(message, each) for message in messages for each in sentences(message.text)]
        told = [(*pair, fields_of(pair[1], list(slots.values()))) for pair in said]
        told = [each for each in told if each[2] or _TAKEN_BACK.search(each[1]) or _ENDED.search(each[1])]
        changes: list[FieldChange] = []
        for message, sentence, named in told[-MOST_SENTENCES:]:
            # Who takes something back may name the value alone.
            found = named or [slots[path] for path, many in held.items() if any(_names(sentence, v) for v in many)]
            if not found:
                continue
            slot = found[0]
            if len(found) > 1:
                titles = {each.title: each for each in found}
                title = yield _Decide(about(list(titles)), _examples(titles, "about"), message=sentence)
                if title not in titles:
                    continue
                slot = titles[title]
            if (slot.path, message.interaction.id) in read:
                continue  # what it says of the field is known
            change = yield from self._change(message, sentence, slot, held, only_ends=not named)
            if change is not None:
                changes.append(change)
        return changes

    def _change(
        self, message: Message, sentence: str, slot: Slot, held: dict[str, list[str]], *, only_ends: bool
    ) -> Generator[dspy.Predict, str, FieldChange | None]:
        """What a sentence changes about a field, by the values that it is known to have, or only what it ends."""
        mine = [each for each in held.get(slot.path, []) if _names(sentence, each)]
        spans = [] if only_ends else spans_of(sentence, slot, mine)
        values: dict[str, Any] = {"field": slot.path, "quote": sentence, "message": message.number}
        back, ended = _TAKEN_BACK.search(sentence), _ENDED.search(sentence)
        if mine and (not spans or not (back or ended or not slot.many)):
            if not (back or ended):
                return None
            return FieldChange(action="take_back" if back else "end", value=mine[0], **values)
        if not spans:
            return None
        chosen = spans[0]
        if len(spans) > 1:
            titles = {each.title: each for each in self.rules.model.slots().values()}
            chosen = yield _Decide(value(spans), _examples(titles, "value"), message=sentence, about=slot.title)
        old = mine[0] if mine else None
        if not slot.many:
            held[slot.path] = [chosen]
        return FieldChange(
            action="take_back" if back and old is not None else "set", value=chosen, instead_of=old, **values
        )


def _names(sentence: str, known: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(known)}(?!\w)", sentence, re.IGNORECASE) is not None


def _examples(titles: Mapping[str, Slot], output: str) -> list[dspy.Example]:
    """Worked examples of the fields with these titles; of what a sentence is about, also of nothing."""
    by_path = {slot.path: title for title, slot in titles.items()}
    shown = [each for each in EXAMPLES if each[1] in by_path or (output == "about" and not each[1])]
    if output == "about":
        return [
            dspy.Example(message=text, about=by_path.get(path, NOTHING)).with_inputs("message")
            for text, path, _ in shown
        ]
    return [
        dspy.Example(message=text, about=by_path[path], value=said).with_inputs("message", "about")
        for text, path, said in shown
    ]
