"""How much the local model saves by computing once what prompts and answers share.

    python benchmarks/local_lm.py [--quick] [--repeats N] [--json FILE]

Two comparisons in one run, on invented films, with the same model, 32-bit floats, threads and `inference_mode`:

* labels: the fifteen tags of one query, against a plain loop that runs prompt + label through the model one at a time;
* personas: interactions under four candidate personas with shared prefixes, against every prompt by itself.

Each part is measured several times in turn and the fastest counts, because other processes only ever make it slower;
the ratio of processor seconds stands beside that of wall seconds, as it depends less on them. Both ways have to give
the same log-probabilities within 1e-4.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from personaopt.evals.synthetic import synthetic_users
from personaopt.evals.tasks import MovieTag
from personaopt.lm import prompt_form
from personaopt.lm.patience import wait_passively
from personaopt.lm.prefix_cache import PrefixCache
from personaopt.lm.scoring import SequenceScorer

TOLERANCE = 1e-4
LABELS = get_args(MovieTag)
PERSONAS = (
    "- Mostly uses the tags twist ending and dark comedy.\n- Prefers the tag thought-provoking over psychology.",
    "- Says dark comedy of films with a crime in them.\n- Never uses the tags classic, violence and romance.",
    "- For films such as heists and prison breaks the user says action.\n- Recently mostly uses true story.",
    "- Only uses these tags: sci-fi, comedy, action, fantasy.\n- Any film set in the future is sci-fi.",
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one interaction, two short examples, one repeat")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest of so many runs counts (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats is at least 1")
    wait_passively()
    import torch

    from personaopt.lm.local import load_engine
    from personaopt.lm.weights import language_model_folder

    engine = load_engine(language_model_folder(), dtype="float32", device="cpu", cache_tokens=0)
    repeats = 1 if options.quick else options.repeats
    queries = made_queries(interactions=1 if options.quick else 8, retrieved=2 if options.quick else 8)
    result = {
        "model": engine.name,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "quick": options.quick,
        "repeats": repeats,
        "labels": labels_at_once(engine, queries[0][0], repeats),
        "personas": personas_at_once(engine, queries, repeats),
    }
    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    equal = all(result[name]["largest_difference"] <= TOLERANCE for name in ("labels", "personas"))
    if not equal:
        print(f"The two ways differ by more than {TOLERANCE}.", file=sys.stderr)
    return 0 if equal else 1


def made_queries(interactions: int, retrieved: int) -> list[list[str]]:
    """For each interaction its prompt under each persona: examples of about 70 words, a query of about 60."""
    history = synthetic_users("tags", users=1, interactions=2 * interactions * (retrieved + 1), seed=1)[0].history
    texts = [interaction.inputs["description"] for interaction in history]
    pairs = iter([f"{first} {second}" for first, second in zip(texts[::2], texts[1::2], strict=True)])
    queries = []
    for _ in range(interactions):
        examples = [
            {"description": shortened(next(pairs), 70), "tag": LABELS[place % len(LABELS)]}
            for place in range(retrieved)
        ]
        query = {"description": shortened(next(pairs), 60)}
        queries.append(
            [prompt_form.write_prompt(query, examples=examples, persona=persona) + "Tag:" for persona in PERSONAS]
        )
    return queries


def shortened(text: str, words: int) -> str:
    return " ".join(text.split()[:words])


def labels_at_once(engine: Any, prompt: str, repeats: int) -> dict[str, Any]:
    tokens, answers = tokenized(engine, prompt)
    model = engine.scorer.model
    slow, fast = Timing(), Timing()
    for _ in range(repeats):
        for place, answer in enumerate(answers):
            slow.run(place, lambda answer=answer: [plain_score(model, tokens, answer)])
        fast.run(0, lambda: SequenceScorer(model).score([tokens], [answers])[0])
    return compared(slow, fast, prompts=1, prompt_tokens=len(tokens), label_tokens=sum(map(len, answers)))


def personas_at_once(engine: Any, queries: list[list[str]], repeats: int) -> dict[str, Any]:
    """Without: each prompt by itself, though its labels are scored at once all the same."""
    model = engine.scorer.model
    slow, fast = Timing(), Timing()
    lengths = []
    for _ in range(repeats):
        cache = PrefixCache()
        for number, prompts in enumerate(queries):
            pairs = [tokenized(engine, prompt) for prompt in prompts]
            tokens, answers = [prompt for prompt, _ in pairs], [texts for _, texts in pairs]
            lengths += map(len, tokens)
            for place, (prompt, texts) in enumerate(pairs):
                slow.run((number, place), lambda p=prompt, t=texts: SequenceScorer(model).score([p], [t])[0])
            fast.run(number, lambda p=tokens, a=answers, c=cache: flat(SequenceScorer(model, c).score(p, a)))
    return compared(slow, fast, prompts=len(slow.seconds), prompt_tokens=round(sum(lengths) / len(lengths), 1))


class Timing:
    """The fastest run of each part of a job; parts, because what else runs on a machine changes within seconds."""

    def __init__(self) -> None:
        self.seconds: dict[Any, float] = {}
        self.cpu: dict[Any, float] = {}
        self.values: dict[Any, list[float]] = {}

    def run(self, part: Any, work: Callable[[], list[float]]) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        self.values[part] = work()
        self.seconds[part] = min(self.seconds.get(part, float("inf")), time.perf_counter() - start)
        self.cpu[part] = min(self.cpu.get(part, float("inf")), time.process_time() - cpu)


def flat(values: Iterable[list[float]]) -> list[float]:
    return [value for part in values for value in part]


def tokenized(engine: Any, prompt: str) -> tuple[list[int], list[list[int]]]:
    texts = [prompt_form.answer(label) for label in LABELS]
    return engine.tokens.prompt(prompt), engine.tokens.answers(prompt, texts)


def plain_score(model: Any, prompt: list[int], answer: list[int]) -> float:
    """Prompt and label through the model, with logits where the label is read only."""
    import torch

    with torch.inference_mode():
        output = model(input_ids=torch.tensor([[*prompt, *answer]]), logits_to_keep=len(answer) + 1, use_cache=False)
        return output.logits[0, :-1].log_softmax(-1)[range(len(answer)), answer].sum().item()


def compared(slow: Timing, fast: Timing, **more: Any) -> dict[str, Any]:
    pairs = zip(flat(slow.values.values()), flat(fast.values.values()), strict=True)
    before, after = sum(slow.seconds.values()), sum(fast.seconds.values())
    return {
        "seconds_without": round(before, 3),
        "seconds_with": round(after, 3),
        "ratio": round(before / after, 2),
        "cpu_ratio": round(sum(slow.cpu.values()) / sum(fast.cpu.values()), 2),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        **more,
    }


def show(result: dict[str, Any]) -> None:
    print(f"{result['model']}, torch {result['torch']}, {result['threads']} threads, best of {result['repeats']}")
    print(f"{'':<44}{'without':>10}{'with':>10}{'ratio':>8}{'cpu':>8}{'difference':>12}")
    titles = {
        "labels": f"{len(LABELS)} labels of one query, one by one / at once",
        "personas": f"{result['personas']['prompts']} prompts under {len(PERSONAS)} personas",
    }
    for name, title in titles.items():
        row = result[name]
        times = f"{row['seconds_without']:>8.2f} s{row['seconds_with']:>8.2f} s"
        print(f"{title:<44}{times}{row['ratio']:>7.1f}x{row['cpu_ratio']:>7.1f}x{row['largest_difference']:>12.1e}")


if __name__ == "__main__":
    sys.exit(main())
