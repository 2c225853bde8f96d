"""Token sequences merged where they begin alike, and a model's forward pass over such a tree."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from personaopt.errors import ModelError

if TYPE_CHECKING:
    import torch

    from personaopt.lm.prefix_cache import States


class TokenTree:
    """Nodes in an order in which every parent stands before its children; -1 is the root."""

    def __init__(self, chain: Sequence[int] = ()) -> None:
        self.tokens: list[int] = list(chain)
        self.parents: list[int] = list(range(-1, len(self.tokens) - 1))
        self.depths: list[int] = list(range(len(self.tokens)))
        self._children = {(node - 1, token): node for node, token in enumerate(self.tokens)}

    def add(self, sequence: Sequence[int], below: int = -1) -> list[int]:
        """Merge a sequence in below a node and return its path: the node of each of its tokens."""
        path, parent = [], below
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

    @property
    def is_chain(self) -> bool:
        """Whether every node has one child at most and the first is the only root."""
        return self.parents == list(range(-1, len(self.parents) - 1))

    def visible(self) -> np.ndarray:
        """Booleans of shape (nodes, nodes): whether the node of a row sees the node of a column."""
        size = len(self.tokens)
        if self.is_chain:
            return np.tri(size, dtype=bool)
        seen = np.zeros((size, size), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node, : parent + 1] = seen[parent, : parent + 1]
            seen[node, node] = True
        return seen


class TreeModel:
    """A causal language model of transformers that reads trees.

    Args:
        model: The model, in evaluation mode.

    Raises:
        ModelError: The model has layers that are not attention over all earlier tokens or a window of them.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.config = model.config.get_text_config()
        self.computed_tokens = 0
        self._windows = _windows(self.config)

    @property
    def context(self) -> int:
        """The most tokens that a text may have."""
        return getattr(self.config, "max_position_embeddings", None) or 1 << 30

    def read(
        self, tree: TokenTree, past: Sequence[States] = (), keep: Sequence[int] | None = None
    ) -> tuple[torch.Tensor | None, States, States]:
        """Run a tree behind a text.

        Args:
            tree: What to compute.
            past: The states of the text in front of it, piece by piece.
            keep: Nodes whose logits are wanted.

        Returns:
            The logits, shape (kept, vocabulary), or None; the nodes' states; and those of text and nodes together.
        """
        import torch

        device = self.model.device
        states = _states_class()(past)
        settings = {
            "input_ids": torch.tensor([tree.tokens], device=device),
            "attention_mask": self._mask(tree, states.length),
            "position_ids": torch.tensor([tree.depths], device=device) + states.length,
            "past_key_values": states,
            "use_cache": True,
        }
        self.computed_tokens += len(tree.tokens)
        with torch.inference_mode():
            if keep is None:
                self.model.base_model(**settings)
                return None, states.new, states.whole
            output = self.model(**settings, logits_to_keep=torch.tensor(list(keep), dtype=torch.long, device=device))
            return output.logits[0].float(), states.new, states.whole

    def _mask(self, tree: TokenTree, length: int) -> Any:
        """What to add to the attention's scores; None where the model's own causal attention is right."""
        windowed = any(self._windows.values())
        if tree.is_chain and not windowed and (length == 0 or len(tree.tokens) == 1):
            return None
        masks = {kind: self._window_mask(tree, length, window) for kind, window in self._windows.items()}
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _window_mask(self, tree: TokenTree, length: int, window: int | None) -> torch.Tensor:
        import torch

        visible = np.concatenate([np.ones((len(tree.tokens), length), dtype=bool), tree.visible()], axis=1)
        if window:
            depths = np.asarray(tree.depths) + length
            places = np.concatenate([np.arange(length), depths])
            visible &= depths[:, None] - places[None] < window
        mask = torch.zeros((1, 1, *visible.shape), dtype=self.model.dtype)
        mask.masked_fill_(torch.from_numpy(~visible), torch.finfo(self.model.dtype).min)
        return mask.to(self.model.device)


def _windows(config: Any) -> dict[str, int | None]:
    """The kinds of attention layers that a model has, with the tokens that each looks back; None for all."""
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if unknown := kinds - {"full_attention", "sliding_attention"}:
        raise ModelError(
            f"A {config.model_type} model has layers of the kind {min(unknown)}, which cannot be scored here; "
            "take a model with attention layers only."
        )
    if not kinds:
        return {"sliding_attention": window} if window else {"full_attention": None}
    return {kind: window if kind == "sliding_attention" else None for kind in sorted(kinds)}


@functools.cache
def _states_class() -> Any:
    """The class that hands a model its past; made late, because transformers takes seconds to import."""
    import torch
    from transformers import DynamicCache

    class PastStates(DynamicCache):
        """Puts the past in front of what a layer computed, with one copy, and keeps apart what is new."""

        def __init__(self, past: Sequence[States]) -> None:
            super().__init__()
            self.past = past
            self.length = sum(piece[0][0].shape[2] for piece in past)
            self.new: States = []
            self.whole: States = []

        def update(self, keys: Any, values: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
            self.new.append((keys, values))
            if self.past:
                pairs = [piece[layer] for piece in self.past]
                keys = torch.cat([*(old for old, _ in pairs), keys], dim=2)
                values = torch.cat([*(old for _, old in pairs), values], dim=2)
            self.whole.append((keys, values))
            return keys, values

        def get_seq_length(self, *_: Any, **__: Any) -> int:
            return self.length

        def get_mask_sizes(self, query_length: int, *_: Any, **__: Any) -> tuple[int, int]:
            return self.length + query_length, 0

    return PastStates
