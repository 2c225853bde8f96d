"""The page of single users: their persona before and after, word by word, and what it changed in their answers.

One HTML file that loads nothing: no scripts, no fonts, no pictures. All texts are escaped.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Sequence
from pathlib import Path

from personaopt.evals.lamp.case_studies import CaseStudies, CaseStudy
from personaopt.evals.lamp.rows import Row
from personaopt.evals.lamp.selection import OURS

_SHORT = 150
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 2px solid #0072B2; }
article { margin: 1.5rem 0; padding: 1rem 1.25rem; border: 1px solid #ddd; border-radius: 6px; }
h3 { margin: 0 0 .5rem; font-size: 1.05rem; overflow-wrap: anywhere; } h4 { margin: 0 0 .3rem; font-size: .85rem; color: #555; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } .sides > div { background: #f7f7f7; padding: .7rem .9rem; border-radius: 4px; }
@media (max-width: 45rem) { .sides { grid-template-columns: 1fr; } }
p.persona { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
del { background: #fbe0cc; color: #7a3300; } ins { background: #cce4f4; color: #00395a; text-decoration: none; font-weight: 600; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #e2e2e2; overflow-wrap: anywhere; }
td:first-child { width: 42%; } summary { cursor: pointer; } .better { color: #0072B2; font-weight: 600; } .worse { color: #B24700; font-weight: 600; }
.note { color: #555; margin: .2rem 0; }
"""  # noqa: E501


def page(found: Sequence[CaseStudies]) -> str:
    """The page's HTML."""
    body = "".join(map(_task, found)) or "<p>No personas were learnt in this run.</p>"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Personas before and after alignment</title><style>{_STYLE}</style></head><body>"
        "<h1>Personas before and after alignment</h1>"
        '<p class="note">What the alignment took away is <del>marked so</del>, what it brought <ins>so</ins>.</p>'
        f"{body}</body></html>\n"
    )


def write_page(found: Sequence[CaseStudies], path: Path) -> Path:
    """Write the page and return its path."""
    path.write_text(page(found), encoding="utf-8")
    return path


def word_diff(before: str, after: str) -> tuple[str, str]:
    """Two texts as HTML, with the words that only one of them has marked; lines stay lines."""
    old, new = (re.findall(r"\n|[^\s]+", text) for text in (before, after))
    left, right = [], []
    for change, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = change == "equal"
        left.append(_words(old[a:b], "" if same else "del"))
        right.append(_words(new[c:d], "" if same else "ins"))
    return _joined(left), _joined(right)


def _task(found: CaseStudies) -> str:
    section = found.summary.section
    how = f"{len(found.chosen)} of {found.users} users"
    if found.spread:
        how += ": two each that gained most, that lie in the middle, and that lost most"
    note = f"{section.lms[0]}, {how}."
    if found.reference:
        note += f" Compared with {found.reference}; gains are in {found.unit}."
    cases = "".join(_case(study, found) for study in found.chosen)
    return f'<section><h2>{_text(section.title)}</h2><p class="note">{_text(note)}</p>{cases}</section>'


def _case(study: CaseStudy, found: CaseStudies) -> str:
    each = study.learnt
    left, right = word_diff(each.personas[0], each.personas[-1])
    sides = "".join(
        f'<div><h4>{name}</h4><p class="persona">{text or "<em>empty</em>"}</p></div>'
        for name, text in (("Before", left), ("Aligned", right))
    )
    facts = [f"edits kept: {each.accepted}, refused: {each.refused}"]
    if each.losses:
        facts.append("mean loss " + " → ".join(f"{loss:.3f}" for loss in each.losses))
    if study.gain is not None:
        facts.append(f"gain on the questions {study.gain:+.3f}")
    if each.favourite:
        facts.append(f"most frequent answer: {each.favourite}")
    return (
        f'<article><h3>User {_text(each.user)}</h3><p class="note">{_text("; ".join(facts))}</p>'
        f'<div class="sides">{sides}</div>{_questions(study, found)}</article>'
    )


def _questions(study: CaseStudy, found: CaseStudies) -> str:
    head = ["Question", "The user said", *([found.reference] if found.reference else []), OURS, "Change"]
    rows = []
    for without, ours in study.questions:
        cells = [_asked(ours), _text(ours.gold)]
        if found.reference:
            cells.append("" if without is None else _answer(without))
        cells += [_answer(ours), "" if without is None else _change(without, ours, found)]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = "".join(f"<th>{_text(name)}</th>" for name in head)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _asked(row: Row) -> str:
    text = "\n".join(f"{name}: {value}" for name, value in (row.inputs or {}).items()) or f"question {row.question}"
    if len(text) <= _SHORT:
        return _text(text)
    return f'<details><summary>{_text(text[:_SHORT])}…</summary><p class="persona">{_text(text)}</p></details>'


def _answer(row: Row) -> str:
    if row.error:
        return f"<em>failed: {_text(row.error)}</em>"
    said = _text(row.prediction)
    if row.probabilities:
        said += f'<br><span class="note">truth: {row.probabilities.get(row.gold.strip(), 0.0):.2f}</span>'
    return said


def _change(without: Row, ours: Row, found: CaseStudies) -> str:
    measure = found.summary.section.measure
    gain = measure.sign * (measure.value(ours) - measure.value(without))
    if gain > 0:
        return '<span class="better">better</span>'
    return '<span class="worse">worse</span>' if gain < 0 else "same"


def _words(words: Sequence[str], mark: str) -> list[str]:
    """Escaped words, each run of them within a line in its mark."""
    parts: list[str] = []
    run: list[str] = []
    for word in [*words, "\n"]:
        if word != "\n":
            run.append(html.escape(word))
            continue
        if run:
            text = " ".join(run)
            parts.append(f"<{mark}>{text}</{mark}>" if mark else text)
            run = []
        parts.append("\n")
    return parts[:-1]


def _joined(runs: Sequence[Sequence[str]]) -> str:
    text = ""
    for part in (part for run in runs for part in run):
        text += part if part == "\n" or not text or text.endswith("\n") else f" {part}"
    return text


def _text(text: str) -> str:
    return html.escape(text)
