"""What an aligned persona is worth on real histories, next to everything simpler.

    python benchmarks/alignment_lift.py --data LaMP_2M_like --lm local --seeds 3 --json lift.json

Every user's last questions in time order, memory strictly before each question; personas are learnt from before the
first of them. All rows answer the same questions, and the label scores of all rows are calibrated by the same step,
with weights that were fitted on other users of other data (`fit_calibration.py`). Intervals are paired bootstraps over
users. With `--records` what was measured is kept, one line a user and seed, and a run that was stopped goes on from it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import personaopt as po
from personaopt.evals.answers import Decided, Written
from personaopt.evals.exams import Exam, KnownTexts, replay
from personaopt.evals.lamp import data as lamp
from personaopt.evals.lift import evaluate, frequent_persona
from personaopt.evals.metrics import classification
from personaopt.evals.statistics import paired_bootstrap
from personaopt.evals.tasks import Task, task_for
from personaopt.lm.calibration import RAW, Calibration, fit
from personaopt.optimizers.acceptance import AcceptAll
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.persona import Persona

FOLDS = 5
# Which calibrations each row is shown under: its own step, and with the user's label prior.
DIRECT, RECALLING = ("direct", "direct+frequencies"), ("model", "model+frequencies")
LM_ROWS = {
    "LM": DIRECT,
    "LM + frequent-labels persona": DIRECT,
    "LM + retrieval": RECALLING,
    "LM + retrieval + frequent-labels persona": RECALLING,
    "LM + retrieval + aligned persona, no acceptance": RECALLING,
    "LM + retrieval + aligned persona": RECALLING,
}
EMPTY, ALIGNED = "LM + retrieval", "LM + retrieval + aligned persona"
PRIOR = " × label prior"


def main() -> None:
    """Run what is asked for, print the tables, write the figures."""
    options = _options()
    started = time.monotonic()
    users = lamp.load_lamp(options.data)
    task = task_for(options.data.name)
    if options.tuning is not None:
        users = [user for user in users if lamp.is_tuning_user(user.user_id) == (options.tuning == "yes")]
    users = users[: options.users or None]
    if options.lm == "local":
        po.configure_local(dtype=options.dtype)
    else:
        import dspy

        dspy.configure(lm=dspy.LM(options.lm))
    records = _measured(options, users, task)
    report = _decided_report(records, task) if task.labels else _written_report(records)
    report |= {
        "retrieve": options.retrieve,
        "data": options.data.name,
        "lm": options.lm,
        "dtype": options.dtype,
        "seeds": options.seeds,
    }
    report["minutes"] = round((time.monotonic() - started) / 60, 1)
    print(report.pop("text"))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder in LaMP's format")
    parser.add_argument("--lm", default="local", help="local, or PROVIDER/MODEL")
    parser.add_argument(
        "--dtype", default="float32", help="of the local model; bfloat16 is three times as fast on some CPUs"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--retrieve", type=int, default=8, help="memories in the prompt")
    parser.add_argument("--users", type=int, default=0, help="the first so many; all when 0")
    parser.add_argument("--questions", type=int, default=5, help="most questions of a user")
    parser.add_argument("--tuning", choices=["yes", "no"], help="only users for tuning, or only those for reporting")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--records", type=Path, help="keep what was measured here, and go on from it")
    return parser.parse_args()


def _measured(options: argparse.Namespace, users: Sequence[lamp.UserHistory], task: Task) -> list[dict[str, Any]]:
    """One record a user and seed: what was measured for every question under every persona."""
    records = []
    if options.records and options.records.exists():
        records = [json.loads(line) for line in options.records.read_text(encoding="utf-8").splitlines()]
    done = {(record["seed"], record["user"]) for record in records}
    embedder = KnownTexts(po.local_embedder())
    for seed in range(options.seeds):
        for user in users:
            if (seed, user.user_id) in done:
                continue
            record = _user_record(user, task, seed, embedder, options)
            records.append(record)
            if options.records:
                with options.records.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
            print(f"seed {seed}, {user.user_id}: {record['calls']} calls, {record['seconds']:.0f} s", file=sys.stderr)
    wanted = {user.user_id for user in users}
    return [record for record in records if record["user"] in wanted and record["seed"] < options.seeds]


def _user_record(
    user: lamp.UserHistory, task: Task, seed: int, embedder: KnownTexts, options: argparse.Namespace
) -> dict[str, Any]:
    exam = Exam.of_lamp(user, options.questions)
    started = time.monotonic()

    def agent(retrieve: int) -> po.PersonaAgent:
        owner = po.open_store(":memory:", embedder=embedder).user(exam.user_id)
        owner.record(exam.history)
        return po.PersonaAgent(task.signature, user=owner, retrieve=retrieve)

    aligned = PersonaAligner(seed=seed).compile(agent(options.retrieve))
    seconds = time.monotonic() - started
    answers: dict[str, Sequence[Any]] = {}
    recalling = {EMPTY: Persona(), ALIGNED: aligned.persona}
    if task.labels:
        ungated = PersonaAligner(seed=seed, acceptance=AcceptAll(), candidates=1).compile(agent(options.retrieve))
        recalling["LM + retrieval + aligned persona, no acceptance"] = ungated.persona
        recalling["LM + retrieval + frequent-labels persona"] = frequent_persona(agent(0), exam.history)
    recalling_agent, direct_agent = agent(options.retrieve), agent(0)
    generate = not task.labels and seed == 0
    answers |= evaluate(recalling_agent, replay(recalling_agent, exam), recalling, generate=generate)
    if seed == 0:
        direct = {"LM": Persona()}
        if task.labels:
            direct["LM + frequent-labels persona"] = recalling["LM + retrieval + frequent-labels persona"]
        answers |= evaluate(direct_agent, replay(direct_agent, exam), direct, generate=generate)
    return {
        "seed": seed,
        "user": exam.user_id,
        "history": len(exam.history),
        "persona": [statement.id for statement in aligned.persona.statements],
        "calls": aligned.detailed_results.usage.calls,
        "tokens": aligned.detailed_results.usage.tokens,
        "seconds": seconds,
        "rows": {name: [_dumped(answer) for answer in row] for name, row in answers.items()},
    }


def _dumped(answer: Decided | Written) -> dict[str, Any]:
    if isinstance(answer, Written):
        rouge = answer.rouge_l if answer.generated else None
        return {"nll_per_token": answer.nll_per_token, "rouge_l": rouge}
    features = {name: values.tolist() for name, values in (answer.features or {}).items()}
    return {"truth": answer.truth, "labels": list(answer.measured or {}), "features": features}


# --- labels ----------------------------------------------------------------------------------------------------------


class Row:
    """The answers of one row, by user: probabilities of all labels and the place of the truth."""

    def __init__(self, answers: Mapping[str, list[tuple[np.ndarray, int, list[str]]]]) -> None:
        self.answers = answers
        self.nll = {u: [-float(np.log(max(p[y], 1e-12))) for p, y, _ in row] for u, row in answers.items()}
        self.right = {u: [float(p.argmax() == y) for p, y, _ in row] for u, row in answers.items()}

    def figures(self, seeds: int) -> dict[str, Any]:
        """NLL and accuracy with intervals over users, and macro-F1 over the whole label list, mean over seeds."""
        nll, right = paired_bootstrap(self.nll), paired_bootstrap(self.right)
        everything = [entry for row in self.answers.values() for entry in row]
        figures = classification(
            [labels[int(p.argmax())] for p, _, labels in everything],
            [labels[y] for _, y, labels in everything],
            everything[0][2],
        )
        return {
            "nll": [nll.mean, nll.low, nll.high],
            "accuracy": [right.mean, right.low, right.high],
            "macro_f1": figures["f1"],
            "users": nll.n_users,
            "n": nll.n // seeds,
        }


def _decided_report(records: Sequence[dict[str, Any]], task: Task) -> dict[str, Any]:
    seeds = 1 + max(record["seed"] for record in records)
    collected = _collected(records, seeds)
    rows: dict[str, tuple[Row, Row, Row]] = {}  # raw, calibrated as shipped, calibrated in cross-validation
    for name, feature in (("label frequencies", "frequencies"), ("neighbours' vote", "neighbours")):
        rows[name] = _row(collected[EMPTY], Calibration({feature: 1.0}), Calibration.shipped(feature))
    for name, (own, with_prior) in LM_ROWS.items():
        rows[name] = _row(collected[name], RAW, Calibration.shipped(own))
        rows[name + PRIOR] = _row(collected[name], RAW, Calibration.shipped(with_prior))
    rows["personaopt"] = _row(collected[ALIGNED], RAW, Calibration.shipped())
    figures = {
        name: {"raw": raw.figures(seeds), "calibrated": shipped.figures(seeds), "cross_fitted": crossed.figures(seeds)}
        for name, (raw, shipped, crossed) in rows.items()
    }
    gains = {
        f"{kind}: {name} − {other}": _gain(rows[name][place], rows[other][place])
        for place, kind in enumerate(("raw", "calibrated", "cross-fitted"))
        for name, other in [
            (ALIGNED, EMPTY),
            (ALIGNED + PRIOR, EMPTY + PRIOR),
            *(("personaopt", o) for o in rows if o != "personaopt"),
        ]
        if not (kind == "raw" and (name == "personaopt" or PRIOR in name))
    }
    cost = {key: float(np.mean([record[key] for record in records])) for key in ("calls", "tokens", "seconds")}
    return {"rows": figures, "gains": gains, "alignment": cost, "text": _table(figures, gains, cost)}


def _collected(records: Sequence[dict[str, Any]], seeds: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Answers by row and user, all seeds of a user in one list; a row that no seed changes counts the same for each."""
    collected: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        for name, answers in record["rows"].items():
            times = seeds if name in ("LM", "LM + frequent-labels persona") else 1
            collected[name][record["user"]] += answers * times
    return collected


