"""Log-probabilities of given texts under a causal language model, with everything that they share computed once.

The prompts and continuations of one call are merged into a tree of tokens. Each tree runs through the model in one
forward pass, in which a token attends to its ancestors only, on top of whatever beginning is in the prefix cache. The
fifteen labels of a task cost a dozen positions instead of fifteen prompts, and candidates that differ in their persona
share everything that stands before it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from personaopt.errors import ModelError
from personaopt.lm.prefix_cache import PrefixCache, shared_length

if TYPE_CHECKING:
    import torch

    from personaopt.lm.prefix_cache import States

Tokens = Sequence[int]


class TokenTree:
    """Token sequences merged where they begin alike; node i's parent stands before it, -1 is the root."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self.depths: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def add(self, sequence: Tokens) -> list[int]:
        """Merge a sequence in and return its path: the node of each of its tokens."""
        path, parent = [], -1
        for token in sequence:
            node = self._children.get((parent, token))
            if node is None:
                node = self._children[(parent, token)] = len(self.tokens)
                self.tokens.append(token)
                self.parents.append(parent)
                self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)
            path.append(node)
            parent = node
        return path

    def visible(self) -> np.ndarray:
        """Booleans of shape (nodes, nodes): whether the node of a row sees the node of a column."""
        seen = np.zeros((len(self.tokens), len(self.tokens)), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] = seen[parent]
            seen[node, node] = True
        return seen


