"""Log-probabilities of given texts under a causal language model, with everything that they share computed once.

What the prompts of one call have in common at their beginning is computed first, or taken from the prefix cache. What
differs (the ends of the prompts, and all but the last token of every continuation) is merged into a tree of tokens and
runs through the model in one pass, in which a token attends to its ancestors only. The fifteen labels of a task cost a
dozen positions instead of fifteen prompts, and candidates for a persona share everything that stands before it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from personaopt.errors import ModelError
from personaopt.lm.prefix_cache import PrefixCache, shared_length
from personaopt.lm.token_tree import TokenTree, TreeModel

if TYPE_CHECKING:
    import torch

    from personaopt.lm.prefix_cache import States

Tokens = Sequence[int]

WORTH_A_PASS = 64
"""From this many shared tokens on, computing them in a pass of their own is cheaper than having them in the tree."""

ROWS_AT_ONCE = 128
"""So many positions are normalised over the vocabulary at a time, so that memory does not grow with the texts."""


class PromptTooLong(ModelError):
    """A text that passes the model's context."""


class SequenceScorer:
    """Scores continuations of prompts under one model.

    Not safe for several threads at once; the engine that owns it takes care of that.

    Args:
        model: A causal language model of transformers.
        cache: States of earlier prompts; None computes every prompt anew.
        most_nodes: Tokens that one forward pass should hold; a single prompt's continuations may pass it.

    Raises:
        ModelError: The model is of a kind that cannot be scored.
    """

    def __init__(self, model: Any, cache: PrefixCache | None = None, *, most_nodes: int = 1536) -> None:
        self.model = model
        self.cache = cache
        self.most_nodes = most_nodes
        self._tree_model = TreeModel(model)

    @property
    def computed_tokens(self) -> int:
        """How many tokens went through the model so far."""
        return self._tree_model.computed_tokens

    @property
    def context(self) -> int:
        """The most tokens that a text may have."""
        return self._tree_model.context

    def score(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """Summed log-probabilities (natural logarithm) of each prompt's continuations, in the order given.

        Args:
            prompts: Token ids, at least one each.
            continuations: For each prompt the token ids of the texts that may follow it, at least one token each.

        Raises:
            ModelError: A prompt or continuation is empty, or together they pass the model's context.
        """
        if len(prompts) != len(continuations):
            raise ModelError(f"There are {len(prompts)} prompts and continuations for {len(continuations)}.")
        for prompt, texts in zip(prompts, continuations, strict=True):
            self._check(prompt, texts)
        prompts = [tuple(prompt) for prompt in prompts]
        results: list[list[float]] = [[] for _ in prompts]
        for group in self._groups(prompts, continuations):
            scores = self._score_group([prompts[place] for place in group], [continuations[place] for place in group])
            for place, values in zip(group, scores, strict=True):
                results[place] = values
        return results

    def stepper(self, prompt: Tokens) -> Generator[np.ndarray, int, None]:
        """Logits of the token after the prompt, shape (vocabulary,); each token sent in gives those after it.

        Raises:
            ModelError: The prompt is empty or leaves no room in the model's context.
        """
        self._check(prompt, [[0]])
        prompt = tuple(prompt)
        length, past = self._prefill(prompt[:-1], least=1)
        tokens = list(prompt[length:])
        while True:
            logits, new, whole = self._tree_model.read(TokenTree(tokens), past, keep=[len(tokens) - 1])
            if self.cache and length < len(prompt):
                self.cache.insert(prompt, length, new)
            length += len(tokens)
            past = [whole]
            tokens = [(yield logits[0].cpu().numpy())]  # type: ignore[index]

    def _check(self, prompt: Tokens, texts: Sequence[Tokens]) -> None:
        if not len(prompt) or not all(len(text) for text in texts):
            raise ModelError("A text to be scored is empty; give at least one token of prompt and of continuation.")
        longest = len(prompt) + max((len(text) for text in texts), default=0)
        if longest > self.context:
            raise PromptTooLong(
                f"A prompt of {longest} tokens passes the model's context of {self.context}; shorten it."
            )

    def _groups(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> Iterator[list[int]]:
        """Places of prompts that share more than half of the shorter one, as many as one tree should hold."""
        group: list[int] = []
        shared = nodes = 0
        for place in sorted(range(len(prompts)), key=lambda place: tuple(prompts[place])):
            prompt = prompts[place]
            own = len(prompt) + sum(len(text) - 1 for text in continuations[place])
            if group:
                first = prompts[group[0]]
                common = min(shared, shared_length(first, prompt))
                differing = nodes + own - (len(group) + 1) * common
                if 2 * common > min(len(first), len(prompt)) and differing <= self.most_nodes:
                    group.append(place)
                    shared, nodes = common, nodes + own
                    continue
                yield group
            group, shared, nodes = [place], len(prompt), own
        if group:
            yield group

    def _score_group(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        # The last token of a prompt is always in the tree: its output is what a continuation is read from.
        shared = min(*(shared_length(prompts[0], prompt) for prompt in prompts), *(len(p) - 1 for p in prompts))
        length, past = self._prefill(prompts[0][:shared], least=WORTH_A_PASS)
        tree = TokenTree()
        ends = [tree.add(prompt[length:]) for prompt in prompts]
        reads: list[list[list[int]]] = []  # for each text the nodes that its tokens are read from
        for path, texts in zip(ends, continuations, strict=True):
            reads.append([[path[-1], *tree.add(text[:-1], below=path[-1])] for text in texts])
        keep = sorted({node for nodes in reads for one in nodes for node in one})
        logits, new, _ = self._tree_model.read(tree, past, keep)
        if self.cache:
            for prompt, path in zip(prompts, ends, strict=True):
                self.cache.insert(prompt, length, _chosen(new, path))
        row = {node: place for place, node in enumerate(keep)}
        rows = [row[node] for nodes in reads for one in nodes for node in one]
        tokens = [token for texts in continuations for text in texts for token in text]
        picked = iter(_log_probabilities(logits, rows, tokens))
        return [[sum(next(picked) for _ in text) for text in texts] for texts in continuations]

    def _prefill(self, prompt: Tokens, *, least: int) -> tuple[int, list[States]]:
        """States of a prompt's beginning, in passes that the model can hold, and how many tokens they cover.

        All of it, unless fewer than `least` tokens were missing.
        """
        length, past = self.cache.match(prompt) if self.cache else (0, [])
        while len(prompt) - length >= least:
            piece = prompt[length : length + self.most_nodes]
            _, new, _ = self._tree_model.read(TokenTree(piece), past)
            if self.cache:
                self.cache.insert(prompt[: length + len(piece)], length, new)
            length += len(piece)
            past = [*past, new]
        return length, past


def _log_probabilities(logits: torch.Tensor | None, rows: list[int], tokens: list[int]) -> list[float]:
    import torch

    if logits is None or not rows:
        return []
    with torch.inference_mode():
        totals = torch.cat([part.logsumexp(dim=-1) for part in logits.split(ROWS_AT_ONCE)])
        return (logits[rows, tokens] - totals[rows]).tolist()


def _chosen(states: States, nodes: list[int]) -> States:
    """The states of a path of a tree."""
    import torch

    places = torch.tensor(nodes, device=states[0][0].device)
    with torch.inference_mode():
        return [(keys.index_select(2, places), values.index_select(2, places)) for keys, values in states]