def _row(by_user: Mapping[str, list[dict[str, Any]]], raw: Calibration, shipped: Calibration) -> tuple[Row, Row, Row]:
    features = {u: [{k: np.array(v) for k, v in a["features"].items()} for a in row] for u, row in by_user.items()}

    def under(calibrations: Mapping[str, Calibration]) -> Row:
        return Row({
            user: [
                (calibrations[user].probabilities(f), answer["labels"].index(answer["truth"]), answer["labels"])
                for f, answer in zip(features[user], row, strict=True)
            ]
            for user, row in by_user.items()
        })  # fmt: skip

    crossed = {}
    for fold in range(FOLDS):
        rest = [user for place, user in enumerate(sorted(by_user)) if place % FOLDS != fold]
        places = [a["labels"].index(a["truth"]) for user in rest for a in by_user[user]]
        # A single user leaves nothing to fit on.
        evidence = [f for user in rest for f in features[user]]
        mixed = next(iter(shipped.shares), None)
        fitted = fit(evidence, places, list(shipped.weights), mixed=mixed) if evidence else shipped
        crossed |= {user: fitted for place, user in enumerate(sorted(by_user)) if place % FOLDS == fold}
    return under(dict.fromkeys(by_user, raw)), under(dict.fromkeys(by_user, shipped)), under(crossed)


