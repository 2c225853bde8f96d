"""Which rows of a run belong together: those of a method, of the same sessions under two, of the last sessions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from personaopt.errors import DataError
from personaopt.evals.personabench.rows import Row

OURS, GOLDEN = "personaopt", "golden"
ORDER = ("none", "rag", "k1", "k3", "k5", OURS, GOLDEN)
"""The methods in the order of tables: what knows nothing first, what knows all last."""

Cell = Sequence[Row]
Sitting = tuple[str, int]  # persona and seed
Held = tuple[str, int, str]  # persona, seed and session


@dataclasses.dataclass(frozen=True)
class Section:
    """The rows of one language model.

    Attributes:
        lm: The agent's.
        cells: The rows of each method, in the order of time; methods in the order of tables.
        ended: The last row of each sitting of a method that has come to its end; a failed session is no end.
        longest: How many sessions a persona has at most.
    """

    lm: str
    cells: Mapping[str, Cell]
    ended: Mapping[str, Cell]
    longest: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run was to have, as far as its configuration says.

    Attributes:
        methods: Their names; none where it does not say.
        personas: How many; None where it does not say.
        usual: The number of a persona's last session; None where it does not say.
        others: That of personas for whom it is another one.
    """

    methods: tuple[str, ...] = ()
    personas: int | None = None
    usual: int | None = None
    others: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Plan:
        """The plan that a run's `config.json` tells of.

        Raises:
            DataError: It says something else than a run writes.
        """
        ends = config.get("ends") or {}
        try:
            others = {str(persona): int(number) for persona, number in dict(ends.get("others", {})).items()}
            usual, personas = (
                None if each is None else int(each) for each in (ends.get("usual"), config.get("personas"))
            )
            return cls(tuple(map(str, config.get("methods") or ())), personas, usual, others)
        except (AttributeError, TypeError, ValueError) as error:
            raise DataError(f"config.json is not what a run writes ({error}); take it away or mend it.") from None

    def end(self, persona: str) -> int:
        """The number of a persona's last session; -1 where it is not known."""
        return self.others.get(persona, -1 if self.usual is None else self.usual)


def sections(rows: Iterable[Row], plan: Plan = Plan()) -> list[Section]:
    """A section for each language model that has rows, the first of the file first.

    Args:
        rows: Of the run.
        plan: What it was to have.
    """
    by_lm: dict[str, list[Row]] = {}
    for row in rows:
        by_lm.setdefault(row.lm, []).append(row)
    found = []
    for lm, own in by_lm.items():
        own.sort(key=lambda row: (row.persona, row.seed, row.number))
        cells = {name: [row for row in own if row.method == name] for name in ordered({row.method for row in own})}
        last: dict[Sitting, int] = {}
        for row in own:
            last[sitting(row)] = max(row.number, last.get(sitting(row), plan.end(row.persona)))
        ended = {
            name: [row for row in cell if not row.error and row.number == last[sitting(row)]]
            for name, cell in cells.items()
        }
        found.append(Section(lm, cells, ended, 1 + max(last.values())))
    return found


def ordered(methods: Iterable[str]) -> list[str]:
    """Names of methods in the order of tables; others, such as ours without a part, come after ours."""
    place = {name: number for number, name in enumerate(ORDER)}
    return sorted(methods, key=lambda name: (place.get(name, place[OURS]), name != OURS and name not in place, name))


def sitting(row: Row) -> Sitting:
    """Whose sessions a row belongs to."""
    return (row.persona, row.seed)


def held(row: Row) -> Held:
    """Which session a row is of, whatever the method."""
    return (row.persona, row.seed, row.session)


def common(first: Iterable[Row], second: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Those rows of two methods that are of the same sessions, in the same order, without failed ones."""
    others = {held(row): row for row in second if not row.error}
    mine = [row for row in first if not row.error and held(row) in others]
    return mine, [others[held(row)] for row in mine]


def by_persona(rows: Iterable[Row], value: Callable[[Row], float | None]) -> dict[str, list[float]]:
    """What is known of each persona; failed sessions say nothing."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if not row.error and (known := value(row)) is not None:
            found.setdefault(row.persona, []).append(known)
    return found
