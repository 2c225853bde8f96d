"""The methods that ask no LM: what the user mostly said, and what the user said in the most similar cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dspy
import numpy as np

from personaopt.evals.baselines import most_frequent, nearest_response
from personaopt.evals.lamp.deciding import median
from personaopt.evals.lamp.methods.method import NOTHING_LEARNT, Preparation, Setting
from personaopt.interaction import Interaction
from personaopt.memory import User
from personaopt.memory.choices import spelled
from personaopt.memory.embedding import unit_rows
from personaopt.memory.episodic import Memory
from personaopt.memory.priors import label_frequencies, neighbour_vote
from personaopt.signatures.standing import options_of

NEAREST = 3
"""How many of the user's nearest items speak for an option."""


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
        """The same answer to every question, from what is known when it is asked."""
        said = [text for item in self.user.history() if (text := self.said(item)) is not None]
        if not said:
            return self.without_history()
        if self.task.kind == "rating":  # LaMP's metric takes a rating that is no label
            mean = float(np.mean([float(rating) for rating in said]))
            return self.answered(f"{mean:.6g}", label_frequencies(said, self.task.labels))
        if self.task.labels:
            return self.answered(most_frequent(said)[0], label_frequencies(said, self.task.labels))
        return self.answered(self._most_typical(said))

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
        if options := options_of(self.task.signature.output_fields[self.task.output], inputs):
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

    def _nearest_option(self, options: Mapping[str, str]) -> dspy.Prediction:
        """The option that is most similar to the user's own items, by the mean of the nearest few."""
        closeness = {label: _closeness(self.user.similarities(text)) for label, text in options.items()}
        return self.answered(max(closeness, key=lambda label: closeness[label]))


def _closeness(memories: Sequence[Memory]) -> float:
    nearest = sorted((memory.similarity for memory in memories), reverse=True)[:NEAREST]
    return float(np.mean(nearest)) if nearest else 0.0
