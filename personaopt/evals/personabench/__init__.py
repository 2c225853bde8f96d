"""PersonaBench (arXiv 2412.13103): personas that change over a lifetime of sessions, generated in five stages.

`generate` makes a bench with any backend, `load_bench` and `as_datasets` read it, `report_of` and `leaks` say what it
is worth, and `checks` decides by rule whether a reply is right.
"""

from __future__ import annotations

from personaopt.evals.personabench.backend import Backend
from personaopt.evals.personabench.bench import Bench, as_datasets, load_bench
from personaopt.evals.personabench.diversity import report_of, write_report
from personaopt.evals.personabench.fields import BenchFields, Life
from personaopt.evals.personabench.generation import Size, generate
from personaopt.evals.personabench.leaks import Leak, leaks
from personaopt.evals.personabench.offline import OfflineBackend
from personaopt.evals.personabench.records import Call, Check, Event, Function, Held, Profile, Remark, Session

__all__ = [
    "Backend",
    "Bench",
    "BenchFields",
    "Call",
    "Check",
    "Event",
    "Function",
    "Held",
    "Leak",
    "Life",
    "OfflineBackend",
    "Profile",
    "Remark",
    "Session",
    "Size",
    "as_datasets",
    "generate",
    "leaks",
    "load_bench",
    "report_of",
    "write_report",
]
