"""FieldEditor: changed fields of a dictionary persona, proposed by an LM and checked by rule."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Sequence
from typing import Any, Literal, get_args, get_origin

import dspy
from dspy.utils.exceptions import AdapterParseError

from personaopt.fields import Slot
from personaopt.fields.paths import day
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.lm.codec import Codec
from personaopt.optimizers.editors import EditRequest, Edits
from personaopt.optimizers.field_changes import edits_of_changes
from personaopt.optimizers.field_passed_over import not_wanted, passed_over
from personaopt.optimizers.field_rules import FieldEdits, FieldRules, known_values
from personaopt.optimizers.sessions import Message, messages_of, session_of, spoken_fields
from personaopt.optimizers.settings import check_whole
from personaopt.persona import Edit, Persona
from personaopt.signatures.change_fields import ChangeFields, FieldChange, ReadAgain, described
from personaopt.signatures.excerpt import excerpt

SHOWN_MESSAGE, SHOWN_REPLY, SHOWN_SENTENCE = 250, 80, 60
"""Tokens of each message of the user, of each reply, and of each sentence asked about, that are shown."""
TEMPERATURE = 1.0
"""At which all candidates but the first are drawn."""


def _read(values: Any) -> Edits:
    return FieldEdits(map(Edit.from_dict, values["edits"]), values["left_out"])


def _write(edits: Edits) -> Any:
    return {"edits": [edit.to_dict() for edit in edits], "left_out": list(getattr(edits, "left_out", ()))}


KEPT_FIELD_EDITS: Codec[Edits] = Codec(_write, _read)


class FieldEditor:
    """Changed fields only, written by an LM from the latest sessions (AI PERSONA's persona optimizer).

    Each change names the words of the user that say so; what keeps to a rule not (`FieldRules`) is left out, with the
    reason in the alignment's notes. A reply that is no JSON is asked for again, and then the persona stays as it is.

    Args:
        lm: The LM that writes; the agent's when None.
        rules: What a change has to keep to.
        messages_in: Inputs of the task that hold the user's own words; found by their names when empty.
        readings: How many times the sessions are read, one call each. A further reading is shown the fields as the ones
            before it leave them, and what they `passed_over`.

    Raises:
        ConfigurationError: `readings` is not a whole number of at least 1.
    """

    def __init__(
        self, lm: Any = None, *, rules: FieldRules | None = None, messages_in: Collection[str] = (), readings: int = 1
    ) -> None:
        check_whole(readings=(readings, 1))
        self.predict, self.again = dspy.Predict(ChangeFields), dspy.Predict(ReadAgain)
        self.predict.lm = self.again.lm = lm
        self.rules = rules or FieldRules()
        self.messages_in = tuple(messages_in)
        self.calls = readings

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """`request.count` proposals, each of as many calls as there are readings: `ChangeFields`, then `ReadAgain`.

        None after a step that changed nothing.
        """
        turns = [gradient.outcome.interaction for gradient in request.gradients]
        messages = messages_of(turns, spoken_fields(request.agent, self.messages_in))
        if not messages or request.refusals or any(candidate.accepted for candidate in request.tried):
            return []  # the sessions are read in one step
        return [self._proposal(request, messages, number * self.calls) for number in range(request.count)]

    def _proposal(self, request: EditRequest, messages: Sequence[Message], drawn: int) -> Ask[Edits]:
        """What all readings together find."""

        def edits(changes: Sequence[FieldChange]) -> FieldEdits:
            return edits_of_changes(changes, request.persona, messages, self.rules)

        def reading(number: int, found: Sequence[FieldChange]) -> Ask[list[FieldChange]]:
            roomy = dataclasses.replace(request.persona, token_limit=10**9)
            persona = roomy.apply(edits(found)) if found else request.persona
            over = passed_over(messages, found, persona, self.rules.model) if number else ()
            return self._reading(request, persona, messages, drawn + number, over)

        def call(attempt: int) -> list[FieldChange]:
            found = list(reading(0, ()).call(attempt).changes or [])
            for number in range(1, self.calls):
                with contextlib.suppress(AdapterParseError):  # what was found before is kept
                    found += reading(number, found).call(attempt).changes or []
            return found

        async def acall(attempt: int) -> list[FieldChange]:
            found = list((await reading(0, ()).acall(attempt)).changes or [])
            for number in range(1, self.calls):
                with contextlib.suppress(AdapterParseError):
                    found += (await reading(number, found).acall(attempt)).changes or []
            return found

        asked = {**reading(0, ()).asked, "readings": self.calls}
        return Ask(call, acall, edits, self.calls, KEPT_FIELD_EDITS, asked)

    def _reading(
        self,
        request: EditRequest,
        persona: Persona,
        messages: Sequence[Message],
        number: int,
        over: Sequence[tuple[Message, str]],
    ) -> Ask[list[FieldChange]]:
        """One call; all but the first are drawn, or it would say the same again.

        What was passed over is asked about where there is something.
        """
        slots = self.rules.model.slots()
        drawn: dict[str, Any] = {}
        if number:
            drawn["config"] = {"temperature": TEMPERATURE, "rollout_id": request.seed + number}
        if over:
            drawn["passed_over"] = [f"{one.number}. {excerpt(sentence, SHOWN_SENTENCE)}" for one, sentence in over]
        return Ask.predict(
            self.again if over else self.predict,
            lambda prediction: prediction.changes or [],
            reflect=True,
            lm=self.predict.lm or request.agent.lm,
            slots=described({path: slot.title for path, slot in slots.items()}, kinds(slots.values())),
            persona=known_values(persona, self.rules),
            sessions=shown(messages, list(request.agent.task.output_fields)),
            **drawn,
        )


def kinds(slots: Collection[Slot]) -> dict[str, str]:
    """What is said of the values of each field, by its path; nothing of a single text."""
    found = {}
    for slot in slots:
        words = ["a list"] if slot.many else []
        if get_origin(slot.annotation) is Literal:
            words.append(f"one of {', '.join(map(str, get_args(slot.annotation)))}")
        elif (kind := slot.adapter.json_schema().get("type", "object")) != "string":
            words.append({"integer": "a whole number", "boolean": "yes or no", "number": "a number"}.get(kind, kind))
        found[slot.path] = ", ".join(words)
    return found


def shown(messages: Sequence[Message], outputs: Sequence[str]) -> list[str]:
    """Messages and replies as lines, by session; of long ones the beginning and the end."""
    lines: list[str] = []
    session = ""
    for message in messages:
        if session_of(message.interaction) != session:
            session = session_of(message.interaction)
            lines.append(f"[{session}, {day(message.time)}]")
        lines.append(f"{message.number}. User: {excerpt(message.text, SHOWN_MESSAGE)}")
        if reply := _reply(message.interaction, outputs):
            who = "Assistant (not what the user wanted)" if not_wanted(message.interaction) else "Assistant"
            lines.append(f"{who}: {excerpt(reply, SHOWN_REPLY)}")
    return lines


def _reply(turn: Interaction, outputs: Sequence[str]) -> str:
    said = [turn.response[name] for name in outputs if name in turn.response]
    return " ".join(" ".join(map(str, said)).split())
