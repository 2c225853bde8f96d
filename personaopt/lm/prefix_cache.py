"""Attention states of prompts seen before, found again by their longest common beginning.

A radix tree over token ids: prompts that begin alike share the nodes of what they share, so that every token's keys and
values are kept once. The least recently used leaves go first when the tree holds more tokens than it may.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    States = list[tuple[torch.Tensor, torch.Tensor]]
    """Keys and values of one piece of text, a pair a layer, each of shape (1, heads, tokens, width)."""


def shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences have in common from their beginning."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


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

    def match(self, tokens: Sequence[int]) -> tuple[int, States]:
        """The longest kept beginning of `tokens`: its length and its states (an empty list for length 0)."""
        pieces: list[States] = []
        node, length = self._root, 0
        while length < len(tokens) and (child := node.children.get(tokens[length])):
            common = shared_length(child.tokens, tokens[length:])
            child.used = next(self._clock)
            pieces.append([(keys[:, :, :common], values[:, :, :common]) for keys, values in child.states])
            length += common
            if common < len(child.tokens):
                break
            node = child
        return length, _joined(pieces)

    def insert(self, tokens: Sequence[int], states: States) -> None:
        """Keep the states of `tokens`, all of them; what is kept already is not kept twice."""
        node, length = self._root, 0
        while length < len(tokens) and (child := node.children.get(tokens[length])):
            common = shared_length(child.tokens, tokens[length:])
            if common < len(child.tokens):
                child = self._split(child, common)
            child.used = next(self._clock)
            node, length = child, length + common
        if length < len(tokens):
            # Cloned: a slice would keep the whole forward pass's tensor alive.
            rest = [(keys[:, :, length:].clone(), values[:, :, length:].clone()) for keys, values in states]
            leaf = _Node(tuple(tokens[length:]), rest, node, used=next(self._clock))
            node.children[leaf.tokens[0]] = leaf
            self.size += len(leaf.tokens)
            self._evict(keep=leaf)

    def clear(self) -> None:
        """Forget everything."""
        self._root, self.size = _Node(), 0

    def _split(self, node: _Node, at: int) -> _Node:
        upper = _Node(
            node.tokens[:at], [(k[:, :, :at].clone(), v[:, :, :at].clone()) for k, v in node.states], node.parent
        )
        node.states = [(k[:, :, at:].clone(), v[:, :, at:].clone()) for k, v in node.states]
        node.tokens = node.tokens[at:]
        if node.parent is not None:
            node.parent.children[upper.tokens[0]] = upper
        upper.children[node.tokens[0]] = node
        node.parent = upper
        return upper

    def _evict(self, keep: _Node) -> None:
        while self.size > self.capacity:
            leaves = [leaf for leaf in self._leaves() if leaf is not keep]
            if not leaves:
                return
            oldest = min(leaves, key=lambda leaf: leaf.used)
            if oldest.parent is not None:
                del oldest.parent.children[oldest.tokens[0]]
            self.size -= len(oldest.tokens)

    def _leaves(self) -> list[_Node]:
        leaves, waiting = [], [self._root]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.children.values())
            if not node.children and node is not self._root:
                leaves.append(node)
        return leaves


def _joined(pieces: list[States]) -> States:
    if not pieces:
        return []
    if len(pieces) == 1:
        return pieces[0]
    import torch

    return [
        (torch.cat([keys for keys, _ in layer], dim=2), torch.cat([values for _, values in layer], dim=2))
        for layer in zip(*pieces, strict=True)
    ]
