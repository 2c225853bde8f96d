"""How much of the golden persona is held, value by value, without a model.

The score is strict. What a value is and when two are the same:

* A scalar field has one value; a list has one for each item, and its items have no order.
* Two values are the same if they are after Unicode's compatibility form, case, runs of spaces and an article at the
  beginning are set aside. Nothing else is: a synonym, a longer wording, another spelling or `60 euros` for `60` is
  wrong. Numbers are compared as what the field reads them as, so that `60.0` is `60`.
* What the persona says has ended does not count as held. What ends later, such as a mood, stands in the place of the
  lasting value of its field until then; in a list it stands beside the others.
* A field of one value that is given several lasting ones holds all of them, so that at most one is right.
* A value that its field cannot have, and a field that the golden persona does not know, are wrong. A line without a
  field is no value: it is neither right nor wrong.
* A value held twice counts once.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Mapping

from personaopt.errors import PersonaError
from personaopt.evals.personabench.fields import BenchFields
from personaopt.fields import Slot
from personaopt.persona import Persona, Statement

_ARTICLE = re.compile(r"^(?:the|an?) (?=\S)")
_UNTIL = re.compile(r" \(until [^()]*\)$")

Value = tuple[str, str]
"""A field's path, and a value of it as it is compared."""


@dataclasses.dataclass(frozen=True)
class FieldScores:
    """Values of a held persona against those of the golden one; scores of several are added (micro average).

    Attributes:
        right: Held, and so.
        wrong: Held, and not so.
        missing: So, and not held.
    """

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def precision(self) -> float | None:
        """The share of held values that are right; None where nothing is held."""
        return _share(self.right, self.wrong)

    @property
    def recall(self) -> float | None:
        """The share of golden values that are held; None where there are none."""
        return _share(self.right, self.missing)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both; None where nothing is held and nothing was to be."""
        return _share(2 * self.right, self.wrong + self.missing)

    def __add__(self, other: FieldScores) -> FieldScores:
        return FieldScores(self.right + other.right, self.wrong + other.wrong, self.missing + other.missing)


def field_scores(
    held: Persona,
    golden: BenchFields,
    *,
    at: float | None = None,
    said: BenchFields | None = None,
    unclear: Collection[str] = (),
) -> FieldScores:
    """Compare what a persona holds with the golden fields.

    Args:
        held: The learnt persona.
        golden: What is so.
        at: When (seconds since the epoch): what ended before is no longer held, what ends later is. Without it nothing
            that has an end is held.
        said: What of the golden values could be known by then. A true value that could not be known is neither
            missing nor, if held, wrong.
        unclear: Paths of fields of which nothing could be known; they are left out.
    """
    return sum(by_field(held, golden, at=at, said=said, unclear=unclear).values(), FieldScores())


def by_field(
    held: Persona,
    golden: BenchFields,
    *,
    at: float | None = None,
    said: BenchFields | None = None,
    unclear: Collection[str] = (),
) -> dict[str, FieldScores]:
    """The same comparison for each field with a value on either side; the arguments are those of `field_scores`."""
    mine, true = held_values(held, at), golden_values(golden)
    knowable = true if said is None else true & golden_values(said)
    scores: dict[str, FieldScores] = {}
    for path, value in sorted(mine | knowable):
        if path in unclear or ((path, value) in true and (path, value) not in knowable):
            continue
        is_held, is_so = (path, value) in mine, (path, value) in knowable
        one = FieldScores(int(is_held and is_so), int(is_held and not is_so), int(is_so and not is_held))
        scores[path] = scores.get(path, FieldScores()) + one
    return scores


def golden_values(golden: BenchFields) -> frozenset[Value]:
    """Every value of the golden persona, an item of a list each."""
    slots = golden.slots()
    return frozenset(
        (path, same(slots[path].text(value)))
        for path, known in golden.values().items()
        for value in (known if slots[path].many else [known])
    )


def held_values(held: Persona, at: float | None = None) -> frozenset[Value]:
    """Every value that a persona holds, as the module says; the argument `at` is that of `field_scores`."""
    slots = BenchFields.slots()
    holding = [each for each in held.statements if each.field and not _ended(each, at)]
    passing = {each.field for each in holding if each.valid_to is not None and not _many(slots, each)}
    return frozenset(
        (each.field or "", _value(slots.get(each.field or ""), each))
        for each in holding
        if each.valid_to is not None or each.field not in passing
    )


def same(value: str) -> str:
    """A value as it is compared: two that are the same give the same text."""
    plain = " ".join(unicodedata.normalize("NFKC", value).split()).casefold()
    return _ARTICLE.sub("", plain)


def _ended(statement: Statement, at: float | None) -> bool:
    return statement.valid_to is not None and (at is None or statement.valid_to <= at)


def _many(slots: Mapping[str, Slot], statement: Statement) -> bool:
    slot = slots.get(statement.field or "")
    return slot is not None and slot.many


def _value(slot: Slot | None, statement: Statement) -> str:
    """A statement's value; the words themselves where they are no value of the field."""
    ended = statement.valid_to is not None
    if slot is None:
        return same(statement.text)
    try:
        return same(slot.text(slot.read(statement.text, ended=ended)))
    except PersonaError:
        said = _UNTIL.sub("", statement.text) if ended else statement.text
        return same(said.removeprefix(f"{slot.title}: "))


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
