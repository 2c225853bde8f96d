"""What the experiment's harness costs beside the language model: wall time of a run against its bare LM calls.

    python benchmarks/harness_overhead.py [--lm local|served|both] [--users 2] [--questions 3] [--out FILE]

Users are invented. A run is the real one: memory in SQLite, recall, prompts, calibration, a row on the disk after every
question; one user at a time, so that nothing hides behind another user's calls. The engine of the LM is timed from
inside: its bare time is that during which at least one request is with it. The embedder is a model, too, and is timed
in the same way. What is left of the wall time is the harness with DSPy; the goal is at most 3 % of the LM's time.
Beside busy processes it waits for its turn; the processor time that it took itself, which the served LM does not take
any of, stands beside it.

* local: the small local model in this process.
* served: an engine that answers every request after `--seconds`, with guesses in the form that is asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dspy

from personaopt.evals.exams import KnownTexts
from personaopt.evals.guessing import GuessingEngine
from personaopt.evals.lamp.calibrating import Calibrations
from personaopt.evals.lamp.data import Question, UserHistory
from personaopt.evals.lamp.experiment import DataSet, Protocol
from personaopt.evals.lamp.methods.method import Setting
from personaopt.evals.lamp.methods.registry import METHODS
from personaopt.evals.lamp.results import Results
from personaopt.evals.lamp.running import Experiment, Run
from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import LAMP_2M
from personaopt.interaction import Interaction
from personaopt.memory.embedding import local_embedder

GOAL = 0.03
CHOSEN = "prompt,icl,rag,pag,personaagent,personaopt"


class Timed:
    """The time during which at least one call of a function is under way."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.seconds = 0.0
        self.calls = 0
        self._function = function
        self._under_way = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            if not self._under_way:
                self._since = time.perf_counter()
            self._under_way += 1
            self.calls += 1
        try:
            return self._function(*arguments, **options)
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self.seconds += time.perf_counter() - self._since


class TimedEmbedder:
    """An embedder with a clock."""

    def __init__(self, embedder: Any) -> None:
        self.name = embedder.name
        self.timed = Timed(embedder)
        self.processor_seconds = 0.0

    def __call__(self, texts: Sequence[str]) -> Any:
        began = time.process_time()
        vectors = self.timed(texts)
        self.processor_seconds += time.process_time() - began
        return vectors


class Waiting(GuessingEngine):
    """Guesses after a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__(None)
        self.seconds = seconds

    def complete(self, request: Any) -> Any:
        response = super().complete(request)
        time.sleep(self.seconds)
        return response


def invented(users: int, interactions: int, questions: int) -> DataSet:
    """Users whose last interactions are asked."""
    people = []
    for person in synthetic_users("tags", users=users, interactions=interactions, seed=11):
        history: list[Interaction] = list(person.history)
        asked = tuple(
            Question(item.id, person.user_id, item.inputs, item.ground_truth, item.time, tuple(history[:place]))
            for place, item in enumerate(history)
            if place >= len(history) - questions
        )
        people.append(UserHistory(person.user_id, asked[0].profile, asked, tuple(history[:-1])))
    return DataSet("invented", LAMP_2M, tuple(people), "invented")


def measured(lm: dspy.LM, data: DataSet, methods: Sequence[str], questions: int) -> dict[str, Any]:
    """One run with everything that is a model timed."""
    embedder = TimedEmbedder(local_embedder())
    protocol = Protocol(per_user=questions, who="all")
    experiment = Experiment(
        data=[data],
        lms={"lm": lambda: lm},
        jobs=protocol.jobs(["main"], methods, named=True, own={}),
        protocol=protocol,
        methods=METHODS,
        setting=Setting(data.task),
        calibrations=Calibrations.load(),
        embedder=KnownTexts(embedder),
    )
    engine: Any = lm.engine
    timed = engine.complete = Timed(engine.complete)
    try:
        with tempfile.TemporaryDirectory() as folder, Results(Path(folder)) as results:
            began, processor = time.perf_counter(), time.process_time()
            tally = Run(experiment, results, concurrency=1).go()
            wall, processor = time.perf_counter() - began, time.process_time() - processor
    finally:
        del engine.complete
    rest = wall - timed.seconds - embedder.timed.seconds
    return {
        "methods": list(methods),
        "users": len(data.users),
        "questions": tally.done,
        "errors": tally.errors,
        "calls": timed.calls,
        "wall_s": round(wall, 3),
        "lm_s": round(timed.seconds, 3),
        "embedding_s": round(embedder.timed.seconds, 3),
        "harness_s": round(rest, 3),
        "ms_a_call": round(1000 * rest / max(timed.calls, 1), 2),
        "overhead": round(rest / timed.seconds, 4),
        "processor_s_without_embedding": round(processor - embedder.processor_seconds, 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm", choices=("local", "served", "both"), default="both")
    parser.add_argument("--users", type=int, default=2)
    parser.add_argument("--interactions", type=int, default=40)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--methods", default=CHOSEN)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one call of the served LM")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if min(given.users, given.questions) < 1 or given.interactions <= given.questions or given.seconds <= 0:
        parser.error("there is at least one user, one question, and a history before it")
    methods = given.methods.split(",")
    found: dict[str, Any] = {}
    for name in ("local", "served") if given.lm == "both" else (given.lm,):
        if name == "local":
            from personaopt.lm.local import local_lm

            lm = local_lm(max_tokens=96)
        else:
            lm = dspy.LM("waiting/guesses", engine=Waiting(given.seconds), cache=False, num_retries=0)
        warm = invented(1, 12, 1)
        measured(lm, warm, methods, 1)  # what is loaded on first use is no cost of a run
        data = invented(given.users, given.interactions, given.questions)
        found[name] = measured(lm, data, methods, given.questions)
    document = {"goal": GOAL, "met": all(each["overhead"] <= GOAL for each in found.values()), "lms": found}
    for name, each in found.items():
        print(
            f"{name}: {each['questions']} questions, {each['calls']} calls; wall {each['wall_s']:.1f} s, LM "
            f"{each['lm_s']:.1f} s, embedding {each['embedding_s']:.1f} s, harness {each['harness_s']:.2f} s = "
            f"{each['overhead']:.1%} of the LM ({each['ms_a_call']} ms a call); "
            f"processor {each['processor_s_without_embedding']:.2f} s; "
            f"goal {GOAL:.0%}"
        )
    if given.out:
        given.out.write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
