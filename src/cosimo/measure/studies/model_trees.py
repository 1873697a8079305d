r"""Trees of models by their similarities: average linkage of 1 - s, cut into clusters, or drawn above the matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cosimo._extras import need
from cosimo.errors import DataError
from cosimo.types import Floats

READABLE = 12
"""Models up to which values are written into the cells."""


def tree(S: Floats) -> Floats:
    """(M - 1, 4) the tree of models with similarities S (M, M), as scipy writes it.

    >>> tree(np.array([[1.0, 0.9, -0.1], [0.9, 1.0, 0.1], [-0.1, 0.1, 1.0]]))
    array([[0. , 1. , 0.1, 2. ],
           [2. , 3. , 1. , 3. ]])
    """
    from scipy.cluster.hierarchy import linkage

    found: Floats = linkage((1 - S)[np.triu_indices(len(S), 1)].clip(min=0), "average")
    return found


def cut(found: Floats, n_clusters: int) -> list[int]:
    """The cluster of each model, from 1, where a tree (M - 1, 4) is cut."""
    from scipy.cluster.hierarchy import cut_tree

    if not 1 <= n_clusters <= len(found) + 1:
        raise DataError(f"{len(found) + 1} models cannot be cut into {n_clusters} clusters")
    return [int(label) + 1 for label in cut_tree(found, [n_clusters]).ravel()]


def drawn(names: Sequence[str], S: Floats, found: Floats, *, title: str) -> Any:
    """A matplotlib figure of the similarities S (M, M), models in the order of their tree, which is drawn above."""
    figures = need("matplotlib.figure", extra="plots")
    from scipy.cluster.hierarchy import dendrogram

    lines: dict[str, Any] = dict(dendrogram(found, no_plot=True))
    order, M = lines["leaves"], len(names)
    figure = figures.Figure(figsize=(2.5 + 0.6 * M, 3.5 + 0.6 * M), layout="constrained")
    top, bottom = figure.subplots(2, height_ratios=(1, 3))
    for x, y in zip(lines["icoord"], lines["dcoord"], strict=True):
        top.plot([place / 10 - 0.5 for place in x], y, color="black", linewidth=1)  # leaves lie at 5, 15, 25, ...
    top.set(xlim=(-0.5, M - 0.5), xticks=[], ylabel="1 - similarity", title=title)
    shown = S[order][:, order]
    image = bottom.imshow(shown, aspect="auto", vmin=min(0.0, float(S.min())), vmax=1)
    listed = [names[i] for i in order]
    bottom.set_xticks(range(M), listed, rotation=90)
    bottom.set_yticks(range(M), listed)
    for i, j in np.ndindex(shown.shape) if M <= READABLE else ():
        dark = image.norm(shown[i, j]) < 0.5
        bottom.text(j, i, f"{shown[i, j]:.2f}", ha="center", va="center", color="white" if dark else "black")
    figure.colorbar(image, ax=bottom)
    return figure
