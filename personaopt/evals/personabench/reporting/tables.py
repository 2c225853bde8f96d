"""The tables of a report."""

from __future__ import annotations

from collections.abc import Sequence

from personaopt.evals.personabench.reporting import paper
from personaopt.evals.personabench.reporting.comparing import COMPARED, corrected
from personaopt.evals.personabench.reporting.curves import SINCE_CHANGE, Curve
from personaopt.evals.personabench.reporting.figures import Cost, Figures
from personaopt.evals.personabench.reporting.goals import UNRESOLVED, Goal
from personaopt.evals.personabench.reporting.measures import NAMED
from personaopt.evals.personabench.reporting.selection import GOLDEN, OURS, held
from personaopt.evals.personabench.reporting.summary import Summary
from personaopt.evals.personabench.rows import ROLES
from personaopt.evals.statistics import FEW_USERS, Comparison, Interval
from personaopt.evals.table import Table, p_value, signed

MEANS = (
    "Every figure is a mean over personas of a persona's own mean, so that all personas weigh the same; intervals are "
    "95 % bootstrap intervals over personas. One without width says only that no two personas of the run differ; of a "
    "share that is 0 or 1 throughout it is the exact one of as many sessions."
)
TOO_FEW = f"An interval marked * is of fewer than {FEW_USERS} personas and so too narrow; no p value is given there."
_MAIN = ("helpfulness", "personalization", "similarity", "field_f1", "utterances", "staleness", "tool_accuracy")
_LEARNT = (
    "field_f1", "field_f1_said", "field_f1_after_change", "changes_learnt", "field_precision", "field_recall",
    "similarity", "similarity_coverage", "similarity_correctness", "persona_tokens",
)  # fmt: skip
_ANSWERED = ("utterances", "utterances_knowable", "satisfied", "staleness", "staleness_at_risk")
_PLACES = 10  # how many points of a curve a table has room for


def tables(summary: Summary) -> list[Table]:
    """Every table of one language model, in the order of a report."""
    found = [main_table(summary)]
    if summary.goals:
        found.append(goals_table(summary))
    if summary.golden:
        found.append(golden_table(summary))
    found += [learnt_table(summary), answered_table(summary), cost_table(summary)]
    if summary.versus:
        found.append(versus_table(summary))
    for name in ("field_f1", "utterances"):
        if own := _of_personas(summary.curves.get(name, ()), name):
            found.append(_curve_table(summary, f"{NAMED[name].called} by session", "method \\ session", own, 1))
    if own := _of_personas(summary.curves.get(SINCE_CHANGE, ()), SINCE_CHANGE):
        title = "Field F1, said, by sessions since a lasting change was said"
        found.append(_curve_table(summary, title, "method \\ sessions since", own, 0))
    return found


def main_table(summary: Summary) -> Table:
    """All methods, with the paper's figures in columns of their own."""
    head = ("method", "personas / sessions", *(NAMED[name].called for name in _MAIN))
    rows = [(method, _n(cell), *(_interval(cell.of[name]) for name in _MAIN)) for method, cell in _cells(summary)]
    if any(method in paper.RESULTS for method in summary.cells):
        head += tuple(f"paper: {name}" for name in paper.MEASURED)
        rows = [(*row, *_theirs(row[0])) for row in rows]
    notes = [MEANS, *_definitions(_MAIN), f"Paper: {paper.CALLED}; not comparable with this run's figures."]
    if len({frozenset(held(row) for row in cell if not row.error) for cell in summary.section.cells.values()}) > 1:
        notes.append("Not all methods held the same sessions: these rows are not comparable; comparisons below are.")
    return _table(summary, "Methods", head, rows, notes)


def goals_table(summary: Summary) -> Table:
    """What was to be reached, and whether it was."""
    rows = [(goal.said, _interval(goal.reached), _met(goal)) for goal in summary.goals.values()]
    notes = [
        f"Met or not met only where the whole interval says so and there are at least {FEW_USERS} personas.",
        "Field F1 is of all fields, and one that never changes anything comes near to it: of the changes alone speaks "
        f"{NAMED['changes_learnt'].called}.",
    ]
    return _table(summary, f"Goals of {OURS}", ("goal", "reached [95 %]", "met"), rows, notes)


def golden_table(summary: Summary) -> Table:
    """Every method beside golden, on the sessions that both held."""
    head = (
        "method", "sessions", "utterances / golden's", "the same, knowable", "judged", "wins", "ties", "losses",
    )  # fmt: skip
    rows = []
    for method, each in summary.golden.items():
        ratios = _interval(each.utterances), _interval(each.knowable)
        parts = (_interval(part) for part in (each.win, each.tie, each.loss))
        rows.append((method, str(each.utterances.n), *ratios, str(each.win.n if each.win else ""), *parts))
    notes = [
        "A ratio is that of the two means over personas; personas are drawn with both their values.",
        f"A win: helpfulness and personalization of the first reply add up to more than those of {GOLDEN}'s.",
    ]
    return _table(summary, f"Beside {GOLDEN}", head, rows, notes)


