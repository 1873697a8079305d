r"""Margins: scores relative to how close both sides are to everything, for finding translations.

$$\mathrm{ratio}(x, y) =
\frac{s(x, y)}{\frac{1}{2k} \sum_{z \in N_k(x)} s(x, z) + \frac{1}{2k} \sum_{z \in N_k(y)} s(z, y)}$$

$s$ -> `S` (n, m), $N_k$ -> the k nearest on the other side.

Pitfalls: the neighbourhood of a target taken over targets instead of sources; k larger than a side; a quotient
of negative scores, which turns the order round (a neighbourhood below `LEAST` counts as that); the best margin of all
targets instead of the k nearest, among which a far target in an empty neighbourhood is not.
Reference: Artetxe and Schwenk 2019, Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
https://arxiv.org/abs/1811.01136
"""

import numpy as np
from numpy.typing import NDArray

from cosimo.errors import DataError
from cosimo.types import PerItem, Scores

MARGINS = ("ratio", "distance", "absolute")

LEAST = 1e-6
"""The least neighbourhood that a score is divided by."""

SAME = 1e-6
"""Scores that differ by less, relatively, are taken for the same: vectors and their products are float32."""


def margin_scores(S: Scores, *, margin: str = "ratio", k: int = 4) -> Scores:
    """(n, m) scores `S` (n, m) of sources and targets, each relative to the nearest k of both.

    margin
        `ratio`, `distance` (their difference) or `absolute` (the scores as they are).

    Raises
    ------
    DataError
        An unknown margin, or k below 1.

    >>> margin_scores(np.array([[0.8, 0.4], [0.6, -0.2]]), margin="distance", k=1)
    array([[ 0. , -0.2],
           [-0.1, -0.7]])
    """
    if margin not in MARGINS or k < 1:
        raise DataError(f"wanted a margin of {', '.join(MARGINS)} and k of at least 1, got {margin!r} and {k}")
    if margin == "absolute" or not S.size:
        return S
    around: Scores = (mean_of_best(S, k)[:, None] + mean_of_best(S.T, k)) / 2
    relative: Scores = S - around if margin == "distance" else S / np.maximum(around, LEAST)
    return relative


def best_targets(S: Scores, *, margin: str = "ratio", k: int = 4) -> NDArray[np.bool_]:
    """(n, m) True for the target that beats the others by its margin, among the k nearest of each source.

    More than one is True in a row where the best score the same, such as targets whose vectors do not differ.

    margin
        As in `margin_scores`.

    >>> best_targets(np.array([[0.8, 0.4], [0.6, -0.2], [0.3, 0.3]]), k=2)
    array([[ True, False],
           [ True, False],
           [False,  True]])
    """
    relative = margin_scores(S, margin=margin, k=k)
    if not S.size:
        return np.zeros(S.shape, np.bool_)
    m = S.shape[1]
    far = np.partition(S, m - min(k, m), axis=1)[:, [m - min(k, m)]]
    near = np.where(far - SAME * np.abs(far) <= S, relative, -np.inf)
    top = near.max(axis=1, keepdims=True)
    best: NDArray[np.bool_] = near >= top - SAME * np.abs(top)
    return best


def mean_of_best(S: Scores, k: int) -> PerItem:
    """(n,) mean of the k best of each row of S (n, m), or of all where there are fewer.

    >>> mean_of_best(np.array([[0.5, -0.2, 0.1]]), 2)
    array([0.3])
    """
    k = min(k, S.shape[1])
    means: PerItem = np.partition(S, S.shape[1] - k, axis=1)[:, S.shape[1] - k :].mean(axis=1)
    return means