class SequenceScorer:
    """Scores continuations of prompts under one model.

    Not safe for several threads at once; the engine that owns it takes care of that.

    Args:
        model: A causal language model of transformers.
        cache: States of earlier prompts; None computes every prompt anew.
        most_nodes: Tokens that one forward pass may hold.
    """

    def __init__(self, model: Any, cache: PrefixCache | None = None, *, most_nodes: int = 1536) -> None:
        self.model = model
        self.cache = cache
        self.most_nodes = most_nodes
        self.computed_tokens = 0

    def score(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> list[list[float]]:
        """Summed log-probabilities (natural logarithm) of each prompt's continuations, in the order given.

        Args:
            prompts: Token ids, at least one each.
            continuations: For each prompt the token ids of the texts that may follow it, at least one token each.

        Raises:
            ModelError: A prompt or continuation is empty, or together they pass the model's context.
        """
        self._check(prompts, continuations)
        results: list[list[float]] = [[] for _ in prompts]
        for group in self._groups(prompts, continuations):
            for position, values in zip(group, self._score_group(prompts, continuations, group), strict=True):
                results[position] = values
        return results

    def stepper(self, prompt: Tokens) -> Generator[np.ndarray, int, None]:
        """Logits of the token after the prompt, shape (vocabulary,); each token sent in gives those after it."""
        import torch

        self._check([prompt], [[[0]]])
        length, states = self.prefill(prompt[:-1])
        tokens = list(prompt[length:])
        while True:
            tree = TokenTree()
            with torch.inference_mode():
                logits, states = self._forward(tree, tree.add(tokens)[-1:], length, states)
            length += len(tokens)
            if self.cache and length == len(prompt):
                self.cache.insert(prompt, states)
            tokens = [(yield logits[0].float().cpu().numpy())]

    def prefill(self, prompt: Tokens) -> tuple[int, States]:
        """States of a prompt's beginning, computed in pieces that fit the model, and how many tokens they cover."""
        import torch

        length, states = self.cache.match(prompt) if self.cache else (0, [])
        while len(prompt) - length > self.most_nodes:
            piece = prompt[length : length + self.most_nodes]
            tree = TokenTree()
            with torch.inference_mode():
                _, states = self._forward(tree, tree.add(piece)[-1:], length, states)
            length += len(piece)
            if self.cache:
                self.cache.insert(prompt[:length], states)
        return length, states

    def _check(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> None:
        context = getattr(self.model.config, "max_position_embeddings", None) or 1 << 30
        for prompt, texts in zip(prompts, continuations, strict=True):
            if not prompt or not all(len(text) for text in texts):
                raise ModelError("A text to be scored is empty; give at least one token of prompt and of continuation.")
            longest = len(prompt) + max((len(text) for text in texts), default=0)
            if longest > context:
                raise ModelError(f"A prompt of {longest} tokens passes the model's context of {context}; shorten it.")

    def _groups(self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]]) -> Iterator[list[int]]:
        """Positions of prompts that share more than half of the shorter one, as many as one forward pass holds."""
        group: list[int] = []
        nodes = 0
        for position in sorted(range(len(prompts)), key=lambda place: tuple(prompts[place])):
            prompt = prompts[position]
            own = sum(len(text) for text in continuations[position])
            if group:
                common = shared_length(prompts[group[-1]], prompt)
                fits = nodes + len(prompt) - common + own <= self.most_nodes
                if 2 * common > min(len(prompt), len(prompts[group[0]])) and fits:
                    group.append(position)
                    nodes += len(prompt) - common + own
                    continue
                yield group
            group, nodes = [position], len(prompt) + own
        if group:
            yield group

    def _score_group(
        self, prompts: Sequence[Tokens], continuations: Sequence[Sequence[Tokens]], group: list[int]
    ) -> list[list[float]]:
        import torch

        trunk = prompts[group[0]][: min(shared_length(prompts[group[0]], prompts[other]) for other in group)]
        # The last token of a prompt is always computed: its output is what the continuation is read from.
        length, states = self.prefill(trunk[: min(len(prompts[position]) for position in group) - 1])
        tree = TokenTree()
        ends, paths = [], []
        for position in group:
            rest = list(prompts[position][length:])
            ends.append(tree.add(rest))
            paths.append([tree.add([*rest, *text])[len(rest) :] for text in continuations[position]])
        sources = sorted({tree.parents[node] for texts in paths for path in texts for node in path})
        with torch.inference_mode():
            logits, after = self._forward(tree, sources, length, states)
            log_probabilities = torch.log_softmax(logits.float(), dim=-1)
            nodes = [node for texts in paths for path in texts for node in path]
            row = {source: place for place, source in enumerate(sources)}
            picked = log_probabilities[[row[tree.parents[n]] for n in nodes], [tree.tokens[n] for n in nodes]].tolist()
            if self.cache:
                for position, path in zip(group, ends, strict=True):
                    self.cache.insert(prompts[position], _along(after, length, path))
        taken = iter(picked)
        return [[float(sum(next(taken) for _ in path)) for path in texts] for texts in paths]

    def _forward(
        self, tree: TokenTree, keep: Sequence[int], length: int, states: States
    ) -> tuple[torch.Tensor, States]:
        """Logits of the nodes to keep, shape (kept, vocabulary), and the states of beginning and tree together."""
        import torch
        from transformers import DynamicCache

        device, dtype = self.model.device, self.model.dtype
        past = DynamicCache()
        for layer, (keys, values) in enumerate(states):
            past.update(keys, values, layer)
        size = len(tree.tokens)
        mask = torch.zeros((1, 1, size, length + size), dtype=dtype, device=device)
        hidden = torch.from_numpy(~tree.visible()).to(device)
        mask[0, 0, :, length:].masked_fill_(hidden, torch.finfo(dtype).min)
        output = self.model(
            input_ids=torch.tensor([tree.tokens], device=device),
            attention_mask=mask,
            position_ids=torch.tensor([[length + depth for depth in tree.depths]], device=device),
            past_key_values=past,
            use_cache=True,
            logits_to_keep=torch.tensor(list(keep), device=device),
        )
        self.computed_tokens += size
        return output.logits[0], [(layer.keys, layer.values) for layer in output.past_key_values.layers]


def _along(states: States, length: int, path: list[int]) -> States:
    """The states of the beginning and of one path of the tree behind it."""
    import torch

    places = torch.tensor([*range(length), *(length + node for node in path)], device=states[0][0].device)
    return [(keys.index_select(2, places), values.index_select(2, places)) for keys, values in states]