def learnt_table(summary: Summary) -> Table:
    """What the methods hold of their users in the end."""
    head = ("method", "personas ended", *(NAMED[name].called for name in _LEARNT))
    rows = [
        (method, f"{cell.ends} / {cell.sittings}", *_learnt(cell))
        for method, cell in _cells(summary)
        if any(cell.of[name] for name in _LEARNT[:-1])
    ]
    return _table(summary, "What was learnt", head, rows, _definitions(_LEARNT))


def answered_table(summary: Summary) -> Table:
    """What the methods made of it in their replies."""
    head = ("method", *(NAMED[name].called for name in _ANSWERED), "knowable / at risk / all sessions", "failed")
    rows = []
    for method, cell in _cells(summary):
        counts = f"{_count(cell, 'staleness')} / {_count(cell, 'staleness_at_risk')} / {cell.sessions}"
        figures = (_interval(cell.of[name]) for name in _ANSWERED)
        rows.append((method, *figures, counts, str(cell.failed or "")))
    return _table(summary, "How it was answered", head, rows, _definitions(_ANSWERED))


def cost_table(summary: Summary) -> Table:
    """What a session cost."""
    head = ("method", *(f"{role}: calls / tokens" for role in ROLES), "seconds", "USD")
    rows = []
    for method, cell in _cells(summary):
        prices = [cell.costs[role].usd for role in ROLES]
        usd = "" if None in prices else f"{sum(price or 0.0 for price in prices):.4f}"
        rows.append((method, *(_spent(cell.costs[role]) for role in ROLES), f"{cell.seconds:.2f}", usd))
    note = "On average of a session, all sessions weighing the same; seconds without the judge's."
    return _table(summary, "What a session cost", head, rows, [note])


def versus_table(summary: Summary) -> Table:
    """Ours less each other method."""
    names = [name for name in COMPARED if name in summary.versus]
    head = ("less", *(text for name in names for text in (f"{NAMED[name].called} [95 %]", "p, Holm")))
    p_values = {name: corrected(summary.versus[name]) for name in names}
    rows = []
    for other in [method for method in summary.cells if any(method in each for each in summary.versus.values())]:
        cells: list[str] = []
        for name in names:
            compared = summary.versus[name].get(other)
            cells += ("", "") if compared is None else _difference(compared, p_values[name][other])
        rows.append((other, *cells))
    lower = ", ".join(NAMED[name].called for name in names if NAMED[name].sign < 0)
    notes = ["Paired bootstrap over personas on the sessions of both; p values are Holm-corrected in each column."]
    if lower:
        notes.append(f"Positive differences favour {OURS}, negative ones of {lower}.")
    return _table(summary, f"{OURS} less each method", head, rows, notes)


def _table(
    summary: Summary, title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]], notes: Sequence[str]
) -> Table:
    marked = [TOO_FEW] if any(cell.endswith("*") for row in rows for cell in row) else []
    return Table(f"{title}, {summary.section.lm}", tuple(head), tuple(rows), (*notes, *marked))


def _curve_table(summary: Summary, title: str, corner: str, own: Sequence[Curve], first: int) -> Table:
    """A line a method; of many points some are shown, the first and the last among them."""
    places = sorted({at for curve in own for at, _ in curve.points})
    step = max(1, -(-len(places) // _PLACES))
    shown = sorted({*places[::step], places[-1]})
    rows = []
    for curve in own:
        known = dict(curve.points)
        rows.append((curve.method, *(f"{known[at].mean:.3f}" if at in known else "" for at in shown)))
    title = f"{_sentence(title)}, {summary.section.lm}"
    return Table(title, (corner, *(str(at + first) for at in shown)), tuple(rows), ("Intervals are in the plot.",))


def _of_personas(found: Sequence[Curve], name: str) -> list[Curve]:
    """Curves worth a table; golden's persona is so by definition."""
    return [curve for curve in found if curve.method != GOLDEN or name == "utterances"]


def _cells(summary: Summary) -> list[tuple[str, Figures]]:
    return list(summary.cells.items())


def _definitions(names: Sequence[str]) -> list[str]:
    return [f"{_sentence(NAMED[name].called)}: {NAMED[name].said}." for name in names]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _learnt(cell: Figures) -> list[str]:
    tokens = cell.of["persona_tokens"]
    return [*(_interval(cell.of[name]) for name in _LEARNT[:-1]), f"{tokens.mean:.0f}" if tokens else ""]


def _theirs(method: str) -> tuple[str, ...]:
    known = paper.RESULTS.get(method)
    return tuple("" if value is None else f"{value:.2f}" for value in known) if known else ("",) * len(paper.MEASURED)


def _interval(known: Interval | None) -> str:
    return "" if known is None else f"{known}{_mark(known)}"


def _mark(known: Interval) -> str:
    return "*" if known.n_users < FEW_USERS else ""


def _difference(compared: Comparison, p: float) -> tuple[str, str]:
    return signed(compared) + _mark(compared.difference), p_value(compared, p)


def _met(goal: Goal) -> str:
    if goal.met == UNRESOLVED:
        return UNRESOLVED
    return "yes" if goal.met else "no"


def _n(cell: Figures) -> str:
    return f"{cell.personas} / {cell.sessions}"


def _count(cell: Figures, name: str) -> str:
    known = cell.of[name]
    return str(known.n) if known else "0"


def _spent(cost: Cost) -> str:
    return f"{cost.calls:.1f} / {cost.tokens:.0f}" if cost.calls else ""
