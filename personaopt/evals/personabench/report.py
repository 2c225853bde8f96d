"""The report of a run: `summary.json`, `tables.md` and plots, from the files of the run alone."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals.personabench.measuring.judge_checks import JudgeReport
from personaopt.evals.personabench.reporting import plots
from personaopt.evals.personabench.reporting.circumstances import run_table
from personaopt.evals.personabench.reporting.judged import judge_table
from personaopt.evals.personabench.reporting.missing import sentences
from personaopt.evals.personabench.reporting.selection import Plan
from personaopt.evals.personabench.reporting.summary import Summary, summaries, to_dict
from personaopt.evals.personabench.reporting.tables import tables
from personaopt.evals.personabench.rows import Row
from personaopt.evals.personabench.runs.examining import read_judge_report
from personaopt.evals.results import read_config, read_rows, write_json
from personaopt.evals.table import Table

if TYPE_CHECKING:
    import pandas

_UNEXAMINED = "The judge was not examined: how far its scores can be believed is not known."
SUMMARY, TABLES, PLOTS = "summary.json", "tables.md", "plots"


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run says. In a notebook it shows its tables.

    Attributes:
        folder: Of the run.
        parts: Everything that was computed, a language model each.
        judge: What came of the judge's examination; None where there was none.
        config: How the run was made; empty where nothing says so.
    """

    folder: Path
    parts: Sequence[Summary] = dataclasses.field(repr=False)
    judge: JudgeReport | None = None
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """What `summary.json` holds: `{"personabench": {method: figures}}`."""
        return to_dict(self.parts)

    def tables_text(self) -> str:
        """`tables.md`: what is missing, and every table."""
        parts = ["# Results\n", *(f"\n{table.markdown(2)}" for table in self._circumstances())]
        if not self.parts:
            parts.append("\nThere are no rows yet.\n")
        for part in self.parts:
            if part.missing:
                parts.append(f"\n## What is missing, {part.section.lm}\n\n{sentences(part.missing)}")
            parts.append(f"\n## {part.section.lm}\n")
            parts += [f"\n{table.markdown()}" for table in tables(part)]
        parts.append(f"\n{judge_table(self.judge).markdown(2)}" if self.judge else f"\n{_UNEXAMINED}\n")
        return "\n".join(parts)

    def rows(self) -> pandas.DataFrame:
        """One line a session, a column a field; what was spent has a column for each role and kind."""
        from personaopt.evals.personabench.reporting.frames import rows_frame

        return rows_frame(row for part in self.parts for cell in part.section.cells.values() for row in cell)

    def write(self) -> Sequence[Path]:
        """Write `summary.json`, `tables.md` and the plots into the folder, and return the plots' PNGs.

        Raises:
            OSError: The folder cannot be written.
        """
        write_json(self.folder / SUMMARY, self.to_dict())
        (self.folder / TABLES).write_text(self.tables_text(), encoding="utf-8")
        several = len(self.parts) > 1
        return [
            path
            for part in self.parts
            for path in plots.draw(part, self.folder / PLOTS, part.section.lm if several else "")
        ]

    def _circumstances(self) -> list[Table]:
        found = run_table(self.config, [part.section.lm for part in self.parts])
        return [found] if found and self.parts else []

    def _repr_html_(self) -> str:
        parts = [table.html() for table in self._circumstances()]
        for part in self.parts:
            parts += [f"<p>{html.escape(each)}</p>" for each in part.missing]
            parts += [table.html() for table in tables(part)]
        parts += [judge_table(self.judge).html()] if self.judge else []
        return "".join(parts) or "<p>no rows</p>"


def read_report(folder: str | Path) -> Report:
    """Compute the report of a run, without writing it.

    Args:
        folder: Holds `results.jsonl`; where there are, also `config.json`, which says which methods were to be run, and
            `judge.json`, the examination of the judge.

    Raises:
        DataError: There are no results, or they cannot be read.
    """
    folder = Path(folder)
    rows, config = read_rows(folder, Row), read_config(folder)
    return Report(folder, summaries(rows, Plan.of(config)), read_judge_report(folder), config)


def write_report(folder: str | Path) -> dict[str, Any]:
    """Write the report of a run into its folder.

    Args:
        folder: As for `read_report`.

    Returns:
        What `summary.json` holds.

    Raises:
        DataError: There are no results, or they cannot be read.
    """
    report = read_report(folder)
    report.write()
    return report.to_dict()
