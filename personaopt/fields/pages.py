"""Fields and timelines as HTML, for notebooks."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

from personaopt.errors import ConfigurationError
from personaopt.fields.paths import Slot, day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from personaopt.fields.timeline import Timeline

SHARPNESS = 2.0
"""Points of the picture for each of the page's."""


def fields_table(values: Mapping[str, Any], slots: Mapping[str, Slot]) -> str:
    """The known values as a table of groups, fields and values."""
    rows = []
    before = ""
    for path, value in values.items():
        slot, group = slots[path], path.partition(".")[0]
        texts = [slot.text(each) for each in (value if slot.many else [value])]
        shown = "" if group == before else html.escape(group)
        before = group
        rows.append(
            f"<tr><td><small>{shown}</small></td><td>{html.escape(slot.title)}</td>"
            f"<td>{html.escape('; '.join(texts))}</td></tr>"
        )
    return _table(("group", "field", "value"), rows) if rows else "<p><em>no field is known</em></p>"


def timeline_page(timeline: Timeline) -> str:
    """A timeline as a picture, where matplotlib is installed, with its table behind a switch."""
    table = timeline_table(timeline)
    try:
        figure = timeline.figure()
    except ConfigurationError:
        return table
    from personaopt.fields.drawing import write

    picture = io.BytesIO()
    write(figure, picture, "png", dpi=96 * SHARPNESS)
    data = base64.b64encode(picture.getvalue()).decode()
    width = round(96 * figure.get_figwidth())
    return (
        f'<img src="data:image/png;base64,{data}" style="width:{width}px;max-width:100%" alt="timeline">'
        f"<details><summary>as a table</summary>{table}</details>"
    )


def timeline_table(timeline: Timeline) -> str:
    """A timeline as a table: a row a value."""
    rows = []
    for span in timeline.spans:
        name = html.escape(span.value)
        value = name if span.true else f"<s>{name}</s>"
        rows.append(
            f"<tr><td>{html.escape(span.title)}</td><td>{value}</td><td>{_day(span.begin)}</td><td>{_day(span.end)}</td>"
            f"<td>{span.kind}</td><td>{html.escape(', '.join(span.evidence))}</td></tr>"
        )
    head = ("field", "value", "from", "until", "kind", "evidence")
    return _table(head, rows) if rows else "<p><em>no field is known</em></p>"


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _day(time: float | None) -> str:
    return "" if time is None else day(time)
