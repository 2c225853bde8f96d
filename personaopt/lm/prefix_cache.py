"""Attention states of prompts seen before, found again by their longest common beginning.

A radix tree over token ids: prompts that begin alike share the nodes of what they share, so that every token's keys and
values are kept once. The least recently used leaves go first when the tree would hold more tokens than it may.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    States = list[tuple[torch.Tensor, torch.Tensor]]
    """Keys and values of one piece of text, a pair a layer, each of shape (1, heads, tokens, width)."""


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences have in common from their beginning."""
    most = min(len(first), len(second))
    if first[:most] == second[:most]:  # compared in C; the usual case by far
        return most
    return next(place for place in range(most) if first[place] != second[place])


@dataclasses.dataclass(eq=False)
class _Node:
    tokens: tuple[int, ...] = ()
    states: States = dataclasses.field(default_factory=list)
    parent: _Node | None = None
    children: dict[int, _Node] = dataclasses.field(default_factory=dict)
    used: int = 0


class PrefixCache:
    """Keys and values by token prefix.

    Args:
        capacity: Most tokens that are kept; a token of a 135M model costs about 46 KB in 32-bit floats.
    """

    def __init__(self, capacity: int = 16_384) -> None:
        self.capacity = capacity
        self.size = 0
        self._root = _Node()
        self._clock = itertools.count(1)

    def match(self, tokens: Sequence[int]) -> tuple[int, list[States]]:
        """The longest kept beginning of `tokens`: its length, and its states piece by piece."""
        pieces: list[States] = []
        length = 0
        for node, common in self._walk(tuple(tokens)):
            whole = common == len(node.tokens)
            pieces.append(node.states if whole else _part(node.states, 0, common))
            length += common
        return length, pieces

    def insert(self, tokens: Sequence[int], start: int, states: States) -> None:
        """Keep the states of `tokens[start:]`; what is kept already is not kept twice.

        Does nothing where the states of the first `start` tokens are no longer kept, or where all of them together
        pass the capacity.
        """
        tokens = tuple(tokens)
        if len(tokens) > self.capacity:
            return
        node, length = self._root, 0
        for child, common in list(self._walk(tokens)):
            node = child if common == len(child.tokens) else self._split(child, common)
            length += common
        if start <= length < len(tokens):
            # Cloned: a slice would keep the whole forward pass's tensor alive.
            rest = _part(states, length - start, len(tokens) - start, clone=True)
            leaf = _Node(tokens[length:], rest, node, used=next(self._clock))
            node.children[leaf.tokens[0]] = leaf
            self.size += len(leaf.tokens)
            self._evict(keep=leaf)

    def clear(self) -> None:
        """Forget everything."""
        self._root, self.size = _Node(), 0

    def _walk(self, tokens: tuple[int, ...]) -> Iterator[tuple[_Node, int]]:
        """The nodes along a text, with how many of their tokens it has: all of them, except perhaps of the last."""
        node, length = self._root, 0
        while length < len(tokens) and (child := node.children.get(tokens[length])):
            common = shared_length(child.tokens, tokens[length : length + len(child.tokens)])
            child.used = next(self._clock)
            yield child, common
            if common < len(child.tokens):
                return
            node, length = child, length + common

    def _split(self, node: _Node, at: int) -> _Node:
        upper = _Node(node.tokens[:at], _part(node.states, 0, at, clone=True), node.parent, used=node.used)
        node.states = _part(node.states, at, len(node.tokens), clone=True)
        node.tokens = node.tokens[at:]
        if node.parent is not None:
            node.parent.children[upper.tokens[0]] = upper
        upper.children[node.tokens[0]] = node
        node.parent = upper
        return upper

    def _evict(self, keep: _Node) -> None:
        while self.size > self.capacity:
            # What `keep` hangs on is no leaf, so there is another leaf as long as the tree is too large.
            oldest = min((leaf for leaf in self._leaves() if leaf is not keep), key=lambda leaf: leaf.used)
            if oldest.parent is not None:
                del oldest.parent.children[oldest.tokens[0]]
            self.size -= len(oldest.tokens)

    def _leaves(self) -> Iterator[_Node]:
        waiting = list(self._root.children.values())
        while waiting:
            node = waiting.pop()
            waiting.extend(node.children.values())
            if not node.children:
                yield node


def _part(states: States, start: int, end: int, *, clone: bool = False) -> States:
    pairs = [(keys[:, :, start:end], values[:, :, start:end]) for keys, values in states]
    return [(keys.clone(), values.clone()) for keys, values in pairs] if clone else pairs