def _gain(row: Row, other: Row) -> dict[str, list[float]]:
    """How much lower the NLL and how much higher the accuracy of a row is than of another, with intervals."""
    nll, right = paired_bootstrap(other.nll, row.nll), paired_bootstrap(row.right, other.right)
    return {"nll": [nll.mean, nll.low, nll.high], "accuracy": [right.mean, right.low, right.high]}


def _table(figures: Mapping[str, Any], gains: Mapping[str, Any], cost: Mapping[str, float]) -> str:
    n = next(iter(figures.values()))["raw"]
    lines = [f"{n['n']} questions of {n['users']} users", ""]
    head = (
        f"{'row':58}{'raw':>7}{'calibrated':>12}{'[95 %]':>14}{'acc':>6}{'[95 %]':>14}{'F1':>6}{'cross':>7}{'acc':>6}"
    )
    lines += [head, "-" * len(head)]
    for name, row in figures.items():
        raw, shipped, crossed = row["raw"], row["calibrated"], row["cross_fitted"]
        first = "" if PRIOR in name or name == "personaopt" else f"{raw['nll'][0]:.3f}"
        lines.append(
            f"{name:58}{first:>7}{shipped['nll'][0]:>12.3f}{_interval(shipped['nll']):>14}{shipped['accuracy'][0]:>6.3f}"
            f"{_interval(shipped['accuracy']):>14}{shipped['macro_f1']:>6.3f}{crossed['nll'][0]:>7.3f}{crossed['accuracy'][0]:>6.3f}"
        )
    lines += ["", "gain in NLL and accuracy, paired over users, 95 % intervals"]
    for name, gain in gains.items():
        nll, right = gain["nll"], gain["accuracy"]
        lines.append(f"{name}\n    NLL {nll[0]:+.3f} {_interval(nll)}   accuracy {right[0]:+.3f} {_interval(right)}")
    lines.append(
        f"\none alignment: {cost['calls']:.0f} LM calls, {cost['tokens']:.0f} tokens, {cost['seconds']:.1f} s (mean)"
    )
    return "\n".join(lines)


