"""What a bench is made of: counts, how different its scenes and queries are, and how many are nearly the same."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import personaopt.evals.personabench.files as files
from personaopt.evals.personabench.bench import Bench
from personaopt.evals.personabench.drafts import Filtered
from personaopt.evals.personabench.duplicates import NEAR, near_duplicates
from personaopt.evals.personabench.generation import FILES
from personaopt.evals.personabench.records import Session, depends_on

_WORD = re.compile(r"\w+")


def report_of(bench: Bench, filtered: Sequence[Filtered] = ()) -> dict[str, Any]:
    """The figures of a bench.

    Args:
        bench: The bench.
        filtered: What the last stage kept and left out.
    """
    scenes = {session.scene: session for session in reversed(bench.sessions)}
    pairs = near_duplicates((name, f"{each.context} {each.query}") for name, each in sorted(scenes.items()))
    events = Counter(event.kind for profile in bench.profiles.values() for event in profile.events)
    lasting = [sum(e.kind in ("change", "return") for e in p.events) for p in bench.profiles.values()]
    paths = {held.field for profile in bench.profiles.values() for held in profile.held}
    return {
        "personas": len(bench.profiles),
        "sessions": len(bench.sessions),
        "scenes": {
            "distinct": len(scenes),
            "common": sum(each.kind == "common" for each in scenes.values()),
            "specific": sum(each.kind == "specific" for each in scenes.values()),
            "by_topic": dict(sorted(Counter(each.topic for each in scenes.values()).items())),
        },
        "events": {
            **dict(sorted(events.items())),
            "lasting_changes_a_persona": [min(lasting, default=0), max(lasting, default=0)],
        },
        "sessions_with_a_superseded_value_that_would_mislead": sum(
            any(check.stale for check in session.checks) for session in bench.sessions
        ),
        "fields_asked_about": dict(
            sorted(Counter(path for session in bench.sessions for path in depends_on(session.checks)).items())
        ),
        "near_duplicates": {
            "threshold": NEAR,
            "pairs": len(pairs),
            "share": len(pairs) / max(1, len(scenes)),
            "first": [list(pair) for pair in pairs[:10]],
        },
        "diversity": _diversity(list(scenes.values())),
        "values": {path: _evenness(bench, path) for path in sorted(paths)},
        "filtering": {
            "queries": len(filtered),
            "neutralised": sum(bool(each.revealed) and each.kept for each in filtered),
            "left_out": sum(not each.kept for each in filtered),
        },
    }


def write_report(folder: Path, bench: Bench, more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write a bench's figures beside it.

    Args:
        folder: Where the bench is.
        bench: The bench.
        more: Further figures, such as those of a leak check.

    Raises:
        StoreError: They cannot be written.
    """
    stage = folder / FILES["filtered"]
    filtered = files.read_records(stage, Filtered) if stage.is_file() else []
    report = {**report_of(bench, filtered), **(more or {})}
    files.write_whole(folder / files.REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def _diversity(scenes: Sequence[Session]) -> dict[str, float]:
    queries = [each.query for each in scenes]
    return {
        "distinct_queries": len(set(queries)) / max(1, len(queries)),
        "distinct_contexts": len({each.context for each in scenes}) / max(1, len(scenes)),
        "distinct_bigrams_of_queries": _distinct(queries, 2),
        "distinct_trigrams_of_contexts": _distinct([each.context for each in scenes], 3),
        "words_a_query": sum(len(query.split()) for query in queries) / max(1, len(queries)),
    }


def _distinct(texts: Sequence[str], size: int) -> float:
    """Distinct n-grams as a share of all."""
    words = [_WORD.findall(text.casefold()) for text in texts]
    grams = [tuple(each[at : at + size]) for each in words for at in range(len(each) - size + 1)]
    return len(set(grams)) / max(1, len(grams))


def _evenness(bench: Bench, path: str) -> dict[str, float]:
    """How many values a field has, and how evenly personas have them: 1 is as even as can be."""
    counts = Counter(h.value for profile in bench.profiles.values() for h in profile.held if h.field == path)
    whole = sum(counts.values())
    entropy = -math.fsum(count / whole * math.log(count / whole) for count in counts.values())
    return {"values": len(counts), "evenness": entropy / math.log(len(counts)) if len(counts) > 1 else 0.0}
