r"""Agreement of two versions of the same vectors: are neighbours and scores what they were?

    overlap_i = #{j among the k nearest of i after : s_ij >= the k-th best s_i before} / k
    ranks = Spearman correlation of scores before and after, of random pairs without a common item
    moved = mean |s - s'| over the same pairs

Neighbours that tied with the k-th before count as right. Overlap is measured among the vectors given: among more there
are closer neighbours, which are told apart less well.

Symbols: s, s' -> scores before and after.
Pitfalls: n k neighbours counted as independent, where one item's k come and go together; an item counted as its
own neighbour, which no change can lose.
"""

import numpy as np

from cosimo._arrays import as_vectors
from cosimo._random import generator
from cosimo.contracts import Similarity
from cosimo.errors import DataError, Refused, ShapeError
from cosimo.measure.vectors.one_pass import Seen
from cosimo.search.indexes.top import kth_best
from cosimo.statistics import correlation, correlation_interval, mean_interval
from cosimo.types import Estimate, PerItem, Scores, Vectors

BLOCK = 512


def neighbour_overlap(X: Vectors, Y: Vectors, *, similarity: Similarity, k: int = 10) -> PerItem:
    """(n,) share of the k nearest of each row of `Y` (n, d') that are also nearest of that row of `X` (n, d).

    Raises
    ------
    DataError
        k is below 1, or there are not more than k rows.
    ShapeError
        X and Y have different numbers of rows.

    >>> from cosimo.compare import Cosine
    >>> X = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [-1.0, -0.2]])
    >>> neighbour_overlap(X, X[:, ::-1] * [1, -1], similarity=Cosine(), k=1)
    array([1., 1., 1., 1.])
    """
    X, Y = as_vectors(X), as_vectors(Y, name="Y")
    n = len(X)
    if len(Y) != n:
        raise ShapeError(f"both versions want the same rows, got {n} and {len(Y)}")
    if not 0 < k < n:
        raise DataError(f"k must be between 1 and one less than the {n} vectors, got {k}")
    shares = np.empty(n)
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        before, after = (_others(similarity(Z[rows], Z), start) for Z in (X, Y))
        found = np.argpartition(after, n - k, axis=1)[:, n - k :]
        right = np.take_along_axis(before, found, axis=1) >= kth_best(before, k)[:, None]
        shares[rows] = right.mean(axis=1)
    return shares


def _others(S: Scores, start: int) -> Scores:
    """The scores (b, n) with each row's own, in column `start` and on, below all others."""
    S[np.arange(len(S)), start + np.arange(len(S))] = -np.inf
    return S


def agreement(X: Vectors, Y: Vectors, *, similarity: Similarity, k: int = 10, seed: int = 0) -> dict[str, Estimate]:
    """Estimates `overlap`, `ranks` and `moved` of vectors `Y` (n, d') that stand for `X` (n, d)."""
    shares = neighbour_overlap(X, Y, similarity=similarity, k=k)
    order = generator(seed).permutation(len(X))
    a, b = order[: len(X) // 2], order[len(X) // 2 :][: len(X) // 2]
    before, after = (similarity.pairs(Z[a], Z[b]).astype(np.float64) for Z in (X, Y))
    return {
        "overlap": Estimate(float(shares.mean()), mean_interval(shares), shares),
        "ranks": correlated(before, after),
        "moved": _mean(np.abs(before - after)),
    }


def fingerprint_of(X: Vectors) -> str:
    """A digest of the rows of `X` (n, d), in any order."""
    seen = Seen()
    seen.update(X)
    return seen.fingerprint


def correlated(x: PerItem, y: PerItem) -> Estimate:
    """Rank correlation of `x` (n,) and `y` (n,), with its interval where the data carry one.

    >>> correlated(np.array([1.0, 2.0, 3.0]), np.array([-1.0, -1.0, -2.0])).value
    -0.866
    """
    value = correlation(x, y)
    try:
        return Estimate(value, correlation_interval(x, y))
    except (DataError, Refused):
        return Estimate(value)


def _mean(values: PerItem) -> Estimate:
    try:
        return Estimate(float(values.mean()), mean_interval(values, bounds=None, unit="pair"), values)
    except Refused:  # nothing moved, or all by the same
        return Estimate(float(values.mean()), None, values)
