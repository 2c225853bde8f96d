"""The methods that ask no LM: what the user mostly said, and what the user said in the most similar cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dspy
import numpy as np

from personaopt.evals.baselines import most_frequent, nearest_response
from personaopt.evals.lamp.deciding import median
from personaopt.evals.lamp.methods.method import NOTHING_LEARNT, Preparation, Setting
from personaopt.interaction import Interaction, query_text
from personaopt.memory import User
from personaopt.memory.choices import spelled
from personaopt.memory.embedding import unit_rows
from personaopt.memory.episodic import Memory
from personaopt.memory.options import Options, chosen, options_for
from personaopt.memory.priors import label_frequencies, neighbour_vote
from personaopt.signatures.standing import stands_for

NEAREST = 3
"""How many of the user's nearest texts speak for an option."""
MOST_TEXTS = 256
"""The latest of the user's texts that options are compared with."""


class Counting(dspy.Module):
    """What both share: the user's earlier answers, and an answer where there are none.

    The prediction has `shares` beside the answer where there is a closed set: the distribution that it was taken from.
    It is not called `probabilities`, because no LM measured it and no calibration is due.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self.user = user
        self.task = setting.task

    def prepare(self) -> Preparation:
        """Nothing to learn: the memory is read when the question comes."""
        return NOTHING_LEARNT

    def said(self, item: Interaction) -> str | None:
        """What the user said to an item, as a text; None where that is not known, or none of the labels."""
        truth = item.ground_truth.get(self.task.output)
        text = None if truth is None else spelled(truth)
        return text if text is not None and (text in self.task.labels or not self.task.labels) else None

    def options(self, inputs: Mapping[str, Any]) -> Options | None:
        """The texts behind the labels, where they stand for options of the question."""
        return options_for(self.task.signature.output_fields[self.task.output], inputs)

    def answered(self, text: str, shares: Mapping[str, float] | None = None) -> dspy.Prediction:
        """The prediction that says so."""
        told = {"shares": {self.task.output: dict(shares)}} if shares else {}
        return dspy.Prediction(**{self.task.output: text}, **told)

    def without_history(self) -> dspy.Prediction:
        """The answer where nothing is known: the middle label of a scale, else the first; no text."""
        labels = self.task.labels
        middle = labels[len(labels) // 2] if self.task.kind == "rating" else labels[0] if labels else ""
        return self.answered(middle)


class Majority(Counting):
    """The user's most frequent label, the mean of the user's ratings, the most typical of the user's texts."""

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """The same answer to every question, from what is known when it is asked; of options the one chosen most."""
        if options := self.options(inputs):
            return self._chosen_most(options)
        said = [text for item in self.user.history() if (text := self.said(item)) is not None]
        if not said:
            return self.without_history()
        if self.task.kind == "rating":  # LaMP's metric takes a rating that is no label
            mean = float(np.mean([float(rating) for rating in said]))
            return self.answered(f"{mean:.6g}", label_frequencies(said, self.task.labels))
        if self.task.labels:
            return self.answered(most_frequent(said)[0], label_frequencies(said, self.task.labels))
        return self.answered(self._most_typical(said))

    def _chosen_most(self, options: Options) -> dspy.Prediction:
        """The option whose very text the user chose most often before; of equals the first."""
        earlier = [Memory(item, 0.0) for item in self.user.history()]
        counts = options.chosen_before(self.task.output, earlier)
        return self.answered(max(options.texts, key=lambda label: counts[label]))

    def _most_typical(self, texts: Sequence[str]) -> str:
        """The text that is most similar to all others by the store's embedder; of equals the newest."""
        embedder = self.user.store.embedder
        vectors = unit_rows(embedder(list(texts)), len(texts), embedder.name)
        closeness = vectors @ vectors.sum(axis=0)
        return texts[max(range(len(texts)), key=lambda place: (closeness[place], place))]


class Nearest(Counting):
    """What the user said in the most similar cases: a vote for labels, its median for ratings, the nearest text."""

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """The vote of everything that is known when the question is asked."""
        if options := self.options(inputs):
            return self._nearest_option(options)
        known = [
            (memory.similarity, text)
            for memory in self.user.similarities(self.task.retrieval(inputs))
            if (text := self.said(memory.interaction)) is not None
        ]
        if not known:
            return self.without_history()
        similarities, said = [similarity for similarity, _ in known], [text for _, text in known]
        if not self.task.labels:
            return self.answered(nearest_response(similarities, said))
        shares = neighbour_vote(similarities, said, self.task.labels)
        if self.task.kind == "rating":
            return self.answered(median(shares), shares)
        return self.answered(max(shares, key=lambda label: shares[label]), shares)

    def _nearest_option(self, options: Options) -> dspy.Prediction:
        """The option most similar to what the user wrote and chose before, by the mean of the nearest few texts."""
        texts = self._own_texts(options)[-MOST_TEXTS:]
        if not texts:
            return self.without_history()
        asked = [*options.texts.values(), *texts]
        embedder = self.user.store.embedder
        vectors = unit_rows(embedder(asked), len(asked), embedder.name)
        cosines = vectors[: len(options.texts)] @ vectors[len(options.texts) :].T
        closeness = np.sort(cosines, axis=1)[:, -NEAREST:].mean(axis=1)
        return self.answered(list(options.texts)[int(np.argmax(closeness))])

    def _own_texts(self, options: Options) -> list[str]:
        """The texts that the user chose, and the inputs of the user's items that are no options, oldest first."""
        rule = stands_for(options.field)
        offered = set(rule.inputs.values()) if rule else set()
        found: list[str] = []
        for item in self.user.history():
            found.append(query_text({name: value for name, value in item.inputs.items() if name not in offered}))
            found += chosen(options.field, self.task.output, item)
        return [text for text in dict.fromkeys(found) if text]
