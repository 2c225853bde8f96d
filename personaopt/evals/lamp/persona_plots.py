"""Plots of personas: how alike they are between users, where they lie, and how they change while they learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from personaopt.evals import canvas
from personaopt.evals.lamp.personas import (
    STUDIED,
    Learnt,
    Placing,
    between_users,
    distances,
    jaccard,
    learnt,
    lengths,
    positions,
    vectors,
)
from personaopt.evals.lamp.summary import TaskSummary
from personaopt.evals.statistics import bootstrap_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 7


def draw(summary: TaskSummary, folder: Path, embedder: Placing) -> list[Path]:
    """Draw the personas of the methods that align one, of the first language model.

    Args:
        summary: The task.
        folder: Where the files go, as PNG and SVG.
        embedder: Places personas on the map, see `vectors`.

    Returns:
        The PNGs.
    """
    drawn = []
    for method in STUDIED:
        found = learnt(summary.section, method)
        if len(found) < 2:
            continue
        name, title = canvas.file_name(summary.section.title, method), f"{summary.section.title}, {method}"
        drawn.append(canvas.save(likeness(found, title), folder, f"{name}-jaccard"))
        drawn.append(canvas.save(map_of(found, title, embedder), folder, f"{name}-map"))
        if max(len(each.personas) for each in found) > 1:
            drawn.append(canvas.save(growth(found, title), folder, f"{name}-personas"))
    return drawn


def likeness(found: Sequence[Learnt], title: str) -> Figure:
    """The Jaccard matrix of the users' personas, before and after the alignment (the paper's figure 5)."""
    made = canvas.figure(9.2, 4.9, f"{title}: words that two users' personas share (Jaccard)")
    order = sorted(range(len(found)), key=lambda place: (found[place].favourite, found[place].user))
    sides = (("before alignment", 0), ("aligned", -1))
    for axes, (name, which) in zip(canvas.grid(made, 2, 2), sides, strict=True):
        matrix = jaccard([found[place].personas[which] for place in order])
        image = axes.imshow(matrix, cmap="cividis", vmin=0, vmax=1, interpolation="nearest")
        if which:
            made.colorbar(image, ax=made.axes, shrink=0.8)
        axes.set_title(f"{name}: mean between users {between_users(matrix):.2f}", fontsize=10, color=canvas.INK)
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(f"{len(found)} users" + (", by their most frequent answer" if found[0].favourite else ""))
    return made


def map_of(found: Sequence[Learnt], title: str, embedder: Placing) -> Figure:
    """The personas' embeddings in the plane, coloured by the user's most frequent answer (the paper's figure 2)."""
    rows, source = vectors([each.personas[-1] for each in found], embedder)
    places, how = positions(rows)
    made = canvas.figure(7.0, 4.8, f"{title}: aligned personas ({source}, {how})")
    axes = made.subplots()
    counts = Counter(each.favourite for each in found)
    named = sorted((label for label in counts if label), key=lambda label: (-counts[label], label))
    shown = named if len(named) <= _NAMED + 1 else named[:_NAMED]
    for place, label in enumerate([*shown, ""]):
        own = [each.favourite == label if label else each.favourite not in shown for each in found]
        if any(own):
            text = f"{label or 'others'} ({sum(own)})"
            colour = canvas.PALETTE[place % len(canvas.PALETTE)] if label else canvas.PLAIN
            marker = canvas.MARKERS[place % len(canvas.MARKERS)]
            across, up = places[np.array(own)].T
            axes.scatter(across, up, s=42, color=colour, marker=marker, alpha=0.85, linewidths=0, label=text)
    axes.set(xticks=[], yticks=[])
    axes.margins(0.08)
    for side in axes.spines.values():
        side.set_color(canvas.FAINT)
    if shown:
        canvas.legend(made, "user's most\nfrequent answer")
    return made


def growth(found: Sequence[Learnt], title: str) -> Figure:
    """Length and edit distance over the epochs: every user as a faint line, the mean with its interval."""
    made = canvas.figure(8.6, 3.6, f"{title}: personas while they learn")
    left, right = canvas.grid(made, 2, 2)
    _over_epochs(left, lengths(found), "length in tokens", 0)
    _over_epochs(right, distances(found), "words changed since the epoch before", 1)
    return made


def _over_epochs(axes: Any, values: np.ndarray, label: str, start: int) -> None:
    epochs = list(range(start, start + values.shape[1]))
    for row in values:
        axes.plot(epochs, row, color=canvas.PLAIN, linewidth=0.7, marker=".", markersize=4, alpha=0.5)
    means = [bootstrap_mean({str(user): [value] for user, value in enumerate(column)}) for column in values.T]
    axes.fill_between(
        epochs, [m.low for m in means], [m.high for m in means], color=canvas.STRONG, alpha=0.25, linewidth=0
    )
    axes.plot(epochs, [m.mean for m in means], color=canvas.STRONG, marker="o", markersize=5, linewidth=2)
    if len(epochs) == 1:  # no band to be seen
        reach = [[means[0].mean - means[0].low], [means[0].high - means[0].mean]]
        axes.errorbar(epochs, [means[0].mean], yerr=reach, color=canvas.STRONG, capsize=3)
    axes.set_xticks(epochs)
    axes.set_xlabel("epoch; whose alignment ended stays as it was", fontsize=10)
    axes.set_ylabel(label, fontsize=10)
    axes.set_ylim(bottom=0)
    canvas.quiet(axes)
