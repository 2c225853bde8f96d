"""The report of a run: `summary.json`, `tables.md`, plots and a page of single users, from `results.jsonl` alone."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personaopt.evals.lamp import persona_plots, plots
from personaopt.evals.lamp.case_studies import case_studies
from personaopt.evals.lamp.cases_page import write_page
from personaopt.evals.lamp.personas import Placing
from personaopt.evals.lamp.results import read_rows
from personaopt.evals.lamp.summary import TaskSummary, summaries, to_dict
from personaopt.evals.lamp.tables import tables
from personaopt.evals.results import write_json
from personaopt.evals.tasks.task import Task

if TYPE_CHECKING:
    import pandas

SUMMARY, TABLES, PLOTS, CASES = "summary.json", "tables.md", "plots", "cases.html"


@dataclasses.dataclass(frozen=True)
class Report:
    """What was written, and what it says. In a notebook it shows its tables.

    Attributes:
        folder: Of the run.
        tasks: Everything that was computed, a task and data set each.
        plots: The plots as PNG; each has an SVG beside it.
    """

    folder: Path
    tasks: Sequence[TaskSummary] = dataclasses.field(repr=False)
    plots: Sequence[Path] = ()

    def to_dict(self) -> dict[str, Any]:
        """What `summary.json` holds: `{task: {method: figures}}`."""
        return to_dict(self.tasks)

    def rows(self) -> pandas.DataFrame:
        """The rows as a data frame; see `rows_frame`."""
        from personaopt.evals.lamp.frames import rows_frame

        return rows_frame(row for task in self.tasks for row in task.section.rows)

    def figures(self) -> pandas.DataFrame:
        """The cells of the main tables as a data frame; see `figures_frame`."""
        from personaopt.evals.lamp.frames import figures_frame

        return figures_frame(self.tasks)

    def _repr_html_(self) -> str:
        parts = [
            f"<h3>{html.escape(task.section.title)}</h3>" + "".join(table.html() for table in tables(task))
            for task in self.tasks
        ]
        return "".join(parts) or "<p>no rows</p>"


def write_report(
    folder: str | Path,
    *,
    tasks: Sequence[Task] = (),
    users: Sequence[str] = (),
    embedder: Placing = "local",
) -> Report:
    """Write the report of a run into its folder, from `results.jsonl` alone.

    Args:
        folder: Holds `results.jsonl`.
        tasks: Tasks of the run that are not the benchmark's own; without them their figures follow from the rows.
        users: Whose pages `cases.html` holds; without any, those who gained most, lost most and lie in the middle.
        embedder: Places personas on the map: `local` is the local one where it is installed, and `words` else; `words`
            is TF-IDF.

    Raises:
        DataError: There are no results, or they cannot be read.
    """
    folder = Path(folder)
    found = summaries(read_rows(folder), tasks)
    write_json(folder / SUMMARY, to_dict(found))
    (folder / TABLES).write_text(tables_text(found), encoding="utf-8")
    cases = [study for task in found if (study := case_studies(task, users)) is not None]
    write_page(cases, folder / CASES)
    drawn = [path for task in found for path in plots.draw(task, folder / PLOTS)]
    drawn += [path for task in found for path in persona_plots.draw(task, folder / PLOTS, embedder)]
    return Report(folder, found, drawn)


def tables_text(found: Sequence[TaskSummary]) -> str:
    """`tables.md`: every table of every task."""
    parts = ["# Results\n", _READING]
    for task in found:
        parts.append(f"\n## {task.section.title}\n")
        parts += [f"\n{table.markdown()}" for table in tables(task)]
    return "\n".join(parts)


_READING = """Intervals are 95 % bootstrap intervals over users. An empty cell was not run or not measured. NLL and
ECE are of the calibrated probabilities, those called raw of the probabilities as the language model measured them.
"""