def _interval(values: Sequence[float]) -> str:
    return f"[{values[1]:.2f}, {values[2]:.2f}]"


# --- texts -----------------------------------------------------------------------------------------------------------


def _written_report(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    values: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    seeds = 1 + max(record["seed"] for record in records)
    for record in records:
        for name, answers in record["rows"].items():
            for answer in answers:
                times = seeds if name == "LM" else 1
                values[name]["nll_per_token"][record["user"]] += [answer["nll_per_token"]] * times
                if answer["rouge_l"] is not None:
                    values[name]["rouge_l"][record["user"]].append(answer["rouge_l"])
    figures, lines = {}, []
    for name, by_measure in values.items():
        found = {measure: paired_bootstrap(by_user) for measure, by_user in by_measure.items()}
        figures[name] = {measure: [i.mean, i.low, i.high] for measure, i in found.items()}
        shown = "   ".join(f"{m} {v[0]:.3f} {_interval(v)}" for m, v in figures[name].items())
        lines.append(
            f"{name:36}{shown}   n={found['nll_per_token'].n // seeds}, users={found['nll_per_token'].n_users}"
        )
    gains = {}
    for name, other in ((EMPTY, "LM"), (ALIGNED, EMPTY)):
        nll = paired_bootstrap(values[other]["nll_per_token"], values[name]["nll_per_token"])
        rouge = paired_bootstrap(values[name]["rouge_l"], values[other]["rouge_l"])
        gains[f"{name} − {other}"] = {
            "nll_per_token": [nll.mean, nll.low, nll.high],
            "rouge_l": [rouge.mean, rouge.low, rouge.high],
        }
        lines.append(
            f"{name} − {other}: NLL a token lower by {nll.mean:+.3f} [{nll.low:+.3f}, {nll.high:+.3f}], "
            f"ROUGE-L higher by {rouge.mean:+.3f} [{rouge.low:+.3f}, {rouge.high:+.3f}]"
        )
    cost = {key: float(np.mean([record[key] for record in records])) for key in ("calls", "tokens", "seconds")}
    lines.append(
        f"one alignment: {cost['calls']:.0f} LM calls, {cost['tokens']:.0f} tokens, {cost['seconds']:.1f} s (mean)"
    )
    return {"rows": figures, "gains": gains, "alignment": cost, "text": "\n".join(lines)}


if __name__ == "__main__":
    main()
